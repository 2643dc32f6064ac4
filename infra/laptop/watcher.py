"""Watching the uploads folder: a file dropped in becomes an object once nobody writes to it.

Cloud Storage shows an object only when its upload is complete. A folder shows every byte as it
comes, so a file is adopted as an object when it has been quiet for a while, longer if it was seen
to pause before, and the kernel says that no process has it open for writing.
"""

import fcntl
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from functions.adapters.directory_objects import DirectoryObjects
from schemas.events import ObjectFinalized

QUIET = timedelta(seconds=2)
PATIENCE = 3
"""A writer that paused for so long may pause this many times longer before it counts as done."""
UNFINISHED = (".part", ".crdownload", ".download", ".tmp", ".filepart")
"""Suffixes that browsers and copiers give to what they have not finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """What a file looked like, since when, and the longest pause between two changes of it."""

    size: int
    modified_ns: int
    since: float
    longest_pause: float = 0.0

    @property
    def settles_after(self) -> float:
        """Seconds without a change after which it counts as complete."""
        return max(QUIET.total_seconds(), PATIENCE * self.longest_pause)


class Watcher:
    """Adopts finished files, and tells of every object that was not there at the start."""

    def __init__(self, store: DirectoryObjects, tell: Callable[[ObjectFinalized], None]) -> None:
        self._store = store
        self._tell = tell
        self._sights: dict[str, _Sight] = {}
        self._told = {info.name: info.generation for info in store.list()}

    def step(self) -> bool:
        """One look at the folder; False, for there is never more to do at once."""
        for name, path in self._store.strays():
            if self._is_complete(name, path):
                self._store.adopt(name)
                self._sights.pop(name, None)
        for info in self._store.list():
            if self._told.get(info.name) != info.generation:
                self._tell(
                    ObjectFinalized(
                        bucket=self._store.bucket,
                        name=info.name,
                        generation=info.generation,
                        at=info.updated,
                    )
                )
                self._told[info.name] = info.generation
        return False

    def _is_complete(self, name: str, path: Path) -> bool:
        if name.lower().endswith(UNFINISHED):
            return False
        try:
            status = path.stat()
        except FileNotFoundError:
            self._sights.pop(name, None)
            return False
        now = time.monotonic()
        seen = self._sights.get(name)
        if seen is None or (seen.size, seen.modified_ns) != (status.st_size, status.st_mtime_ns):
            pause = max(seen.longest_pause, now - seen.since) if seen else 0.0
            self._sights[name] = _Sight(
                size=status.st_size, modified_ns=status.st_mtime_ns, since=now, longest_pause=pause
            )
            return False
        if now - seen.since < seen.settles_after:
            return False
        if _has_writer(path):
            self._sights[name] = replace(seen, since=now)
            return False
        return True


def _has_writer(path: Path) -> bool:
    """Whether a process has the file open for writing, where the system can say so.

    Linux refuses a read lease on such a file (fcntl(2), F_SETLEASE); elsewhere, and on file
    systems without leases, the answer is no and the quiet time alone decides. A file that we may
    not read counts as still being written: it may be given to us yet.
    """
    if sys.platform != "linux":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False
    finally:
        os.close(descriptor)
