"""What may be asked of an output that is no MP4: which picture, how many, how stored."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from schemas.kinds import Image, Kind
from schemas.spec_fields import Given, SpecFault, seconds_of, whole_of, word_of

COLUMNS = (1, 50)
EVERY = (Fraction(1, 10), Fraction(3600))
"""Seconds from one thumbnail to the next."""
THUMBNAIL_HEIGHT = 90
"""Of one thumbnail, where nothing is said."""
KIND_FIELDS = ("at", "image", "every", "columns")
_OF_STILLS = ("quality", "frame_rate")
"""What is asked of moving pictures only."""
FOREIGN = {
    Kind.MP4: KIND_FIELDS,
    Kind.HLS: KIND_FIELDS,
    Kind.POSTER: ("every", "columns", *_OF_STILLS),
    Kind.THUMBNAILS: ("at", "image", *_OF_STILLS),
}
"""Fields that mean nothing for a kind; to say one is a fault, not a wish to be dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """All that may be asked of a kind."""

    kind: Kind = Kind.MP4
    at: Fraction | None = None
    """Of a poster, seconds from the clip's start; None is its middle."""
    image: Image = Image.JPEG
    """Of a poster."""
    every: Fraction | None = None
    """Of thumbnails, seconds from one to the next; None chooses for at most a hundred."""
    columns: int = 10
    """Of thumbnails, how many stand in one row of the sheet."""


MP4 = Wish()
"""What is meant where nothing is said."""


def wish_of(given: Given, at: str) -> Wish:
    """The kind with what is said of it. Raises SpecFault for the first field that is wrong."""
    kind = word_of(given["kind"], f"{at}.kind", Kind) if "kind" in given else Kind.MP4
    for field in FOREIGN[kind]:
        if field in given:
            raise SpecFault(f"{at}.{field}", given[field], f"left out of the kind {kind}")
    said: dict[str, Any] = {}
    if given.get("at") is not None:
        said["at"] = seconds_of(given["at"], f"{at}.at")
    if "image" in given:
        said["image"] = word_of(given["image"], f"{at}.image", Image)
    if given.get("every") is not None:
        said["every"] = _every(given["every"], f"{at}.every")
    if "columns" in given:
        said["columns"] = whole_of(given["columns"], f"{at}.columns", COLUMNS, "columns")
    return Wish(kind=kind, **said)


def _every(raw: object, at: str) -> Fraction:
    low, high = EVERY
    if isinstance(raw, bool) or not isinstance(raw, int | Fraction) or not low <= raw <= high:
        raise SpecFault(at, raw, f"a number of seconds, {float(low):g} to {float(high):g}")
    return Fraction(raw).limit_denominator(1000)
