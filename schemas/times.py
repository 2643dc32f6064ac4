"""Moments: always aware, always UTC, so that two machines' times can be compared."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from schemas.tagged import Tagged

_TIMELESS = frozenset({NoneType, bool, bytes, float, Fraction, int, str})
_CONTAINERS = (dict, frozenset, list, Mapping, set, tuple, Union, UnionType)
T = TypeVar("T")


class NaiveTime(ValueError):
    """A time without a time zone: say which zone is meant, such as `2026-01-31T12:00:00Z`."""


def utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises NaiveTime for a datetime without a zone."""
    if moment.tzinfo is None:
        raise NaiveTime(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


def in_utc(value: T) -> T:
    """The value with all its times in UTC, which is itself where they are.

    Raises NaiveTime for a time without a zone. A dataclass is taken at its word: a field whose
    type can hold no time is not looked into.
    """
    inner: Any = value
    kind: Any = type(inner)
    if kind in _TIMELESS:
        return value
    # The usual ones first: every message and document goes this way.
    if kind is datetime:
        inner = inner if inner.tzinfo is UTC else utc(inner)
    elif timed := _timed_fields(kind):
        changed = {}
        for name in timed:
            old = getattr(inner, name)
            # Most are empty, or moments that are in UTC.
            if not old or (type(old) is datetime and old.tzinfo is UTC):
                continue
            if (new := in_utc(old)) is not old:
                changed[name] = new
        inner = replace(inner, **changed) if changed else inner
    elif kind is tuple or isinstance(inner, list | tuple):
        items = [in_utc(item) for item in inner]
        if any(new is not old for new, old in zip(items, inner, strict=True)):
            inner = kind(items)
    elif isinstance(inner, datetime):
        inner = utc(inner)
    elif isinstance(inner, Mapping):
        inner = {key: in_utc(item) for key, item in inner.items()}
    return inner  # type: ignore[no-any-return]  # of the type that came in


@cache
def _timed_fields(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass that may hold times; none of what is no dataclass."""
    if not is_dataclass(kind):
        return ()
    hints = get_type_hints(kind)
    return tuple(field.name for field in fields(kind) if _may_hold_times(hints[field.name]))


@cache
def _may_hold_times(hint: Any) -> bool:
    """Whether a value of that type may have a time somewhere in it; what is not known may."""
    if get_origin(hint) in _CONTAINERS:
        return any(_may_hold_times(part) for part in get_args(hint) if part is not ...)
    if not isinstance(hint, type) or issubclass(hint, Tagged):
        return True
    if is_dataclass(hint):
        return bool(_timed_fields(hint))
    return hint not in _TIMELESS and not issubclass(hint, Enum)
