"""The state machine of a render: everything that affects its state lives in this file.

Theory of operation. `advance` takes a render and an event and returns the render that follows,
with what is wanted outside in its `pending` effects; the caller saves both in one write and
performs the effects afterwards. A repeated, late or stale event returns the same object: nothing
to save, nothing to do. `accepted` and `planned` are passed through in one step as far as the
facts allow, so a stored render is normally waiting, running or at its end.

    requested ─► accepted ─► planned ─► starting ─► rendering ─► stitching ─► done
                     │          ▲ │         │           │            │
                     │          │ └► waiting│           │            │     cancelled: from any
                     │          └───────┴───┴── retry ──┴────────────┘     state not terminal
                     └─► failed ◄── no retry left, deadline, no lane ─┘
                            └─► planned, by a replay; done, by an output verified late
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from functions.core import retry, words
from functions.core.effects import (
    AnnounceDeadLetter,
    AnnounceDone,
    Effect,
    Launch,
    Look,
    RemoveOutput,
    StopExecution,
    SupersedeOlder,
    WakeNext,
    Withdraw,
)
from functions.core.lanes import Lane, Policy
from functions.core.observations import (
    LaunchAccepted,
    LaunchDenied,
    Observation,
    Superseded,
    Surveyed,
    Tick,
)
from functions.core.plan import make_plan
from functions.core.render import LONGEST_HISTORY, RUNNING, Pending, Render, State
from functions.core.route import route
from schemas.events import (
    AttemptFailed,
    AttemptPreempted,
    AttemptRecord,
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
from schemas.failures import Failure, FailureClass
from schemas.ids import render_id
from schemas.plan import Order
from schemas.spec import SpecFault, parse_spec

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a decision may know beside the render and the event; read just before it."""

    lanes: tuple[Lane, ...]
    policy: Policy = field(default_factory=Policy)
    busy: Mapping[str, int] = field(default_factory=dict)
    """How many renders run on each lane."""
    newest: tuple[int, int] | None = None
    """The largest age key among the renders of this upload name."""
    folder: str = ""
    """An output folder that is this render's own or free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One step: the moment, and the facts."""

    now: datetime
    facts: Facts

    def want(self, render: Render, *effects: Effect) -> Render:
        """The render with these effects pending; one that is pending already is not added."""
        have = {p.effect for p in render.pending}
        after = self.now + self.facts.policy.effect_grace
        new = tuple(Pending(effect=e, others_after=after) for e in effects if e not in have)
        if not new:
            return render
        return replace(render, pending=render.pending + new)

    def in_(self, delay: timedelta) -> datetime:
        return self.now + delay

    def lane(self, name: str | None) -> Lane | None:
        return next((lane for lane in self.facts.lanes if lane.id == name), None)


def advance(
    render: Render | None, event: Occurrence, *, now: datetime, facts: Facts
) -> Render | None:
    """The render after the event; the very same object when the event changes nothing.

    None stays None unless the event opens a render.
    """
    step = _Step(now=now, facts=facts)
    if render is None:
        opened = _open(event, step)
        return opened and _settled(opened, step)
    if getattr(event, "attempt", render.attempt) != render.attempt and not _timeless(event):
        return render
    rule = TABLE[render.state].get(type(event))
    decided = rule(render, event, step) if rule else render
    if decided is render:
        return render
    settled = _settled(decided, step)
    return render if settled == render else replace(settled, updated_at=now)


def performed(render: Render, effect: Effect) -> Render:
    """The render without that pending effect."""
    return replace(render, pending=tuple(p for p in render.pending if p.effect != effect))


def _timeless(event: Occurrence) -> bool:
    """A verified output is true whichever attempt made it; all else is fenced by its attempt."""
    return isinstance(event, OutputVerified)


# ── opening ──────────────────────────────────────────────────────────────────────────────────


def _open(event: Occurrence, step: _Step) -> Render | None:
    if not isinstance(event, RenderRequested | UploadRefused):
        return None
    render = Render(
        id=render_id(event.upload),
        upload=event.upload,
        state=State.ACCEPTED,
        created_at=step.now,
        updated_at=step.now,
        deadline=step.in_(step.facts.policy.deadline),
        revisit_at=step.now,
    )
    if isinstance(event, UploadRefused):
        return _fail(render, event.failure, step)
    render = replace(
        render, media=event.media, spec_source=event.spec_source, spec_text=event.spec_text
    )
    newest = step.facts.newest
    if newest is not None and newest > event.upload.age_key:
        return _cancel(render, words.superseded("a newer upload of this name"), step)
    return step.want(render, SupersedeOlder(upload=event.upload))


