"""Little files that would cost much."""

import zlib
from pathlib import Path
from struct import pack

from tests.hostile.attacks import box
from tests.hostile.case import Case, Make, both
from tests.hostile.elements import element, number
from tests.hostile.kitchen import Kitchen
from tests.hostile.trial import Scene

HUGE = 0x0FFFFFFF
"""A quarter of a billion samples."""


def put(data: bytes, kind: bytes, offset: int, value: bytes, *, last: bool = False) -> bytes:
    """The data with other bytes, so far behind the last (or first) name of that box."""
    at = (data.rindex(kind) if last else data.index(kind)) + len(kind) + offset
    return data[:at] + value + data[at + len(value) :]


def _large_jpeg(kitchen: Kitchen, scene: Scene) -> bytes:
    """Motion JPEG whose frames say that they are 16000 by 16000."""
    data = bytearray(kitchen.data("mjpeg"))
    at = 0
    while (at := data.find(b"\xff\xc0\0\x11\x08", at)) >= 0:
        data[at + 5 : at + 9] = pack(">HH", 16000, 16000)
        at += 9
    return bytes(data)


def _large_picture(kitchen: Kitchen, scene: Scene) -> Path:
    """H.264 of 16384 by 8704."""
    size = "-f lavfi -i color=s=16384x8704:r=25"
    words = "-frames:v 1 -c:v libx264 -preset ultrafast -qp 51 -threads 1"
    return kitchen.cook(scene.folder / "large.mp4", None, words, before=size)


