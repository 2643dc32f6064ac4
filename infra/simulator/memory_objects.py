"""Objects in memory: the simulator's ObjectStore."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.ports import ObjectInfo, ObjectMissing, PreconditionFailed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class MemoryObjects:
    """An ObjectStore for one thread. A generation is the microsecond of its write, as in the cloud.

    Of two writes in one microsecond the second has the next one. So the generation of an upload
    does not depend on what else was uploaded, nor does the name of its render.

    Any text is a name, also one that a directory must refuse.
    """

    def __init__(self, bucket: str, clock: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._clock = clock
        self._objects: dict[str, tuple[ObjectInfo, bytes]] = {}
        self._names: list[str] = []
        """The keys of `_objects`, sorted."""
        self._last = 0
        """The newest generation."""

    @property
    def bucket(self) -> str:
        """The bucket's name, as events say it."""
        return self._bucket

    def now(self) -> datetime:
        """The clock that it was given."""
        return self._clock()

    def stat(self, name: str) -> ObjectInfo | None:
        """The live generation, or None."""
        found = self._objects.get(name)
        return found[0] if found else None

    def list(
        self, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[ObjectInfo]:
        """Objects in name order, as they are at the call: later writes do not show."""
        names = self._names
        first = max(bisect_left(names, prefix), bisect_right(names, after))
        # From the prefix on, the names that start with it come before all others.
        end = bisect_left(names, True, lo=first, key=lambda name: not name.startswith(prefix))
        if limit is not None:
            end = min(end, first + limit)
        return iter([self._objects[name][0] for name in names[first:end]])

    def read(self, name: str) -> bytes:
        """A small object's bytes. Raises ObjectMissing."""
        return self._found(name)[1]

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """At most `length` bytes from `start`; fewer at the end. Raises ObjectMissing."""
        return self._generation(name, generation)[start : start + length]

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation_match: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write a small object. Raises PreconditionFailed."""
        self._check(name, if_generation_match)
        now = self._clock()
        self._last = max(self._last + 1, (now - _EPOCH) // _MICROSECOND)
        info = ObjectInfo(
            name=name,
            generation=self._last,
            size_bytes=len(data),
            updated=now,
            metadata=dict(metadata or {}),
        )
        if name not in self._objects:
            insort(self._names, name)
        self._objects[name] = info, bytes(data)
        return info

    def upload(
        self,
        name: str,
        path: Path,
        *,
        if_generation_match: int | None = 0,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write a file, by default create-only. Raises PreconditionFailed."""
        return self.write(
            name, path.read_bytes(), if_generation_match=if_generation_match, metadata=metadata
        )

    def download(self, name: str, path: Path) -> ObjectInfo:
        """Copy the live generation to a file. Raises ObjectMissing."""
        info, data = self._found(name)
        path.write_bytes(data)
        return info

    def delete(self, name: str, *, if_generation_match: int | None = None) -> None:
        """Remove it; an absent object is no error. Raises PreconditionFailed."""
        if name not in self._objects:
            return
        self._check(name, if_generation_match)
        del self._objects[name]
        del self._names[bisect_left(self._names, name)]

    @contextmanager
    def readable(self, name: str, *, generation: int) -> Iterator[str]:
        """`memory:` with bucket and name, for an encoder that only pretends to open it."""
        self._generation(name, generation)
        yield f"memory:{self._bucket}/{name}"
        self._generation(name, generation)

    def _found(self, name: str) -> tuple[ObjectInfo, bytes]:
        try:
            return self._objects[name]
        except KeyError:
            raise ObjectMissing(f"there is no {name} in {self._bucket}") from None

    def _generation(self, name: str, generation: int) -> bytes:
        """The data of that generation. Raises ObjectMissing."""
        info, data = self._found(name)
        if info.generation != generation:
            raise ObjectMissing(f"{name} has no generation {generation} any more")
        return data

    def _check(self, name: str, expected: int | None) -> None:
        if expected is None:
            return
        found = self._objects.get(name)
        generation = found[0].generation if found else 0
        if expected != generation:
            raise PreconditionFailed(f"{name} is at generation {generation}, not {expected}")
