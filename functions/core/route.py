"""Routing: which lane takes the next attempt, with the reason in words for every other one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.core.admission import free_at
from functions.core.lanes import Lane
from functions.core.ledger import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a lane is not taken, with the number that rejects it."""

    lane: str
    why: str
    """As in "the lane WHY"."""
    until: datetime | None = None
    """When it is worth asking again, if that is known."""
    for_good: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The answer: a lane to launch on, or None with what is waited for or why there is none."""

    lane: Lane | None
    why: str
    until: datetime | None = None
    """When it is worth asking again, if that is known."""
    hopeless: bool = False
    """No lane will ever do for this render."""
    rejected: tuple[Rejection, ...] = ()
    """The lanes that cannot be taken now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known when the question is asked."""

    now: datetime
    barred: Sequence[str] = ()
    resting: Mapping[str, datetime]
    """Until when lanes rest for this render."""
    busy: Mapping[str, int]
    """How many renders run on each lane."""
    standings: Mapping[str, Standing]
    """What the ledger knows of each lane."""


def route(lanes: Sequence[Lane], scene: Scene) -> Route:
    """The first lane that nothing speaks against."""
    said = {lane.id: _against(lane, scene) for lane in lanes}
    rejected = tuple(one for one in said.values() if one is not None)
    if all(one.for_good for one in rejected) and len(rejected) == len(lanes):
        words = "; ".join(f"{one.lane} {one.why}" for one in rejected) or "none is configured"
        return Route(lane=None, why=f"no lane is left: {words}", hopeless=True, rejected=rejected)
    for lane in lanes:
        if said[lane.id] is None:
            return Route(lane=lane, why=_why(lane, lanes, rejected), rejected=rejected)
    hoped = [one for one in rejected if not one.for_good]
    moments = [one.until for one in hoped if one.until is not None]
    words = "; ".join(f"{one.lane} {one.why}" for one in hoped)
    return Route(
        lane=None,
        why=f"waits for a lane: {words}",
        until=min(moments) if len(moments) == len(hoped) else None,
        rejected=rejected,
    )


def _against(lane: Lane, scene: Scene) -> Rejection | None:
    """The first thing that speaks against it."""
    if lane.id in scene.barred:
        why = "is barred: attempts in a row committed nothing there"
        return Rejection(lane=lane.id, why=why, for_good=True)
    rest = scene.resting.get(lane.id)
    if rest is not None and rest > scene.now:
        why = f"rests for this render until {_clock(rest)}"
        return Rejection(lane=lane.id, why=why, until=rest)
    return _closed(lane, scene) or _full(lane, scene)


def _closed(lane: Lane, scene: Scene) -> Rejection | None:
    """By what all renders have seen."""
    known = scene.standings.get(lane.id)
    if known is None:
        return None
    if (until := known.closed_until) is not None:
        cause = "refused by our own quota" if known.by_quota else _stock_outs(known)
        why = f"{cause}: tried again at {_clock(until)}"
        return Rejection(lane=lane.id, why=why, until=until)
    if known.room is not None and known.under_way >= known.room:
        why = f"is being tried after a stock-out: {known.under_way} of {known.room} launches"
        return Rejection(lane=lane.id, why=f"{why} under way")
    return None


def _stock_outs(known: Standing) -> str:
    times = "once" if known.streak == 1 else f"{known.streak} times in a row"
    return f"had no machines {times} ({known.chance:.0%} of launches start)"


def _full(lane: Lane, scene: Scene) -> Rejection | None:
    """By what we may run there."""
    if (runs := scene.busy.get(lane.id, 0)) >= lane.places:
        return Rejection(lane=lane.id, why=f"runs {runs} of {lane.places}")
    known = scene.standings.get(lane.id)
    if known is not None and (until := free_at(lane, known)) is not None:
        why = f"had {len(known.launches)} of {lane.launches_a_minute} launches within a minute"
        return Rejection(lane=lane.id, why=why, until=until)
    return None


def _why(lane: Lane, lanes: Sequence[Lane], rejected: Sequence[Rejection]) -> str:
    if len(lanes) == 1:
        return "the only lane here"
    before = {other.id for other in lanes[: list(lanes).index(lane)]}
    said = [f"{one.lane} {one.why}" for one in rejected if one.lane in before]
    return "; ".join(said) or "the first choice"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def soonest(until: datetime | None, now: datetime, wait: timedelta) -> datetime:
    """When to ask again: at that moment, or after the usual wait where it is not known."""
    return until if until is not None else now + wait
