"""From the plan of an MP4 to that of another kind: the same clip, fewer pictures or other files."""

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

from functions.core.pictures import ENCODERS
from schemas.kinds import Kind
from schemas.pieces import cut_into_chunks
from schemas.plan import OutputPlan
from schemas.spec import Output
from schemas.spec_fields import SpecFault
from schemas.spec_picture import Quality

SEGMENT_GOPS = 3
"""GOPs of an HLS segment: 6 s, as Apple's authoring specification recommends."""
MOST_TILES = 400
LONGEST_SIDE = 8192
"""Pixels of a sheet: above it, phones' decoders refuse a picture."""
USUAL_TILES = 100
CLOSEST_SECONDS = 2
"""From one thumbnail to the next, where nothing is said."""
SHEET_CHUNK_SECONDS = 120
"""Of the clip, for a chunk of thumbnails: all pictures are decoded and few are encoded."""


def as_kind(plan: OutputPlan, output: Output, number: int) -> OutputPlan:
    """The plan that the output's kind asks for; `plan` is that of an MP4 of the same clip.

    Raises SpecFault, naming the output by its `number`, where the kind does not fit the clip.
    """
    plan = replace(plan, kind=output.wish.kind)
    if output.wish.kind is Kind.POSTER:
        return _poster(plan, output, f"outputs[{number}]")
    if output.wish.kind is Kind.THUMBNAILS:
        return _sheet(plan, output, f"outputs[{number}]")
    if output.wish.kind is Kind.HLS:
        return replace(
            plan, segment_frames=SEGMENT_GOPS * plan.gop, object_name=_renamed(plan, "m3u8")
        )
    return plan


def _poster(plan: OutputPlan, output: Output, at: str) -> OutputPlan:
    seconds = plan.frames / plan.frame_rate
    if output.wish.at is not None and output.wish.at >= seconds:
        limit = f"less than the length of clip {plan.clip} ({float(seconds):.3f} s)"
        raise SpecFault(f"{at}.at", f"{float(output.wish.at):g} s", limit)
    frame = plan.frames // 2 if output.wish.at is None else floor(output.wish.at * plan.frame_rate)
    return _stills(
        replace(
            plan,
            frames=1,
            offset=min(frame, plan.frames - 1),
            object_name=_renamed(plan, output.wish.image.extension),
        ),
        length=1,
    )


def _sheet(plan: OutputPlan, output: Output, at: str) -> OutputPlan:
    """Every `step`-th frame, beginning in the middle of the first step.

    So a thumbnail shows the middle of the time for which it stands, and all of them lie in the
    clip. The last one stands until the clip's end, for half a step to one and a half.
    """
    seconds = plan.frames / plan.frame_rate
    every = output.wish.every or max(Fraction(CLOSEST_SECONDS), seconds / USUAL_TILES)
    step = min(max(1, ceil(every * plan.frame_rate - 1 / 2)), plan.frames)
    offset = min(step // 2, plan.frames // 2)
    tiles = max(1, ceil((plan.frames - offset) / step))
    columns = min(output.wish.columns, tiles)
    rows = ceil(tiles / columns)
    most = min(MOST_TILES, columns * (LONGEST_SIDE // plan.height))
    if tiles > most:
        value = f"{float(every):g} s, which makes {tiles} thumbnails of clip {plan.clip}"
        raise SpecFault(f"{at}.every", value, f"so long that there are at most {most}")
    if columns * plan.width > LONGEST_SIDE:
        value = f"{columns}, which makes the sheet {columns * plan.width} pixels wide"
        limit = f"at most {LONGEST_SIDE // plan.width}: a sheet is {LONGEST_SIDE} pixels at most"
        raise SpecFault(f"{at}.columns", value, limit)
    return _stills(
        replace(
            plan,
            frames=tiles,
            frame_rate=plan.frame_rate / step,
            offset=offset,
            step=step,
            clip_frames=plan.frames,
            columns=columns,
            rows=rows,
            object_name=_renamed(plan, "vtt"),
        ),
        length=max(1, ceil(SHEET_CHUNK_SECONDS * plan.frame_rate / step)),
    )


def _stills(plan: OutputPlan, *, length: int) -> OutputPlan:
    """Pictures that are stored once more as an image: bit for bit until then, each by itself."""
    encoder = ENCODERS[Quality.LOSSLESS]
    return replace(
        plan,
        gop=1,
        chunks=cut_into_chunks(plan.frames, gop=1, length=lambda left: length),
        crf=encoder.crf,
        preset=encoder.preset,
        lossless=encoder.lossless,
        sound="",
    )


def _renamed(plan: OutputPlan, extension: str) -> str:
    return f"{plan.object_name.removesuffix('.mp4')}.{extension}"
