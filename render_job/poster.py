"""A poster: one picture of the clip as an image file."""

from collections.abc import Callable
from pathlib import Path

from render_job.faults import unheard, unreadable
from render_job.images import shade_of, unlike
from render_job.looks import look_of
from render_job.strict import strictly
from schemas.kinds import Image
from schemas.plan import OutputPlan

CODECS = {Image.JPEG: "mjpeg", Image.PNG: "png"}
ENDS = {
    Image.JPEG: (b"\xff\xd8", b"\xff\xd9"),
    Image.PNG: (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
}
"""How such a file begins and ends. Bytes before or after might say anything."""


def image_of(plan: OutputPlan) -> Image:
    """How it is stored, as its name says."""
    return Image.PNG if plan.object_name.endswith(".png") else Image.JPEG


def poster_faults(
    path: Path, video: Path, plan: OutputPlan, *, heard: Callable[[], None] = unheard
) -> list[str]:
    """Whether the image is whole, as large as planned, and shows the verified picture."""
    kind = image_of(plan)
    faults = frame_faults(path, kind)
    if faults:
        return faults
    import av

    heard()
    try:
        with (
            av.open(f"file:{path}") as image,
            av.open(f"file:{video}") as movie,
        ):
            strictly(image.streams.video[0])
            shown = next(image.decode(video=0))
            stream = movie.streams.video[0]
            frame = next(movie.decode(stream))
            if image.streams.video[0].codec_context.name != CODECS[kind]:
                faults.append(f"it is no {kind}")
            if (shown.width, shown.height) != (plan.width, plan.height):
                size = f"{shown.width}x{shown.height}"
                faults.append(f"the image is {size}, not {plan.width}x{plan.height}")
            if way := unlike(shown, frame, shade_of(look_of(stream))):
                faults.append(f"the image is not that of its frame: it {way}")
    except (av.FFmpegError, StopIteration, IndexError) as error:
        faults.append(unreadable(error))
    return faults


def frame_faults(path: Path, kind: Image) -> list[str]:
    """Whether the file is one whole image, and nothing that was said of it travels along."""
    data = path.read_bytes()
    begin, end = ENDS[kind]
    if not data.startswith(begin) or not data.endswith(end):
        return [f"it is no whole {kind}"]
    told = _jpeg_told(data) if kind is Image.JPEG else _png_told(data)
    return [f"the image carries {word}" for word in sorted(told)]


PLAIN_SEGMENTS = frozenset((0xDB, 0xC0, 0xC4, 0xDD, 0xDA))
"""A JPEG's tables, frame and scan; besides, APP0 in which JFIF says that pixels are square."""
PLAIN_CHUNKS = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"pHYs", b"gAMA", b"cHRM", b"sRGB",
                          b"cICP"))  # fmt: skip


def _jpeg_told(data: bytes) -> set[str]:
    """Segments before the scan that a decoder does not need: comments, Exif, profiles."""
    told, at = set[str](), 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        mark, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        jfif = mark == 0xE0 and data[at + 4 : at + 9] == b"JFIF\0"
        if mark not in PLAIN_SEGMENTS and not jfif:
            told.add(f"a segment {mark:02X}")
        if mark == 0xDA:
            break
        at += 2 + size
    return told


def _png_told(data: bytes) -> set[str]:
    """Chunks that are no part of the picture and its colours."""
    told, at = set[str](), 8
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in PLAIN_CHUNKS:
            told.add(f"a chunk {kind.decode('latin-1')}")
        at += 12 + size
    return told
