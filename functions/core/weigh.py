"""Weighing: what an attempt would take and cost on a lane, with error bars, by what was seen there.

Nobody knows the speed of a lane on which nothing has run of late; then neither time nor cost are
known, and nothing is concluded from them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.core.lanes import Lane
from functions.core.ledger import Standing
from functions.core.need import Need
from functions.core.prices import dollars
from functions.core.width import width, words

SURE = 2
"""Standard errors that are added where something must be so."""
SPOT_SHARE = 0.5
"""Of the time that is left: a Spot lane has machines in more or less half of it, so its attempts
are as wide as if there were no more (`docs/decisions/0035-the-net-is-as-wide-as-its-lane.md`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A lane for one render."""

    lane: Lane
    tasks: int
    """Machines that it would have."""
    start: timedelta
    """From now to the first task, stock-outs on the way counted by their odds."""
    takes: timedelta | None = None
    """From the first task to the end of all that is left; None if nobody knows."""
    takes_error: timedelta = timedelta(0)
    nanodollars: float | None = None
    nanodollars_error: float = 0.0
    late: str = ""
    """How it may miss the deadline, in words; empty if it will not, or nobody knows."""
    overlong: str = ""
    """How it is longer than one attempt, in words; it would take several then."""
    wide: str = ""
    """Why it has so many machines, in words; empty where the lane's own number is taken."""

    @property
    def sure(self) -> timedelta | None:
        """What it is sure to take at most; None if nobody knows."""
        return None if self.takes is None else self.takes + SURE * self.takes_error

    @property
    def words(self) -> str:
        """Its numbers, for people."""
        said = [f"starts in {_seconds(self.start)}"]
        if self.takes is not None:
            said.append(f"takes {_seconds(self.takes)} ± {_seconds(self.takes_error)}")
        if self.nanodollars is not None:
            error = dollars(self.nanodollars_error)
            said.append(f"costs {dollars(self.nanodollars)} ± {error}")
        if self.wide:
            said.append(f"on {self.wide}")
        return ", ".join((*said, *filter(None, (self.late, self.overlong))))


def weigh(lane: Lane, standing: Standing | None, need: Need, now: datetime) -> Weighed:
    """The lane for what is needed, as it stands now."""
    start = _start(lane, standing)
    speed = standing.speed if standing else None
    if not speed or standing is None:
        return Weighed(lane=lane, tasks=lane.tasks, start=start)
    alone = need.pixels_with(lane.encoder_class) / speed
    off = standing.speed_error / speed
    tasks = _width(lane, alone * (1 + SURE * off), start, need, now)
    seconds = alone / tasks
    takes, takes_error = timedelta(seconds=seconds), timedelta(seconds=seconds * off)
    cost = None
    if lane.price is not None:
        billed = max(seconds, lane.least_billed.total_seconds())
        cost = billed * tasks * lane.price.nanodollars_a_second
    sure = takes + SURE * takes_error
    return Weighed(
        lane=lane,
        tasks=tasks,
        start=start,
        takes=takes,
        takes_error=takes_error,
        nanodollars=cost,
        nanodollars_error=0.0 if cost is None else cost * off,
        late=_late(lane, start, sure, need, now),
        overlong=_overlong(lane, sure),
        wide="" if tasks == lane.tasks else words(tasks, lane.tasks, need.is_thrifty),
    )


def _width(lane: Lane, alone: float, start: timedelta, need: Need, now: datetime) -> int:
    """Where nobody pays by the minute an attempt is as wide as its lane."""
    if lane.price is None:
        return lane.tasks
    left = None if need.deadline is None else need.deadline - now - _before_work(lane, start)
    if left is not None and lane.is_spot:
        left *= SPOT_SHARE
    return width(
        seconds=alone,
        left=None if left is None else left.total_seconds(),
        most=lane.tasks,
        chunks=need.chunks,
        is_thrifty=need.is_thrifty,
    )


def _before_work(lane: Lane, start: timedelta) -> timedelta:
    """A machine that may be taken away must leave time for another one to start, and to end it."""
    return start + (2 * start if lane.is_spot else timedelta(0))


def _start(lane: Lane, standing: Standing | None) -> timedelta:
    """What was seen, else what the lane's data say, else half of its start deadline."""
    usual = lane.start if lane.start is not None else lane.start_within / 2
    if standing is None:
        return usual
    return (standing.start if standing.start is not None else usual) / standing.chance


def _late(lane: Lane, start: timedelta, sure: timedelta, need: Need, now: datetime) -> str:
    if need.deadline is None:
        return ""
    left = need.deadline - now
    wanted = _before_work(lane, start) + sure
    if wanted <= left:
        return ""
    return f"may need {_seconds(wanted)} of the {_seconds(left)} that are left"


def _overlong(lane: Lane, sure: timedelta) -> str:
    if sure <= lane.attempt_limit:
        return ""
    return f"may need {_seconds(sure)}, and an attempt ends after {_seconds(lane.attempt_limit)}"


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.0f} s"
