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
    """The next thing to do. Sound comes first, then what is ready to be joined, then pieces.

    Of an output's pieces the longest come first, so that the short ones are left for the end. What
    this task has claimed already it is to do: looked at once more, the choice stays the same.
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
    first = next((work for work in free if _is_mine(work.claim, me, seen)), None)
    first = first or next((work for work in free if not isinstance(work, MakePiece)), None)
    if first is not None or not free:
        return first or Idle()
    return free[_place(order, me, seen) % len(free)]


def _work(plan: RenderPlan, order: Order, seen: Seen) -> Iterator[Work]:
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
        for span in sorted(missing, key=len, reverse=True):
            yield MakePiece(
                output=output, span=span, claim=f"piece/{output.id}/{key}/{span.start:09}"
            )


def _place(order: Order, me: Worker, seen: Seen) -> int:
    """How many tasks before this one are idle too: each of them reaches for another claim.

    A task that is idle alone takes the first work there is: were each to go its own way, a long
    chunk would be left for the end, and all would wait for it.
    """
    busy = {claim.worker.task for claim in seen.claims.values() if not _is_over(claim, order, seen)}
    return sum(task not in busy for task in range(me.task))


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