def _large_png(kitchen: Kitchen, scene: Scene) -> Path:
    """Some KB of PNG in MOV, 16000 by 16000 grey pixels."""
    side = 16_000
    head = _chunk(b"IHDR", pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 + side)) for _ in range(side)) + packer.flush()
    still = scene.folder / "large.png"
    still.write_bytes(b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", packed) + _chunk(b"IEND", b""))
    return kitchen.cook(scene.folder / "png.mov", still, "-c copy")


def _chunk(kind: bytes, held: bytes) -> bytes:
    return pack(">I", len(held)) + kind + held + pack(">I", zlib.crc32(kind + held))


def _timed(words: str) -> Make:
    def make(kitchen: Kitchen, scene: Scene) -> Path:
        out = scene.folder / "timed.mp4"
        return kitchen.cook(out, kitchen.path("silent"), f"-c copy {words}")

    return make


def _many_streams(kitchen: Kitchen, scene: Scene) -> Path:
    out = scene.folder / "many.mkv"
    return kitchen.cook(out, kitchen.path("silent"), f"{'-map 0:v ' * 300} -c copy -t 0.1")


def _index_of_billions(kitchen: Kitchen, scene: Scene) -> bytes:
    """All samples of one size: their number costs four bytes, and 6 GB of memory."""
    data = kitchen.data("silent")
    data = put(data, b"stsz", 4, pack(">II", 1, HUGE))
    data = put(data, b"stts", 8, pack(">II", HUGE, 1))
    return put(data, b"stsc", 8, pack(">III", 1, HUGE, 1))


def _table_of_billions(kitchen: Kitchen, scene: Scene) -> bytes:
    return put(kitchen.data("silent"), b"stts", 4, pack(">I", HUGE))


def _packed_index(kitchen: Kitchen, scene: Scene) -> bytes:
    """A `moov` that is packed, and says that it unpacks to a gigabyte (it does: to zeros)."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    cmvd = box(b"cmvd", pack(">I", 256 << 20), packed)
    cmov = box(b"cmov", box(b"dcom", b"zlib"), cmvd)
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", cmov)


def _edits(count: int) -> Make:
    """An edit list that shows the whole movie again and again."""

    def make(kitchen: Kitchen, scene: Scene) -> bytes:
        data = kitchen.data("silent")
        at = data.index(b"edts") - 4
        length = int.from_bytes(data[at : at + 4], "big")
        entry = pack(">IiHH", 2000, 0, 1, 0)
        edts = box(b"edts", box(b"elst", pack(">II", 0, count), entry * count))
        out = bytearray(data[:at] + edts + data[at + length :])
        for around in (b"trak", b"moov"):
            where = data.rindex(around, 0, at) - 4
            size = int.from_bytes(out[where : where + 4], "big") + len(edts) - length
            out[where : where + 4] = size.to_bytes(4, "big")
        return bytes(out)

    return make


def _packed_frames(kitchen: Kitchen, scene: Scene) -> bytes:
    """Matroska whose frames are packed: 16 KB each, 16 MB unpacked, two hundred of them."""
    packed = zlib.compress(bytes(16 << 20), 9)
    encoding = element(0x6D80, element(0x6240, element(0x5034, number(0x4254, 0))))
    track = element(
        0xAE,
        number(0xD7, 1),
        number(0x73C5, 1),
        number(0x83, 1),
        element(0x86, b"V_MPEG4/ISO/ASP"),
        element(0xE0, number(0xB0, 160), number(0xBA, 90)),
        encoding,
    )
    head = element(0x1A45DFA3, element(0x4282, b"matroska"))
    blocks = b"".join(element(0xA3, b"\x81" + pack(">h", n) + b"\x80" + packed) for n in range(200))
    cluster = element(0x1F43B675, number(0xE7, 0), blocks)
    info = element(0x1549A966, number(0x2AD7B1, 1_000_000))
    return head + element(0x18538067, info, element(0x1654AE6B, track), cluster)


def _nested(kitchen: Kitchen, scene: Scene) -> bytes:
    """Boxes within boxes, a hundred thousand deep."""
    inner = b""
    depth = 100_000
    heads = b"".join(pack(">I4s", 8 * (depth - n), b"moov") for n in range(depth))
    return box(b"ftyp", b"isom\0\0\0\0isom") + heads + inner


BOMBS = (
    *both(Case(of="bomb", name="Motion JPEG that says 16000x16000", make=_large_jpeg, quick=True,
               ends=("too_large", "unreadable_video", "unreadable_container"))),
    *both(Case(of="bomb", name="H.264 of 16384x8704", make=_large_picture,
               ends=("too_large", "unreadable_video"))),
    *both(Case(of="bomb", name="PNG of 16000x16000", make=_large_png, ends=("codec",))),
    *both(Case(of="bomb", name="100,000 frames a second",
               make=_timed("-bsf:v setts=ts=N:duration=1 -video_track_timescale 100000"),
               ends=("too_fast",), quick=True)),
    *both(Case(of="bomb", name="a hole of 27 hours",
               make=_timed("-bsf:v setts=ts='TS+gte(N\\,25)*100000*12800'"),
               ends=("gap", "too_long"), quick=True)),
    *both(Case(of="bomb", name="300 streams", make=_many_streams, ends=("too_many_streams",),
               upload="team/film.mkv")),
    *both(Case(of="bomb", name="an index of a quarter of a billion", make=_index_of_billions,
               ends=("truncated", "too_costly", "unreadable_video", "too_fast"), quick=True)),
    *both(Case(of="bomb", name="a table of a quarter of a billion", make=_table_of_billions,
               ends=("truncated", "unreadable_container", "too_costly"), quick=True)),
    *both(Case(of="bomb", name="an index packed a thousand times", make=_packed_index,
               ends=("truncated", "no_video_stream", "too_costly"))),
    *both(Case(of="bomb", name="2,000 edits of the whole", make=_edits(2_000),
               ends=("verified", "too_fast", "too_costly"))),
    *both(Case(of="bomb", name="100,000 edits of the whole", make=_edits(100_000),
               ends=("verified", "too_fast", "too_costly"))),
    *both(Case(of="bomb", name="frames packed a thousand times", make=_packed_frames,
               ends=("unreadable_video", "too_costly"), upload="team/film.mkv")),
    *both(Case(of="bomb", name="boxes 100,000 deep", make=_nested, ends=("truncated",),
               quick=True)),
)  # fmt: skip
