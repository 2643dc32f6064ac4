"""Spare: how many replays may be asked for now beside live renders, by the lanes and by the day.

    places, quotas, launches ─► less what is kept ─► less what is taken ─► less live renders that
    the day's budget ────────┘                       wait, and replays that have no place yet

A replay fills every limit up to a level only. What is above it is there for live renders whenever
they come, and those that wait already go first: a replay that is asked for is as old as its upload,
and would stand before them. A limit of one is not divided: else nothing would ever be replayed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, overload

from functions.core.admission import rooms
from functions.core.budget import Budget, day_is_spent, reset
from functions.core.lanes import Lane
from functions.core.ledger import standing
from functions.core.prices import dollars
from functions.core.quotas import Quota, launch_limits, running_limits
from functions.core.route import Scene, route
from functions.core.step import Facts
from functions.core.switches import Switching, of_tenant

KEPT = 25
"""Per cent of each limit that are left to live renders, where nobody says otherwise."""
SOON, LATER = timedelta(seconds=1), timedelta(seconds=10)
"""After which it is worth looking again: places come and go, money and people's pauses last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a run of replays has asked for, and has not ended."""

    placeless: frozenset[str] = frozenset()
    """Renders that have no place on a lane yet, as far as the run knows."""
    nanodollars: int = 0
    """What all of them will cost, by their plan."""
    lane: str | None = None
    """The only one that all of them may use; None for any."""


class Wish(NamedTuple):
    """A replay that is to be asked for."""

    tenant: str
    nanodollars: int
    """What it will cost, by its plan; 0 if nobody knows."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """So many, from the first on, may be asked for now."""

    count: int
    why: str = ""
    """Why not more of them; empty if all may go."""
    until: datetime | None = None
    """Before when no more will go, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spare:
    """What live renders leave at a moment."""

    starts: int | None = None
    """So many replays more; None where nothing is known of lanes."""
    why: str = ""
    """Why no more than that."""
    until: datetime | None = None
    """When that may change, if it is known."""
    nanodollars: int | None = None
    """So much may they cost together; None without a day's limit."""
    reset: datetime | None = None
    """When the next day's money is there."""
    pauses: Sequence[Switching] = ()
    look_after: timedelta = SOON

    def allows(self, wishes: Sequence[Wish]) -> Allowed:
        """How many of them, from the first on."""
        spent = 0
        for count, wish in enumerate(wishes):
            spent += wish.nanodollars
            if self.starts is not None and count >= self.starts:
                return Allowed(count, self.why, self.until)
            if (paused := of_tenant(wish.tenant, self.pauses)) is not None:
                return Allowed(count, f"waits: {paused.words}")
            if self.nanodollars is not None and spent > self.nanodollars:
                left = self.nanodollars - spent + wish.nanodollars
                return Allowed(count, self._too_dear(wish, left), self.reset)
        return Allowed(len(wishes))

    def less(self, wishes: Sequence[Wish]) -> "Spare":
        """What is left when these were asked for."""
        cost = sum(wish.nanodollars for wish in wishes)
        return replace(
            self,
            starts=None if self.starts is None else self.starts - len(wishes),
            nanodollars=None if self.nanodollars is None else self.nanodollars - cost,
        )

    def _too_dear(self, wish: Wish, left: int) -> str:
        when = f"{self.reset:%Y-%m-%d %H:%M} UTC" if self.reset else "tomorrow"
        return (
            f"waits until {when}: of the day's budget {dollars(max(left, 0))} are left for "
            f"replays, and the next one costs about {dollars(wish.nanodollars)}"
        )


def spare(facts: Facts, now: datetime, *, waiting: int, own: Own, kept: int) -> Spare:
    """Beside so many live renders that wait, with so many per cent of each limit kept for them."""
    level = _level(facts.budget, kept)
    if (paused := of_tenant("", facts.pauses)) is not None:
        return _none(f"waits: {paused.words}")
    if not facts.lanes:
        return Spare(why="nothing is known of the lanes here", pauses=facts.pauses)
    if (spent := day_is_spent(facts.spent_today, level, now)) is not None:
        return _none(f"{spent}{_but(kept)}", until=reset(now))
    lanes = lowered(facts.lanes, kept)
    room = rooms(lanes, facts.busy, facts.ledger, facts.pauses, now).of(own.lane)
    taking = f"{own.lane} takes" if own.lane else "the lanes take"
    free, placeless = room.at_once(now), len(own.placeless)
    why, until = (
        (
            f"{taking} {free} more at once{_but(kept)}; {waiting} live renders wait, "
            f"and {placeless} that were asked for have no place yet",
            None,
        )
        if free
        else _closed(lanes, facts, now, kept, own.lane)
    )
    return Spare(
        starts=max(0, free - waiting - placeless),
        why=why,
        until=until or (None if free else room.free_at(now)),
        nanodollars=None if level.day is None else level.day - facts.spent_today - own.nanodollars,
        reset=reset(now),
        pauses=facts.pauses,
    )


def lowered(lanes: Sequence[Lane], kept: int) -> tuple[Lane, ...]:
    """The lanes as they would be if nobody had what is kept."""
    largest: Counter[str] = Counter()
    for lane in lanes:
        for quota in lane.quotas:
            largest[quota.id] = max(largest[quota.id], lane.tasks)
    return tuple(
        replace(
            lane,
            executions=_part(lane.places, kept),
            gpu_slots=None,
            launches_a_minute=_part(lane.launches_a_minute, kept),
            quotas=tuple(_lowered(quota, kept, largest) for quota in lane.quotas),
        )
        for lane in lanes
    )


def _lowered(quota: Quota, kept: int, largest: Mapping[str, int]) -> Quota:
    return replace(
        quota,
        executions=_part(quota.executions, kept),
        gpus=_part(quota.gpus, kept, least=largest[quota.id]),
        launches_a_minute=_part(quota.launches_a_minute, kept),
    )


@overload
def _part(most: int, kept: int, least: int = 1) -> int: ...
@overload
def _part(most: None, kept: int, least: int = 1) -> None: ...
def _part(most: int | None, kept: int, least: int = 1) -> int | None:
    """What is left of a limit; a launch must fit in it where one fits in the whole."""
    if most is None:
        return None
    return min(most, max(least, most * (100 - kept) // 100))


def _level(budget: Budget, kept: int) -> Budget:
    if budget.day is None:
        return budget
    return replace(budget, day=budget.day * (100 - kept) // 100)


def _none(why: str, *, until: datetime | None = None) -> Spare:
    return Spare(starts=0, why=why, until=until, look_after=LATER)


def _but(kept: int) -> str:
    return f", with {kept} % of each limit kept for live renders" if kept else ""


def _closed(
    lanes: Sequence[Lane], facts: Facts, now: datetime, kept: int, only: str | None
) -> tuple[str, datetime | None]:
    """What stands in the way on each lane, and until when at least."""
    scene = Scene(
        now=now,
        resting={},
        busy=facts.busy,
        standings={
            lane.id: standing(lane.id, facts.ledger, now=now, start_within=lane.start_within)
            for lane in lanes
        },
        pauses=facts.pauses,
        running=running_limits(lanes),
        launching=launch_limits(lanes),
    )
    rejected = [one for one in route(lanes, scene).rejected if only in (None, one.lane)]
    words = "; ".join(f"{one.lane} {one.why}" for one in rejected)
    until = min((one.until for one in rejected if one.until is not None), default=None)
    none = f"{only} takes no replay" if only else "no lane takes a replay"
    return f"{none} now{_but(kept)}: {words}", until
