"""Pictures as image files: how they are made of video, and whether they show what they should.

A JPEG is always read by the matrix of BT.601 in full range, whatever the video's was: without a
word about it ffmpeg keeps the numbers and changes the colours (a green of 220 came out as 255).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from render_job.looks import Look
from render_job.recipe import start
from schemas.kinds import Image

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
QUALITY = "2"
"""mjpeg's scale from 2 to 31; 2 is the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """By which matrix the numbers of a video are colours."""

    is_709: bool

    @property
    def words(self) -> str:
        """For the scaler, which goes by the video's own tags otherwise."""
        return "in_color_matrix=bt709:" if self.is_709 else ""


def shade_of(look: Look) -> Shade:
    """What players take it for."""
    unsaid = len(look.colours) > 3 and look.colours[3] == UNSPECIFIED
    return Shade(is_709=unsaid and look.size[1] >= HIGH_DEFINITION)


def image(
    video: Path, out: Path, kind: Image, shade: Shade, *, ffmpeg: str, layout: Sequence[str] = ()
) -> list[str]:
    """The command that makes one image of the video's first picture, or what `layout` makes."""
    careful = "flags=bicubic+accurate_rnd+full_chroma_int"
    codec: tuple[str, ...]
    if kind is Image.JPEG:
        colours = f"scale={shade.words}out_color_matrix=bt601:out_range=full:{careful}"
        chain, codec = (colours, "format=yuvj420p"), ("mjpeg", "-q:v", QUALITY, "-f", "mjpeg")
    else:
        chain = (f"scale={shade.words}{careful}", "format=rgb24")
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
    whole = frame.reformat(format="rgb24", src_colorspace="ITU709" if shade.is_709 else None)
    small = whole.reformat(width=side, height=side, interpolation="AREA")
    plane = small.planes[0]
    data = bytes(plane)
    rows = (data[y * plane.line_size : y * plane.line_size + 3 * side] for y in range(side))
    return b"".join(rows)


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
