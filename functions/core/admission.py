"""Admission: how many launches a lane takes; held against each one in the moment it is noted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(slots=True)
class Rooms:
    """How many launches each lane would take at a moment, while some are given away."""

    _left: dict[str, int]
    _shared: list[tuple[Limit, Counter[str]]]

    def free(self) -> list[str]:
        """Lanes that would take one more."""
        return [lane for lane, left in self._left.items() if left > 0 and self._fits(lane)]

    def take(self, lane: str) -> None:
        """One more is there."""
        self._left[lane] = self._left.get(lane, 0) - 1
        for _, counts in self._shared:
            counts[lane] += 1

    def _fits(self, lane: str) -> bool:
        return all(limit.has_room(lane, counts) for limit, counts in self._shared)


def rooms(
    lanes: Sequence[Lane],
    busy: Mapping[str, int],
    entries: Sequence[Entry],
    paused: Sequence[Switching],
    now: datetime,
) -> Rooms:
    """What all lanes would take now."""
    known = {
        lane.id: standing(lane.id, entries, now=now, start_within=lane.start_within)
        for lane in lanes
    }
    launches = {lane: len(one.launches) for lane, one in known.items()}
    shared = [(limit, Counter(busy)) for limit in running_limits(lanes)]
    shared += [(limit, Counter(launches)) for limit in launch_limits(lanes)]
    left = {lane.id: _room(lane, busy.get(lane.id, 0), known[lane.id], paused) for lane in lanes}
    return Rooms(left, shared)


def _room(lane: Lane, runs: int, known: Standing, paused: Sequence[Switching]) -> int:
    if known.closed_until is not None or of_lane(lane.id, paused) is not None:
        return 0
    limits = [lane.places - runs]
    if known.room is not None:
        limits.append(known.room - known.under_way)
    if lane.launches_a_minute is not None:
        limits.append(lane.launches_a_minute - len(known.launches))
    return max(0, min(limits))
