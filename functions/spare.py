"""A look at what live renders leave to replays; the decision is `functions/core/spare.py`'s."""

from functions.core.admission import rooms
from functions.core.share import MOST_LINES, line_of
from functions.core.spare import Own, Spare, spare
from functions.core.step import Facts
from functions.core.switches import of_tenant
from functions.facts import everybody
from functions.ports import Ports
from schemas.priority import Priority

MOST_COUNTED = 200
"""Of one line: where so many wait, nothing is left for replays anyway."""


def look(ports: Ports, own: Own, kept: int) -> Spare:
    """As everything stands now, with so many per cent of each limit kept for live renders."""
    now = ports.clock()
    facts = everybody(now, ports)
    return spare(facts, now, waiting=_waiting(facts, own, ports), own=own, kept=kept)


def _waiting(facts: Facts, own: Own, ports: Ports) -> int:
    """Renders that wait in line for a lane that takes some more, and are none of its own.

    Those of a back-catalogue are not counted: nobody waits for any one of them, and they may hold
    out for a cheaper lane for hours.
    """
    now, count = ports.clock(), 0
    room = rooms(facts.lanes, facts.busy, facts.ledger, facts.pauses, now).of(own.lane)
    free = room.free(now)
    for head in ports.renders.lines(limit=MOST_LINES) if free else ():
        line = line_of(head.line, head.since, ports.tenants)
        patient = line.priority is Priority.BACKGROUND
        if patient or of_tenant(line.tenant, facts.pauses) or not any(map(line.takes, free)):
            continue
        heads = ports.renders.waiting(head.line, limit=MOST_COUNTED + len(own.placeless))
        count += sum(one.render not in own.placeless for one in heads)
    return count
