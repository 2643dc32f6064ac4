"""Pictures as image files: how they are made of video, and whether they show what they should.

A JPEG is always read by the matrix of BT.601 in full range, whatever the video's was: without a
word about it ffmpeg keeps the numbers and changes the colours (a green of 220 came out as 255).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from render_job.filters import quoted
from render_job.light import image_cube
from render_job.looks import Look
from render_job.recipe import start
from schemas.kinds import Image
from schemas.media import HLG, PQ

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

UNSPECIFIED = 2
"""A matrix of which the video says nothing, as H.273 numbers it; BT.709 is 1, BT.601 is 5 or 6."""
HIGH_DEFINITION = 720
"""Pixels of height from which players take an unsaid matrix for BT.709."""
NEARNESS = 4.0
"""Of 255, the most by which a picture and its image may differ on average. Of films, noise and test
charts none differed by more than 1.5."""
WORST_FIELD = 16.0
"""The same for the worst of 64 fields of the picture, so that a part of another one is seen; none
differed by more than 3.3."""
FIELDS = 8
CELL = 4
"""Pixels of a field, each way, of what is compared."""
CAREFUL = "flags=bicubic+accurate_rnd+full_chroma_int"
"""For the scaler, where colours are to be kept."""
QUALITY = "2"
"""mjpeg's scale from 2 to 31; 2 is the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """By which matrix the numbers of a video are colours."""

    is_709: bool
    hdr: int | None = None
    """Its transfer where that is PQ or HLG, of which an image file knows nothing.

    Its matrix is that of BT.2020 then.
    """

    @property
    def words(self) -> str:
        """For the scaler, which goes by the video's own tags otherwise."""
        if self.hdr is not None:
            return "in_color_matrix=bt2020:"
        return "in_color_matrix=bt709:" if self.is_709 else ""


def shade_of(look: Look) -> Shade:
    """What players take it for."""
    unsaid = len(look.colours) > 3 and look.colours[3] == UNSPECIFIED
    transfer = look.colours[2] if len(look.colours) > 2 else UNSPECIFIED
    return Shade(
        is_709=unsaid and look.size[1] >= HIGH_DEFINITION,
        hdr=transfer if transfer in (PQ, HLG) else None,
    )


def light_for(shade: Shade, folder: Path) -> Path | None:
    """The table that an image of an HDR video needs, written; None for any other video."""
    if shade.hdr is None:
        return None
    path = folder / "image.cube"
    path.write_text(image_cube(shade.hdr), encoding="ascii")
    return path


def image(
    video: Path,
    out: Path,
    kind: Image,
    shade: Shade,
    *,
    ffmpeg: str,
    layout: Sequence[str] = (),
    light: Path | None = None,
) -> list[str]:
    """The command that makes one image of the video's first picture, or what `layout` makes.

    `light` is what `light_for` has written.
    """
    chain: list[str] = []
    if light is not None:
        sdr = "setparams=color_primaries=bt709:color_trc=iec61966-2-1:colorspace=gbr"
        chain = [f"scale={shade.words}{CAREFUL}", "format=gbrp", f"lut3d=file={quoted(light)}", sdr]
    codec: tuple[str, ...]
    if kind is Image.JPEG:
        words = "" if light else shade.words
        colours = f"scale={words}out_color_matrix=bt601:out_range=full:{CAREFUL}"
        chain += [colours, "format=yuvj420p"]
        codec = ("mjpeg", "-q:v", QUALITY, "-f", "mjpeg")
    else:
        chain += ["format=rgb24"] if light else [f"scale={shade.words}{CAREFUL}", "format=rgb24"]
        codec = ("png", "-f", "image2pipe")
    return [
        *start(ffmpeg, 1),
        *("-protocol_whitelist", "file", "-threads", "1", "-i", f"file:{video}"),
        *("-map", "0:v:0", "-vf", ",".join((*chain, *layout)), "-frames:v", "1"),
        *("-map_metadata", "-1", "-flags:v", "+bitexact", "-fflags", "+bitexact"),
        *("-threads", "1", "-c:v", *codec, f"file:{out}"),
    ]


def unlike(image: "VideoFrame", frame: "VideoFrame", shade: Shade) -> str:
    """In which way the two show something else; empty where they look alike.

    A neighbour of the right frame may look alike: that the right one was made is the piece's part.
    """
    return _difference(_small(image, Shade(is_709=False)), _small(frame, shade))


def _small(frame: "VideoFrame", shade: Shade) -> bytes:
    """A small copy in RGB, in which noise is gone and another picture is still another one.

    In RGB before it is small: colours beyond its range, which are cut off, would be averaged else.
    """
    side = FIELDS * CELL
    if shade.hdr is not None:
        whole = _in_sdr(frame, shade)
    else:
        whole = frame.reformat(format="rgb24", src_colorspace="ITU709" if shade.is_709 else None)
    small = whole.reformat(width=side, height=side, interpolation="AREA")
    plane = small.planes[0]
    data = bytes(plane)
    rows = (data[y * plane.line_size : y * plane.line_size + 3 * side] for y in range(side))
    return b"".join(rows)


def _in_sdr(frame: "VideoFrame", shade: Shade) -> "VideoFrame":
    """The whole picture in RGB, with the colours that an image of it has."""
    from av.filter import Graph
    from av.video.frame import VideoFrame

    width, height, tick = frame.width, frame.height, Fraction(1)
    with TemporaryDirectory() as folder:
        graph = Graph()
        graph.link_nodes(
            graph.add_buffer(width=width, height=height, format=frame.format, time_base=tick),
            graph.add("scale", f"{shade.words}{CAREFUL}"),
            graph.add("format", "gbrp"),
            graph.add("lut3d", file=str(light_for(shade, Path(folder)))),
            graph.add("format", "rgb24"),
            graph.add("buffersink"),
        ).configure()
        graph.push(frame)
        mapped = graph.pull()
    assert isinstance(mapped, VideoFrame)
    return mapped


def _difference(one: bytes, other: bytes) -> str:
    side = FIELDS * CELL
    fields = [0] * (FIELDS * FIELDS)
    for at, (a, b) in enumerate(zip(one, other, strict=True)):
        x, y = at // 3 % side, at // 3 // side
        fields[y // CELL * FIELDS + x // CELL] += abs(a - b)
    size = 3 * CELL * CELL
    mean, worst = sum(fields) / (size * len(fields)), max(fields) / size
    if mean > NEARNESS or worst > WORST_FIELD:
        return f"differs by {mean:.1f} on average and {worst:.1f} at worst"
    return ""
