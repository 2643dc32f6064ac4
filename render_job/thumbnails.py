"""Thumbnails: one sheet of small pictures, and WebVTT that says which of them is shown when.

A cue's text is the sheet's name and, as a media fragment, where on it the picture is; players know
this form. Cues follow each other without a gap, from 0 to the clip's end; a picture shows the
middle of its cue (`functions/core/kinds.py`).
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from render_job.faults import unreadable
from render_job.images import shade_of, unlike
from render_job.looks import look_of
from render_job.parcel import Parcel
from render_job.poster import frame_faults
from render_job.strict import strictly
from schemas.kinds import Image
from schemas.plan import OutputPlan

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

SHEET = "sheet.jpg"
_CUE = re.compile(
    r"(\d{2,}):(\d\d):(\d\d)\.(\d{3}) --> (\d{2,}):(\d\d):(\d\d)\.(\d{3})\n"
    r"(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)"
)


def webvtt(plan: OutputPlan, sheet: str) -> str:
    """The cues; `sheet` as a reader finds it from there."""
    cues = (
        f"{_clock(start)} --> {_clock(end)}\n{sheet}#xywh={x},{y},{plan.width},{plan.height}\n"
        for (start, end), (x, y) in zip(_times(plan), _places(plan), strict=True)
    )
    return "\n".join(("WEBVTT\n", *cues))


def thumbnail_faults(
    parcel: Parcel, video: Path, plan: OutputPlan, *, heard: Callable[[], None]
) -> list[str]:
    """Whether the cues tile the clip, and each shows what was verified for its time."""
    sheet, _sums = parcel.beside
    text = parcel.path.read_text(encoding="utf-8", errors="replace")
    faults = _cue_faults(text, sheet.name, plan)
    told = frame_faults(sheet.path, Image.JPEG)
    return faults + (told or _sheet_faults(sheet.path, video, plan, heard))


def _cue_faults(text: str, sheet: str, plan: OutputPlan) -> list[str]:
    head, *blocks = text.removesuffix("\n").split("\n\n")
    cues = [match for block in blocks if (match := _CUE.fullmatch(block))]
    if head != "WEBVTT" or len(cues) != len(blocks):
        return ["it is no WebVTT of thumbnails"]
    if len(cues) != plan.frames:
        return [f"it has {len(cues)} cues, not {plan.frames}"]
    faults, at = [], 0
    end = round(plan.clip_frames / plan.clip_rate * 1000)
    for cue, (_, until), (x, y) in zip(cues, _times(plan), _places(plan), strict=True):
        begins, ends = _milliseconds(cue, 1), _milliseconds(cue, 5)
        if begins != at or ends <= begins:
            faults.append(f"the cues leave a gap or overlap at {at} ms")
        if abs(ends - until * 1000) > 1:
            faults.append(f"a cue ends at {ends} ms, not at {float(until * 1000):.0f}")
        if cue[9] != sheet:
            faults.append("a cue names another sheet")
        if tuple(map(int, cue.groups()[9:])) != (x, y, plan.width, plan.height):
            faults.append(f"the cue at {begins} ms shows another place of the sheet")
        at = ends
    if at != end:
        faults.append(f"the cues end at {at} ms, and the clip at {end}")
    return faults


def _sheet_faults(
    path: Path, video: Path, plan: OutputPlan, heard: Callable[[], None]
) -> list[str]:
    """Each place of the sheet beside the picture that was verified for it."""
    import av

    faults = []
    try:
        with (
            av.open(f"file:{path}") as image,
            av.open(f"file:{video}") as movie,
        ):
            strictly(image.streams.video[0])
            sheet, stream = next(image.decode(video=0)), movie.streams.video[0]
            size = (plan.columns * plan.width, plan.rows * plan.height)
            if (sheet.width, sheet.height) != size:
                return [f"the sheet is {sheet.width}x{sheet.height}, not {size[0]}x{size[1]}"]
            shade, whole = shade_of(look_of(stream)), sheet.reformat(format="rgb24")
            for (x, y), frame in zip(_places(plan), movie.decode(stream), strict=True):
                heard()
                tile = _cut_out(whole, x, y, plan)
                if way := unlike(tile, frame, shade):
                    faults.append(f"the thumbnail at {x},{y} is not that of its frame: it {way}")
    except (av.FFmpegError, StopIteration, IndexError, ValueError) as error:
        faults.append(unreadable(error))
    return faults


def _cut_out(sheet: "VideoFrame", x: int, y: int, plan: OutputPlan) -> "VideoFrame":
    """One thumbnail of a sheet in RGB."""
    from av.video.frame import VideoFrame

    tile = VideoFrame(plan.width, plan.height, "rgb24")
    source, target = sheet.planes[0], tile.planes[0]
    data, rows = memoryview(source), bytearray(target.buffer_size)
    for row in range(plan.height):
        begin = (y + row) * source.line_size + 3 * x
        at = row * target.line_size
        rows[at : at + 3 * plan.width] = data[begin : begin + 3 * plan.width]
    target.update(bytes(rows))
    return tile


def _times(plan: OutputPlan) -> Iterator[tuple[Fraction, Fraction]]:
    """From when until when each is shown, in seconds of the clip; the last one to its end."""
    length = plan.clip_frames / plan.clip_rate
    for number in range(plan.frames):
        until = (number + 1) / plan.frame_rate
        yield number / plan.frame_rate, length if number == plan.frames - 1 else until


def _places(plan: OutputPlan) -> Iterator[tuple[int, int]]:
    """Where on the sheet each is, row by row."""
    for number in range(plan.frames):
        row, column = divmod(number, plan.columns)
        yield column * plan.width, row * plan.height


def _clock(seconds: Fraction) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _milliseconds(cue: "re.Match[str]", first: int) -> int:
    hours, minutes, seconds, rest = (int(cue[first + n]) for n in range(4))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
