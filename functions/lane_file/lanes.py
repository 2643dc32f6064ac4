"""`[[lanes]]`: places and ways to run."""

import re
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from functions.lane_file.quotas import read_quotas, with_quotas
from functions.lane_file.rules import RULES
from functions.lane_file.text import LaneFault, Place, check_names, said, tables
from schemas.wire import Unreadable, from_json, to_json

_AT = re.compile(r"at `\$(?:\[(?P<number>\d+)\])?\.?(?P<field>[^`]*)`")


class Described(Protocol):
    """As far as the rules below look at a lane."""

    @property
    def id(self) -> str:
        """Unique."""


L = TypeVar("L", bound=Described)


def read_lanes(
    text: str, name: str, kind: type[L], defaults: Mapping[str, object]
) -> tuple[L, ...]:
    """The lanes in the order of the text; `defaults` are for fields that a lane does not name.

    Raises LaneFault.
    """
    place = Place(text, name)
    quotas, raw = read_quotas(text, name), tables(text, name, "lanes")
    if not raw:
        raise LaneFault(f"{name}: there must be one lane at least")
    for number, one in enumerate(raw):
        check_names(one, number, kind, place)
    raw = [with_quotas(one, number, quotas, place) for number, one in enumerate(raw)]
    several: Any = tuple.__class_getitem__((kind, ...))
    try:
        lanes: tuple[L, ...] = from_json(to_json([{**defaults, **one} for one in raw]), several)
    except Unreadable as error:
        raise _unreadable(str(error), place) from error
    seen: set[str] = set()
    for number, lane in enumerate(lanes):
        if lane.id in seen:
            raise place.fault(number, "id", f"'{lane.id}' is there twice")
        seen.add(lane.id)
        for field, holds, words in RULES:
            if not holds(lane):
                raise place.fault(number, field, words + said(getattr(lane, field)))
    return lanes


def _unreadable(told: str, place: Place) -> LaneFault:
    """The codec names a lane by its number, and the field by its path."""
    where = _AT.search(told)
    words = _AT.sub("", told.partition(": ")[2]).strip(" -")
    if where is None or where["number"] is None:
        return LaneFault(f"{place.name}: {words}")
    missing = re.search(r"required field `(\w+)`", words)
    if missing and not where["field"]:
        return place.fault(int(where["number"]), missing[1], "is missing")
    return place.fault(int(where["number"]), where["field"], words)