def _settled(render: Render, step: _Step) -> Render:
    """Passes through the states that wait for nothing."""
    if render.state is State.ACCEPTED:
        render = _plan(render, step)
    if render.state is State.PLANNED:
        render = _route(render, step)
    return render


def _plan(render: Render, step: _Step) -> Render:
    assert render.media is not None, "only a request with media is accepted"
    try:
        spec = parse_spec(render.spec_text)
        plan = make_plan(render.upload, render.media, spec, folder=step.facts.folder)
    except SpecFault as fault:
        return _fail(render, fault.failure, step)
    return replace(render, state=State.PLANNED, plan=plan)


def _route(render: Render, step: _Step) -> Render:
    newest = step.facts.newest
    if newest is not None and newest > render.upload.age_key:
        return _cancel(render, words.superseded("a newer upload of this name"), step)
    if step.now >= render.deadline:
        return _fail(render, words.deadline_passed(render), step)
    choice = route(step.facts.lanes, barred=render.barred, busy=step.facts.busy)
    if choice.hopeless:
        cause = render.current.cause if render.current else None
        return _fail(replace(render, why=choice.why), cause or words.no_lane(choice.why), step)
    if choice.lane is None:
        due = min(step.in_(step.facts.policy.wait), render.deadline)
        return replace(render, state=State.WAITING, why=choice.why, revisit_at=due, not_before=None)
    return _start(render, choice.lane, choice.why, step)


def _start(render: Render, lane: Lane, why: str, step: _Step) -> Render:
    number = render.attempt + 1
    order = Order(
        render=render.id,
        attempt=number,
        lane=lane.id,
        encoder_class=lane.encoder_class,
        tasks=lane.tasks,
        deadline=min(render.deadline, step.in_(lane.attempt_limit)),
    )
    record = AttemptRecord(
        number=number, lane=lane.id, launched_at=step.now, frames_before=render.frames
    )
    started = replace(
        render,
        state=State.STARTING,
        lane=lane.id,
        why=why,
        attempt=number,
        attempts=(*render.attempts, record)[-LONGEST_HISTORY:],
        barren=render.barren if lane.id == render.lane else 0,
        not_before=None,
        revisit_at=step.in_(lane.start_within),
    )
    return step.want(started, Launch(order=order))


# ── while it runs ────────────────────────────────────────────────────────────────────────────


def _launched(render: Render, event: LaunchAccepted, step: _Step) -> Render:
    return _record(render, execution=event.execution)


def _denied(render: Render, event: LaunchDenied, step: _Step) -> Render:
    """A launch may be performed twice: denied the second time, the first one still runs."""
    if render.current is not None and render.current.execution is not None:
        return render
    return _attempt_over(render, event.failure, render.frames, step)


def _started(render: Render, event: AttemptStarted, step: _Step) -> Render:
    assert render.current is not None, "a running render has an attempt"
    if render.current.started_at is not None:
        return render
    return _begun(render, event.execution, step)


def _begun(render: Render, execution: str, step: _Step) -> Render:
    render = _record(render, execution=execution, started_at=step.now)
    if render.state is State.STARTING:
        render = replace(render, state=State.RENDERING)
    return _heard(render, render.frames, step)


def _progress(render: Render, event: RenderProgress | ChunkCommitted, step: _Step) -> Render:
    fresh = step.now - render.updated_at < step.facts.policy.progress_every
    if fresh and render.state is not State.STARTING:
        return render
    if render.state is State.STARTING:
        render = replace(render, state=State.RENDERING)
    return _heard(render, max(render.frames, event.frames), step)


def _stitching(render: Render, event: StitchStarted, step: _Step) -> Render:
    if render.state is State.STITCHING:
        return render
    return _heard(replace(render, state=State.STITCHING), render.frames, step)


def _preempted(render: Render, event: AttemptPreempted, step: _Step) -> Render:
    return replace(render, why=f"task {event.task} was preempted; what it made is committed")


def _ended(render: Render, event: ExecutionEnded, step: _Step) -> Render:
    return _look(render, event, step)


