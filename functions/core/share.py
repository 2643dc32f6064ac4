"""Whose turn it is among renders that wait: by what each account has had of late, and by age.

    lines ─► charge: machine time of the last hour ÷ weight ─► the smallest first, then the oldest

A **line** is what waits of one tenant and priority for the same lanes, the oldest first. Its
**account** is that tenant and priority; it is charged for the machines that it has and had within
`WINDOW`. So places go round by weight: while a live clip and a back-catalogue both wait, the live
one has sixteen launches for one of the other's, and a tenant with a thousand uploads does not stand
before one with three.

Nothing starves. What was used is forgotten after `WINDOW`: whoever has had no machine for so long
is charged nothing, and goes before everybody who has had one; of those who had none the one that
has waited longest goes first. So a line waits for its next launch no longer than `WINDOW`, and then
for one launch of each other line at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from json import dumps, loads

from functions.core.entries import Entry, Outcome
from functions.core.prices import MINIMUM
from functions.core.tenants import UNKNOWN, Tenants
from schemas.priority import Priority

WINDOW = timedelta(hours=1)
"""Long enough for a share to be seen across renders of minutes, short enough to be waited for."""


WEIGHTS = {Priority.LIVE: 16, Priority.NORMAL: 4, Priority.BACKGROUND: 1}
"""Launches that each has for one of background, while both wait."""
MOST_LINES = 200
"""Lines that are looked at together: tenants times priorities that wait at one moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One that waits in a line, as the store lists it."""

    line: str
    render: str
    since: datetime
    """When it was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What waits of one account for the same lanes."""

    name: str
    tenant: str
    priority: Priority
    avoids: frozenset[str]
    """Lanes that those who wait here cannot use; any other will do."""
    weight: int
    since: datetime
    """When the first of it was opened."""

    @property
    def account(self) -> str:
        """Who is charged."""
        return account(self.tenant, self.priority)

    def takes(self, lane: str) -> bool:
        """Whether they wait for that lane too."""
        return lane not in self.avoids


def account(tenant: str, priority: Priority) -> str:
    """Whose share a launch counts to."""
    return f"{tenant}/{priority}"


def line_name(tenant: str, priority: Priority, avoids: Iterable[str]) -> str:
    """Of a line; it says all about it."""
    return dumps([tenant, priority, sorted(avoids)], separators=(",", ":"))


def line_of(name: str, since: datetime, tenants: Tenants) -> Line:
    """The line of that name."""
    tenant, priority, avoids = loads(name)
    return Line(
        name=name,
        tenant=tenant,
        priority=Priority(priority),
        avoids=frozenset(avoids),
        weight=WEIGHTS[Priority(priority)] * tenants.get(tenant, UNKNOWN).weight,
        since=since,
    )


Used = Mapping[str, float]
"""Machine seconds by account."""


def charge(line: Line, used: Used) -> float:
    """What goes by turns: machine seconds for each unit of weight."""
    return used.get(line.account, 0.0) / line.weight


def first(lines: Iterable[Line], used: Used) -> Line | None:
    """The line whose turn it is."""
    return min(lines, key=partial(_rank, used=used), default=None)


def in_turn(lines: Iterable[Line], used: Used) -> list[Line]:
    """All of them in the order of their turns, as if none had any."""
    return sorted(lines, key=partial(_rank, used=used))


def _rank(line: Line, used: Used) -> tuple[float, datetime, str]:
    return charge(line, used), line.since, line.name


def used(entries: Sequence[Entry], now: datetime) -> dict[str, float]:
    """Machine seconds that each account has had within the window, by what the ledger shows.

    A launch counts as a minute at least from the moment it is admitted, which is what it costs; one
    that found no machines counts for nothing.
    """
    launches: dict[str, dict[Outcome, Entry]] = {}
    for one in entries:
        launches.setdefault(one.launch, {})[one.outcome] = one
    sums: dict[str, float] = {}
    for found in launches.values():
        one = next(iter(found.values()))
        seconds = _seconds(found, now) * one.tasks
        if seconds and one.account:
            sums[one.account] = sums.get(one.account, 0.0) + seconds
    return sums


def _seconds(found: Mapping[Outcome, Entry], now: datetime) -> float:
    """Of one launch, within the window."""
    began = now - WINDOW
    end = found.get(Outcome.FINISHED) or found.get(Outcome.PREEMPTED)
    if end is not None:
        since, until = end.at - end.ran, end.at
    elif (start := found.get(Outcome.STARTED)) is not None:
        since, until = start.at, now
    elif set(found) == {Outcome.LAUNCHED}:
        since = until = found[Outcome.LAUNCHED].at
    else:
        return 0.0
    if until <= began:
        return 0.0
    return max(until - max(since, began), MINIMUM).total_seconds()
