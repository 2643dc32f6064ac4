"""What may be asked to be drawn on an output's picture: a watermark and captions.

Both name a file (`schemas/assets.py`) and say in words and whole numbers where it goes. No field
takes a filter, a style or a position in ffmpeg's words.
"""

from dataclasses import dataclass, fields
from enum import StrEnum

from schemas.assets import CAPTION_SUFFIXES, IMAGE_SUFFIXES, asset_name_of
from schemas.spec_fields import SpecFault, fields_of, whole_of, word_of

MARK_WIDTHS = (1, 100)
MARGINS = (0, 25)
OPACITIES = (5, 100)


class Corner(StrEnum):
    """Where a watermark sits."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"
    CENTER = "center"


class TextSize(StrEnum):
    """How large captions are, by the shorter side of the picture."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Position(StrEnum):
    """Where captions stand."""

    BOTTOM = "bottom"
    MIDDLE = "middle"
    TOP = "top"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """An image on every picture, in its own shape."""

    image: str
    corner: Corner = Corner.BOTTOM_RIGHT
    width: int = 15
    """Percent of the output's width."""
    margin: int = 4
    """Percent of the output's shorter side, to both edges."""
    opacity: int = 100
    """Percent, of the image's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captions:
    """Text on the picture, while it is spoken. Its times are those of the whole video."""

    file: str
    size: TextSize = TextSize.MEDIUM
    position: Position = Position.BOTTOM


def watermark_of(raw: object, at: str) -> Watermark | None:
    """The watermark, or None for null. Raises SpecFault."""
    if raw is None:
        return None
    given = fields_of(raw, at, tuple(field.name for field in fields(Watermark)))
    if "image" not in given:
        raise SpecFault(f"{at}.image", "missing", "the name of an image")
    return Watermark(
        image=asset_name_of(given["image"], f"{at}.image", IMAGE_SUFFIXES),
        corner=word_of(given.get("corner", Corner.BOTTOM_RIGHT), f"{at}.corner", Corner),
        width=whole_of(given.get("width", 15), f"{at}.width", MARK_WIDTHS, "percent"),
        margin=whole_of(given.get("margin", 4), f"{at}.margin", MARGINS, "percent"),
        opacity=whole_of(given.get("opacity", 100), f"{at}.opacity", OPACITIES, "percent"),
    )


def captions_of(raw: object, at: str) -> Captions | None:
    """The captions, or None for null. Raises SpecFault."""
    if raw is None:
        return None
    given = fields_of(raw, at, tuple(field.name for field in fields(Captions)))
    if "file" not in given:
        raise SpecFault(f"{at}.file", "missing", "the name of a caption file")
    return Captions(
        file=asset_name_of(given["file"], f"{at}.file", CAPTION_SUFFIXES),
        size=word_of(given.get("size", TextSize.MEDIUM), f"{at}.size", TextSize),
        position=word_of(given.get("position", Position.BOTTOM), f"{at}.position", Position),
    )
