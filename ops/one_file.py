"""Local files, read as the prober reads uploads: nothing is copied, and nothing is written."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from schemas.ports import ObjectInfo, ObjectMissing


@dataclass(frozen=True, slots=True)
class OneFile:
    """The file is the one object, under its own name; its generation is its modification time."""

    path: Path

    def stat(self, name: str) -> ObjectInfo | None:
        """What there is, or None."""
        if name != self.path.name or not self.path.is_file():
            return None
        found = self.path.stat()
        return ObjectInfo(
            name=name,
            generation=found.st_mtime_ns,
            size_bytes=found.st_size,
            updated=datetime.fromtimestamp(found.st_mtime, UTC),
        )

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """At most `length` bytes from `start`. Raises ObjectMissing if it was written meanwhile."""
        info = self.stat(name)
        if info is None or info.generation != generation:
            raise ObjectMissing(f"'{name}' was changed while it was read")
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(length)


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies in a folder and below it, as if it were a tenant's: there a spec's files are."""

    folder: Path

    def stat(self, name: str) -> ObjectInfo | None:
        """What there is, or None."""
        path = self._path(name)
        found = OneFile(path).stat(path.name)
        return found and replace(found, name=name)

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """At most `length` bytes from `start`. Raises ObjectMissing if it was written meanwhile."""
        path = self._path(name)
        return OneFile(path).read_range(path.name, start, length, generation=generation)

    def _path(self, name: str) -> Path:
        """Without the tenant that it is put in."""
        return self.folder / name.partition("/")[2]
