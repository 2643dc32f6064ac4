"""What stands around the packets of a finished MP4: what a player needs, and nothing else.

An output that carries a box we do not know might carry where it was filmed (ISO 6709 in `udta`, XMP
in `uuid`), and one that is turned or cropped by its header is shown as nobody verified it. Only
the heads of the boxes and `moov` are read, never the pictures.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from struct import pack, unpack_from

from render_job.boxes import B, boxes, inside
from render_job.tables import table_faults
from schemas.plan import OutputPlan

HOLDING = frozenset(b"moov mdia minf dinf stbl edts trak".split())
"""Boxes that hold boxes."""
KNOWN = HOLDING | frozenset(
    b"mvhd udta tkhd elst mdhd hdlr vmhd smhd dref stsd stts stss ctts stsc stsz stco co64 "
    b"sgpd sbgp".split()
)
UPRIGHT = pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
"""The matrix of a picture that is shown as it was coded (8.2.2)."""


def movie_faults(
    path: Path, plan: OutputPlan, *, packets_bytes: int, seconds: Fraction
) -> list[str]:
    """What is wrong around `packets_bytes` of packets that last so long.

    Every byte of `mdat` must belong to a packet. A header's length may be off by the rounding to
    its own ticks.
    """
    with path.open("rb") as file:
        whole = path.stat().st_size
        found = list(boxes(file, whole))
        kinds = [box.kind for box in found if box.kind != b"free"]
        if kinds != [b"ftyp", b"moov", b"mdat"]:
            said = ", ".join(_word(kind) for kind in kinds[:9])
            return [f"its boxes are {said or 'none'}, not ftyp, moov, mdat"]
        faults = []
        if (rest := whole - found[-1].end) > 0:
            faults.append(f"{rest} bytes follow its last box")
        moov, mdat = (next(b for b in found if b.kind == kind) for kind in (b"moov", b"mdat"))
        if (idle := mdat.end - mdat.body - packets_bytes) != 0:
            faults.append(f"{idle} bytes of its mdat belong to no packet")
        file.seek(moov.body)
        movie = memoryview(file.read(moov.end - moov.body))
    return faults + list(_movie_faults(movie, plan, seconds))


def _movie_faults(movie: memoryview, plan: OutputPlan, seconds: Fraction) -> Iterator[str]:
    scale = Fraction(1)
    for kind, box in _all(movie):
        if kind in HOLDING and sum(8 + len(body) for _, body in inside(box)) != len(box):
            yield f"its index is damaged: {_word(kind)}"
        if kind == b"mvhd":
            ticks, length = _times(box)
            scale = Fraction(1, max(1, ticks))
            if abs(length * scale - seconds) > scale:
                yield f"its header says that it lasts {float(length * scale):.6f} s"
            if box[36:72] != UPRIGHT and (bytes(box[:1]) != b"\1" or box[48:84] != UPRIGHT):
                yield "its header turns or moves the picture"
        elif kind == b"tkhd":
            yield from _track_faults(box, (plan.width, plan.height))
        elif kind == b"trak":
            yield from table_faults(dict(_all(box, kind)), plan)
        elif kind == b"udta":
            if not all(says_nothing(*one) for one in inside(box)):
                yield "it carries metadata"
        elif kind not in KNOWN:
            yield f"it carries a box '{_word(kind)}'"


def _track_faults(tkhd: memoryview, size: tuple[int, int]) -> Iterator[str]:
    """The last 44 bytes of a track's header are its matrix and its shown size (8.3.2)."""
    *_, width, height = unpack_from(">9iII", tkhd, len(tkhd) - 44) if len(tkhd) >= 44 else (0, 0)
    if tkhd[-44:-8] != UPRIGHT:
        yield "its header turns or moves the picture"
    if (width, height) not in ((size[0] << 16, size[1] << 16), (0, 0)):
        yield f"its header shows it at {width / 65536:g}x{height / 65536:g}"


def _times(mvhd: memoryview) -> tuple[int, int]:
    """Ticks a second, and the movie's length in them (8.2.2); version 1 has longer numbers."""
    if len(mvhd) < 32:
        return 1, 0
    return unpack_from(">IQ", mvhd, 20) if mvhd[0] == 1 else unpack_from(">II", mvhd, 12)


def says_nothing(kind: bytes, box: B) -> bool:
    """Ffmpeg leaves a `meta` box whose list is empty; anything else tells something."""
    return kind == b"meta" and all(
        name == b"hdlr" or (name, body) == (b"ilst", b"") for name, body in inside(box[4:])
    )


def _all(data: memoryview, kind: bytes = b"moov") -> Iterator[tuple[bytes, memoryview]]:
    """The box, and after it those within, if it holds any."""
    yield kind, data
    if kind in HOLDING:
        for name, box in inside(data):
            yield from _all(box, name)


def _word(kind: bytes) -> str:
    return kind.decode("latin-1")
