"""How many machines a pool's group needs, and which: pure, from what waits and what is there.

    a seat waits ─► a machine named for it ─► its worker takes seats ─► idle: it stops itself
                          │                                                   │
                          └─ no machine to be had: the launch is refused      └─► deleted, by name

A machine has the name of the seat that wanted it, so two who look at the same moment ask for the
same machine. None is ever taken away that runs: a worker that has nothing to do leaves by itself.
None is repaired: a machine that was preempted is deleted, and what waits again has a machine of its
own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    most: int,
    tasks: int,
) -> Care:
    """For what waits, the longest first: at most `most` machines of `tasks` seats each."""
    alive = [one for one in machines if one.is_alive]
    stuck = [one for one in machines if one.condition is Condition.COMING and not one.is_alive]
    gone = [one for one in machines if one.condition is Condition.GONE]
    refuse = () if alive else tuple(_refused(wanted, lacks))
    left = [one for one in wanted if one.execution not in {r.execution for r in refuse}]
    names = _unserved(left, alive, tasks)
    known = {one.name for one in machines}
    room = most - sum(one.condition is not Condition.GONE for one in machines)
    create = [name for name in names if name not in known][: max(room, 0)]
    # What nobody waits for any more must not come later, and cost.
    unwanted = [one for one in stuck if one.name not in names]
    return Care(create=tuple(create), delete=(*gone, *unwanted), refuse=refuse)


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


def _unserved(wanted: Sequence[Wanted], alive: Sequence[Machine], tasks: int) -> list[str]:
    """Names of machines for the seats that those alive have no hands for."""
    here = {one.name for one in alive}
    held = sum(machine_of(worker) in here for one in wanted for worker in one.holders)
    seats = [name for one in wanted for name in one.free]
    served = max(len(alive) * tasks - held, 0)
    return seats[served::tasks]
