"""The filters between a source's pictures and an output's.

    bwdif                      needs the pictures around: before anything is chosen or left out
    settb, setpts, fps, trim   the same phase in every chunk: see `render_job/recipe.py`
    crop, scale, pad, overlay  each picture by itself: the frame that the output asks for
    format, settb, setpts      what the encoder gets

Everything after `trim` looks at one picture and its time in the clip, never at those before it, so
a chunk has the pictures of a single pass.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from render_job.engines import Engine, Shrunk, shrunk
from render_job.studio import NOTHING, Drawn
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import MarkPlan, OutputPlan
from schemas.spec_picture import Fit

HELD_FRAMES = 2
"""How often the last picture is repeated where the plan is longer than the decoded video. Where
durations are rounded (1 ms in Matroska) that is one frame; a truncated file stays too short."""
EXACT_FORMATS = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le")
"""Pixel formats that x264 keeps as they are when lossless; others become yuv420p."""
BLUR_SHRINK = 8
"""The blurred background is made at an eighth of the size: nobody can tell, and it costs little."""
BLUR_SIGMA = 6
BLUR_LIGHT = "val*3/4"
"""The background is darker than the picture on it, or their edge would be lost in a bright sky."""
MATRICES = {1: "bt709", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020"}
"""What ffmpeg calls those matrix coefficients of H.273 that it converts to."""
_IN_OPTION = re.compile(r"[\\':]")
_IN_GRAPH = re.compile(r"[\\'\[\],;]")


def graph(
    plan: OutputPlan,
    source: VideoStream,
    span: Span,
    drawn: Drawn = NOTHING,
    *,
    from_start: bool,
    engine: Engine = Engine.X264,
) -> str:
    """The whole filter graph. Decoded from its start, a video that begins late is filled from 0.

    With a watermark it takes the picture from the first input and the mark from the second, and
    its end is named `out`.
    """
    rate, shown, mark = plan.clip_rate, plan.in_clip(span), plan.watermark
    small = shrunk(engine, plan, source)
    parts = (
        *_timed(plan, source, shown, small, from_start=from_start),
        *_framed(plan, small.left if small else source),
        "setsar=1",
        *(() if mark is None else (_marked(mark),)),
        *_captioned(drawn),
        f"format={_pixels(plan, source)}",
        f"settb={rate.denominator}/{rate.numerator}",
        f"setpts=PTS-{shown.start}",
        *([] if plan.step == 1 else [f"settb={plan.step * rate.denominator}/{rate.numerator}"]),
    )
    if mark is None:
        return ",".join(parts)
    return f"[1:v]{_mark(mark, source, drawn)}[mark];[0:V:0]{','.join(parts)}[out]"


def _timed(
    plan: OutputPlan, source: VideoStream, shown: Span, small: Shrunk | None, *, from_start: bool
) -> Iterator[str]:
    """The pictures of those frames of the clip, or every so many of them.

    `tpad` knows no pictures of the GPU. So they are fetched before it, those alone that it or the
    clip may want.
    """
    tick, rate = source.time_base, plan.clip_rate
    if plan.deinterlace:
        # It counts in half ticks, which the next filter undoes.
        yield "bwdif=mode=send_frame:parity=auto:deint=interlaced"
    yield f"settb={tick.numerator}/{tick.denominator}"
    yield f"setpts=PTS-({plan.start_pts})"
    yield f"fps={rate}:round=near" + (":start_time=0" if from_start else "")
    if small is not None:
        yield f"trim=start_pts={max(0, shown.start - HELD_FRAMES)}"
        yield from small.words
    yield f"tpad=stop={HELD_FRAMES}:stop_mode=clone"
    yield f"trim=start_pts={shown.start}:end_pts={shown.end}"
    if plan.step > 1:
        yield f"select='not(mod(pts-{shown.start}\\,{plan.step}))'"


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
            "format=yuv420p",
            f"gblur=sigma={BLUR_SIGMA}:steps=3",
            f"lutyuv=y={BLUR_LIGHT}{'' if source.full_range else '+4'}",
            _scale(size),
            "setsar=1[back]",
        )
        yield f"split[whole][part];[part]{','.join(back)};[whole]{_scale(inner)}"
        yield f"setsar=1[front];[back][front]overlay={x}:{y}:format=yuv420"


def _mark(mark: MarkPlan, source: VideoStream, drawn: Drawn) -> str:
    """The image in its size, in the colours of the picture that it goes on.

    Scaled while its colours are weighed by their opacity: what is invisible has a colour too, and
    it would bleed into the edges. Said of another matrix or range than the picture's, it would not
    be the mark that is converted but the picture.
    """
    colours = [f":out_color_matrix={MATRICES[source.matrix]}"] if source.matrix in MATRICES else []
    colours += [":out_range=pc"] if source.full_range else []
    parts = (
        "format=gbrap",
        "premultiply=inplace=1",
        f"scale={mark.width}:{mark.height}:flags=bicubic",
        "unpremultiply=inplace=1",
        *([] if drawn.light is None else [f"lut3d=file={quoted(drawn.light)}"]),
        *([f"lut=a=val*{mark.opacity}/100"] if mark.opacity < 100 else []),
        f"scale={mark.width}:{mark.height}{''.join(colours)}",
        "format=yuva420p",
    )
    return ",".join(parts)


def _marked(mark: MarkPlan) -> str:
    """The mark on the picture; its one picture stays for all of them."""
    return f"null[bare];[bare][mark]overlay={mark.x}:{mark.y}:format=yuv420:eval=init"


def _captioned(drawn: Drawn) -> Iterator[str]:
    """Words by the clip's time, which is the picture's until the piece's own begins."""
    if drawn.captions is not None and drawn.fonts is not None:
        yield f"ass=filename={quoted(drawn.captions)}:fontsdir={quoted(drawn.fonts)}"


def quoted(path: Path) -> str:
    """The path as a filter's option: read twice, first by the graph and then by the filter."""
    return _IN_GRAPH.sub(r"\\\g<0>", _IN_OPTION.sub(r"\\\g<0>", str(path)))


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
