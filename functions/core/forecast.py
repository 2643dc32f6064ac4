"""What an attempt will take, by what attempts on its lane have taken: so much, and so much a pixel.

    seconds = fixed + a_pixel * pixels that are left to be made
              ^ begins, makes the sound, joins and verifies, however little is left

Routing takes one speed for all (`functions/core/ledger.py`), since it compares lanes. Whoever is
told a time and a price beforehand wants them right for the rest of a render as well, and of little
that is left the fixed part is the larger one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.core.entries import Entry, Outcome
from functions.core.ledger import HALF_LIFE, MEMORY

FEWEST = 5
"""Attempts from which on the two parts are told apart."""
WIDEST = 1.5
"""The largest of them over the smallest, at least: else nobody can tell the parts apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a lane is."""

    fixed: float
    """Seconds of any attempt."""
    a_pixel: float
    """Seconds."""
    largest: int
    """Pixels of the largest attempt that it was learnt from: beyond that it is a guess."""

    def takes(self, pixels: int) -> timedelta:
        """From the first task to the last one's end, to the millisecond."""
        return timedelta(milliseconds=round((self.fixed + self.a_pixel * pixels) * 1000))


def pace(lane: str, entries: Iterable[Entry], now: datetime) -> Pace | None:
    """By the method of least squares, where what was seen lately counts more; None of nothing."""
    own = {one.key: one for one in entries if one.lane == lane and one.at > now - MEMORY}
    seen = [one for one in own.values() if one.outcome is Outcome.FINISHED and one.pixels]
    points = [_Point.of(one, now) for one in seen if one.ran]
    if not points:
        return None
    largest = round(max(point.x for point in points))
    through_nothing = Pace(
        fixed=0.0,
        largest=largest,
        a_pixel=sum(p.weight * p.x * p.y for p in points) / sum(p.weight * p.x**2 for p in points),
    )
    sizes = [point.x for point in points]
    if len(points) < FEWEST or max(sizes) < WIDEST * min(sizes):
        return through_nothing
    weight = sum(point.weight for point in points)
    x = sum(point.weight * point.x for point in points) / weight
    y = sum(point.weight * point.y for point in points) / weight
    slope = sum(p.weight * (p.x - x) * (p.y - y) for p in points) / sum(
        p.weight * (p.x - x) ** 2 for p in points
    )
    fixed = y - slope * x
    if slope <= 0 or fixed < 0:
        return through_nothing
    return Pace(fixed=fixed, a_pixel=slope, largest=largest)


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float
    weight: float

    @staticmethod
    def of(entry: Entry, now: datetime) -> "_Point":
        age = max(now - entry.at, timedelta(0))
        return _Point(float(entry.pixels), entry.ran.total_seconds(), 0.5 ** (age / HALF_LIFE))
