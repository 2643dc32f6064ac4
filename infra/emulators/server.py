"""A program that serves on a port of this machine, from when it is ready until it is stopped."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

PATIENCE = timedelta(seconds=60)
"""For a start on a busy machine; alone, a Java emulator takes 1 to 3 s."""
GRACE = timedelta(seconds=10)
LAST_WORDS = 2000
"""Characters of its log that are quoted when it does not start."""


class NotStarted(Exception):
    """The program ended, or did not answer in time; the message holds its last words."""


@contextmanager
def serving(argv: Sequence[str], url: str, log: Path) -> Iterator[int]:
    """The program's process id, once `url` is answered; afterwards SIGTERM, grace, SIGKILL.

    What it writes goes to `log`. Raises NotStarted.
    """
    with log.open("wb") as words:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(process, url, log)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(GRACE.total_seconds())
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of the loopback interface on which nobody listens at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(url: str) -> bool:
    """Whether anybody speaks HTTP there, whatever is said."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


def _wait_for(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    give_up = time.monotonic() + PATIENCE.total_seconds()
    while not answers(url):
        ended = process.poll()
        if ended is not None or time.monotonic() > give_up:
            what = f"ended with status {ended}" if ended is not None else "does not answer"
            words = log.read_text(errors="replace")[-LAST_WORDS:]
            raise NotStarted(f"{process.args!r} {what}: {words}")
        time.sleep(0.02)