def _gave_up(render: Render, event: AttemptFailed, step: _Step) -> Render:
    notice = ExecutionEnded(
        render=render.id,
        attempt=event.attempt,
        execution=event.execution,
        failure=event.failure,
        at=event.at,
    )
    stop = StopExecution(lane=render.lane or "", execution=event.execution)
    return step.want(_look(render, notice, step), stop)


def _tick_running(render: Render, event: Tick, step: _Step) -> Render:
    """Silence: look for oneself. The look's answer decides, see `_surveyed`."""
    if render.revisit_at is not None and step.now < render.revisit_at:
        return render
    return _look(render, None, step)


def _look(render: Render, ended: ExecutionEnded | None, step: _Step) -> Render:
    assert render.current is not None, "a running render has an attempt"
    look = Look(
        attempt=render.attempt,
        lane=render.current.lane,
        execution=render.current.execution,
        ended=ended,
    )
    if any(p.effect == look for p in render.pending):
        return render
    return step.want(replace(render, revisit_at=step.in_(step.facts.policy.silence)), look)


def _surveyed(render: Render, event: Surveyed, step: _Step) -> Render:
    assert render.current is not None, "a running render has an attempt"
    if event.ended:
        failure = event.failure or words.ended_empty(render)
        return _attempt_over(render, failure, event.frames, step)
    if step.now >= render.deadline:
        return _fail(replace(render, frames=event.frames), words.deadline_passed(render), step)
    lane = step.lane(render.current.lane)
    age = step.now - render.current.launched_at
    if lane is None or age >= lane.attempt_limit + step.facts.policy.silence:
        return _abandon(render, words.too_long(render), event.frames, step)
    if event.owner is None:
        if age >= lane.start_within:
            return _abandon(render, words.not_started(render, lane), event.frames, step)
        return replace(render, revisit_at=render.current.launched_at + lane.start_within)
    if render.current.started_at is None:
        render = _begun(render, event.owner, step)
    return _heard(render, event.frames, step)


def _heard(render: Render, frames: int, step: _Step) -> Render:
    due = min(step.in_(step.facts.policy.silence), render.deadline)
    return replace(render, frames=frames, revisit_at=due)


# ── ends ─────────────────────────────────────────────────────────────────────────────────────


def _verified(render: Render, event: OutputVerified, step: _Step) -> Render:
    if event.output_id not in render.missing:
        return render
    render = step.want(
        replace(render, outputs=(*render.outputs, event)),
        AnnounceDone(event=words.done(render, event)),
    )
    if render.missing:
        return render
    if render.state in RUNNING and render.plan:
        render = _record(render, ended_at=step.now, frames_after=render.plan.frames)
    return step.want(
        replace(
            _without(render, Launch),
            state=State.DONE,
            failure=None,
            revisit_at=None,
            frames=render.plan.frames if render.plan else render.frames,
        ),
        WakeNext(),
    )


def _too_late(render: Render, event: OutputVerified, step: _Step) -> Render:
    """Cancelled wins over a late output, but what was announced stays where it is."""
    if any(output.output_id == event.output_id for output in render.outputs):
        return render
    delivered = event.delivered
    return step.want(render, RemoveOutput(name=delivered.name, generation=delivered.generation))


def _attempt_over(render: Render, failure: Failure, frames: int, step: _Step) -> Render:
    """Closes the attempt and decides what follows: again, elsewhere, later or not at all."""
    assert render.current is not None, "only an attempt can be over"
    previous = render.attempts[-2].cause if len(render.attempts) > 1 else None
    barren = render.barren + 1 if frames <= render.current.frames_before else 0
    closed = _without(render, Launch, Look)
    closed = _record(closed, ended_at=step.now, cause=failure, frames_after=frames)
    render = replace(closed, frames=frames, barren=barren)
    decision = retry.decide(failure, retries=render.retries, barren=barren, previous=previous)
    if not decision.again:
        return _fail(replace(render, why=decision.why), failure, step)
    if barren >= step.facts.policy.barren_attempts and render.lane:
        render = replace(render, barred=(*render.barred, render.lane), barren=0)
    render = replace(render, retries=render.retries + decision.counts, why=decision.why)
    if decision.pause:
        until = min(step.in_(decision.pause), render.deadline)
        return replace(render, state=State.WAITING, not_before=until, revisit_at=until)
    return replace(render, state=State.PLANNED)


def _abandon(render: Render, failure: Failure, frames: int, step: _Step) -> Render:
    return _attempt_over(_stopping(render, step), failure, frames, step)


