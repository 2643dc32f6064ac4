"""Boxes (ISO/IEC 14496-12, 4.2): a length, four letters, and what is inside, to the byte."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import calcsize, unpack_from
from typing import Any

from tests.readers import Broken

HOLDING = frozenset(
    ["moov", "trak", "edts", "mdia", "minf", "dinf", "stbl", "mvex", "moof", "traf", "udta"]
)
"""Boxes that hold nothing but boxes."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box of a file, by the file's own offsets."""

    kind: str
    start: int
    body: int
    end: int
    data: bytes
    """The whole file's."""

    @property
    def inside(self) -> Sequence["Box"]:
        """The boxes that it holds."""
        return tuple(boxes(self.data, self.body, self.end))

    def behind(self, length: int) -> Sequence["Box"]:
        """The boxes behind the first bytes of its body."""
        return tuple(boxes(self.data, self.body + length, self.end))

    def all(self, kind: str) -> Sequence["Box"]:
        """Those of that kind among them."""
        return [box for box in self.inside if box.kind == kind]

    def one(self, path: str) -> "Box":
        """The only box at that path, such as `mdia/mdhd`. Raises Broken where it is not one."""
        at = self
        for kind in path.split("/"):
            found = at.all(kind)
            if len(found) != 1:
                raise Broken(f"{at.kind} has {len(found)} boxes {kind}")
            at = found[0]
        return at

    def version(self) -> int:
        """Of a full box."""
        return self.data[self.body]

    def flags(self) -> int:
        """Of a full box."""
        return int.from_bytes(self.data[self.body + 1 : self.body + 4], "big")

    def read(self, form: str, at: int = 4) -> tuple[Any, ...]:
        """Big-endian numbers from byte `at` of its body on; by default behind version and flags."""
        form = f">{form}"
        if self.body + at + calcsize(form) > self.end:
            raise Broken(f"{self.kind} is too short for {form} at {at}")
        return unpack_from(form, self.data, self.body + at)

    def rows(
        self, form: str, *, at: int = 4, count: int | None = None
    ) -> Sequence[tuple[int, ...]]:
        """A table: the number of its rows, and these, and nothing after them."""
        if count is None:
            (count,), at = self.read("I", at), at + 4
        size = calcsize(f">{form}")
        if self.body + at + count * size != self.end:
            raise Broken(f"{self.kind} says {count} rows, and is {self.end - self.body} bytes long")
        return [self.read(form, at + n * size) for n in range(count)]


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets, which they fill. Raises Broken."""
    while start < end:
        if end - start < 8:
            raise Broken(f"{end - start} bytes at {start} are no box")
        size, letters = unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = unpack_from(">Q", data, body)
            body += 8
        kind = letters.decode("latin-1")
        if not body - start <= size <= end - start:
            raise Broken(f"{kind} at {start} says {size} bytes of the {end - start} that are left")
        yield Box(kind, start, body, start + size, data)
        start += size


def outline(data: bytes) -> Mapping[str, Sequence[Box]]:
    """The file's own boxes by kind, and all boxes within them read once."""
    found: dict[str, list[Box]] = {}
    for box in boxes(data, 0, len(data)):
        _through(box)
        found.setdefault(box.kind, []).append(box)
    return found


def _through(box: Box) -> None:
    if box.kind in HOLDING:
        for inner in box.inside:
            _through(inner)
