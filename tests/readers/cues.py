"""Cues that show parts of a sheet (WebVTT; media fragments `#xywh=`)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.readers import Broken

_TIME = r"(\d{2,}):([0-5]\d):([0-5]\d\.\d{3})"
_CUE = re.compile(rf"{_TIME} --> {_TIME}\n([^\n#]+)#xywh=(\d+),(\d+),(\d+),(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Which part of which image is shown from when until when, in seconds."""

    start: Fraction
    end: Fraction
    image: str
    x: int
    y: int
    width: int
    height: int


def read_cues(data: bytes) -> Sequence[Cue]:
    """The cues, in their order. Raises Broken for a block that is none."""
    head, *blocks = data.decode("utf-8").rstrip("\n").split("\n\n")
    if head != "WEBVTT":
        raise Broken("it does not begin with WEBVTT")
    return [_cue(block) for block in blocks]


def _cue(block: str) -> Cue:
    found = _CUE.fullmatch(block)
    if found is None:
        raise Broken(f"{block!r} is no cue of a sheet")
    start, end = _seconds(*found.groups()[:3]), _seconds(*found.groups()[3:6])
    x, y, width, height = (int(number) for number in found.groups()[7:])
    if end <= start:
        raise Broken(f"{block!r} ends before it starts")
    return Cue(start=start, end=end, image=found[7], x=x, y=y, width=width, height=height)


def _seconds(hours: str, minutes: str, seconds: str) -> Fraction:
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
