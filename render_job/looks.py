"""How a file's pictures are coded, as its stream says: alike in every piece and in the output."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from render_job.filters import EXACT_FORMATS, MATRICES
from render_job.recipe import timescale
from schemas import media
from schemas.plan import OutputPlan

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

IDR = 5
"""The NAL unit of a picture before which nothing is needed (H.264, 7.4.1.2.4)."""
PLAIN_FORMATS = ("yuv420p", "yuvj420p")
"""What the recipe makes of anything: in the full range, if the source is, by its other name."""
PICTURES = range(1, 6)
"""NAL units that hold (parts of) pictures."""
UNSAID = (0, 2)
"""Reserved, and not known (H.273, 8.2)."""
FULL_RANGE = 2
"""As ffmpeg numbers ranges."""
_NEXT_TO_NOTHING = bytes(range(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a player goes by. Pieces that differ in it cannot be joined."""

    codec: str = ""
    size: tuple[int, int] = (0, 0)
    pixel_format: str = ""
    sample_aspect: Fraction = Fraction(1)
    time_base: Fraction = Fraction(1)
    colours: tuple[int, ...] = ()
    """Range, primaries, transfer and matrix, as H.273 numbers them."""
    extradata: bytes = b""
    """The avcC box: the parameter sets."""

    def faults(self, plan: OutputPlan) -> list[str]:
        """What is not as planned. The plan does not tell colours: see `colour_faults`."""
        allowed = EXACT_FORMATS if plan.lossless else PLAIN_FORMATS
        faults = []
        if self.codec != "h264":
            faults.append(f"it is coded as {self.codec or 'nothing known'}, not h264")
        if self.size != (plan.width, plan.height):
            faults.append(size_fault(self.size, plan))
        if self.pixel_format not in allowed:
            faults.append(f"its pixels are {self.pixel_format or 'unknown'}, not {allowed[0]}")
        if self.sample_aspect != 1:
            faults.append(f"its pixels are not square but {self.sample_aspect}")
        if self.time_base != Fraction(1, timescale(plan.frame_rate)):
            faults.append(f"it counts time in {self.time_base} s")
        return faults

    def colour_faults(self, source: media.VideoStream) -> list[str]:
        """Which colour tags are not the source's, as far as it has said them and they are kept.

        What is not YUV has another matrix afterwards, and perhaps another range.
        """
        if not self.colours:
            return []
        colour_range, _, transfer, matrix = self.colours
        pairs = []
        if source.transfer not in UNSAID:
            pairs.append(("transfer", transfer, source.transfer))
        if source.pixel_format.startswith("yuv"):
            if source.matrix in MATRICES:
                pairs.append(("matrix", matrix, source.matrix))
            pairs.append(("full range", int(colour_range == FULL_RANGE), int(source.full_range)))
        return [
            f"its colours are tagged with {name} {mine}, the source's with {theirs}"
            for name, mine, theirs in pairs
            if mine != theirs
        ]

    def unlike(self, other: "Look") -> list[str]:
        """In which ways two that were to be alike are not."""
        ways = {
            "colour tags": (self.colours, other.colours),
            "parameter sets": (self.extradata, other.extradata),
        }
        return [way for way, (mine, theirs) in ways.items() if mine != theirs]


def look_of(stream: "VideoStream") -> Look:
    """What the stream says, without decoding it; a codec that nobody knows has no name."""
    context = cast("VideoCodecContext | None", stream.codec_context)
    if context is None:
        return Look()
    return Look(
        codec=context.name,
        size=(context.width, context.height),
        pixel_format=context.pix_fmt or "",
        sample_aspect=Fraction(stream.sample_aspect_ratio or 1),
        time_base=stream.time_base or Fraction(1),
        colours=(
            int(context.color_range),
            int(context.color_primaries),
            int(context.color_trc),
            int(context.colorspace),
        ),
        extradata=context.extradata or b"",
    )


def look_at(path: Path) -> Look:
    """The same of a file's first video stream; of one that cannot be read nothing is known."""
    import av

    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            return look_of(container.streams.video[0])
    except (av.FFmpegError, IndexError):
        return Look()


def size_fault(size: tuple[int, int], plan: OutputPlan) -> str:
    """One sentence for pieces and outputs."""
    return f"the picture is {size[0]}x{size[1]}, not {plan.width}x{plan.height}"


def stands_alone(packet: "Packet[VideoStream]", avcc: bytes) -> bool:
    """Whether the packet's first picture is an IDR, so that decoding may begin with it."""
    return next((kind == IDR for kind in _units(bytes(packet), avcc) if kind in PICTURES), False)


def is_blank(frame: "VideoFrame") -> bool:
    """Whether next to nothing is in any plane: the green of a picture that was never filled in.

    Black has chroma in the middle of its range; zero in all planes is no colour that a camera or
    an encoder makes. Three rows of each plane are looked at.
    """
    return all(
        not row.strip(_NEXT_TO_NOTHING)
        for plane in frame.planes
        for row in _rows(memoryview(plane), plane.line_size, plane.height, frame.width)
    )


def _rows(plane: memoryview, pitch: int, height: int, width: int) -> Iterator[bytes]:
    """Of a quarter, half and three quarters of the height; chroma is at least half as wide."""
    for at in (height // 4, height // 2, height * 3 // 4):
        yield bytes(plane[at * pitch : at * pitch + width // 2])


def _units(packet: bytes, avcc: bytes) -> Iterator[int]:
    """The types of the packet's NAL units; avcC says in how many bytes their lengths are."""
    size, at = (avcc[4] & 3) + 1 if len(avcc) > 4 else 4, 0
    while at + size < len(packet):
        yield packet[at + size] & 31
        at += size + int.from_bytes(packet[at : at + size], "big")
