"""Reading one field of a render spec strictly: it is as asked for, or a fault that names it."""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from schemas.failures import Failure, FailureClass

LATEST_SECOND = 1_000_000
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
RATE = re.compile(r"([1-9]\d{0,6})/([1-9]\d{0,6})", re.ASCII)
CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)

Given = Mapping[str, object]
"""A JSON object whose fields are all known ones."""
Word = TypeVar("Word", bound=StrEnum)


class SpecFault(ValueError):
    """The spec asks for something impossible: correct `field` and send it again.

    `value` is what was found there and `limit` what would have been accepted, both in words.
    """

    def __init__(self, field: str, value: object, limit: str) -> None:
        self.field = field
        self.value = shown(value)
        self.limit = limit
        super().__init__(f"{field} is {self.value}, but must be {limit}")

    @property
    def failure(self) -> Failure:
        """The same fault as the evidence that a dead letter carries."""
        return Failure(
            failure=FailureClass.SPEC,
            reason="spec_fault",
            message=str(self),
            field=self.field,
            value=self.value,
            limit=self.limit,
        )


def decoded(text: str) -> object:
    """The JSON value, its numbers exact. Raises SpecFault where it is not JSON."""
    try:
        return json.loads(
            text, parse_float=_decimal, parse_int=_whole, parse_constant=_refuse_constant
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise SpecFault("spec", f"not JSON ({error})", "a JSON object") from None


def fields_of(raw: object, at: str, known: tuple[str, ...]) -> Given:
    """The JSON object. A field that is not known is a fault: a misspelt wish is not dropped."""
    if not isinstance(raw, dict):
        raise SpecFault(at, raw, "a JSON object")
    for key in raw:
        if key not in known:
            where = shown(key) if at == "spec" else f"{at}.{shown(key)}"
            raise SpecFault(where, "an unknown field", f"one of {', '.join(known)}")
    return raw


def list_of(given: Given, key: str, most: int) -> list[object]:
    """The list under that key, of one empty object where nothing is said."""
    raw = given.get(key, [{}])
    if not isinstance(raw, list) or not 1 <= len(raw) <= most:
        size = f"a list of {len(raw)}" if isinstance(raw, list) else raw
        raise SpecFault(key, size, f"a list of 1 to {most}")
    return raw


def name_of(raw: object, at: str) -> str:
    """A name that is safe in an object's name."""
    if not isinstance(raw, str) or not NAME.fullmatch(raw):
        raise SpecFault(at, raw, "1 to 40 of a-z, 0-9, - and _, starting with a letter or digit")
    return raw


def whole_of(raw: object, at: str, limits: tuple[int, int], unit: str) -> int:
    """A whole number within the limits, both included; `unit` is said in the fault."""
    low, high = limits
    if not isinstance(raw, int) or isinstance(raw, bool) or not low <= raw <= high:
        raise SpecFault(at, raw, f"a whole number of {unit}, {low} to {high}")
    return raw


def word_of(raw: object, at: str, words: type[Word]) -> Word:
    """One of those words."""
    if not isinstance(raw, str) or raw not in words.__members__.values():
        raise SpecFault(at, raw, f"one of {', '.join(words)}")
    return words(raw)


def seconds_of(raw: object, at: str) -> Fraction:
    """A moment of the video, to the microsecond."""
    limit = f"0 to {LATEST_SECOND} seconds, as a number or as H:MM:SS.sss"
    value = raw
    if isinstance(raw, str) and (clock := CLOCK.fullmatch(raw)):
        hours, minutes, seconds = clock.groups()
        value = int(hours or 0) * 3600 + int(minutes) * 60 + Fraction(seconds)
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise SpecFault(at, raw, limit)
    if not 0 <= value < LATEST_SECOND:
        raise SpecFault(at, raw, limit)
    return Fraction(value).limit_denominator(10**6)


def rate_of(raw: object, at: str, limits: tuple[int, int]) -> Fraction:
    """Frames a second within the limits, both included."""
    low, high = limits
    limit = f"{low} to {high} frames a second, as a number or as 30000/1001"
    value = raw
    if isinstance(raw, str) and (ratio := RATE.fullmatch(raw)):
        value = Fraction(int(ratio[1]), int(ratio[2]))
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise SpecFault(at, raw, limit)
    if not low <= value <= high:
        raise SpecFault(at, raw, limit)
    return Fraction(value).limit_denominator(1001)


def refuse_twins(at: str, names: list[str]) -> None:
    """Raises SpecFault for the first name that was used before."""
    for i, name in enumerate(names):
        if name in names[:i]:
            raise SpecFault(f"{at}[{i}].name", name, "used once only")


def shown(value: object) -> str:
    """The value as a person wrote it, bounded: specs come from strangers."""
    if isinstance(value, Fraction | float):
        return f"{float(value):g}"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a JSON object"
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return repr(text)[1:-1][:80] or "empty"


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
