"""Routing: which lane takes the next attempt, with the reason in words for every other one.

    lanes ─► rejected, each by a number ─┬─► none left: wait until the first may be asked again
                                         └─► the others in order, the first is taken

In order: those that are sure to make the deadline before those that are not, those that do it in
one attempt before those that need several, and then the cheapest. Where nobody knows what one of
them costs, the order is that of the lanes' file. With time to spare Spot is the cheapest; when time
gets short it is not sure any more, and what is sure is taken instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from functions.core.lanes import Lane
from functions.core.ledger import Standing
from functions.core.need import Need
from functions.core.pace import paced
from functions.core.patience import worth_waiting
from functions.core.prices import dollars
from functions.core.quotas import Limit
from functions.core.switches import Switching, of_lane, of_tenant
from functions.core.weigh import Weighed, weigh
from schemas.failures import FailureClass

GIB = 2**30
EXACT_ENCODER = "libx264/"
"""How the class of an encoder begins that gives back a source's very pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a lane is not taken, with the number that rejects it."""

    lane: str
    why: str
    """As in "the lane WHY"."""
    until: datetime | None = None
    """When it is worth asking again, if that is known."""
    for_good: bool = False
    own: bool = False
    """It is this render's matter, not that of all who would launch there."""
    failure: FailureClass = FailureClass.CAPACITY
    """What a render fails by that finds nothing better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The answer: a lane to launch on, or None with what is waited for or why there is none."""

    lane: Lane | None
    why: str
    avoided: tuple[str, ...] = ()
    """Lanes that it cannot use for reasons of its own, whoever else can."""
    until: datetime | None = None
    """When the first of those may be used, if that is known."""
    hopeless: bool = False
    """No lane will ever do for this render."""
    failure: FailureClass = FailureClass.CAPACITY
    """What it fails by then."""
    rejected: tuple[Rejection, ...] = ()
    """The lanes that cannot be taken now."""
    weighed: tuple[Weighed, ...] = ()
    """The others in order, the one that is taken first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known when the question is asked."""

    now: datetime
    barred: Sequence[str] = ()
    only: str | None = None
    """The lane that its replay asked for, if it did for one."""
    resting: Mapping[str, datetime]
    """Until when lanes rest for this render."""
    busy: Mapping[str, int]
    """How many renders run on each lane."""
    standings: Mapping[str, Standing]
    """What the ledger knows of each lane."""
    need: Need = field(default_factory=Need)
    tenant: str = ""
    pauses: Sequence[Switching] = ()
    """What people have paused."""
    running: Sequence[Limit] = ()
    launching: Sequence[Limit] = ()
    """Quotas that lanes share: of what runs, and of launches within a minute."""


def route(lanes: Sequence[Lane], scene: Scene) -> Route:
    """The best lane that nothing speaks against."""
    own = [one for lane in lanes if (one := _own(lane, scene)) is not None]
    avoided = tuple(sorted(one.lane for one in own))
    until = min((one.until for one in own if one.until is not None), default=None)
    if (paused := of_tenant(scene.tenant, scene.pauses)) is not None:
        return Route(lane=None, why=f"waits: {paused.words}", avoided=avoided, until=until)
    if all(one.for_good for one in own) and len(own) == len(lanes):
        words = "; ".join(f"{one.lane} {one.why}" for one in own) or "none is configured"
        causes = {one.failure for one in own if scene.only in (None, one.lane)}
        return Route(
            lane=None,
            why=f"no lane is left: {words}",
            hopeless=True,
            failure=causes.pop() if len(causes) == 1 else FailureClass.CAPACITY,
            rejected=tuple(own),
        )
    said = {one.lane: one for one in own}
    for lane in lanes:
        if lane.id not in said and (shared := _shared(lane, scene)) is not None:
            said[lane.id] = shared
    rejected = tuple(said[lane.id] for lane in lanes if lane.id in said)
    paces = paced(lanes, scene.standings)
    weighed = _in_order(
        [
            weigh(lane, paces.get(lane.id), scene.need, scene.now)
            for lane in lanes
            if lane.id not in said
        ]
    )
    chosen: Lane | None = None
    if weighed:
        why, chosen = _why(weighed, lanes, rejected, scene.only), weighed[0].lane
        if (wait := _patience(weighed[0], lanes, paces, rejected, scene)) is not None:
            why, chosen = wait, None
    else:
        hoped = [one for one in rejected if not one.for_good]
        why, chosen = "waits for a lane: " + "; ".join(f"{r.lane} {r.why}" for r in hoped), None
    return Route(
        lane=chosen, why=why, avoided=avoided, until=until, rejected=rejected, weighed=weighed
    )


def _patience(
    chosen: Weighed,
    lanes: Sequence[Lane],
    paces: Mapping[str, Standing],
    rejected: Sequence[Rejection],
    scene: Scene,
) -> str | None:
    """Why to wait for a cheaper lane that will be open again, if that is better."""
    closed = {one.lane for one in rejected if not one.for_good}
    others = [
        weigh(lane, paces.get(lane.id), scene.need, scene.now)
        for lane in lanes
        if lane.id in closed
    ]
    return worth_waiting(chosen, others, scene.need, scene.now)


