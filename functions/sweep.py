"""The sweep: what no event says is noticed here. Paged, and harmless when two overlap."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from functions.core.observations import Tick
from functions.forgotten import find_forgotten
from functions.handle import handle
from functions.ports import Group, Ports
from functions.wake import wake

log = logging.getLogger("clipline.sweep")

PAGE = 500
TIME_LIMIT = timedelta(seconds=45)
"""A sweep runs every minute and stops by itself before the next one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one sweep did."""

    ticked: int
    woken: int
    found: int


def sweep(ports: Ports) -> Swept:
    """Tick what is due, wake those for whom there is room, tend the groups of machines.

    At last it looks for forgotten uploads, one page of them.
    """
    give_up = ports.clock() + TIME_LIMIT
    ticked, woken = _tick_due(ports), wake(ports, give_up)
    for group in ports.groups:
        _tend(group, ports)
    return Swept(ticked=ticked, woken=woken, found=find_forgotten(ports))


def _tend(group: Group, ports: Ports) -> None:
    """A group that cannot be tended keeps its machines: the next sweep does it."""
    try:
        for ended in group.tend():
            handle(ended, ports)
    except Exception:
        log.exception("could not tend a group of machines", extra={"action": "not_tended"})


def _tick_due(ports: Ports) -> int:
    """Every due render at most once: a tick that leaves it due is the next sweep's."""
    start = ports.clock()
    seen: set[str] = set()
    while ports.clock() - start < TIME_LIMIT:
        due = [r for r in ports.renders.due(start, limit=PAGE + len(seen)) if r not in seen]
        if not due:
            break
        for render in due:
            _tick(render, ports)
            seen.add(render)
            if ports.clock() - start >= TIME_LIMIT:
                break
    return len(seen)


def _tick(render: str, ports: Ports) -> None:
    """One render that cannot be ticked must not keep the others from it: it stays due."""
    try:
        handle(Tick(render=render), ports)
    except Exception:
        log.exception("could not tick %s", render, extra={"action": "stumbled", "render": render})
