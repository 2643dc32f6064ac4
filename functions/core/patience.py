"""Patience: what nobody waits for waits for the cheap lane, while the dear one is still in time.

    left: ├────────── waits for the cheap lane ──────────┤── net: the dear lane ──┤ deadline

Machines that may be taken away are a third of the price, and now and then not to be had. With time
to spare it is cheaper to wait for them than to take the others; when no more time is left than the
others surely need, on as many machines as have something to do, they are taken: the safety net.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.core.ledger import LONGEST_PAUSE
from functions.core.need import Need
from functions.core.prices import dollars
from functions.core.weigh import Weighed

WORTH = 0.67
"""The cheap lane costs no more than this share of the dear one: less is not worth the wait."""


def worth_waiting(
    chosen: Weighed, closed: Sequence[Weighed], need: Need, now: datetime
) -> str | None:
    """Why to wait for one of the closed lanes instead of taking the chosen one; None to take it."""
    if not need.is_thrifty or need.deadline is None or chosen.late:
        return None
    if chosen.nanodollars is None or chosen.takes is None:
        return None
    until = net(chosen, need, need.deadline)
    cheap = [one for one in closed if one.nanodollars is not None and not one.late]
    best = min(cheap, key=lambda one: one.nanodollars or 0.0, default=None)
    if best is None or (best.nanodollars or 0.0) > WORTH * chosen.nanodollars or now >= until:
        return None
    cost, dear = dollars(best.nanodollars or 0.0), dollars(chosen.nanodollars)
    return (
        f"waits for {best.lane.id}, which costs {cost} and {chosen.lane.id} {dear}; "
        f"that is taken from {until:%H:%M:%S} UTC on"
    )


def net(dear: Weighed, need: Need, deadline: datetime) -> datetime:
    """From then on the dear lane is taken: it may start twice, and a lane's longest pause."""
    return deadline - 2 * dear.start - fastest(dear, need) - LONGEST_PAUSE


def fastest(one: Weighed, need: Need) -> timedelta:
    """What it surely takes on all machines of its lane that have something to do."""
    assert one.sure is not None, "what nobody knows is not waited for"
    return one.sure * one.tasks / max(1, min(one.lane.tasks, need.chunks))
