"""How many machines a pool's group needs, and which: pure, from what waits and what is there.

    seats wait ─► a machine named for one ─► its worker takes seats ─► idle: it stops itself
                          │                                                   │
                          └─ no machine to be had: the launch is refused      └─► deleted, by name

Every seat has a hand of its own, or small ones share one (`functions/core/packing.py`). A machine
has the name of the first seat that wanted it, so two who look at the same moment ask for the same
machine. None is ever taken away that runs: a worker that has nothing to do leaves by itself. None
is repaired: a machine that was preempted is deleted, and what waits again has another one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from functions.core.packing import ALONE, Packing, Waiting, packed


class Condition(StrEnum):
    """How a machine of a group is."""

    COMING = "coming"
    RUNNING = "running"
    LEAVING = "leaving"
    """It is being stopped or deleted."""
    GONE = "gone"
    """It was stopped, by itself or because it was preempted, and is still listed."""


class Shortage(StrEnum):
    """Why a machine cannot be had; the reason of the launch's failure."""

    STOCK_OUT = "stock_out"
    QUOTA = "quota_exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine of the group."""

    name: str
    address: str
    """As the service names it."""
    condition: Condition
    shortage: Shortage | None = None
    """Of one that is coming: why it did not, the last time it was tried."""

    @property
    def is_alive(self) -> bool:
        """Whether work may be expected of it."""
        is_coming = self.condition is Condition.COMING and self.shortage is None
        return is_coming or self.condition is Condition.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An execution in the pool's queue."""

    execution: str
    launched_at: datetime
    is_begun: bool
    """Whether any of its seats was ever taken."""
    free: tuple[str, ...]
    """The names of the machines that would be made for its free seats."""
    holders: tuple[str, ...]
    """Workers who hold its other seats."""
    takes: timedelta | None = None
    """The work of one of its seats, for a machine; None if nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A machine that could not be had, when, and in the service's own words."""

    at: datetime
    shortage: Shortage
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An execution whose machines cannot be had."""

    execution: str
    lack: Lack


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What the group needs now."""

    create: tuple[str, ...] = ()
    delete: tuple[Machine, ...] = ()
    refuse: tuple[Refused, ...] = ()


def care(
    machines: Sequence[Machine],
    wanted: Sequence[Wanted],
    lacks: Sequence[Lack],
    *,
    now: datetime,
    most: int,
    tasks: int,
    packing: Packing = ALONE,
) -> Care:
    """For what waits, the longest first: at most `most` machines of `tasks` seats each."""
    alive = [one for one in machines if one.is_alive]
    stuck = [one for one in machines if one.condition is Condition.COMING and not one.is_alive]
    gone = [one for one in machines if one.condition is Condition.GONE]
    refuse = () if alive else tuple(_refused(wanted, lacks))
    left = [one for one in wanted if one.execution not in {r.execution for r in refuse}]
    needed = _unserved(left, alive, now, tasks, packing)
    known = {one.name: one for one in machines}
    room = most - sum(one.condition is not Condition.GONE for one in machines)
    create = [name for seats in needed for name in _named(seats, known)]
    # What nobody waits for any more must not come later, and cost.
    waits = {name for seats in needed for name in seats}
    unwanted = [one for one in stuck if one.name not in waits]
    return Care(create=tuple(create[: max(room, 0)]), delete=(*gone, *unwanted), refuse=refuse)


def machine_of(worker: str) -> str:
    """The machine on which a worker of that name runs (`render_job/machine.py`)."""
    return worker.rsplit("-", 2)[0]


def _refused(wanted: Sequence[Wanted], lacks: Sequence[Lack]) -> list[Refused]:
    """Those not begun of which a machine was tried in vain since their launch."""
    found = []
    for one in wanted:
        since = [lack for lack in lacks if lack.at >= one.launched_at]
        if since and not one.is_begun:
            lack = max(since, key=lambda lack: lack.at)
            found.append(Refused(execution=one.execution, lack=lack))
    return found


def _unserved(
    wanted: Sequence[Wanted],
    alive: Sequence[Machine],
    now: datetime,
    tasks: int,
    packing: Packing,
) -> Sequence[tuple[str, ...]]:
    """Seats that those alive have no hands for, by the machine that would be made for them."""
    here = {one.name for one in alive}
    cost = {one.execution: packing.cost(one.takes, now - one.launched_at) for one in wanted}
    # Of who is at work it counts what is left of it, not how long it has waited.
    held = [
        packing.cost(one.takes, timedelta(0))
        for one in wanted
        for worker in one.holders
        if machine_of(worker) in here
    ]
    seats = [Waiting(name=name, cost=cost[one.execution]) for one in wanted for name in one.free]
    return packed(seats, held, hands=len(alive) * tasks, tasks=tasks, room=packing.room)


def _named(seats: Sequence[str], known: Mapping[str, Machine]) -> Iterator[str]:
    """The name of the machine for these: the first that none has; none while one is tried.

    One that has come and gone in vain is not made again while it stands there.
    """
    there = [known[name] for name in seats if name in known]
    if any(one.condition is Condition.COMING and not one.is_alive for one in there):
        return
    fresh = [name for name in seats if name not in known]
    # A machine that was made for one of them may be at another's seat, which was free before.
    fresh += [name for one in there if one.is_alive and (name := f"{one.name}b") not in known]
    yield from fresh[:1]
