"""How far a render is, and when it may be done: from frame counts that were really seen."""

from collections import deque
from dataclasses import dataclass, field

RECENT = 4.0
"""Seconds of the recent rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """Seconds that are left: the likely number and a range around it."""

    likely: float
    soonest: float
    latest: float

    def __str__(self) -> str:
        soonest, latest = round(self.soonest), round(self.latest)
        span = f" ({soonest} to {latest})" if soonest != latest else ""
        return f"~{round(self.likely)} s{span}"


@dataclass(slots=True)
class Pace:
    """Frames against time. The overall and the recent rate span the range."""

    total: int
    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    _first: tuple[float, int] | None = None

    def saw(self, at: float, frames: int) -> int:
        """Take in a count and return the highest so far; `at` is in seconds of a steady clock.

        Between its last frame and its commit a piece is in nobody's hand: the count may dip.
        """
        frames = max(frames, self._seen[-1][1] if self._seen else 0)
        if self._first is None:
            self._first = (at, frames)
        self._seen.append((at, frames))
        while len(self._seen) > 2 and at - self._seen[1][0] > RECENT:
            self._seen.popleft()
        return frames

    @property
    def eta(self) -> Eta | None:
        """None until two different counts were seen."""
        if self._first is None or not self._seen:
            return None
        now = self._seen[-1]
        rates = [_rate(self._first, now), _rate(self._seen[0], now)]
        rates = [rate for rate in rates if rate > 0]
        if not rates:
            return None
        left = max(0, self.total - now[1])
        ends = sorted(left / rate for rate in rates)
        return Eta(likely=sum(ends) / len(ends), soonest=ends[0] * 0.9, latest=ends[-1] * 1.1)


def _rate(one: tuple[float, int], other: tuple[float, int]) -> float:
    seconds = other[0] - one[0]
    return (other[1] - one[1]) / seconds if seconds > 0 else 0.0
