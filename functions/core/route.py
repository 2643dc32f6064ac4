"""Routing: which lane takes the next attempt, with the reason in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.core.lanes import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The answer: a lane to launch on, or None with what is waited for or why there is none."""

    lane: Lane | None
    why: str
    until: datetime | None = None
    """When it is worth asking again, if that is known."""
    hopeless: bool = False
    """No lane will ever do for this render."""


def route(
    lanes: Sequence[Lane],
    *,
    barred: Sequence[str],
    resting: Mapping[str, datetime],
    busy: Mapping[str, int],
) -> Route:
    """The first lane that is not barred, does not rest and is not full.

    `resting` says until when, and `busy` how many renders run on each lane.
    """
    usable = [lane for lane in lanes if lane.id not in barred]
    if not usable:
        ids = ", ".join(lane.id for lane in lanes) or "none is configured"
        return Route(lane=None, why=f"every lane is barred ({ids})", hopeless=True)
    awake = [lane for lane in usable if lane.id not in resting]
    if not awake:
        until = min(resting[lane.id] for lane in usable)
        why = f"waits until {until:%H:%M:%S} UTC: no lane kept a machine for it of late"
        return Route(lane=None, why=why, until=until)
    for lane in awake:
        if busy.get(lane.id, 0) < lane.executions:
            return Route(lane=lane, why=_why(lane, lanes, barred, resting))
    runs = {lane.id: f"{busy.get(lane.id, 0)} of {lane.executions}" for lane in awake}
    full = ", ".join(f"{id} runs {count}" for id, count in runs.items())
    return Route(lane=None, why=f"waits for a place: {full}")


def _why(
    lane: Lane, lanes: Sequence[Lane], barred: Sequence[str], resting: Mapping[str, datetime]
) -> str:
    if len(lanes) == 1:
        return "the only lane here"
    before = [other.id for other in lanes[: list(lanes).index(lane)]]
    if not before:
        return "the first choice"
    reasons = {id: "rests" for id in resting} | {id: "is barred" for id in barred}
    return "; ".join(f"{id} {reasons.get(id, 'is full')}" for id in before)
