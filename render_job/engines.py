"""Who makes the pictures: libx264 on the processor, or NVDEC and NVENC on a GPU (that was not run).

    source ── NVDEC ──► scale_cuda ──► hwdownload ──► crop, pad, draw ──► NVENC
          └── what NVDEC is not asked for: decoded and filtered as for libx264 ──┘

Everything else is the same for both: the seek, the choice of frames, their number and times, the
grid of key frames, the container. Pictures are not: they are scaled and coded by other means, so
pieces of two engines are never joined.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from render_job.errors import RenderFault
from schemas.failures import Failure, FailureClass
from schemas.media import VideoStream
from schemas.plan import OutputPlan
from schemas.spec_picture import Fit


class Engine(StrEnum):
    """By the name of its encoder, with which an encoder class begins."""

    X264 = "libx264"
    NVENC = "h264_nvenc"


NVDEC_CODECS = ("h264", "hevc", "vp9")
"""Whose own decoder in ffmpeg hands over to NVDEC. AV1's would have to be asked for by name, since
libdav1d comes first."""
NVDEC_FORMATS = ("yuv420p",)
"""8 bits: H.264 of more is not decoded, and scale_cuda says nothing of range."""
NVDEC_SIDES = range(128, 4097)
"""Width and height in pixels that NVDEC takes of H.264; of the others more."""
SURFACES = 8
"""More pictures on the GPU than the decoder itself asks for: what `fps` holds back."""
NVENC_PRESETS = {"ultrafast": "p1", "veryfast": "p5", "medium": "p7"}
"""By x264's preset of the plan: both say how long to search."""
TURNS = {90: ("transpose=clock",), 180: ("hflip", "vflip"), 270: ("transpose=cclock",)}
"""By clockwise degrees. ffmpeg turns by itself before all other filters, where a picture of the GPU
cannot be turned."""


def engine_of(encoder_class: str) -> Engine:
    """The engine that an order asks for; of one that nobody knows the class differs anyway."""
    name = encoder_class.partition("/")[0]
    return Engine(name) if name in set(Engine) else Engine.X264


def maker_of(output: OutputPlan, engine: Engine) -> Engine:
    """What makes an output's pictures on a machine of that engine.

    Those of images are few, and lossless until they are stored: the processor makes them anywhere.
    """
    return engine if output.kind.plays else Engine.X264


def is_decoded_on_gpu(engine: Engine, plan: OutputPlan, source: VideoStream) -> bool:
    """Whether NVDEC is asked: `-hwaccel cuda` does not fall back by itself, so it must be sure."""
    return (
        engine is Engine.NVENC
        and source.codec in NVDEC_CODECS
        and source.pixel_format in NVDEC_FORMATS
        and source.width in NVDEC_SIDES
        and source.height in NVDEC_SIDES
        and not source.full_range
        and not plan.deinterlace
    )


def decoding(engine: Engine, plan: OutputPlan, source: VideoStream, threads: int) -> Sequence[str]:
    """Options before the input."""
    many = ("-threads", str(threads))
    if not is_decoded_on_gpu(engine, plan, source):
        return many
    kept = ("-hwaccel", "cuda", "-hwaccel_output_format", "cuda")
    return (*kept, "-extra_hw_frames", str(SURFACES), "-noautorotate", *many)


def encoding(engine: Engine, plan: OutputPlan, threads: int) -> Sequence[str]:
    """The encoder's words; closed GOPs of one length with two B-frames from either.

    Raises RenderFault (dependency) for a lossless output of NVENC: no lane may be chosen for it.
    """
    grid = ("-g", str(plan.gop))
    if engine is Engine.X264:
        quality = ("-qp", "0") if plan.lossless else ("-crf", str(plan.crf))
        return (
            *("-c:v", "libx264", "-preset", plan.preset, *quality, "-threads", str(threads)),
            *(*grid, "-keyint_min", str(plan.gop), "-sc_threshold", "0", "-bf", "2"),
            *("-flags", "+cgop"),
        )
    if plan.lossless:
        raise RenderFault(_not_lossless())
    return (
        *("-c:v", "h264_nvenc", "-preset", NVENC_PRESETS.get(plan.preset, "p5"), "-tune", "hq"),
        *("-rc", "vbr", "-cq", str(plan.crf), "-b:v", "0"),
        *(*grid, "-no-scenecut", "1", "-strict_gop", "1", "-forced-idr", "1", "-bf", "2"),
        *("-b_ref_mode", "0", "-profile:v", "high"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """A picture that was made small on the GPU and is in the processor's memory again."""

    words: tuple[str, ...]
    left: VideoStream
    """What the processor's filters have before them: upright, and of square pixels."""


def shrunk(engine: Engine, plan: OutputPlan, source: VideoStream) -> Shrunk | None:
    """Scaled where it was decoded, to the size in which it comes into the frame.

    None where it was decoded by the processor. Only this many pixels cross the bus.
    """
    if not is_decoded_on_gpu(engine, plan, source):
        return None
    width, height = _size(plan, source)
    across, down = (height, width) if source.rotation in (90, 270) else (width, height)
    words = (
        f"scale_cuda={across}:{down}:format=nv12:interp_algo=bicubic",
        "hwdownload",
        "format=nv12",
        *TURNS.get(source.rotation, ()),
        "setsar=1",
    )
    left = replace(source, width=width, height=height, rotation=0, sample_aspect=Fraction(1))
    return Shrunk(words=words, left=left)


def _size(plan: OutputPlan, source: VideoStream) -> tuple[int, int]:
    """As it is seen: it fills the frame where it is cropped, and fits into it where it is not."""
    if plan.fit is None:
        return plan.width, plan.height
    width, height = source.display_size
    ways = (Fraction(plan.width, width), Fraction(plan.height, height))
    by = max(ways) if plan.fit is Fit.COVER else min(ways)
    return _even(width * by, plan.width, plan.fit), _even(height * by, plan.height, plan.fit)


def _even(length: Fraction, side: int, fit: Fit) -> int:
    """Never smaller than a frame that it fills, nor larger than one that it fits into."""
    even = max(2, 2 * round(length / 2))
    return max(even, side) if fit is Fit.COVER else min(even, side)


def _not_lossless() -> Failure:
    said = "h264_nvenc makes nothing lossless here: a lane of libx264 does."
    return Failure(failure=FailureClass.DEPENDENCY, reason="encoder_unable", message=said)
