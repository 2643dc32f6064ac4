"""The filters between a source's pictures and an output's.

    bwdif                      needs the pictures around: before anything is chosen or left out
    settb, setpts, fps, trim   the same phase in every chunk: see `render_job/recipe.py`
    crop, scale, pad, overlay  each picture by itself: the frame that the output asks for
    format, settb, setpts      what the encoder gets

Everything after `trim` looks at one picture and its time in the clip, never at those before it, so
a chunk has the pictures of a single pass.
"""

from collections.abc import Iterator
from fractions import Fraction

from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import OutputPlan
from schemas.spec_picture import Fit

HELD_FRAMES = 2
"""How often the last picture is repeated where the plan is longer than the decoded video. Where
durations are rounded (1 ms in Matroska) that is one frame; a truncated file stays too short."""
EXACT_FORMATS = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le")
"""Pixel formats that x264 keeps as they are when lossless; others become yuv420p."""
BLUR_SHRINK = 8
"""The blurred background is made at an eighth of the size: nobody can tell, and it costs little."""
BLUR_SIGMA = 4


def graph(plan: OutputPlan, source: VideoStream, span: Span, *, from_start: bool) -> str:
    """The whole filter graph. Decoded from its start, a video that begins late is filled from 0."""
    rate = plan.frame_rate
    parts = (
        *_timed(plan, source, span, from_start=from_start),
        *_framed(plan, source),
        "setsar=1",
        f"format={_pixels(plan, source)}",
        f"settb={rate.denominator}/{rate.numerator}",
        f"setpts=PTS-{span.start}",
    )
    return ",".join(parts)


def _timed(plan: OutputPlan, source: VideoStream, span: Span, *, from_start: bool) -> Iterator[str]:
    """The span's pictures, numbered as the output's frames are."""
    tick, rate = source.time_base, plan.frame_rate
    if plan.deinterlace:
        # It counts in half ticks, which the next filter undoes.
        yield "bwdif=mode=send_frame:parity=auto:deint=interlaced"
    yield f"settb={tick.numerator}/{tick.denominator}"
    yield f"setpts=PTS-({plan.start_pts})"
    yield f"fps={rate}:round=near" + (":start_time=0" if from_start else "")
    yield f"tpad=stop={HELD_FRAMES}:stop_mode=clone"
    yield f"trim=start_pts={span.start}:end_pts={span.end}"


def _framed(plan: OutputPlan, source: VideoStream) -> Iterator[str]:
    """The picture in the output's frame."""
    size = (plan.width, plan.height)
    if plan.fit is None:
        yield _scale(size)
        return
    if plan.fit is Fit.COVER:
        yield _crop(size, source)
        yield _scale(size)
        return
    inner = _inner(size, source)
    x, y = ((whole - part) // 4 * 2 for whole, part in zip(size, inner, strict=True))
    if inner == size:
        yield _scale(size)
    elif plan.fit is Fit.CONTAIN:
        yield _scale(inner)
        yield f"pad={plan.width}:{plan.height}:{x}:{y}"
    else:
        small = tuple(max(2, side // BLUR_SHRINK // 2 * 2) for side in size)
        back = (
            _crop(size, source),
            f"scale={small[0]}:{small[1]}:flags=area",
            f"gblur=sigma={BLUR_SIGMA}",
            _scale(size),
            "setsar=1[back]",
        )
        yield f"split[whole][part];[part]{','.join(back)};[whole]{_scale(inner)}"
        yield f"setsar=1[front];[back][front]overlay={x}:{y}:format=yuv420"


def _crop(size: tuple[int, int], source: VideoStream) -> str:
    """The largest part of the picture in the middle that has the shape of the frame."""
    width, height = _stored(source)
    shape = Fraction(size[0], size[1]) / _aspect(source)
    wide = min(width, _even(height * shape))
    high = min(height, _even(width / shape))
    return f"crop={wide}:{high}:{(width - wide) // 4 * 2}:{(height - high) // 4 * 2}"


def _inner(size: tuple[int, int], source: VideoStream) -> tuple[int, int]:
    """The largest size in the frame that has the picture's shape."""
    width, height = _stored(source)
    shape = Fraction(width, height) * _aspect(source)
    return min(size[0], _even(size[1] * shape)), min(size[1], _even(size[0] / shape))


def _stored(source: VideoStream) -> tuple[int, int]:
    """Width and height as the filters see them: ffmpeg has turned the picture already."""
    turned = source.rotation in (90, 270)
    return (source.height, source.width) if turned else (source.width, source.height)


def _aspect(source: VideoStream) -> Fraction:
    """A pixel's width by its height, after the turn."""
    turned = source.rotation in (90, 270)
    return 1 / source.sample_aspect if turned else source.sample_aspect


def _even(length: Fraction) -> int:
    return max(2, 2 * round(length / 2))


def _scale(size: tuple[int, int]) -> str:
    return f"scale={size[0]}:{size[1]}:flags=bicubic"


def _pixels(plan: OutputPlan, source: VideoStream) -> str:
    keep = plan.lossless and source.pixel_format in EXACT_FORMATS
    return source.pixel_format if keep else "yuv420p"
