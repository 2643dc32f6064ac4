"""Whether a pipeline is up over a state folder: the lock that it holds for as long as it lives."""

import fcntl
import os
from pathlib import Path

NAME = "up.lock"


def is_up(state: Path) -> bool:
    """Whether a pipeline runs over this state folder now."""
    try:
        lock = os.open(state / NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not take(lock)
    finally:
        os.close(lock)


def take(lock: int) -> bool:
    """Take the lock, for as long as the file is open, unless somebody else has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
