"""Objects in a plain directory, into which a person may drop files as well.

A dropped file is no object until it is adopted: half of a copy must not look like an upload.

An object's name is its path below the root, its generation the file's modification time in
nanoseconds. A file appears under its name by an exclusive link or by a rename, both atomic:

    data ─► .clipline/tmp/x ─► fsync ─► lock ─► stamp the time ─► keep the record ─► link or rename
                               a crash leaves the old object ◄──────────────────┘└──► the new one
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from functions.adapters.directory_hidden import HiddenFolder, Record
from functions.adapters.directory_names import segments
from functions.adapters.directory_tree import Tree, stamp
from schemas.ports import NameRefused, ObjectInfo, ObjectMissing, PreconditionFailed

_TRIES = 100
"""How often a write may find its folder pruned by a neighbour before something else is wrong."""


class DirectoryObjects:
    """An ObjectStore for any number of threads and processes on one machine.

    Hidden files, links and devices are no objects. Writing raises NameRefused for a name that is
    none, and for `a/b` beside an object `a`.
    """

    def __init__(self, root: Path, bucket: str) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._bucket = bucket
        self._tree = Tree(root.resolve())
        self._hidden = HiddenFolder(root.resolve())

    @property
    def bucket(self) -> str:
        """The bucket's name, as events say it."""
        return self._bucket

    def now(self) -> datetime:
        """The machine's clock, in UTC."""
        return datetime.now(UTC)

    def stat(self, name: str) -> ObjectInfo | None:
        """The live generation, or None."""
        while True:
            try:
                found = self._tree.found(name)
            except NameRefused:
                return None  # what can never be written is not there
            if found is None:
                return None
            written = self._hidden.record(name).written.get(found.st_mtime_ns)
            if written is not None:
                return _info(name, found, written)
            # Without a record it is a stray, unless it was replaced between the two looks.
            if _same(found, self._tree.found(name)):
                return None

    def list(
        self, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[ObjectInfo]:
        """Objects in name order. Looks only into folders that can hold such names."""
        infos = (self._listed(name, found) for name, found in self._tree.files(prefix, after))
        return islice((info for info in infos if info is not None), limit)

    def _listed(self, name: str, found: os.stat_result | None) -> ObjectInfo | None:
        """Of a file that was seen in its folder: looked at again only if it has no record."""
        if found is not None:
            written = self._hidden.record(name).written.get(found.st_mtime_ns)
            if written is not None:
                return _info(name, found, written)
        return self.stat(name)

    def read(self, name: str) -> bytes:
        """A small object's bytes. Raises ObjectMissing."""
        for _ in range(_TRIES):
            info = self._stat(name)
            with suppress(ObjectMissing), self._opened(name, info.generation) as file:
                return _bytes(file, 0, info.size_bytes)
        raise ObjectMissing(f"{name} changes all the time")

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """At most `length` bytes from `start`; fewer at the end. Raises ObjectMissing."""
        with self._opened(name, generation) as file:
            return _bytes(file, start, length)

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation_match: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write a small object. Raises PreconditionFailed."""
        segments(name)
        with self._hidden.temporary() as draft:
            draft.write_bytes(data)
            return self._put(name, draft, if_generation_match, metadata or {})

    def upload(
        self,
        name: str,
        path: Path,
        *,
        if_generation_match: int | None = 0,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write a file of any size, by default create-only. Raises PreconditionFailed."""
        _check(self._tree.found(name), if_generation_match, name)
        with self._hidden.temporary() as draft:
            shutil.copyfile(path, draft)
            _flush(draft)  # here, not under the lock, where the rest of a large file would wait
            return self._put(name, draft, if_generation_match, metadata or {})

    def download(self, name: str, path: Path) -> ObjectInfo:
        """Copy the live generation to a file. Raises ObjectMissing."""
        for _ in range(_TRIES):
            info = self._stat(name)
            with suppress(ObjectMissing), self._opened(name, info.generation) as file:
                with os.fdopen(os.dup(file), "rb") as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                return info
        raise ObjectMissing(f"{name} changes all the time")

    def delete(self, name: str, *, if_generation_match: int | None = None) -> None:
        """Remove it, and its folders when they are empty. Raises PreconditionFailed."""
        segments(name)
        with self._hidden.locked(name):
            found = self._tree.found(name)
            if found is None:
                return
            _check(found, if_generation_match, name)
            record = self._hidden.record(name)
            highest = max(record.highest, found.st_mtime_ns)
            self._hidden.keep(name, replace(record, highest=highest))
            self._tree.remove(name)
            self._hidden.keep(name, Record(highest=highest))
        self._tree.prune(name)

    @contextmanager
    def readable(self, name: str, *, generation: int) -> Iterator[str]:
        """`file:` and the path: ffmpeg takes nothing in it for options or another protocol."""
        _check_same(self._tree.found(name), generation, name)
        yield f"file:{self._tree.path(name)}"
        _check_same(self._tree.found(name), generation, name)

    def strays(self) -> Iterator[tuple[str, Path]]:
        """Files that a person dropped or changed: they may still grow, and are no objects yet."""
        for name in self._tree.names():
            found = self._tree.found(name)
            if found and found.st_mtime_ns not in self._hidden.record(name).written:
                yield name, self._tree.path(name)

    def adopt(self, name: str) -> ObjectInfo | None:
        """Take a dropped file for whole: final from now on, unless it is written to again.

        A file copied with an old time gets a new one, so that its generation is the name's
        largest. None if there is no such file.
        """
        segments(name)
        with self._hidden.locked(name):
            found, record = self._tree.found(name), self._hidden.record(name)
            if found is None:
                return None
            generation = found.st_mtime_ns
            if generation not in record.written:
                if generation <= record.highest:
                    generation = self._tree.stamp(name, record.highest)
                known = Record(highest=generation, written={generation: {}})
                self._hidden.keep(name, known)
        return self.stat(name)

    def _stat(self, name: str) -> ObjectInfo:
        info = self.stat(name)
        if info is None:
            raise ObjectMissing(f"there is no {name} in {self._bucket}")
        return info

    @contextmanager
    def _opened(self, name: str, generation: int) -> Iterator[int]:
        """The file's descriptor. Raises ObjectMissing, at the end too, for another generation."""
        with self._tree.opened(name) as file:
            if file is None:
                raise ObjectMissing(f"there is no {name} in {self._bucket}")
            _check_same(os.fstat(file), generation, name)
            yield file
            _check_same(os.fstat(file), generation, name)

    def _put(
        self, name: str, draft: Path, expected: int | None, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        """Give the draft its generation and its name."""
        with self._hidden.locked(name):
            for _ in range(_TRIES):
                found = self._tree.found(name)
                _check(found, expected, name)
                record = self._hidden.record(name)
                before = found.st_mtime_ns if found else 0
                generation = stamp(draft, max(record.highest, before))
                _flush(draft)
                written = {k: v for k, v in record.written.items() if k == before}
                written[generation] = dict(metadata)
                self._hidden.keep(name, Record(highest=generation, written=written))
                info = _info(name, draft.stat(), metadata)
                if self._tree.place(draft, name, exclusive=found is None):
                    return info
        raise NameRefused(f"{name!r} cannot be written: something else keeps taking its place")


def _info(name: str, found: os.stat_result, metadata: Mapping[str, str]) -> ObjectInfo:
    return ObjectInfo(
        name=name,
        generation=found.st_mtime_ns,
        size_bytes=found.st_size,
        updated=datetime.fromtimestamp(found.st_mtime, UTC),
        metadata=dict(metadata),
    )


def _same(one: os.stat_result, other: os.stat_result | None) -> bool:
    return other is not None and one.st_mtime_ns == other.st_mtime_ns


def _check(found: os.stat_result | None, expected: int | None, name: str) -> None:
    generation = found.st_mtime_ns if found else 0
    if expected is not None and expected != generation:
        raise PreconditionFailed(f"{name} is at generation {generation}, not {expected}")


def _check_same(found: os.stat_result | None, generation: int, name: str) -> None:
    is_it = found is not None and stat.S_ISREG(found.st_mode) and found.st_mtime_ns == generation
    if not is_it:
        raise ObjectMissing(f"{name} has no generation {generation} any more")


def _bytes(file: int, start: int, length: int) -> bytes:
    """One read gives at most 2 GiB less a page, and may give less."""
    parts = []
    while length > 0 and (part := os.pread(file, length, start)):
        parts.append(part)
        start, length = start + len(part), length - len(part)
    return b"".join(parts)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
