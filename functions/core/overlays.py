"""What is drawn on an output's pictures, and where: from percents and words to pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from schemas.assets import Asset, find_asset, object_name
from schemas.ids import Upload
from schemas.media import VideoStream
from schemas.plan import CaptionPlan, MarkPlan, OutputPlan
from schemas.spec import Output, RenderSpec
from schemas.spec_overlays import Captions, Corner, Position, TextSize, Watermark

TEXT_SIZES = {
    TextSize.SMALL: Fraction(4, 100),
    TextSize.MEDIUM: Fraction(11, 200),
    TextSize.LARGE: Fraction(15, 200),
}
"""The height of a line of captions, by the shorter side of the picture."""
WIDE_MARGIN, TALL_MARGIN = Fraction(7, 100), Fraction(18, 100)
"""Of the height, to the edge: players of upright videos lay words of their own over its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The files that one output names."""

    image: Asset | None = None
    captions: Asset | None = None


def wanted_of(spec: RenderSpec, upload: Upload, assets: Sequence[Asset]) -> Mapping[str, Wanted]:
    """By output. Raises SpecFault for a file that is not the tenant's or was not found."""
    found = {}
    for number, output in enumerate(spec.outputs):
        image = captions = None
        if output.watermark is not None:
            at = f"outputs[{number}].watermark.image"
            image = find_asset(assets, object_name(upload, output.watermark.image, at), at)
        if output.captions is not None:
            at = f"outputs[{number}].captions.file"
            captions = find_asset(assets, object_name(upload, output.captions.file, at), at)
        found[output.name] = Wanted(image=image, captions=captions)
    return found


def overlaid(plan: OutputPlan, output: Output, video: VideoStream, wanted: Wanted) -> OutputPlan:
    """The plan with what is to be drawn on its pictures."""
    if output.watermark is not None and wanted.image is not None:
        mark = _mark(plan, output.watermark, wanted.image)
        plan = replace(plan, watermark=replace(mark, hdr=video.hdr))
    if output.captions is not None and wanted.captions is not None:
        offset = (plan.start_pts - video.first_pts) * video.time_base
        words = _captions(plan, output.captions, wanted.captions, offset)
        plan = replace(plan, captions=replace(words, hdr=video.hdr))
    return plan


def _mark(plan: OutputPlan, asked: Watermark, image: Asset) -> MarkPlan:
    """In its own shape, as wide as asked for, and not beyond the margins of a flat picture."""
    margin = min(plan.width, plan.height) * asked.margin // 100
    width = Fraction(plan.width * asked.width, 100)
    high = Fraction(max(2, plan.height - 2 * margin))
    width = min(width, Fraction(max(2, plan.width - 2 * margin)), high * image.width / image.height)
    size = _even(width), _even(width * image.height / image.width)
    left, top = margin, margin
    right, bottom = plan.width - margin - size[0], plan.height - margin - size[1]
    x, y = {
        Corner.TOP_LEFT: (left, top),
        Corner.TOP_RIGHT: (right, top),
        Corner.BOTTOM_LEFT: (left, bottom),
        Corner.BOTTOM_RIGHT: (right, bottom),
        Corner.CENTER: ((plan.width - size[0]) // 2, (plan.height - size[1]) // 2),
    }[asked.corner]
    return MarkPlan(
        asset=image,
        x=max(0, x // 2 * 2),
        y=max(0, y // 2 * 2),
        width=size[0],
        height=size[1],
        opacity=asked.opacity,
    )


def _captions(plan: OutputPlan, asked: Captions, asset: Asset, offset: Fraction) -> CaptionPlan:
    low = asked.position is Position.BOTTOM and plan.height > plan.width
    return CaptionPlan(
        asset=asset,
        offset=offset,
        text_size=max(8, round(min(plan.width, plan.height) * TEXT_SIZES[asked.size])),
        margin=round(plan.height * (TALL_MARGIN if low else WIDE_MARGIN)),
        position=asked.position,
    )


def _even(length: Fraction) -> int:
    return max(2, round(length / 2) * 2)
