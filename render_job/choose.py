"""What a task does next: pure decisions from a listing, so that they can be tried without machines.

A task knows nothing but the plan, its order, who it is and what it has just seen; it asks again
after every piece of work. Nothing is handed out: work is claimed, and a claim that is not renewed
is free again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.pieces import Span, remainders, tiling
from schemas.plan import AudioPlan, Order, OutputPlan, RenderPlan

LEASE = timedelta(seconds=30)
"""A claim not renewed for so long, by the store's clock, may be taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Who a task is. A restarted task is the same worker: its old claims are its own."""

    execution: str
    task: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who is at a unit of work, and since when nothing was heard of it."""

    worker: Worker
    attempt: int
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
    """Clips whose sound is made."""
    delivered: frozenset[str] = frozenset()
    """Ids of outputs that stand verified."""
    claims: Mapping[str, Claim] = field(default_factory=dict)
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
class Stitch:
    """Join these pieces, which tile the output."""

    output: OutputPlan
    spans: tuple[Span, ...]
    claim: str


Work = MakeSound | MakePiece | Stitch
Choice = Leave | Idle | Work


def choose(plan: RenderPlan, order: Order, me: Worker, seen: Seen) -> Choice:
    """The next thing to do. Sound comes first, then what is ready to be joined, then pieces."""
    if seen.cancelled:
        return Leave(why="the render is cancelled")
    if seen.closed:
        return Leave(why=f"attempt {order.attempt} was given up")
    if all(output.id in seen.delivered for output in plan.outputs):
        return Leave(why="every output is delivered")
    if seen.now >= order.deadline:
        return Leave(why="the attempt's time is over")
    free = (work for work in _work(plan, order, me, seen) if _is_free(work.claim, order, me, seen))
    return next(free, Idle())


def _work(plan: RenderPlan, order: Order, me: Worker, seen: Seen) -> Iterator[Work]:
    open_outputs = [output for output in plan.outputs if output.id not in seen.delivered]
    clips = {output.clip for output in open_outputs}
    for audio in plan.audio:
        if audio.clip in clips and audio.clip not in seen.sound:
            yield MakeSound(audio=audio, claim=f"sound/{audio.clip}")
    for output in open_outputs:
        spans = tiling(seen.pieces.get(output.id, frozenset()), output.frames)
        heard = plan.audio_of(output.clip) is None or output.clip in seen.sound
        if spans is not None and heard:
            yield Stitch(output=output, spans=spans, claim=f"stitch/{output.id}")
    for output in open_outputs:
        key = output.key(plan.upload, order.encoder_class)
        pieces = seen.pieces.get(output.id, frozenset())
        if tiling(pieces, output.frames) is not None:
            continue
        missing = remainders(pieces, output.chunks)
        for span in _from_own_corner(missing, order, me):
            yield MakePiece(
                output=output, span=span, claim=f"piece/{output.id}/{key}/{span.start:09}"
            )


def _from_own_corner(spans: tuple[Span, ...], order: Order, me: Worker) -> tuple[Span, ...]:
    """The spans from this task's own offset on, so that tasks seldom reach for the same claim."""
    start = len(spans) * (me.task % order.tasks) // order.tasks
    return spans[start:] + spans[:start]


def _is_free(work: str, order: Order, me: Worker, seen: Seen) -> bool:
    """No claim, a stale one, one of an attempt that is over, or one of this task's former life."""
    claim = seen.claims.get(work)
    if claim is None or claim.worker == me or claim.attempt < order.attempt:
        return True
    return seen.now - claim.renewed_at > LEASE