def _stopping(render: Render, step: _Step) -> Render:
    """The render with its execution, if one may run, told to stop."""
    render = _without(render, Launch)
    current = render.current
    if render.state not in RUNNING or current is None or current.execution is None:
        return render
    return step.want(render, StopExecution(lane=current.lane, execution=current.execution))


def _without(render: Render, *kinds: type[Effect]) -> Render:
    """The render without pending effects that have lost their sense."""
    kept = tuple(p for p in render.pending if not isinstance(p.effect, kinds))
    return replace(render, pending=kept)


def _fail(render: Render, failure: Failure, step: _Step) -> Render:
    render = _stopping(render, step)
    if render.state in RUNNING and render.current and render.current.ended_at is None:
        render = _record(render, ended_at=step.now, cause=failure, frames_after=render.frames)
    render = replace(
        render,
        state=State.FAILED,
        failure=failure,
        failures=render.failures + 1,
        revisit_at=None,
        not_before=None,
    )
    letter = AnnounceDeadLetter(event=words.dead_letter(render, failure, step.now))
    return step.want(render, letter, WakeNext())


def _cancel(render: Render, failure: Failure, step: _Step) -> Render:
    render = _stopping(render, step)
    if render.state in RUNNING:
        render = _record(render, ended_at=step.now, cause=failure)
    render = replace(
        render, state=State.CANCELLED, failure=failure, revisit_at=None, not_before=None
    )
    return step.want(render, Withdraw(), WakeNext())


def _cancelled(render: Render, event: CancelRender, step: _Step) -> Render:
    message = f"cancelled by {event.by}: {event.reason}"
    failure = Failure(failure=FailureClass.CANCELLED, reason="operator", message=message)
    return _cancel(render, failure, step)


def _overtaken(render: Render, event: Superseded, step: _Step) -> Render:
    return _cancel(render, words.superseded(event.by), step)


def _replayed(render: Render, event: ReplayRender, step: _Step) -> Render:
    repeated = render.replayed_at is not None and event.at <= render.replayed_at
    if render.media is None or repeated:
        return render
    return replace(
        render,
        state=State.PLANNED if render.plan else State.ACCEPTED,
        deadline=step.in_(step.facts.policy.deadline),
        revisit_at=step.now,
        why=f"replayed by {event.by}: {event.reason}",
        replayed_at=event.at,
        retries=0,
        barren=0,
        barred=(),
        failure=None,
    )


def _tick_waiting(render: Render, event: Tick, step: _Step) -> Render:
    if render.not_before is not None and step.now < render.not_before:
        return render
    return replace(render, state=State.PLANNED)


def _settle(render: Render, event: Tick, step: _Step) -> Render:
    return replace(render, revisit_at=step.now)


def _record(render: Render, **changes: Any) -> Render:
    """The render with its current attempt's record changed."""
    assert render.current is not None, "there is no attempt to change"
    return replace(render, attempts=(*render.attempts[:-1], replace(render.current, **changes)))


# ── the table: what is not in a row changes nothing there ────────────────────────────────────

Rule = Callable[[Render, Any, _Step], Render]

_STOPS: dict[type, Rule] = {CancelRender: _cancelled, Superseded: _overtaken}
_RUNS: dict[type, Rule] = {
    AttemptStarted: _started,
    RenderProgress: _progress,
    ChunkCommitted: _progress,
    StitchStarted: _stitching,
    OutputVerified: _verified,
    AttemptPreempted: _preempted,
    AttemptFailed: _gave_up,
    ExecutionEnded: _ended,
    Surveyed: _surveyed,
    Tick: _tick_running,
}
TABLE: Mapping[State, Mapping[type, Rule]] = {
    State.ACCEPTED: {Tick: _settle, **_STOPS},
    State.PLANNED: {Tick: _settle, **_STOPS},
    State.WAITING: {Tick: _tick_waiting, OutputVerified: _verified, **_STOPS},
    State.STARTING: {
        LaunchAccepted: _launched,
        LaunchDenied: _denied,
        **_RUNS,
        **_STOPS,
    },
    State.RENDERING: {**_RUNS, **_STOPS},
    State.STITCHING: {**_RUNS, **_STOPS},
    State.DONE: {},
    State.FAILED: {OutputVerified: _verified, ReplayRender: _replayed},
    State.CANCELLED: {OutputVerified: _too_late},
}
