"""The state machine of a render: which event does what in which state, in one table.

Theory of operation. `advance` takes a render and an event and returns the render that follows,
with what is wanted outside in its `pending` effects; the caller saves both in one write and
performs the effects afterwards. What happens is looked up in three steps:

1. **The fence.** What is told of an earlier attempt is stale, whatever it says. An attempt that was
   never ordered cannot be told of. A verified output alone passes: it is true whoever made it.
2. **The table.** Its row is the state (None before the render is opened), its column the event. The
   table is total: a cell is a Rule, which decides; or Ignored, with the reason why nothing is to be
   done; or Never. Events come repeatedly, late and in any order, so most cells that decide nothing
   are ordinary and return the same object: nothing to save, nothing to do.
3. **Passing through.** `accepted` and `planned` wait for nothing, so they are left in the same step
   and are never stored: a stored render is waiting, running or at its end.

A Never cell is a pair that no correct teller can bring about: the store has forgotten what it had
saved, or there is a bug. It raises Impossible, and nothing happens. The caller must not let the
event come again, it would be as impossible then: `functions/handle.py` acknowledges it and logs an
error, and goes on with what else it was told.

Each rule says which states it may lead to, and `docs/state-machine.md` is drawn from that. It
cannot drift from what the rules do: `tests/unit/test_machine_histories.py` lets every cell decide
all along random histories, and no way is taken that is not declared, nor declared but never taken.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from functions.core import attempt, ends, opening
from functions.core.effects import Effect
from functions.core.observations import (
    LaunchAccepted,
    LaunchDenied,
    Observation,
    PiecesRemoved,
    Superseded,
    Surveyed,
    Tick,
)
from functions.core.render import Render, State
from functions.core.step import Facts, Step
from schemas.events import (
    AttemptFailed,
    AttemptPreempted,
    AttemptStarted,
    CancelRender,
    ChunkCommitted,
    ExecutionEnded,
    OutputVerified,
    RenderProgress,
    RenderRequested,
    ReplayRender,
    StitchStarted,
    UploadRefused,
)

Occurrence = (
    RenderRequested
    | UploadRefused
    | CancelRender
    | ReplayRender
    | AttemptStarted
    | RenderProgress
    | ChunkCommitted
    | StitchStarted
    | OutputVerified
    | AttemptFailed
    | AttemptPreempted
    | ExecutionEnded
    | Observation
)


class Impossible(Exception):
    """No correct teller can say this of this render; nothing was changed. Repair, do not retry."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an event does to a render."""

    decide: Callable[[Any, Any, Step], Render]
    to: tuple[State, ...] = ()
    """The states it may lead to, beside the one that it finds."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing is to be done, and that is well."""

    word: str
    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """This cannot come here."""

    why: str


Cell = Rule | Ignored | Never


def advance(
    render: Render | None, event: Occurrence, *, now: datetime, facts: Facts
) -> Render | None:
    """The render after the event; the very same object when the event changes nothing.

    None stays None unless the event opens a render. Raises Impossible.
    """
    cell = cell_of(render, event)
    if isinstance(cell, Never):
        raise Impossible(_evidence(render, event, cell))
    if isinstance(cell, Ignored):
        return render
    step = Step(now=now, facts=facts)
    decided = cell.decide(render, event, step)
    if decided is render:
        return render
    while (way := PASSES.get(decided.state)) is not None:
        decided = way.decide(decided, event, step)
    return render if decided == render else replace(decided, updated_at=now)


def looks_at_others(render: Render | None, event: Occurrence) -> bool:
    """Whether the step may plan or route: only then do the facts about other renders matter.

    Most events are news of an attempt; a store need not be asked six things to write down one.
    """
    cell = cell_of(render, event)
    return isinstance(cell, Rule) and not PASSES.keys().isdisjoint(cell.to)


def performed(render: Render, effect: Effect) -> Render:
    """The render without that pending effect."""
    return replace(render, pending=tuple(p for p in render.pending if p.effect != effect))


def cell_of(render: Render | None, event: Occurrence) -> Cell:
    """What the fence and the table say."""
    if render is not None and isinstance(event, _OF_ATTEMPT):
        if event.attempt < render.attempt:
            return _STALE
        if event.attempt > render.attempt or render.attempt == 0:
            return _UNORDERED
    return TABLE[render.state if render else None][type(event)]


def _evidence(render: Render | None, event: Occurrence, cell: Never) -> str:
    what = f"{type(event).__name__} of attempt {getattr(event, 'attempt', '-')}"
    where = f"{render.id}, {render.state} at attempt {render.attempt}" if render else "no render"
    return f"{what} came to {where}: {cell.why}"


# ── the table ────────────────────────────────────────────────────────────────────────────────

