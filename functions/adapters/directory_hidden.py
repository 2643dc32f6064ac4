"""The hidden folder inside a directory of objects: unfinished files, locks, and what was written.

A plain file can say its bytes and its time; everything else that an object has is kept here:

    .clipline/tmp/…            files that are being written; a crash leaves them, an opener sweeps
    .clipline/meta/ab/….json   one Record an object name, also after the object is gone
    .clipline/locks/ab         one lock for every 256th of the names
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from schemas.ids import digest
from schemas.wire import Unreadable, from_json, to_json

FOLDER = ".clipline"
STRAY_AFTER = timedelta(hours=1)
"""An unfinished file that nobody wrote to for so long has lost its writer."""

FORGET_AFTER = timedelta(days=7)
"""A removed object's generations are remembered so long: a clock would have to jump back as far
to give one of them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the store knows about one object name beside the file itself."""

    highest: int = 0
    """The largest generation that the name ever had."""
    written: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Metadata of the generations that the store wrote and that may be the live one: while a
    write is under way there are two, so that a crash at any moment leaves the right one."""


class HiddenFolder:
    """What lies under `.clipline` of one root. All of it may be deleted while nobody works."""

    def __init__(self, root: Path) -> None:
        self._tmp, self._meta, self._locks = (
            root / FOLDER / part for part in ("tmp", "meta", "locks")
        )
        for folder in (self._tmp, self._meta, self._locks):
            folder.mkdir(parents=True, exist_ok=True)
        self._sweep()

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A name for a new file on the same file system; gone at the end of the `with`."""
        path = self._tmp / uuid.uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Alone among all threads and processes that lock this name. Not to be nested."""
        with self._shard_locked(_key(name)[:2]):
            yield

    def record(self, name: str) -> Record:
        """What is known; a missing or damaged file knows nothing."""
        key = _key(name)
        try:
            path = f"{self._meta}/{key[:2]}/{key[2:]}.json"
            with open(path, "rb") as file:  # noqa: PTH123  # a Path for each object of a listing is slow
                return from_json(file.read(), Record)
        except (FileNotFoundError, Unreadable):
            return Record()

    def keep(self, name: str, record: Record) -> None:
        """Replace what is known, whole or not at all. The caller holds the lock."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.temporary() as draft:
            with draft.open("wb") as file:
                file.write(to_json(record))
                if any(record.written.values()):
                    # Losing power may cost a generation its mark, never its metadata.
                    file.flush()
                    os.fsync(file.fileno())
            draft.replace(path)

    def _path(self, name: str) -> Path:
        key = _key(name)
        return self._meta / key[:2] / f"{key[2:]}.json"

    @contextmanager
    def _shard_locked(self, shard: str) -> Iterator[None]:
        # Closing gives the lock back, and so does the end of the process, however it ends.
        with (self._locks / shard).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _sweep(self) -> None:
        """Stray files at once; of the forgotten names only one shard each time, to be quick."""
        for path in _older(self._tmp, STRAY_AFTER):
            path.unlink(missing_ok=True)
        shard = f"{os.getpid() % 256:02x}"
        if not (folder := self._meta / shard).is_dir():
            return
        with self._shard_locked(shard):
            for path in _older(folder, FORGET_AFTER):
                with suppress(FileNotFoundError, Unreadable):
                    if not from_json(path.read_bytes(), Record).written:
                        path.unlink()


def _key(name: str) -> str:
    return digest(name)[:40]


def _older(folder: Path, age: timedelta) -> Iterator[Path]:
    before = time.time() - age.total_seconds()
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                yield path
