"""The boxes of an MP4 (ISO/IEC 14496-12, 4.2): where each begins and ends, never what it holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from
from typing import BinaryIO, TypeVar

B = TypeVar("B", bytes, memoryview)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box of a file: its head begins at `start`, what it holds at `body`."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(file: BinaryIO, size: int) -> Iterator[Box]:
    """The top-level boxes that are there to their last byte."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = unpack_from(">I4s", head)
        body = 8
        if length == 1 and len(head) == 16:
            length, body = unpack_from(">Q", head, 8)[0], 16
        if length < body or at + length > size:
            return
        yield Box(kind=kind, start=at, body=at + body, end=at + length)
        at += length


def inside(data: B) -> Iterator[tuple[bytes, B]]:
    """The boxes within a box, and what each holds; they end where one does not fit.

    Of a memoryview nothing is copied.
    """
    at = 0
    while at + 8 <= len(data):
        length, kind = unpack_from(">I4s", data, at)
        if length < 8 or at + length > len(data):
            return
        yield kind, data[at + 8 : at + length]
        at += length
