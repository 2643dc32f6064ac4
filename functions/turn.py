"""Whose turn it is when a place comes free."""

from functions.core.ledger import MEMORY, MOST_READ
from functions.core.share import MOST_LINES, first, line_of, used
from functions.ports import Ports


def next_in_turn(ports: Ports, lane: str | None) -> str | None:
    """The render whose turn it is for that lane, or for any; None if nobody waits in line."""
    heads = {head.line: head for head in ports.renders.lines(limit=MOST_LINES)}
    lines = [line_of(head.line, head.since, ports.tenants) for head in heads.values()]
    fitting = [one for one in lines if lane is None or one.takes(lane)]
    had = {}
    if len(fitting) > 1:
        now, ids = ports.clock(), [one.id for one in ports.lanes]
        had = used(ports.ledger.recent(ids, now - MEMORY, limit=MOST_READ), now)
    turn = first(fitting, had)
    return heads[turn.name].render if turn else None
