"""Renders in every state, and all that may be told of one: words for the tests of the machine."""

from dataclasses import replace
from typing import Any, cast

from functions.core.effects import (
    AnnounceDeadLetter,
)
from functions.core.lanes import Policy
from functions.core.machine import performed
from functions.core.observations import LaunchDenied, Superseded
from functions.core.render import Render, State
from schemas.events import (
    AttemptFailed,
    AttemptPreempted,
    CancelRender,
    ChunkCommitted,
    ExecutionEnded,
    RenderDeadLetter,
    RenderProgress,
    ReplayRender,
    StitchStarted,
)
from schemas.failures import Failure, FailureClass
from schemas.pieces import Span
from tests.unit.makers import (
    LANE,
    NOW,
    OTHER_LANE,
    accepted,
    after,
    effects,
    execution,
    facts,
    failure,
    over,
    rendering,
    requested,
    seconds,
    started,
    starting,
    tick,
    verified,
    wants,
)

POLICY = Policy()
BUSY = facts(busy={LANE.id: 1})
TWO_LANES = facts(LANE, OTHER_LANE)
CRASH = failure(FailureClass.CRASH)
PREEMPTED = failure(FailureClass.PREEMPTED)
CAPACITY = failure(FailureClass.CAPACITY)
BUDGET = failure(FailureClass.BUDGET)
DEPENDENCY = failure(FailureClass.DEPENDENCY)
TIMEOUT = failure(FailureClass.TIMEOUT)


def progress(render: Render, frames: int) -> RenderProgress:
    return RenderProgress(render=render.id, attempt=render.attempt, at=NOW, task=0, frames=frames)


def chunk(render: Render, frames: int) -> ChunkCommitted:
    return ChunkCommitted(
        render=render.id,
        attempt=render.attempt,
        at=NOW,
        output_id="full/web-720",
        span=Span(0, frames),
        frames=frames,
    )


def stitch(render: Render) -> StitchStarted:
    return StitchStarted(render=render.id, attempt=render.attempt, at=NOW, output_id="full/web-720")


def preempted(render: Render) -> AttemptPreempted:
    return AttemptPreempted(
        render=render.id, attempt=render.attempt, at=NOW, execution=execution(render), task=1
    )


def gave_up(render: Render, cause: Failure) -> AttemptFailed:
    return AttemptFailed(
        render=render.id,
        attempt=render.attempt,
        at=NOW,
        execution=execution(render),
        failure=cause,
    )


def ended(render: Render, cause: Failure | None = None) -> ExecutionEnded:
    return ExecutionEnded(
        render=render.id,
        attempt=render.attempt,
        at=NOW,
        execution=execution(render),
        failure=cause,
    )


def denied(render: Render, cause: Failure = CAPACITY) -> LaunchDenied:
    return LaunchDenied(render=render.id, attempt=render.attempt, failure=cause)


def cancel(render: Render) -> CancelRender:
    return CancelRender(render=render.id, at=NOW, by="ada", reason="wrong file")


def replay(render: Render, **changes: Any) -> ReplayRender:
    plain = ReplayRender(render=render.id, at=NOW, by="ada", reason="the bucket is back")
    return replace(plain, **changes)


def superseded(render: Render) -> Superseded:
    return Superseded(render=render.id, by="r-newer")


def waiting() -> Render:
    return after(None, requested(), now=NOW, facts=BUSY)


def stitching() -> Render:
    render = rendering()
    return after(render, stitch(render), now=NOW)


def failed() -> Render:
    render = rendering()
    return after(render, over(render, failure(FailureClass.BUDGET)), now=NOW)


def cancelled() -> Render:
    render = rendering()
    return after(render, cancel(render), now=NOW)


def done() -> Render:
    render = rendering()
    return after(render, verified(render), now=NOW)


def in_state(state: State) -> Render:
    """A render in that state; the transient ones are never stored, but could be."""
    if state in (State.ACCEPTED, State.PLANNED):
        plain = starting()
        plan = None if state is State.ACCEPTED else plain.plan
        return replace(
            plain, state=state, plan=plan, lane=None, attempt=0, attempts=(), pending=(),
            revisit_at=NOW,
        )  # fmt: skip
    makers = (waiting, starting, rendering, stitching, done, failed, cancelled)
    return next(made for made in (make() for make in makers) if made.state is state)


def next_attempt(render: Render, cause: Failure, *, frames: int = 0) -> Render:
    """The attempt ends for that cause; a pause that follows is waited for."""
    now = render.updated_at + seconds(1)
    render = after(render, accepted(render), started(render), now=now, facts=TWO_LANES)
    render = after(render, over(render, cause, frames=frames), now=now, facts=TWO_LANES)
    if render.state is State.WAITING:
        assert render.not_before is not None
        render = after(render, tick(render), now=render.not_before, facts=TWO_LANES)
    return render


def all_performed(render: Render) -> Render:
    for effect in effects(render):
        render = performed(render, effect)
    return render


def letter_of(render: Render) -> RenderDeadLetter:
    (letter,) = wants(render, AnnounceDeadLetter)
    return cast("AnnounceDeadLetter", letter).event
