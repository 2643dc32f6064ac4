"""While an attempt runs: what it tells, what its silence means, and what a look at it finds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from functions.core import ends, haste, words
from functions.core.budget import cost_of, overspent
from functions.core.effects import Look, RemovePieces, StopExecution
from functions.core.observations import LaunchAccepted, LaunchDenied, Surveyed, Tick
from functions.core.opening import scene
from functions.core.prices import MINIMUM
from functions.core.render import Render, Rest, State
from functions.core.route import route
from functions.core.step import Step, record
from schemas.events import (
    AttemptFailed,
    AttemptPreempted,
    AttemptRecord,
    AttemptStarted,
    ChunkCommitted,
    ExecutionEnded,
    RenderProgress,
    StitchStarted,
)
from schemas.failures import Failure


def launched(render: Render, event: LaunchAccepted, step: Step) -> Render:
    """The execution to stop and to look at, until its owner says who it is."""
    if _attempt(render).started_at is not None:
        return render
    return record(render, execution=event.execution)


def denied(render: Render, event: LaunchDenied, step: Step) -> Render:
    """A launch may be performed twice: denied the second time, the first one still runs."""
    if _attempt(render).execution is not None:
        return render
    return ends.attempt_over(render, event.failure, render.frames, step)


def unwanted(render: Render, event: LaunchAccepted, step: Step) -> Render:
    """The attempt was given up while its launch was under way: what runs now is for nobody."""
    current = _attempt(render)
    if current.execution == event.execution:
        return render
    return step.want(render, StopExecution(lane=current.lane, execution=event.execution))


def started(render: Render, event: AttemptStarted, step: Step) -> Render:
    """The first task of the owning execution runs."""
    if _attempt(render).started_at is not None:
        return render
    return _begun(render, event.execution, step)


def _begun(render: Render, execution: str, step: Step) -> Render:
    render = record(render, execution=execution, started_at=step.now)
    if render.state is State.STARTING:
        render = replace(render, state=State.RENDERING)
    return _heard(render, render.frames, step)


def progress(render: Render, event: RenderProgress | ChunkCommitted, step: Step) -> Render:
    """Written only now and then: the truth is the listing of the pieces."""
    fresh = step.now - render.updated_at < step.facts.policy.progress_every
    if fresh and render.state is not State.STARTING:
        return render
    if render.state is State.STARTING:
        render = replace(render, state=State.RENDERING)
    return _heard(render, max(render.frames, event.frames), step)


def stitching(render: Render, event: StitchStarted, step: Step) -> Render:
    """The pieces of an output are being joined."""
    if render.state is State.STITCHING:
        return render
    return _heard(replace(render, state=State.STITCHING), render.frames, step)


def preempted(render: Render, event: AttemptPreempted, step: Step) -> Render:
    """Only told of: the other tasks go on."""
    return replace(render, why=f"task {event.task} was preempted; what it made is committed")


def ended(render: Render, event: ExecutionEnded, step: Step) -> Render:
    """Believed only after a look: an output may have been delivered in the last moment."""
    return _look(render, event, step)


def gave_up(render: Render, event: AttemptFailed, step: Step) -> Render:
    """What one task met the others would meet as well: they are stopped, which takes a while."""
    stop = StopExecution(lane=render.lane or "", execution=event.execution)
    return step.want(_look(render, None, step, gave_up=event.failure), stop)


def silent(render: Render, event: Tick, step: Step) -> Render:
    """Nothing was heard for too long: look for oneself. The look's answer decides."""
    if render.revisit_at is None or step.now < render.revisit_at:
        return render
    return _look(render, None, step)


def at_rest(render: Render, event: Tick, step: Step) -> Render:
    """After the end: look until it is settled, then remove what was made on the way."""
    if not render.settled:
        return silent(render, event, step)
    if render.revisit_at is None or step.now < render.revisit_at:
        return render
    due = step.in_(step.facts.policy.silence)
    return step.want(replace(render, revisit_at=due), RemovePieces())


def _look(
    render: Render, ended: ExecutionEnded | None, step: Step, *, gave_up: Failure | None = None
) -> Render:
    current = _attempt(render)
    look = Look(
        attempt=render.attempt,
        lane=current.lane,
        execution=current.execution,
        ended=ended,
        gave_up=gave_up,
    )
    if any(p.effect == look for p in render.pending):
        return render
    return step.want(replace(render, revisit_at=step.in_(step.facts.policy.silence)), look)