def _own(lane: Lane, scene: Scene) -> Rejection | None:
    """What speaks against it for this render, if anything does."""
    if scene.only not in (None, lane.id):
        why = f"is passed over: the replay asked for {scene.only}"
        return Rejection(lane=lane.id, why=why, for_good=True, own=True)
    if lane.id in scene.barred:
        why = "is barred: attempts in a row committed nothing there"
        return Rejection(lane=lane.id, why=why, for_good=True, own=True)
    if (cannot := unfit(lane, scene.need)) is not None:
        return cannot
    rest = scene.resting.get(lane.id)
    if rest is not None and rest > scene.now:
        why = f"rests for this render until {_clock(rest)}"
        return Rejection(lane=lane.id, why=why, until=rest, own=True)
    return None


def _shared(lane: Lane, scene: Scene) -> Rejection | None:
    """What speaks against it for whoever would launch there."""
    if (paused := of_lane(lane.id, scene.pauses)) is not None:
        return Rejection(lane=lane.id, why=f"waits: {paused.words}")
    return _closed(lane, scene) or _full(lane, scene)


def unfit(lane: Lane, need: Need) -> Rejection | None:
    """Why the lane can never take what needs that: by what it is, which no waiting changes."""
    if need.locations is not None and lane.location not in need.locations:
        where, allowed = lane.location or "nowhere that is known", ", ".join(need.locations)
        why = f"is in {where}, and its tenant allows {allowed} only"
        return Rejection(lane=lane.id, why=why, for_good=True, own=True)
    if need.lossless and not lane.encoder_class.startswith(EXACT_ENCODER):
        why = f"encodes by {lane.encoder_class.partition('/')[0]}, which makes nothing lossless"
        return Rejection(lane=lane.id, why=why, for_good=True, own=True, failure=FailureClass.SPEC)
    if lane.disk_bytes is not None and need.disk_bytes > lane.disk_bytes:
        have, want = lane.disk_bytes / GIB, need.disk_bytes / GIB
        why = f"has room for {have:.1f} GiB, and joining needs about {want:.1f} GiB"
        return Rejection(lane=lane.id, why=why, for_good=True, own=True)
    return _too_small(lane, need)


def _too_small(lane: Lane, need: Need) -> Rejection | None:
    """By the memory of one task: it would be killed, and told so only when the money is spent."""
    wanted = need.memory_bytes(with_files=lane.files_in_memory)
    if lane.memory_bytes is None or wanted <= lane.memory_bytes:
        return None
    have, want = lane.memory_bytes / GIB, wanted / GIB
    files = " with its files" if lane.files_in_memory else ""
    why = f"has {have:.1f} GiB of memory, and a task needs about {want:.1f} GiB{files}"
    return Rejection(
        lane=lane.id, why=why, for_good=True, own=True, failure=FailureClass.OUT_OF_MEMORY
    )


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
    launches = {one.lane: len(one.launches) for one in scene.standings.values()}
    most, had = lane.launches_a_minute, launches.get(lane.id, 0)
    if most is not None and had >= most:
        return Rejection(lane=lane.id, why=f"had {had} of {most} launches within a minute")
    for limit, counts in (
        *((limit, scene.busy) for limit in scene.running),
        *((limit, launches) for limit in scene.launching),
    ):
        if lane.id in limit.weights and not limit.has_room(lane.id, counts):
            taken, wants = limit.taken(counts), limit.weights[lane.id]
            why = f"needs {wants} of its quota {limit.name}, and {taken} of {limit.most} are taken"
            return Rejection(lane=lane.id, why=why)
    return None


def _in_order(weighed: Sequence[Weighed]) -> tuple[Weighed, ...]:
    known = all(one.nanodollars is not None for one in weighed)
    ranked = sorted(
        weighed,
        key=lambda one: (bool(one.late), bool(one.overlong), (one.nanodollars or 0) * known),
    )
    return tuple(ranked)


def _why(
    weighed: Sequence[Weighed],
    lanes: Sequence[Lane],
    rejected: Sequence[Rejection],
    only: str | None,
) -> str:
    """Why the first is taken: what speaks against all that would be taken before it."""
    chosen = weighed[0]
    if only is not None:
        return f"the replay asked for {only}"
    if len(lanes) == 1:
        return "the only lane here"
    place = list(lanes).index(chosen.lane)
    before = {other.id for other in lanes[:place]}
    said = [f"{one.lane} {one.why}" for one in rejected if one.lane in before]
    said += [_outdone(one, chosen) for one in weighed[1:] if one.lane.id in before]
    return "; ".join(said) or "the first choice"


def _outdone(one: Weighed, chosen: Weighed) -> str:
    """What the chosen lane has over one that stands before it in the file."""
    if one.late and not chosen.late:
        return f"{one.lane.id} {one.late}"
    if one.overlong and not chosen.overlong:
        return f"{one.lane.id} {one.overlong}"
    costs, less = dollars(one.nanodollars or 0), dollars(chosen.nanodollars or 0)
    return f"{one.lane.id} costs {costs}, {chosen.lane.id} {less}"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"