_STALE = Ignored("stale", "it tells of an earlier attempt")
_LATE = Ignored("late", "its attempt is over")
_TWICE = Ignored("twice", "the launch was performed twice, and the first one runs")
_AGAIN = Ignored("again", "it was told before, and the first answer stands")
_ENDED = Ignored("ended", "the render is at its end")
_GOES_ON = Ignored("goes on", "only what has failed is replayed")
_REPLAYED = Ignored("replayed", "it was replayed meanwhile, and makes anew what is missing")
_ORPHAN = Ignored("orphan", "there is no such render")
_UNORDERED = Never("that attempt was never ordered")
_UNLAUNCHED = Never("nothing is launched before there is a plan")

_OPENING = (RenderRequested, UploadRefused)
_LAUNCH = (LaunchAccepted, LaunchDenied)
_NEWS = (AttemptStarted, RenderProgress, ChunkCommitted, StitchStarted, AttemptPreempted,
         AttemptFailed, ExecutionEnded, Surveyed)  # fmt: skip
_OF_ATTEMPT = (*_LAUNCH, *_NEWS)
_OVER = (State.PLANNED, State.WAITING, State.FAILED)
"""What an attempt leads to at its end: the next one, a pause before it, or none."""

_Row = dict[type, Cell]


def _all(kinds: tuple[type, ...], cell: Cell) -> _Row:
    return dict.fromkeys(kinds, cell)


_LIVE: _Row = {
    PiecesRemoved: _REPLAYED,
    **_all(_OPENING, _AGAIN),
    ReplayRender: _GOES_ON,
    CancelRender: Rule(ends.cancelled, (State.CANCELLED,)),
    Superseded: Rule(ends.overtaken, (State.CANCELLED,)),
}
_IDLE: _Row = {
    **_LIVE,
    **_all(_OF_ATTEMPT, _LATE),
    LaunchAccepted: Rule(attempt.unwanted),
    OutputVerified: Rule(ends.verified, (State.DONE,)),
}
_RUNS: _Row = {
    **_LIVE,
    LaunchAccepted: Rule(attempt.launched),
    LaunchDenied: _TWICE,
    AttemptStarted: Rule(attempt.started),
    RenderProgress: Rule(attempt.progress),
    ChunkCommitted: Rule(attempt.progress),
    StitchStarted: Rule(attempt.stitching, (State.STITCHING,)),
    AttemptPreempted: Rule(attempt.preempted),
    AttemptFailed: Rule(attempt.gave_up),
    ExecutionEnded: Rule(attempt.ended),
    Surveyed: Rule(attempt.surveyed, _OVER),
    OutputVerified: Rule(ends.verified, (State.DONE,)),
    Tick: Rule(attempt.silent),
}
_TERMINAL: _Row = {
    **_all(_OPENING, _AGAIN),
    **_all(_OF_ATTEMPT, _LATE),
    **_all((CancelRender, ReplayRender, Superseded), _ENDED),
    Tick: Rule(attempt.at_rest),
    PiecesRemoved: Rule(ends.removed),
}
_WITHOUT_ALL_OUTPUTS: _Row = {
    **_TERMINAL,
    LaunchAccepted: Rule(attempt.unwanted),
    ExecutionEnded: Rule(attempt.ended),
    Surveyed: Rule(attempt.lingering),
}

TABLE: Mapping[State | None, Mapping[type, Cell]] = {
    None: {
        **_all(get_args(Occurrence), _ORPHAN),
        RenderRequested: Rule(opening.requested, (State.ACCEPTED, State.CANCELLED)),
        UploadRefused: Rule(opening.refused, (State.FAILED,)),
    },
    State.ACCEPTED: {
        **_LIVE,
        **_all((*_OF_ATTEMPT, OutputVerified), _UNLAUNCHED),
        Tick: Rule(opening.settle),
    },
    State.PLANNED: {**_IDLE, Tick: Rule(opening.settle)},
    State.WAITING: {**_IDLE, Tick: Rule(opening.woken, (State.PLANNED,))},
    State.STARTING: {
        **_RUNS,
        LaunchDenied: Rule(attempt.denied, _OVER),
        AttemptStarted: Rule(attempt.started, (State.RENDERING,)),
        RenderProgress: Rule(attempt.progress, (State.RENDERING,)),
        ChunkCommitted: Rule(attempt.progress, (State.RENDERING,)),
        Surveyed: Rule(attempt.surveyed, (State.RENDERING, *_OVER)),
    },
    State.RENDERING: _RUNS,
    State.STITCHING: {**_RUNS, StitchStarted: Rule(attempt.stitching)},
    State.DONE: {**_TERMINAL, OutputVerified: _AGAIN},
    State.FAILED: {
        **_WITHOUT_ALL_OUTPUTS,
        OutputVerified: Rule(ends.verified, (State.DONE,)),
        ReplayRender: Rule(opening.replayed, (State.ACCEPTED, State.PLANNED)),
    },
    State.CANCELLED: {**_WITHOUT_ALL_OUTPUTS, OutputVerified: Rule(ends.too_late)},
}
PASSES: Mapping[State, Rule] = {
    State.ACCEPTED: Rule(opening.planned, (State.PLANNED, State.FAILED)),
    State.PLANNED: Rule(
        opening.routed, (State.WAITING, State.STARTING, State.FAILED, State.CANCELLED)
    ),
}
"""What is left in the same step, without an event."""
