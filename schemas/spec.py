"""The render spec: what a creator may ask for, read strictly and refused with the field named."""

import json
import re
from dataclasses import dataclass, fields
from enum import StrEnum
from fractions import Fraction

from schemas.failures import Failure, FailureClass

VERSION = 1
LONGEST_SPEC = 65_536
LATEST_SECOND = 1_000_000
MOST_CLIPS = 20
MOST_OUTPUTS = 5
HEIGHTS = (16, 4320)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)


class Quality(StrEnum):
    """How good an output looks for its size; `functions/core/plan.py` holds the encoder's side."""

    SMALL = "small"
    BALANCED = "balanced"
    BEST = "best"
    LOSSLESS = "lossless"


class SpecFault(ValueError):
    """The spec asks for something impossible: correct `field` and send it again.

    `value` is what was found there and `limit` what would have been accepted, both in words.
    """

    def __init__(self, field: str, value: object, limit: str) -> None:
        self.field = field
        self.value = _shown(value)
        self.limit = limit
        super().__init__(f"{field} is {self.value}, but must be {limit}")

    @property
    def failure(self) -> Failure:
        """The same fault as the evidence that a dead letter carries."""
        return Failure(failure=FailureClass.SPEC, reason="spec_fault", message=str(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A part of the upload, in seconds from the start of its video; `end` None is the video's."""

    name: str = "full"
    start: Fraction = Fraction(0)
    end: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One file to make of every clip: H.264 and AAC in MP4, never larger than the source."""

    name: str = "web-720"
    height: int = 720
    quality: Quality = Quality.BALANCED


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSpec:
    """Every clip is made as every output; without a spec, the whole video as `web-720`."""

    clips: tuple[Clip, ...] = (Clip(),)
    outputs: tuple[Output, ...] = (Output(),)


def parse_spec(text: str | None) -> RenderSpec:
    """The spec that the JSON text means; None or blank text means the default one.

    Raises SpecFault for the first field that is wrong. Unknown fields are faults too: a misspelt
    wish must not be dropped in silence.
    """
    if text is None or not text.strip():
        return RenderSpec()
    if len(text) > LONGEST_SPEC:
        raise SpecFault("spec", f"{len(text)} characters long", f"at most {LONGEST_SPEC}")
    try:
        root = json.loads(
            text, parse_float=_decimal, parse_int=_whole, parse_constant=_refuse_constant
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise SpecFault("spec", f"not JSON ({error})", "a JSON object") from None
    spec = _fields(root, "spec", ("version", "clips", "outputs"))
    version = spec.get("version", 1)
    if isinstance(version, bool) or version != 1:
        raise SpecFault("version", version, "1")
    clips = [_clip(c, f"clips[{i}]") for i, c in enumerate(_list(spec, "clips", MOST_CLIPS))]
    outputs = [
        _output(o, f"outputs[{i}]") for i, o in enumerate(_list(spec, "outputs", MOST_OUTPUTS))
    ]
    _refuse_twins("clips", [clip.name for clip in clips])
    _refuse_twins("outputs", [output.name for output in outputs])
    return RenderSpec(clips=tuple(clips) or (Clip(),), outputs=tuple(outputs) or (Output(),))


def _clip(raw: object, at: str) -> Clip:
    given = _fields(raw, at, tuple(f.name for f in fields(Clip)))
    start = _seconds(given.get("start", 0), f"{at}.start")
    end = None if given.get("end") is None else _seconds(given["end"], f"{at}.end")
    if end is not None and end <= start:
        raise SpecFault(f"{at}.end", f"{float(end):g} s", f"later than start ({float(start):g} s)")
    return Clip(name=_name(given.get("name", "full"), f"{at}.name"), start=start, end=end)


def _output(raw: object, at: str) -> Output:
    given = _fields(raw, at, tuple(f.name for f in fields(Output)))
    height = given.get("height", 720)
    low, high = HEIGHTS
    if not isinstance(height, int) or isinstance(height, bool) or not low <= height <= high:
        raise SpecFault(f"{at}.height", height, f"a whole number of pixels, {low} to {high}")
    quality = given.get("quality", Quality.BALANCED)
    if not isinstance(quality, str) or quality not in Quality.__members__.values():
        raise SpecFault(f"{at}.quality", quality, f"one of {', '.join(Quality)}")
    name = _name(given.get("name", f"web-{height}"), f"{at}.name")
    return Output(name=name, height=height, quality=Quality(quality))


def _fields(raw: object, at: str, known: tuple[str, ...]) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise SpecFault(at, raw, "a JSON object")
    for key in raw:
        if key not in known:
            where = _shown(key) if at == "spec" else f"{at}.{_shown(key)}"
            raise SpecFault(where, "an unknown field", f"one of {', '.join(known)}")
    return raw


def _list(spec: dict[str, object], key: str, most: int) -> list[object]:
    raw = spec.get(key, [{}])
    if not isinstance(raw, list) or not 1 <= len(raw) <= most:
        size = f"a list of {len(raw)}" if isinstance(raw, list) else raw
        raise SpecFault(key, size, f"a list of 1 to {most}")
    return raw


def _name(raw: object, at: str) -> str:
    if not isinstance(raw, str) or not _NAME.fullmatch(raw):
        raise SpecFault(at, raw, "1 to 40 of a-z, 0-9, - and _, starting with a letter or digit")
    return raw


def _seconds(raw: object, at: str) -> Fraction:
    limit = f"0 to {LATEST_SECOND} seconds, as a number or as H:MM:SS.sss"
    value = raw
    if isinstance(raw, str) and (clock := _CLOCK.fullmatch(raw)):
        hours, minutes, seconds = clock.groups()
        value = int(hours or 0) * 3600 + int(minutes) * 60 + Fraction(seconds)
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise SpecFault(at, raw, limit)
    if not 0 <= value < LATEST_SECOND:
        raise SpecFault(at, raw, limit)
    return Fraction(value).limit_denominator(10**6)


def _refuse_twins(at: str, names: list[str]) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise SpecFault(f"{at}[{i}].name", name, "used once only")


def _decimal(text: str) -> Fraction | float:
    """The number exactly; a float, which every field refuses, where that has no end of digits."""
    value = float(text)
    if abs(value) > 10**15:
        return value
    return Fraction(text) if len(text) < 100 and abs(value) > 1e-9 else Fraction(value)


def _whole(text: str) -> int | float:
    """The number; a float, which every field refuses, where Python refuses to count so far."""
    return int(text) if len(text) <= 1000 else float(text)


def _refuse_constant(word: str) -> None:
    raise SpecFault("spec", f"not JSON ({word} is no number)", "a JSON object")


def _shown(value: object) -> str:
    """The value as a person wrote it, bounded: specs come from strangers."""
    if isinstance(value, Fraction | float):
        return f"{float(value):g}"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a JSON object"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return repr(text)[1:-1][:80] or "empty"
