"""Admission: how many launches a lane takes; held against each one in the moment it is noted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.core.entries import Entry
from functions.core.lanes import Lane
from functions.core.ledger import Standing, standing
from functions.core.quotas import Limit, launch_limits, running_limits
from functions.core.switches import Switching, of_lane

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a ledger holds a launch against in the moment in which it writes it down."""

    a_minute: int | None = None
    """Launches on the lane within one minute at most; None counts nobody."""
    under_way: int | None = None
    """Launches on the lane without an outcome at most, the new one counted; None as above."""
    patience: timedelta = MINUTE
    """After so long a launch without an outcome is under way no more: the lane's start deadline."""
    shared: tuple[Limit, ...] = ()
    """Launches within one minute on several lanes together."""


def gate(lane: Lane, lanes: Sequence[Lane], standing: Standing) -> Gate:
    """The lane's, as it stands, among all lanes."""
    return Gate(
        a_minute=lane.launches_a_minute,
        under_way=standing.room,
        patience=lane.start_within,
        shared=tuple(one for one in launch_limits(lanes) if lane.id in one.weights),
    )


@dataclass(slots=True, kw_only=True)
class Rooms:
    """What each lane takes from a moment on, while launches are given away one after another."""

    left: dict[str, int]
    """By lane, whatever happens: its own places, and tries while it is half open."""
    running: Sequence[tuple[Limit, Counter[str]]]
    """What lanes share, and how much of it runs on each."""
    rates: Sequence[Limit]
    """Of launches within a minute, of one lane or shared."""
    launches: dict[str, list[datetime]]
    """By lane, those of the last minute, the oldest first."""

    def of(self, lane: str | None) -> "Rooms":
        """Of that lane alone, as it stands beside the others; None for all lanes."""
        if lane is None:
            return self
        return replace(self, left={lane: self.left.get(lane, 0)})

    def free(self, now: datetime) -> list[str]:
        """Lanes that would take one more at once."""
        return [lane for lane in self._open() if self._waits(lane, now) is None]

    def free_at(self, now: datetime) -> datetime | None:
        """When the first of the lanes takes one more that only a limit by the minute closes."""
        moments = (self._waits(lane, now) for lane in self._open())
        return min((moment for moment in moments if moment is not None), default=None)

    def at_once(self, now: datetime) -> int:
        """How many more all lanes take together at this moment, filled one after another."""
        given: dict[str, int] = {}
        for lane, left in self.left.items():
            fits = [left]
            for limit, counts in self.running:
                if weight := limit.weights.get(lane):
                    fits.append((limit.most - limit.taken(counts) - limit.taken(given)) // weight)
            for limit in self.rates:
                if lane in limit.weights:
                    lately = len(self._lately(limit, now))
                    fits.append(limit.most - lately - limit.taken(given))
            given[lane] = max(0, min(fits))
        return sum(given.values())

    def take(self, lane: str, now: datetime) -> None:
        """One more is there."""
        self.left[lane] = self.left.get(lane, 0) - 1
        self.launches.setdefault(lane, []).append(now)
        for _, counts in self.running:
            counts[lane] += 1

    def _open(self) -> list[str]:
        return [
            lane
            for lane, left in self.left.items()
            if left > 0 and all(limit.has_room(lane, counts) for limit, counts in self.running)
        ]

    def _waits(self, lane: str, now: datetime) -> datetime | None:
        """Until when, for limits by the minute; None if it does not."""
        latest = None
        for limit in self.rates:
            if lane not in limit.weights:
                continue
            lately = self._lately(limit, now)
            if len(lately) >= limit.most:
                until = lately[-limit.most] + MINUTE
                latest = until if latest is None else max(latest, until)
        return latest

    def _lately(self, limit: Limit, now: datetime) -> list[datetime]:
        """The launches of the last minute that count for it, the oldest first."""
        several = (self.launches.get(one, []) for one in limit.weights)
        return sorted(at for some in several for at in some if at > now - MINUTE)


def rooms(
    lanes: Sequence[Lane],
    busy: Mapping[str, int],
    entries: Sequence[Entry],
    paused: Sequence[Switching],
    now: datetime,
) -> Rooms:
    """What all lanes take from now on."""
    known = {
        lane.id: standing(lane.id, entries, now=now, start_within=lane.start_within)
        for lane in lanes
    }
    own = (
        Limit(name=lane.id, weights={lane.id: 1}, most=lane.launches_a_minute)
        for lane in lanes
        if lane.launches_a_minute is not None
    )
    return Rooms(
        left={lane.id: _room(lane, busy.get(lane.id, 0), known[lane.id], paused) for lane in lanes},
        running=[(limit, Counter(busy)) for limit in running_limits(lanes)],
        rates=(*own, *launch_limits(lanes)),
        launches={lane: list(one.launches) for lane, one in known.items()},
    )


def _room(lane: Lane, runs: int, known: Standing, paused: Sequence[Switching]) -> int:
    if known.closed_until is not None or of_lane(lane.id, paused) is not None:
        return 0
    limits = [lane.places - runs]
    if known.room is not None:
        limits.append(known.room - known.under_way)
    return max(0, min(limits))
