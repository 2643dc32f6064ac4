"""Admission: how many launches a lane takes; held against each one in the moment it is noted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.core.entries import Entry
from functions.core.lanes import Lane
from functions.core.ledger import Standing, standing
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


def gate(lane: Lane, standing: Standing) -> Gate:
    """The lane's, as it stands."""
    return Gate(
        a_minute=lane.launches_a_minute,
        under_way=standing.room,
        patience=lane.start_within,
    )


def free_at(lane: Lane, standing: Standing) -> datetime | None:
    """When the next launch fits into a minute; None if it does now."""
    most = lane.launches_a_minute
    if most is None or len(standing.launches) < most:
        return None
    return standing.launches[-most] + MINUTE


def rooms(
    lanes: Sequence[Lane],
    busy: Mapping[str, int],
    entries: Sequence[Entry],
    paused: Sequence[Switching],
    now: datetime,
) -> dict[str, int]:
    """By lane, how many launches it would take at this moment."""
    return {lane.id: _room(lane, busy.get(lane.id, 0), entries, paused, now) for lane in lanes}


def _room(
    lane: Lane, runs: int, entries: Sequence[Entry], paused: Sequence[Switching], now: datetime
) -> int:
    known = standing(lane.id, entries, now=now, start_within=lane.start_within)
    if known.closed_until is not None or of_lane(lane.id, paused) is not None:
        return 0
    limits = [lane.places - runs]
    if known.room is not None:
        limits.append(known.room - known.under_way)
    if lane.launches_a_minute is not None:
        limits.append(lane.launches_a_minute - len(known.launches))
    return max(0, min(limits))
