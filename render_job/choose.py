"""What a task does next: pure decisions from a listing, so that they can be tried without machines.

A task knows nothing but the plan, its order, who it is and what it has just seen; it asks again
after every piece of work. Nothing is handed out: work is claimed, and a claim that is not renewed
is free again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import inf

from schemas.pieces import Span, remainders, tiling
from schemas.plan import AudioPlan, Order, OutputPlan, RenderPlan, once

LEASE = timedelta(seconds=30)
"""A claim not renewed for so long, by the store's clock, may be taken over."""

HEDGED = Fraction(3, 100)
"""Of a render's frames, the most that hedges may make twice."""
TOLD_AFTER = timedelta(seconds=4)
"""A holder has renewed its claim twice by then, and told how far it is."""

_HEDGE = re.compile(r"hedge/(.+)/(\d{9})-(\d{9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Who a task is. A restarted task is the same worker: its old claims are its own."""

    execution: str
    task: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who is at a unit of work, since when, and when it was last heard of."""

    worker: Worker
    attempt: int
    taken_at: datetime
    renewed_at: datetime
    generation: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What stood in the work bucket when it was looked at; `now` is the store's clock then."""

    now: datetime
    pieces: Mapping[str, frozenset[Span]] = field(default_factory=dict)
    """By output id, in the order's encoder class only."""
    sound: frozenset[str] = frozenset()
    """Ids of the sounds that are made."""
    delivered: frozenset[str] = frozenset()
    """Ids of outputs that stand verified."""
    claims: Mapping[str, Claim] = field(default_factory=dict)
    paces: Mapping[str, Mapping[Worker, float]] = field(default_factory=dict)
    """By output id, the frames a second at which each task made its pieces; where none may hedge,
    nobody asks."""
    closed: bool = False
    """Whether the order's own attempt was given up."""
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Nothing is left to do for this task; `why` in words."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Others are at the rest: look again, later each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSound:
    """Render a clip's sound."""

    audio: AudioPlan
    claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePiece:
    """Render these frames of an output."""

    output: OutputPlan
    span: Span
    claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """Render what another task has in hand as well: whoever commits it first has made it.

    Its claim is not given back: it is the record that these frames were hedged.
    """

    output: OutputPlan
    span: Span
    claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stitch:
    """Join these pieces, which tile the output."""

    output: OutputPlan
    spans: tuple[Span, ...]
    claim: str


Plain = MakeSound | MakePiece | Stitch
Work = Plain | Hedge
Choice = Leave | Idle | Work


def choose(plan: RenderPlan, order: Order, me: Worker, seen: Seen) -> Choice:
    """The next thing to do. Sound comes first, then what is ready to be joined, then pieces.

    Of an output's pieces the longest come first, so that the short ones are left for the end. What
    this task has claimed already it is to do: looked at once more, the choice stays the same. Where
    nothing is free, a piece may be hedged that is expected later than this task would make it.
    """
    if seen.cancelled:
        return Leave(why="the render is cancelled")
    if seen.closed:
        return Leave(why=f"attempt {order.attempt} was given up")
    if all(output.id in seen.delivered for output in plan.outputs):
        return Leave(why="every output is delivered")
    if seen.now >= order.deadline:
        return Leave(why="the attempt's time is over")
    free = [work for work in _work(plan, order, seen) if _is_free(work.claim, order, me, seen)]
    free = _not_hedged(free, order, me, seen)
    first = next((work for work in free if _is_mine(work.claim, me, seen)), None)
    first = first or next((work for work in free if not isinstance(work, MakePiece)), None)
    if first is not None:
        return first
    if free:
        return free[_place(order, me, seen) % len(free)]
    return (_hedge(plan, order, me, seen) if order.hedge else None) or Idle()


def _work(plan: RenderPlan, order: Order, seen: Seen) -> Iterator[Plain]:
    open_outputs = [output for output in plan.outputs if output.id not in seen.delivered]
    wanted = {audio.id for output in open_outputs if (audio := plan.audio_of(output))}
    for audio in plan.audio:
        if audio.id in wanted and audio.id not in seen.sound:
            yield MakeSound(audio=audio, claim=f"sound/{audio.id}")
    for output in open_outputs:
        spans = tiling(seen.pieces.get(output.pieces_id, frozenset()), output.frames)
        sound = plan.audio_of(output)
        if spans is not None and (sound is None or sound.id in seen.sound):
            yield Stitch(output=output, spans=spans, claim=f"stitch/{output.id}")
    yield from _pieces(plan, order, seen)


def _pieces(plan: RenderPlan, order: Order, seen: Seen) -> Iterator[MakePiece]:
    """What is missing, whether somebody has it in hand or not; what outputs share, once."""
    for output in once(o for o in plan.outputs if o.id not in seen.delivered):
        key = output.key(plan.upload, order.encoder_class)
        pieces = seen.pieces.get(output.pieces_id, frozenset())
        if tiling(pieces, output.frames) is not None:
            continue
        missing = remainders(pieces, output.chunks)
        for span in sorted(missing, key=len, reverse=True):
            yield MakePiece(
                output=output, span=span, claim=f"piece/{output.pieces_id}/{key}/{span.start:09}"
            )


def _place(order: Order, me: Worker, seen: Seen) -> int:
    """How many tasks before this one are idle too: each of them reaches for another claim.

    A task that is idle alone takes the first work there is: were each to go its own way, a long
    chunk would be left for the end, and all would wait for it.
    """
    busy = {claim.worker.task for claim in seen.claims.values() if not _is_over(claim, order, seen)}
    return sum(task not in busy for task in range(me.task))


def _not_hedged(free: list[Plain], order: Order, me: Worker, seen: Seen) -> list[Plain]:
    """Without pieces whose holder is gone, but which another task is hedging."""
    live = [h for h in _hedged(seen) if h.claim.worker != me and not _is_over(h.claim, order, seen)]
    return [w for w in free if not (isinstance(w, MakePiece) and any(h.covers(w) for h in live))]


def _is_mine(work: str, me: Worker, seen: Seen) -> bool:
    """Claimed by this task: just now, or in its former life."""
    claim = seen.claims.get(work)
    return claim is not None and claim.worker == me


def _is_free(work: str, order: Order, me: Worker, seen: Seen) -> bool:
    """No claim, one of this task's, or one that nobody keeps any more."""
    claim = seen.claims.get(work)
    return claim is None or claim.worker == me or _is_over(claim, order, seen)


def _is_over(claim: Claim, order: Order, seen: Seen) -> bool:
    """Of an attempt that is over, or not renewed."""
    return claim.attempt < order.attempt or seen.now - claim.renewed_at > LEASE


# ── hedging ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hedged:
    """A hedge that stands in the bucket, whether it is still under way or long over."""

    work: str
    where: str
    span: Span
    claim: Claim

    @property
    def since(self) -> tuple[datetime, str]:
        return self.claim.taken_at, self.work

    def covers(self, work: MakePiece | Hedge) -> bool:
        """Whether any frame is the same."""
        span = work.span
        overlaps = self.span.start < span.end and span.start < self.span.end
        return overlaps and self.where == _where(work)


def _hedged(seen: Seen) -> tuple[_Hedged, ...]:
    found = []
    for work, claim in seen.claims.items():
        if match := _HEDGE.fullmatch(work):
            span = Span(int(match[2]), int(match[3]))
            found.append(_Hedged(work=work, where=match[1], span=span, claim=claim))
    return tuple(found)


def _where(work: MakePiece | Hedge) -> str:
    """The output and its pieces' key."""
    return work.claim.partition("/")[2].rpartition("/")[0]


def _hedge(plan: RenderPlan, order: Order, me: Worker, seen: Seen) -> Hedge | None:
    """The piece that is expected last, if this task expects to make it sooner, and may."""
    hedged = _hedged(seen)
    late: list[tuple[float, Hedge]] = []
    for work in _pieces(plan, order, seen):
        span = work.span
        claim = f"hedge/{_where(work)}/{span.start:09}-{span.end:09}"
        hedge = Hedge(output=work.output, span=span, claim=claim)
        if not _may(hedge, plan, me, hedged):
            continue
        if _is_mine(hedge.claim, me, seen):
            return hedge
        pace = seen.paces.get(work.output.pieces_id, {}).get(me)
        left = _seconds_left(seen.claims.get(work.claim), span, seen.now)
        if pace is not None and left > len(span) / pace:
            late.append((left, hedge))
    return max(late, key=lambda one: one[0])[1] if late else None


def _may(hedge: Hedge, plan: RenderPlan, me: Worker, hedged: tuple[_Hedged, ...]) -> bool:
    """Nobody has hedged these frames before, and all hedges together stay within the share.

    Two tasks may hedge at once, not knowing of each other. Looking once more under its claim, the
    one that took it later gives way.
    """
    mine = next((one for one in hedged if one.work == hedge.claim), None)
    if mine is not None and mine.claim.worker != me:
        return False
    others = [one for one in hedged if one is not mine and (not mine or one.since < mine.since)]
    frames = len(hedge.span) + sum(len(one.span) for one in others)
    return frames <= HEDGED * plan.frames and not any(one.covers(hedge) for one in others)


def _seconds_left(claim: Claim | None, span: Span, now: datetime) -> float:
    """Until the holder has made the span, as far as can be told; 0 where nothing can.

    A holder of whom nothing is heard gets slower by the second.
    """
    if claim is None or now - claim.taken_at < TOLD_AFTER:
        return 0
    if claim.frames == 0:
        return inf
    seconds = (now - claim.taken_at).total_seconds()
    return (len(span) - claim.frames) * seconds / claim.frames
