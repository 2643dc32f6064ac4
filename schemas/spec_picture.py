"""What may be asked of an output's picture."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from schemas.spec_fields import Given, SpecFault, rate_of, whole_of, word_of
from schemas.spec_overlays import Captions, Watermark, captions_of, watermark_of

HEIGHTS = (16, 4320)
WIDTHS = (16, 7680)
RATES = (1, 60)


class Quality(StrEnum):
    """How good an output looks for its size; `functions/core/pictures.py` tells the encoder."""

    SMALL = "small"
    BALANCED = "balanced"
    BEST = "best"
    LOSSLESS = "lossless"


class Fit(StrEnum):
    """How a picture comes into a frame of another shape.

    `cover` fills the frame and loses what lies beyond its edges; `contain` is seen whole, on black;
    `blur` is seen whole, on a blurred copy of itself that fills the frame.
    """

    COVER = "cover"
    CONTAIN = "contain"
    BLUR = "blur"


class Deinterlace(StrEnum):
    """What becomes of pictures woven of two fields: one whole picture of both, or what they are."""

    AUTO = "auto"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that may be asked of a picture. The defaults are those of the preset `web-720`."""

    width: int | None = None
    """Pixels. With it the output has exactly this width and height, whatever the source's are; None
    is the source's shape, never enlarged."""
    height: int = 720
    fit: Fit = Fit.COVER
    """Only where there is a width."""
    quality: Quality = Quality.BALANCED
    frame_rate: Fraction | None = None
    """Frames a second at most: a slower source keeps its rate. None is the source's."""
    deinterlace: Deinterlace = Deinterlace.AUTO
    watermark: Watermark | None = None
    captions: Captions | None = None


PICTURE_FIELDS = tuple(field.name for field in fields(Picture))


def picture_of(given: Given, at: str, preset: Picture) -> Picture:
    """The preset with those fields that are said. Raises SpecFault for the first that is wrong."""
    said: dict[str, Any] = {}
    if "width" in given:
        width = given["width"]
        said["width"] = None if width is None else whole_of(width, f"{at}.width", WIDTHS, "pixels")
    if "height" in given:
        said["height"] = whole_of(given["height"], f"{at}.height", HEIGHTS, "pixels")
    if "fit" in given:
        said["fit"] = word_of(given["fit"], f"{at}.fit", Fit)
    if "quality" in given:
        said["quality"] = word_of(given["quality"], f"{at}.quality", Quality)
    if "frame_rate" in given:
        rate = given["frame_rate"]
        said["frame_rate"] = None if rate is None else rate_of(rate, f"{at}.frame_rate", RATES)
    if "deinterlace" in given:
        said["deinterlace"] = word_of(given["deinterlace"], f"{at}.deinterlace", Deinterlace)
    if "watermark" in given:
        said["watermark"] = watermark_of(given["watermark"], f"{at}.watermark")
    if "captions" in given:
        said["captions"] = captions_of(given["captions"], f"{at}.captions")
    picture = replace(preset, **said)
    _check_shape(picture, given, at)
    return picture


def _check_shape(picture: Picture, given: Given, at: str) -> None:
    """A frame of its own shape has two even sides, and only there is something to fit."""
    if picture.width is None:
        if "fit" in given:
            limit = "left out where no width is said: the output has the source's shape then"
            raise SpecFault(f"{at}.fit", picture.fit, limit)
        return
    for side, pixels in (("width", picture.width), ("height", picture.height)):
        if pixels % 2:
            raise SpecFault(f"{at}.{side}", pixels, "even where width and height are said")
