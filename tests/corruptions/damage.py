"""What happens to the bytes of a file that is stored, cut off or tampered with."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from render_job.boxes import boxes
from tests.corruptions.bench import (
    FIRST,
    Bench,
    Deed,
)


def empty(bench: Bench, out: Path) -> Path:
    """Nothing at all."""
    out.write_bytes(b"")
    return out


def edited(of: Path, out: Path, change: Callable[[bytearray], None]) -> Path:
    """A copy whose bytes were changed."""
    data = bytearray(of.read_bytes())
    change(data)
    out.write_bytes(data)
    return out


def cut_at(share: float) -> Callable[[bytearray], None]:
    """Only the first part is left."""

    def change(data: bytearray) -> None:
        del data[int(len(data) * share) :]

    return change


def flip(*shares: float, kind: bytes = b"mdat") -> Callable[[bytearray], None]:
    """Turn one bit over at each of these places of the first box of that kind."""

    def change(data: bytearray) -> None:
        at = data.index(kind)
        (length,) = struct.unpack_from(">I", data, at - 4)
        for share in shares:
            data[at + 4 + int((length - 9) * share)] ^= 0x10

    return change


def put(
    kind: bytes, offset: int, value: bytes, *, last: bool = False
) -> Callable[[bytearray], None]:
    """Write a value into what the first (or last) box of that kind holds."""

    def change(data: bytearray) -> None:
        at = (data.rindex(kind) if last else data.index(kind)) + 4 + offset
        data[at : at + len(value)] = value

    return change


def add(box: bytes) -> Callable[[bytearray], None]:
    """Put a box at the file's end."""

    def change(data: bytearray) -> None:
        data += struct.pack(">I", len(box) + 4) + box

    return change


def hide(secret: bytes) -> Callable[[bytearray], None]:
    """Let the last box, `mdat`, hold something that no packet refers to."""

    def change(data: bytearray) -> None:
        at = data.index(b"mdat") - 4
        data[at : at + 4] = struct.pack(">I", len(data) - at + len(secret))
        data += secret

    return change


def fragments(path: Path) -> tuple[bytes, list[bytes]]:
    """What stands before a piece's first fragment, and the fragments, a GOP each."""
    data = path.read_bytes()
    with path.open("rb") as file:
        found = list(boxes(file, len(data)))
    starts = [box.start for box in found if box.kind == b"moof"]
    ends = [box.end for box in found if box.kind == b"mdat"]
    return data[: starts[0]], [data[a:b] for a, b in zip(starts, ends, strict=True)]


def regrouped(order: Sequence[int]) -> Deed:
    """The first piece with its GOPs in that order."""

    def deed(bench: Bench, out: Path) -> Path:
        head, gops = fragments(bench.path(FIRST))
        out.write_bytes(head + b"".join(gops[n] for n in order))
        return out

    return deed
