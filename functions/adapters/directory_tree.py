"""The plain files below a root, by their names as objects.

No link is ever followed out of the root: folders are opened one below the other with O_NOFOLLOW.
Neighbours may make, remove and prune the same folders at any moment.
"""

import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path

from functions.adapters.directory_names import is_too_long, refusal, segments
from schemas.ports import NameRefused

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}
_UNLISTED = _ABSENT | {errno.EACCES}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Tree:
    """The files of one root; hidden files (a name with a leading dot), links and devices are none.

    Whatever takes a name raises NameRefused for one that no file can have here.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, name: str) -> Path:
        """Where it is: for whoever cannot be handed a descriptor."""
        return self._root / name

    def found(self, name: str) -> os.stat_result | None:
        """The plain file of that name."""
        *folders, leaf = segments(name)
        try:
            with self._folder(folders) as folder:
                found = os.stat(leaf, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise
        return found if stat.S_ISREG(found.st_mode) else None

    @contextmanager
    def opened(self, name: str) -> Iterator[int | None]:
        """A descriptor to read from, of whatever has that name; None if nothing has it."""
        *folders, leaf = segments(name)
        try:
            with self._folder(folders) as folder:
                file = os.open(leaf, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
            yield None
            return
        try:
            yield file
        finally:
            os.close(file)

    def place(self, draft: Path, name: str, *, exclusive: bool) -> bool:
        """Whether the draft has the name now; if not, somebody was quicker: look again.

        Exclusive means that no file has the name yet. Raises NameRefused where something else
        stays in the way.
        """
        *folders, leaf = segments(name)
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

    def stamp(self, name: str, above: int) -> int:
        """As the function `stamp`, for a file that has its name already."""
        *folders, leaf = segments(name)
        with self._folder(folders) as folder:
            return stamp(leaf, above, folder=folder)

    def remove(self, name: str) -> None:
        """The file, if it is there; its folders stay until they are pruned."""
        *folders, leaf = segments(name)
        with suppress(FileNotFoundError), self._folder(folders) as folder:
            os.unlink(leaf, dir_fd=folder)
            os.fsync(folder)

    def prune(self, name: str) -> None:
        """Remove the innermost folder of that name if it is empty, and so on outwards."""
        *folders, _ = segments(name)
        for depth in range(len(folders), 0, -1):
            try:
                with self._folder(folders[: depth - 1]) as folder:
                    os.rmdir(folders[depth - 1], dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError:
                return

    def names(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Names of files in order: `a-b`, then `a/…`, then `a0`. Looks only where some can be."""
        return (name for name, _ in self.files(prefix, after))

    def files(
        self, prefix: str = "", after: str = ""
    ) -> "Iterator[tuple[str, os.stat_result | None]]":
        """The same, each with what it was when its folder was looked at; None if it was gone."""
        folders = prefix.split("/")[:-1]
        if any(map(refusal, folders)):
            return iter(())
        return self._names(folders, prefix, after)

    def _names(
        self, folders: Sequence[str], prefix: str, after: str
    ) -> "Iterator[tuple[str, os.stat_result | None]]":
        try:
            with self._folder(folders) as folder:
                yield from _below(folder, "".join(f"{one}/" for one in folders), prefix, after)
        except OSError as error:
            if error.errno not in _UNLISTED:
                raise

    @contextmanager
    def _folder(self, folders: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """The folder's descriptor. Raises OSError, also where a link stands in the way."""
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for segment in folders:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(segment, dir_fd=folder)
                below = os.open(segment, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)

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


def stamp(path: Path | str, above: int, *, folder: int | None = None) -> int:
    """Set the file's time to now, or just above `above`; what the file system made of it."""
    wanted = max(time.time_ns(), above + 1)
    # The second try is for file systems that count in seconds, or in twos.
    for more in (0, 2_000_000_000):
        os.utime(path, ns=(wanted + more, wanted + more), dir_fd=folder, follow_symlinks=False)
        got = os.stat(path, dir_fd=folder, follow_symlinks=False).st_mtime_ns
        if got > above:
            break
    return got


def _below(
    folder: int, path: str, prefix: str, after: str
) -> "Iterator[tuple[str, os.stat_result | None]]":
    """What lies in an opened folder, and in those below it, each opened from the one above.

    What is there all the while is found, since no folder that holds something is ever pruned.
    """
    for entry, found in _entries(folder):
        name = path + entry
        if is_too_long(name):
            continue
        if not entry.endswith("/"):
            if name.startswith(prefix) and name > after:
                yield name, found
        elif (name.startswith(prefix) or prefix.startswith(name)) and (
            name > after or after.startswith(name)
        ):
            try:
                inner = os.open(entry[:-1], _FOLDER, dir_fd=folder)
            except OSError as error:
                if error.errno not in _UNLISTED:
                    raise
                continue
            try:
                yield from _below(inner, name, prefix, after)
            finally:
                os.close(inner)


def _entries(folder: int) -> "Sequence[tuple[str, os.stat_result | None]]":
    """In the order of names; none of a folder that was removed since it was opened."""
    try:
        with os.scandir(folder) as entries:
            return sorted(filter(None, map(_listed, entries)), key=itemgetter(0))
    except OSError as error:
        if error.errno in _UNLISTED:
            return ()
        raise


def _listed(entry: "os.DirEntry[str]") -> "tuple[str, os.stat_result | None] | None":
    """The entry as it is sorted, a folder with its slash; None for what is no object."""
    if refusal(entry.name):
        return None
    if entry.is_dir(follow_symlinks=False):
        return f"{entry.name}/", None
    if not entry.is_file(follow_symlinks=False):
        return None
    try:
        return entry.name, entry.stat(follow_symlinks=False)
    except OSError:
        return entry.name, None