def surveyed(render: Render, event: Surveyed, step: Step) -> Render:
    """What a look found decides: it is over, too long, not started in time, or well."""
    if event.owner is not None and _attempt(render).execution is None:
        render = record(render, execution=event.owner)
    if event.made_at is not None:
        render = record(render, made_at=event.made_at)
    current = _attempt(render)
    if event.ended or event.gave_up:
        failure = event.gave_up or event.failure or words.ended_empty(render)
        return ends.attempt_over(render, failure, event.frames, step, ended=event.ended)
    if step.now >= render.deadline:
        return ends.fail(replace(render, frames=event.frames), words.deadline_passed(render), step)
    running = _cost_so_far(render, step)
    if (over := overspent(render, step.facts.budget, running=running)) is not None:
        return ends.fail(replace(render, frames=event.frames), over, step)
    lane = step.lane(current.lane)
    age = step.now - current.launched_at
    if lane is None or age >= lane.attempt_limit + step.facts.policy.silence:
        return ends.abandon(render, words.too_long(render), event.frames, step)
    if event.owner is None:
        if age >= lane.start_within:
            return ends.abandon(render, words.not_started(render, lane), event.frames, step)
        return replace(render, revisit_at=current.launched_at + lane.start_within)
    if current.started_at is None:
        render = _begun(render, event.owner, step)
    if lane.is_spot:
        return _on_spot(render, event.frames, step)
    return _heard(render, event.frames, step)


def _on_spot(render: Render, frames: int, step: Step) -> Render:
    """Goes on, or is given up for machines that nobody takes away."""
    current = _attempt(render)
    assert render.plan is not None, "what is not planned is not launched"
    assert current.started_at is not None, "it has begun"
    asked = scene(replace(render, frames=frames), step)
    weighed = route(step.facts.lanes, asked).weighed
    course = haste.Course(
        made=max(0, frames - current.frames_before),
        left=render.plan.frames - frames,
        since=current.started_at,
    )
    if haste.has_to_move(course, weighed, asked.need, step.now):
        rest = Rest(lane=current.lane, until=render.deadline)
        moved = replace(render, resting=(*render.resting, rest))
        return ends.abandon(moved, words.behind(render, frames), frames, step)
    look_at = haste.next_look(weighed, asked.need, render.deadline, step.now)
    return _heard(replace(render, look_at=look_at), frames, step)


def _cost_so_far(render: Render, step: Step) -> int:
    """Of the attempt that runs."""
    current = _attempt(render)
    ran = step.now - current.started_at if current.started_at else timedelta(0)
    return cost_of(step.lane(current.lane), max(ran, timedelta(0)), step.machines(current))


def lingering(render: Render, event: Surveyed, step: Step) -> Render:
    """A look after the end: what still works is told to stop again, until nothing can any more."""
    lane, works = _attempt(render).lane, event.owner is not None and not event.ended
    render = ends.aftermath(render, step, ended=not works)
    if event.owner is None or not works:
        return render
    return step.want(render, StopExecution(lane=lane, execution=event.owner))


def _heard(render: Render, frames: int, step: Step) -> Render:
    due = min(
        step.in_(step.facts.policy.silence),
        render.deadline,
        *_broke_at(render, step),
        *([render.look_at] if render.look_at else []),
    )
    return replace(render, frames=frames, revisit_at=due)


def _broke_at(render: Render, step: Step) -> Iterator[datetime]:
    """When its money will be spent, however well it goes: then somebody must look."""
    current, limit = _attempt(render), step.facts.budget.render
    minute = cost_of(step.lane(current.lane), MINIMUM, step.machines(current))
    a_second = minute / MINIMUM.total_seconds()
    if limit is not None and a_second and current.started_at is not None:
        left = max(0, limit - render.spent)
        yield current.started_at + timedelta(seconds=1 + left / a_second)


def _attempt(render: Render) -> AttemptRecord:
    """The attempt that the event is about: the fence let no other one pass."""
    assert render.current is not None, "only an attempt is told of"
    return render.current
