"""What may be asked of an output's picture."""

from enum import StrEnum
from typing import TypedDict

from schemas.spec_fields import Given, whole_of, word_of

HEIGHTS = (16, 4320)


class Quality(StrEnum):
    """How good an output looks for its size; `functions/core/pictures.py` tells the encoder."""

    SMALL = "small"
    BALANCED = "balanced"
    BEST = "best"
    LOSSLESS = "lossless"


class Picture(TypedDict, total=False):
    """The fields of an output that are about its picture."""

    height: int
    quality: Quality


def picture_of(given: Given, at: str) -> Picture:
    """Those of the fields that are said. Raises SpecFault for the first that will not do."""
    picture: Picture = {}
    if "height" in given:
        picture["height"] = whole_of(given["height"], f"{at}.height", HEIGHTS, "pixels")
    if "quality" in given:
        picture["quality"] = word_of(given["quality"], f"{at}.quality", Quality)
    return picture
