"""Attempts that workers of a pool pull: who sits where, when it is over, and why.

launch ─► assigned, queued ─► seats 0 … N-1, each taken by one worker at a time ─► over

    free ── taken ──► held, renewed every few seconds ── exit 0, or out of runs ──► over
      ▲                 │
      └── given back ◄──┴── not renewed for LEASE: anybody may take it

Nobody keeps a state of the whole: it follows from the seats and the store's clock, so that backend
and workers, who may die at any moment, always agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from schemas import names
from schemas.ids import attempt_of
from schemas.plan import Order
from schemas.ports import ObjectInfo, ObjectMissing, ObjectStore
from schemas.priority import Priority
from schemas.wire import from_json

LEASE = timedelta(seconds=30)
"""A seat not renewed for so long, by the store's clock, may be taken by another worker."""
ABANDONED = timedelta(minutes=2)
"""An execution that was begun, and at which nobody has been for so long, is over: another lane may
have machines. A worker that was killed is back by then, if it comes back at all."""
HEAD_START = timedelta(hours=1)
"""As long as the control plane looks back to share its launches (`functions/core/share.py`)."""
AHEAD = {Priority.LIVE.value: -HEAD_START, Priority.BACKGROUND.value: HEAD_START}
PRIORITY = "priority"
"""The metadata key of what is queued; without one it is normal."""
RUNS = 4
"""Runs of a task, the first one counted, as Cloud Run has by default. A seat given back in order
costs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An attempt that was given to a pool."""

    pool: str
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One task of an assigned attempt, as its object's metadata tells."""

    index: int
    worker: str = ""
    """Who holds it; nobody if it was given back, or is over."""
    runs: int = 0
    """Runs of the task that were begun and not given back in order."""
    code: int | None = None
    """The exit code of the last run that ended, or minus the signal; None before any."""
    is_over: bool = False
    """Whether the task will not run again."""
    heard_at: datetime
    """By the store's clock."""
    generation: int
    """0 where there is no object yet."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """As it is written."""
        told = {"worker": self.worker, "runs": str(self.runs), "over": str(int(self.is_over))}
        return told if self.code is None else {**told, "code": str(self.code)}

    def is_live(self, now: datetime) -> bool:
        """Whether its holder has been heard of lately."""
        return bool(self.worker) and not self.is_over and now - self.heard_at <= LEASE

    def is_free(self, now: datetime) -> bool:
        """Whether somebody may take it."""
        return not self.is_over and not self.is_live(now)

    def taken_by(self, worker: str) -> "Seat":
        """What its next holder writes: one more run, or its end if those before were lost."""
        if self.runs >= RUNS:
            return replace(self, worker="", is_over=True)
        return replace(self, worker=worker, runs=self.runs + 1)

    def after(self, code: int, *, again: bool) -> "Seat":
        """What its holder writes when a run has ended; `again` lets a failed one run once more."""
        if code == 0 or not again or self.runs >= RUNS:
            return replace(self, worker="", code=code, is_over=True)
        return replace(self, code=code, runs=self.runs + 1)

    def given_back(self) -> "Seat":
        """What its holder writes who must leave: the run does not count."""
        return replace(self, worker="", runs=self.runs - 1)


class Cause(StrEnum):
    """Why an execution is over."""

    SAID_ALL = "said all"
    """Every task has ended by itself."""
    STOPPED = "stopped"
    DEADLINE = "deadline"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All seats of an execution, one for each of its tasks, as they stood at a moment."""

    assignment: Assignment
    seats: tuple[Seat, ...]
    is_halted: bool
    """Whether it was stopped: its workers end its tasks."""
    is_closed: bool = False
    """Whether its attempt was given up: its tasks notice by themselves, and no other begins."""
    now: datetime
    """The store's clock."""

    @property
    def over(self) -> Cause | None:
        """Why nobody will work for it any more; None while somebody does or may."""
        heard = [seat.heard_at for seat in self.seats if seat.generation]
        if all(seat.is_over for seat in self.seats):
            return Cause.SAID_ALL if self.is_well else self._cut_short(max(heard), Cause.SAID_ALL)
        if any(seat.is_live(self.now) for seat in self.seats):
            return None
        if self.is_closed:
            return Cause.STOPPED
        is_abandoned = bool(heard) and self.now - max(heard) > ABANDONED
        return self._cut_short(self.now, Cause.ABANDONED if is_abandoned else None)

    def _cut_short(self, at: datetime, otherwise: Cause | None) -> Cause | None:
        if self.is_halted:
            return Cause.STOPPED
        return Cause.DEADLINE if at >= self.assignment.order.deadline else otherwise

    @property
    def is_well(self) -> bool:
        """Whether every task has ended with exit code 0."""
        return all(seat.is_over and seat.code == 0 for seat in self.seats)

    @property
    def free(self) -> tuple[Seat, ...]:
        """Seats that may be taken now."""
        if self.over or self.is_halted or self.is_closed:
            return ()
        return tuple(seat for seat in self.seats if seat.is_free(self.now))


def waiting(work: ObjectStore, pool: str) -> Sequence[tuple[str, datetime]]:
    """Executions in the pool's queue and when they were launched, whose turn it is first.

    A live one stands before what was launched up to HEAD_START before it, and what is of the
    background behind what comes up to HEAD_START after it: so nobody waits behind others for ever.
    """
    queue = names.queue(pool)
    turns = sorted(work.list(queue), key=lambda info: (_counts_from(info), info.name))
    return [(one.name.removeprefix(queue).removesuffix(".json"), one.updated) for one in turns]


def _counts_from(info: ObjectInfo) -> datetime:
    return info.updated + AHEAD.get(info.metadata.get(PRIORITY, ""), timedelta(0))


def look(work: ObjectStore, execution: str) -> Table | None:
    """How it stands with that execution; None if no pool was ever given it. Raises Unreadable.

    One small read, one listing and one look for the mark that the attempt was given up.
    """
    named = attempt_of(execution)
    if named is None:
        return None
    try:
        assignment = from_json(work.read(names.assigned(*named)), Assignment)
    except ObjectMissing:
        return None
    listing = tuple(work.list(names.seats(*named)))
    return laid(
        assignment,
        listing,
        is_closed=work.stat(names.closed(*named)) is not None,
        now=work.now(),
    )


def laid(
    assignment: Assignment, listing: Iterable[ObjectInfo], *, is_closed: bool, now: datetime
) -> Table:
    """The table from a listing of what the pool wrote of the attempt."""
    order, known = assignment.order, {info.name: info for info in listing}
    seats = (
        _seat(index, known.get(names.seat(order.render, order.attempt, index)), now)
        for index in range(order.tasks)
    )
    return Table(
        assignment=assignment,
        seats=tuple(seats),
        is_halted=names.halted(order.render, order.attempt) in known,
        is_closed=is_closed,
        now=now,
    )


def _seat(index: int, info: ObjectInfo | None, now: datetime) -> Seat:
    if info is None:
        return Seat(index=index, heard_at=now, generation=0)
    code = info.metadata.get("code")
    return Seat(
        index=index,
        worker=info.metadata.get("worker", ""),
        runs=int(info.metadata.get("runs", "0")),
        code=None if code is None else int(code),
        is_over=info.metadata.get("over") == "1",
        heard_at=info.updated,
        generation=info.generation,
    )
