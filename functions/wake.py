"""Waking: who waits in line is asked again as soon as there is room, in turn.

    lines (the first of each) ─► whose turn? ─► a tick ─┬─► it has a place: the next of its line
      one read a line                                   └─► in vain: its line is left alone

Nothing is read of those who stand behind the first of their line, so a sweep costs as many reads as
there are lines, and then some for each one that is launched. No more are asked than there is room
for: ten thousand that wait are no herd when their lane comes back.
"""

import logging
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from functions.core.admission import rooms
from functions.core.budget import day_is_spent
from functions.core.observations import Tick
from functions.core.prices import MINIMUM
from functions.core.render import RUNNING
from functions.core.share import MOST_LINES, Head, Line, first, line_of, used
from functions.core.switches import of_tenant
from functions.facts import everybody
from functions.handle import handle
from functions.held_ledger import HeldLedger
from functions.ports import Ports, RenderStore

log = logging.getLogger("clipline.wake")

PAGE = 20
"""Of one line, read at once."""
PATIENCE = timedelta(seconds=5)
"""A limit by the minute that is free again so soon is waited for: a sweep that found the launches
of the one before still within their minute left every second minute unused."""
MOMENT = timedelta(milliseconds=10)
"""The shortest rest."""


def wake(ports: Ports, give_up: datetime) -> int:
    """Ticks those for whom there is room, until that moment; returns how many have a place now."""
    now, heads = ports.clock(), ports.renders.lines(limit=MOST_LINES)
    if not heads:
        return 0
    held = replace(ports, ledger=HeldLedger(ports.ledger))
    facts = everybody(now, held)
    if day_is_spent(facts.spent_today, facts.budget, now) is not None:
        return 0
    waiting = [_Waiting(line_of(head.line, head.since, ports.tenants), head) for head in heads]
    open_to = [one for one in waiting if of_tenant(one.line.tenant, facts.pauses) is None]
    room = rooms(facts.lanes, facts.busy, facts.ledger, facts.pauses, now)
    had = used(facts.ledger, now)
    woken = 0
    while ports.clock() < give_up:
        now = ports.clock()
        free = room.free(now)
        turn = first([one.line for one in open_to if any(map(one.line.takes, free))], had)
        if turn is None:
            if not open_to or not _rests(
                room.free_at(now), now, min(give_up, now + PATIENCE), ports
            ):
                break
            continue
        one = next(one for one in open_to if one.line is turn)
        lane = one.ask(held, give_up)
        if lane is None:
            open_to.remove(one)
            continue
        woken += 1
        room.take(lane, now)
        had[turn.account] = had.get(turn.account, 0.0) + MINIMUM.total_seconds()
    return woken


def _rests(until: datetime | None, now: datetime, latest: datetime, ports: Ports) -> bool:
    """Whether a limit by the minute is free soon, and has been waited for."""
    if until is None or until > latest:
        return False
    ports.rest(max(until - now, MOMENT))
    return True


@dataclass(slots=True)
class _Waiting:
    """A line, and those at its beginning."""

    line: Line
    head: Head
    _next: deque[Head] = field(default_factory=deque)
    _asked: set[str] = field(default_factory=set)

    def ask(self, ports: Ports, give_up: datetime) -> str | None:
        """Tick its first one, and the next one as long as that brings nobody to an answer.

        Returns the lane on which it has a place now; None if there is none for this line.
        """
        while ports.clock() < give_up and (head := self._first(ports.renders)) is not None:
            self._asked.add(head.render)
            self.line = replace(self.line, since=head.since)
            try:
                render = handle(Tick(render=head.render), ports)
            except Exception:
                log.exception(
                    "could not tick %s",
                    head.render,
                    extra={"action": "stumbled", "render": head.render},
                )
                continue
            if render is None or render.line == self.line.name:
                return None
            if render.state in RUNNING:
                return render.lane
        return None

    def _first(self, renders: RenderStore) -> Head | None:
        """The next one that was not asked yet."""
        if not self._asked:
            return self.head
        if not self._next:
            page = renders.waiting(self.line.name, limit=PAGE + len(self._asked))
            self._next.extend(head for head in page if head.render not in self._asked)
        return self._next.popleft() if self._next else None
