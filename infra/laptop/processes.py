"""Other processes of this machine, found through /proc, which Linux has; proc(5)."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


def are_visible() -> bool:
    """Whether this system shows them here."""
    return Path("/proc/self/task").is_dir()


def children(parent: int) -> Sequence[int]:
    """Those that it started itself, also zombies that it has not reaped yet."""
    return [int(pid) for path in _threads(parent) for pid in _read(path).split()]


def words(pid: int) -> Sequence[str]:
    """Its command line; nothing once it is gone."""
    return _read(Path(f"/proc/{pid}/cmdline")).split("\0")[:-1]


def environment(pid: int) -> Mapping[str, str]:
    """What it was started with; nothing once it is gone."""
    lines = _read(Path(f"/proc/{pid}/environ")).split("\0")[:-1]
    return dict(line.partition("=")[::2] for line in lines)


def send(pid: int, number: int = signal.SIGKILL) -> None:
    """The signal, unless it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _threads(pid: int) -> Sequence[Path]:
    return list(Path(f"/proc/{pid}/task").glob("*/children"))


def _read(path: Path) -> str:
    """Empty for one that has just gone."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
