"""Objects in a plain directory, into which a person may drop files as well.

A dropped file is no object until it is adopted: half of a copy must not look like an upload.

An object's name is its path below the root, its generation the file's modification time in
nanoseconds. A file appears under its name by an exclusive link or by a rename, both atomic:

    data ─► .clipline/tmp/x ─► fsync ─► lock ─► stamp the time ─► keep the record ─► link or rename
                               a crash leaves the old object ◄──────────────────┘└──► the new one

No link is ever followed out of the root: folders are opened one below the other with O_NOFOLLOW.
"""

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from functions.adapters.directory_hidden import HiddenFolder, Record
from schemas.ports import ObjectInfo, ObjectMissing, PreconditionFailed

LONGEST_NAME = 1024
"""Bytes of UTF-8, as on Cloud Storage (https://cloud.google.com/storage/docs/objects#naming)."""

LONGEST_SEGMENT = 255
"""Bytes between two slashes: NAME_MAX of the usual file systems."""

_TRIES = 100
"""How often a write may find its folder pruned by a neighbour before something else is wrong."""

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NameRefused(ValueError):
    """A directory cannot keep an object of this name: choose another one."""


class DirectoryObjects:
    """An ObjectStore for any number of threads and processes on one machine.

    Hidden files (a name with a leading dot), links and devices are no objects. Writing raises
    NameRefused for a name that is none, and for `a/b` beside an object `a`.
    """

    def __init__(self, root: Path, bucket: str) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root.resolve()
        self._bucket = bucket
        self._hidden = HiddenFolder(self._root)

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
                found = self._found(name)
            except NameRefused:
                return None  # what can never be written is not there
            if found is None:
                return None
            written = self._hidden.record(name).written.get(found.st_mtime_ns)
            if written is not None:
                return _info(name, found, written)
            # Without a record it is a stray, unless it was replaced between the two looks.
            if _same(found, self._found(name)):
                return None

    def list(
        self, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[ObjectInfo]:
        """Objects in name order. Looks only into folders that can hold such names."""
        folder = prefix.split("/")[:-1]
        if any(_refusal(segment) for segment in folder):
            return iter(())
        infos = map(self.stat, self._names(folder, prefix, after))
        return islice((info for info in infos if info is not None), limit)

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
        _segments(name)
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
        _check(self._found(name), if_generation_match, name)
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
        *folders, leaf = _segments(name)
        with self._hidden.locked(name):
            found = self._found(name)
            if found is None:
                return
            _check(found, if_generation_match, name)
            record = self._hidden.record(name)
            highest = max(record.highest, found.st_mtime_ns)
            self._hidden.keep(name, replace(record, highest=highest))
            with suppress(FileNotFoundError), self._folder(folders) as folder:
                os.unlink(leaf, dir_fd=folder)
                os.fsync(folder)
            self._hidden.keep(name, Record(highest=highest))
        self._prune(folders)

    @contextmanager
    def readable(self, name: str, *, generation: int) -> Iterator[str]:
        """`file:` and the path: ffmpeg takes nothing in it for options or another protocol."""
        _check_same(self._found(name), generation, name)
        yield f"file:{self._root / name}"
        _check_same(self._found(name), generation, name)

    def strays(self) -> Iterator[tuple[str, Path]]:
        """Files that a person dropped or changed: they may still grow, and are no objects yet."""
        for name in self._names((), "", ""):
            found = self._found(name)
            if found and found.st_mtime_ns not in self._hidden.record(name).written:
                yield name, self._root / name

    def adopt(self, name: str) -> ObjectInfo | None:
        """Take a dropped file for whole: final from now on, unless it is written to again.

        A file copied with an old time gets a new one, so that its generation is the name's
        largest. None if there is no such file.
        """
        *folders, leaf = _segments(name)
        with self._hidden.locked(name):
            found, record = self._found(name), self._hidden.record(name)
            if found is None:
                return None
            generation = found.st_mtime_ns
            if generation not in record.written:
                with self._folder(folders) as folder:
                    if generation <= record.highest:
                        generation = _stamp(leaf, record.highest, folder=folder)
                known = Record(highest=generation, written={generation: {}})
                self._hidden.keep(name, known)
        return self.stat(name)

    def _stat(self, name: str) -> ObjectInfo:
        info = self.stat(name)
        if info is None:
            raise ObjectMissing(f"there is no {name} in {self._bucket}")
        return info

    def _found(self, name: str) -> os.stat_result | None:
        """The plain file of that name."""
        *folders, leaf = _segments(name)
        try:
            with self._folder(folders) as folder:
                found = os.stat(leaf, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise
        return found if stat.S_ISREG(found.st_mode) else None

    @contextmanager
    def _opened(self, name: str, generation: int) -> Iterator[int]:
        """The file's descriptor. Raises ObjectMissing, at the end too, for another generation."""
        *folders, leaf = _segments(name)
        try:
            with self._folder(folders) as folder:
                file = os.open(leaf, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno in _ABSENT:
                raise ObjectMissing(f"there is no {name} in {self._bucket}") from error
            raise
        try:
            _check_same(os.fstat(file), generation, name)
            yield file
            _check_same(os.fstat(file), generation, name)
        finally:
            os.close(file)

    @contextmanager
    def _folder(self, segments: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """The folder's descriptor. Raises OSError, also where a link stands in the way."""
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for segment in segments:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(segment, dir_fd=folder)
                below = os.open(segment, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)

    def _put(
        self, name: str, draft: Path, expected: int | None, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        """Give the draft its generation and its name."""
        *folders, leaf = _segments(name)
        with self._hidden.locked(name):
            for _ in range(_TRIES):
                found = self._found(name)
                _check(found, expected, name)
                record = self._hidden.record(name)
                before = found.st_mtime_ns if found else 0
                generation = _stamp(draft, max(record.highest, before))
                _flush(draft)
                written = {k: v for k, v in record.written.items() if k == before}
                written[generation] = dict(metadata)
                self._hidden.keep(name, Record(highest=generation, written=written))
                info = _info(name, draft.stat(), metadata)
                if self._place(draft, folders, leaf, exclusive=found is None):
                    return info
        raise NameRefused(f"{name!r} cannot be written: something else keeps taking its place")

    def _place(self, draft: Path, folders: Sequence[str], leaf: str, *, exclusive: bool) -> bool:
        """Whether the draft has the name now; if not, somebody was quicker: look again."""
        try:
            with self._folder(folders, make=True) as folder:
                if exclusive:
                    os.link(draft, leaf, dst_dir_fd=folder)
                else:
                    os.replace(draft, leaf, dst_dir_fd=folder)
                os.fsync(folder)
                return True
        except FileNotFoundError:
            return False  # a neighbour pruned the folder between our mkdir and our link
        except FileExistsError:
            return self._cleared(folders, leaf)
        except OSError as error:
            if error.errno in _ABSENT:
                taken = "/".join(folders)
                raise NameRefused(f"{leaf!r} cannot lie below {taken!r}, no folder") from error
            raise

    def _cleared(self, folders: Sequence[str], leaf: str) -> bool:
        """Always False: look again. Raises NameRefused if no file is in the way, but what stays."""
        try:
            with self._folder(folders) as folder:
                if not stat.S_ISREG(os.stat(leaf, dir_fd=folder, follow_symlinks=False).st_mode):
                    os.rmdir(leaf, dir_fd=folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise NameRefused(f"{leaf!r} is a folder or a link, no object") from error
        return False

    def _prune(self, folders: Sequence[str]) -> None:
        """Remove the innermost folder if it is empty, and so on outwards."""
        for depth in range(len(folders), 0, -1):
            try:
                with self._folder(folders[: depth - 1]) as folder:
                    os.rmdir(folders[depth - 1], dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError:
                return

    def _names(self, folders: Sequence[str], prefix: str, after: str) -> Iterator[str]:
        """Names of files below the folder in order: `a-b`, then `a/…`, then `a0`."""
        try:
            with self._folder(folders) as folder, os.scandir(folder) as entries:
                below = sorted(filter(None, map(_listed, entries)))
        except OSError as error:
            if error.errno in _ABSENT or error.errno == errno.EACCES:
                return
            raise
        for entry in below:
            name = "/".join((*folders, entry))
            if len(name.encode()) > LONGEST_NAME:
                continue
            if not entry.endswith("/"):
                if name.startswith(prefix) and name > after:
                    yield name
            elif (name.startswith(prefix) or prefix.startswith(name)) and (
                name > after or after.startswith(name)
            ):
                yield from self._names((*folders, entry[:-1]), prefix, after)


def _segments(name: str) -> Sequence[str]:
    """The name's parts. Raises NameRefused."""
    segments = name.split("/")
    reason = next(filter(None, map(_refusal, segments)), None)
    if reason is None and len(name.encode()) > LONGEST_NAME:
        reason = f"is longer than {LONGEST_NAME} bytes"
    if reason:
        raise NameRefused(f"{name[:200]!r} is no object name here: it {reason}")
    return segments


def _refusal(segment: str) -> str | None:
    """What is wrong with one part of a name."""
    if not segment:
        return "is empty, or starts or ends with a slash, or has two in a row"
    if segment.startswith("."):
        return "has a part that starts with a dot, and so is hidden"
    if any(character in segment for character in "\0\r\n"):
        return "has a NUL or a line break in it"
    try:
        too_long = len(segment.encode()) > LONGEST_SEGMENT
    except UnicodeEncodeError:
        return "is not Unicode text"
    return f"has a part longer than {LONGEST_SEGMENT} bytes" if too_long else None


def _listed(entry: "os.DirEntry[str]") -> str | None:
    """The entry as it is sorted, a folder with its slash; None for what is no object."""
    if _refusal(entry.name):
        return None
    if entry.is_dir(follow_symlinks=False):
        return f"{entry.name}/"
    return entry.name if entry.is_file(follow_symlinks=False) else None


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


def _stamp(path: Path | str, above: int, *, folder: int | None = None) -> int:
    """Set the file's time to now, or just above `above`; what the file system made of it."""
    wanted = max(time.time_ns(), above + 1)
    # The second try is for file systems that count in seconds, or in twos.
    for more in (0, 2_000_000_000):
        os.utime(path, ns=(wanted + more, wanted + more), dir_fd=folder, follow_symlinks=False)
        got = os.stat(path, dir_fd=folder, follow_symlinks=False).st_mtime_ns
        if got > above:
            break
    return got


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
