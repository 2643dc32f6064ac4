"""Admission: how many launches a lane takes, beyond its places; checked as a launch is noted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.core.lanes import Lane
from functions.core.ledger import Standing

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
