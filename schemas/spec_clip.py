"""What may be asked of a clip: which part of the upload, by seconds or by frames, and its sound."""

from dataclasses import dataclass, fields
from fractions import Fraction

from schemas.spec_fields import Given, SpecFault, fields_of, name_of, seconds_of, whole_of
from schemas.spec_sound import loudness_of

LATEST_FRAME = 240_000_000
"""As late as the latest second, of the fastest upload."""
SECONDS, FRAMES = ("start", "end"), ("start_frame", "end_frame")
"""A clip is said in the one or in the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A part of the upload from a moment to another, or from a frame to another.

    Moments are seconds from the start of its video; frames are counted from 0, each as long as
    `VideoStream.frame_seconds`. What ends a clip is not in it any more, so that the next one can
    start there; an end of None, or beyond the video's, is the video's.
    """

    name: str = "full"
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    start_frame: int | None = None
    """None where the clip is said in seconds, and only there."""
    end_frame: int | None = None
    loudness: Fraction | None = None
    """LUFS to bring its sound to; None leaves it as it is."""


def clip_of(raw: object, at: str, loudness: Fraction | None) -> Clip:
    """The clip; `loudness` holds where it says nothing of its own.

    Raises SpecFault for the first field that is wrong.
    """
    given = fields_of(raw, at, tuple(field.name for field in fields(Clip)))
    name = name_of(given.get("name", "full"), f"{at}.name")
    if "loudness" in given:
        loudness = loudness_of(given["loudness"], f"{at}.loudness")
    frames = [field for field in FRAMES if field in given]
    if not frames:
        start, end = _seconds(given, at)
        return Clip(name=name, start=start, end=end, loudness=loudness)
    if any(field in given for field in SECONDS):
        limit = "left out of a clip that says start or end, which are seconds"
        raise SpecFault(f"{at}.{frames[0]}", given[frames[0]], limit)
    start_frame, end_frame = _frames(given, at)
    return Clip(name=name, start_frame=start_frame, end_frame=end_frame, loudness=loudness)


def _seconds(given: Given, at: str) -> tuple[Fraction, Fraction | None]:
    start = seconds_of(given.get("start", 0), f"{at}.start")
    end = None if given.get("end") is None else seconds_of(given["end"], f"{at}.end")
    if end is not None and end <= start:
        raise SpecFault(f"{at}.end", f"{float(end):g} s", f"later than start ({float(start):g} s)")
    return start, end


def _frames(given: Given, at: str) -> tuple[int, int | None]:
    within = (0, LATEST_FRAME)
    start = whole_of(given.get("start_frame", 0), f"{at}.start_frame", within, "frames")
    if given.get("end_frame") is None:
        return start, None
    end = whole_of(given["end_frame"], f"{at}.end_frame", within, "frames")
    if end <= start:
        limit = f"later than start_frame ({start}): the clip ends before it"
        raise SpecFault(f"{at}.end_frame", end, limit)
    return start, end
