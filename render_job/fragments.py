"""The boxes of a fragmented MP4: how much of a file that was cut off is worth keeping.

A fragment is a `moof` box, which says what its samples are, and the `mdat` box that holds them
(ISO/IEC 14496-12, 8.8). Our pieces have one fragment a GOP, written in one go.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from struct import unpack_from

from render_job.boxes import boxes, inside

NON_SYNC = 0x0001_0000
"""The sample flag that says: not a key frame."""


def whole_gops(path: Path, gop: int) -> tuple[int, int]:
    """The bytes to keep so that only whole GOPs of `gop` frames are left, and how many frames.

    `(0, 0)` where not even one is whole. Reads the boxes' heads, not the pictures: a whole chunk
    takes well under a millisecond.
    """
    kept = frames = total = 0
    with path.open("rb") as file:
        for moof, mdat in pairwise(boxes(file, path.stat().st_size)):
            if (moof.kind, mdat.kind) != (b"moof", b"mdat"):
                continue
            file.seek(moof.body)
            samples, starts_with_key = _samples(file.read(moof.end - moof.body))
            if total % gop == 0 and not starts_with_key:
                break
            total += samples
            if samples and total % gop == 0:
                kept, frames = mdat.end, total
    return kept, frames


def cut(path: Path, size_bytes: int) -> None:
    """Shorten the file to that many bytes, as `whole_gops` found them."""
    with path.open("r+b") as file:
        file.truncate(size_bytes)


def _samples(moof: bytes) -> tuple[int, bool]:
    """How many samples the fragment has, and whether the first one is a key frame."""
    count, flags = 0, 0
    first: int | None = None
    for kind, box in _inside(moof):
        if kind == b"tfhd":
            flags = _default_flags(box)
        elif kind == b"trun":
            if first is None:
                first = _first_flags(box, flags)
            count += unpack_from(">I", box, 4)[0]
    return count, first is not None and not first & NON_SYNC


def _inside(moof: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of the one track in the fragment, in order."""
    for kind, box in inside(moof):
        if kind == b"traf":
            yield from inside(box)
        else:
            yield kind, box


def _default_flags(tfhd: bytes) -> int:
    """The flags of samples that have none of their own; absent fields are skipped (8.8.7)."""
    given = unpack_from(">I", tfhd)[0]
    if not given & 0x20:
        return 0
    before = sum(size for bit, size in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4)) if given & bit)
    return int(unpack_from(">I", tfhd, 8 + before)[0])


def _first_flags(trun: bytes, default: int) -> int:
    """The flags of the run's first sample (8.8.8)."""
    given = unpack_from(">I", trun)[0]
    at = 8 + (4 if given & 0x1 else 0)
    if given & 0x4:
        return int(unpack_from(">I", trun, at)[0])
    if given & 0x400:
        at += sum(4 for bit in (0x100, 0x200) if given & bit)
        return int(unpack_from(">I", trun, at)[0])
    return default
