"""Routing: which lane takes the next attempt, with the reason in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.core.lanes import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The answer: a lane to launch on, or None with what is waited for or why there is none."""

    lane: Lane | None
    why: str
    hopeless: bool = False
    """No lane will ever do for this render."""


def route(lanes: Sequence[Lane], *, barred: Sequence[str], busy: Mapping[str, int]) -> Route:
    """The first lane that is neither barred nor full. `busy` counts the renders on each lane."""
    usable = [lane for lane in lanes if lane.id not in barred]
    if not usable:
        ids = ", ".join(lane.id for lane in lanes) or "none is configured"
        return Route(lane=None, why=f"every lane is barred ({ids})", hopeless=True)
    for lane in usable:
        if busy.get(lane.id, 0) < lane.executions:
            return Route(lane=lane, why=_why(lane, lanes, barred))
    runs = {lane.id: f"{busy.get(lane.id, 0)} of {lane.executions}" for lane in usable}
    full = ", ".join(f"{id} runs {count}" for id, count in runs.items())
    return Route(lane=None, why=f"waits for a place: {full}")


def _why(lane: Lane, lanes: Sequence[Lane], barred: Sequence[str]) -> str:
    if len(lanes) == 1:
        return "the only lane here"
    before = [other.id for other in lanes[: list(lanes).index(lane)]]
    if not before:
        return "the first choice"
    return "; ".join(f"{id} is {'barred' if id in barred else 'full'}" for id in before)
