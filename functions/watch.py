"""What the sweep says of the whole, once a minute: whether work waits in vain, what is spent.

    renders that wait or are being started, what launches showed ─► stalled, or not
    the day's ledger ─────────────────────────────────────────────► per cent of the day's budget

It only looks, and says one line; alerts are made of that (`infra/gcp/monitoring.tf`).
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.core.budget import day_is_spent
from functions.core.entries import HAD_MACHINES, Entry, Outcome
from functions.core.render import Render, State
from functions.core.switches import Switching, of_tenant
from functions.facts import everybody
from functions.ports import Ports

STALLED_AFTER = timedelta(minutes=15)
"""Work has waited for so long, and nothing has started anywhere meanwhile."""
LOOKED_AT = 20
"""Lines in which renders wait, and renders that are being started."""
SWEPT = "swept"

log = logging.getLogger("clipline.watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One look."""

    waiting: int
    """Renders that wait."""
    stalled: bool
    """Whether machines are wanted and none has come: not paused, not out of money, and not only
    because every place is taken by what runs."""
    spent_percent: int | None
    """Of the day's budget; None where there is none."""


def watch(ports: Ports) -> Watch:
    """Look. Raises what the ports raise."""
    now = ports.clock()
    known = everybody(now, ports)
    percent = known.spent_today * 100 // known.budget.day if known.budget.day else None
    waiting = ports.renders.count(State.WAITING)
    has_started = any(
        one.outcome in HAD_MACHINES and one.at > now - STALLED_AFTER for one in known.ledger
    )
    is_out_of_money = day_is_spent(known.spent_today, known.budget, now) is not None
    if has_started or is_out_of_money:
        return Watch(waiting=waiting, stalled=False, spent_percent=percent)
    renders = _wanting(known.ledger, ports)
    is_stalled = _in_vain(renders, known.pauses, now) and _has_room(renders, known.busy, ports)
    return Watch(waiting=waiting, stalled=is_stalled, spent_percent=percent)


def tell(ports: Ports, *, ticked: int, found: int) -> Watch:
    """Look and say it, with what a sweep did."""
    seen = watch(ports)
    fields: dict[str, object] = {
        "action": SWEPT,
        "ticked": ticked,
        "found": found,
        "waiting": seen.waiting,
        "stalled": seen.stalled,
    }
    if seen.spent_percent is not None:
        fields["spent_percent"] = seen.spent_percent
    words = "work waits and no lane starts" if seen.stalled else f"{seen.waiting} wait"
    level = logging.WARNING if seen.stalled else logging.INFO
    log.log(level, "swept: %d ticked, %d found, %s", ticked, found, words, extra=fields)
    return seen


def _wanting(ledger: Sequence[Entry], ports: Ports) -> list[Render]:
    """The oldest of every line that waits, and what is being started, the last launch first."""
    heads = [head.render for head in ports.renders.lines(limit=LOOKED_AT)]
    told = {one.launch for one in ledger if one.outcome is not Outcome.LAUNCHED}
    open_ones = [one for one in ledger if one.launch not in told]
    starting = [one.render for one in sorted(open_ones, key=lambda one: one.at, reverse=True)]
    found = map(ports.renders.load, dict.fromkeys([*heads, *starting[:LOOKED_AT]]))
    wanted = (State.WAITING, State.STARTING)
    return [one.render for one in found if one is not None and one.render.state in wanted]


def _in_vain(renders: Sequence[Render], paused: Sequence[Switching], now: datetime) -> bool:
    """Whether any has wanted a machine for so long, of its own accord."""
    return any(
        _wanted_since(one) <= now - STALLED_AFTER
        and of_tenant(one.upload.tenant, paused) is None
        and (one.not_before is None or one.not_before <= now)
        for one in renders
    )


def _wanted_since(render: Render) -> datetime:
    """Since its upload, its replay, or the end of the last attempt that had a machine."""
    ran = (one.ended_at for one in render.attempts if one.started_at and one.ended_at)
    return max(filter(None, (render.created_at, render.replayed_at, *ran)))


def _has_room(renders: Sequence[Render], busy: Mapping[str, int], ports: Ports) -> bool:
    """Whether some lane would take a render if it had machines."""
    starting = Counter(one.lane for one in renders if one.state is State.STARTING)
    return any(busy.get(lane.id, 0) - starting[lane.id] < lane.places for lane in ports.lanes)
