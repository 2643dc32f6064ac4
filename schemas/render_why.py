"""Why a render goes where it goes, as `clipline why --json` says it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchWhy:
    """Why an attempt went where it went, as it was stored then."""

    attempt: int
    lane: str
    launched_at: datetime
    why: str
    """Empty if an earlier version launched it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedLane:
    """A lane that would do, with its numbers for this render; None where nobody knows."""

    lane: str
    tasks: int
    """Machines that it would have."""
    start_seconds: float
    """From now to the first of them."""
    takes_seconds: float | None
    takes_error_seconds: float
    nanodollars: float | None
    nanodollars_error: float
    words: str
    """The same for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedLane:
    """A lane that would not do now."""

    lane: str
    why: str
    """As in "the lane WHY"."""
    until_at: datetime | None
    """When it is worth asking again, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """What would be decided now."""

    lane: str | None
    """That would be taken."""
    why: str
    entries: int
    """Of the ledger, by which it is decided."""
    weighed: tuple[WeighedLane, ...]
    """The first choice first."""
    rejected: tuple[RejectedLane, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One line of those who wait for a place."""

    account: str
    machine_seconds: float
    """That the account has had within the hour."""
    weight: int
    since_at: datetime
    """When the first of it was opened."""
    avoids: tuple[str, ...]
    """Lanes that those who wait here cannot use."""
    is_own: bool
    """Whether this render waits in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderWhy:
    """What was decided about a render, and what would be."""

    TYPE: ClassVar = "clipline.render-why.v1"
    render: str
    at: datetime
    state: str
    """As in `clipline.render-line.v1`."""
    why: str
    """The last decision in words."""
    launches: tuple[LaunchWhy, ...]
    now: Routing | None
    """None of a render at its end."""
    account: str | None
    """That it waits for a place as; None if it does not wait for one."""
    turns: tuple[Turn, ...]
    """Of all that wait, in the order of their turns, where it waits for a place."""
    version: int = 1
