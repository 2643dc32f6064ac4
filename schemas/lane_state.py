"""What is known of a lane, as `clipline lanes --json` says it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Opening(StrEnum):
    """Whether a lane takes launches."""

    OPEN = "open"
    HALF_OPEN = "half_open"
    """As many as `room` at once, until one has started."""
    CLOSED = "closed"
    """None until `closed_until_at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """One figure of a lane's price."""

    what: str
    read_on: str
    """The day on which it was read."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLimit:
    """What several lanes draw on together, and how much of it is taken."""

    name: str
    taken: int
    most: int
    lanes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """One lane as the ledger of the last hours has it; None where nobody knows."""

    TYPE: ClassVar = "clipline.lane-state.v1"
    id: str
    at: datetime
    opening: Opening
    why: str
    """Of a closed lane, what closed it."""
    closed_until_at: datetime | None
    room: int | None
    paused: str | None
    """Who paused it, or everything, since when and why, in words; None if nobody did."""
    entries: int
    """Of the ledger, that are about it."""
    places: int
    """Renders that may run there at once."""
    running: int
    under_way: int
    """Launches that have no machine yet."""
    launches: int
    """Within the last minute."""
    launches_a_minute: int | None
    """At most; None where nobody counts."""
    chance: float
    """That a launch starts, from 0 to 1."""
    starts: float
    stock_outs: float
    """How many are remembered, faded."""
    start_seconds: float | None
    """From a launch to its first task."""
    start_error_seconds: float
    pixels_a_second: float | None
    """Of output, by one machine."""
    pixels_a_second_error: float
    preemptions_an_hour: float | None
    nanodollars_an_hour: int | None
    """Of one task."""
    price: tuple[PriceLine, ...]
    """By which that is reckoned."""
    limits: tuple[SharedLimit, ...]
    """That it draws on with others."""
    version: int = 1
