"""How an attempt ends, and how a render does: done, failed or cancelled."""

from dataclasses import replace
from datetime import timedelta

from functions.core import retry, words
from functions.core.effects import (
    AnnounceDeadLetter,
    AnnounceDone,
    CloseAttempt,
    Launch,
    Look,
    RemoveOutput,
    StopExecution,
    WakeNext,
    Withdraw,
)
from functions.core.entries import is_own_quota
from functions.core.observations import PiecesRemoved, Superseded
from functions.core.render import RUNNING, Render, Rest, State
from functions.core.step import Step, close, without
from schemas.events import CancelRender, OutputVerified
from schemas.failures import Failure, FailureClass


def verified(render: Render, event: OutputVerified, step: Step) -> Render:
    """One more output stands; with the last one the render is done."""
    if event.output_id not in render.missing:
        return render
    render = step.want(
        replace(render, outputs=(*render.outputs, event)),
        AnnounceDone(event=words.done(render, event)),
    )
    if render.missing:
        return render
    if render.state in RUNNING and render.plan and render.current:
        lived = render.current.started_at is not None or event.attempt == render.attempt
        cause = None if lived else words.not_needed(event)
        render = close(render, step, cause=cause, frames_after=render.plan.frames)
    done = replace(
        without(render, Launch),
        state=State.DONE,
        failure=None,
        frames=render.plan.frames if render.plan else render.frames,
    )
    return step.want(_settled(done, step), WakeNext())


def too_late(render: Render, event: OutputVerified, step: Step) -> Render:
    """Cancelled wins over a late output, but what was announced stays where it is."""
    if any(output.output_id == event.output_id for output in render.outputs):
        return render
    delivered = event.delivered
    return step.want(render, RemoveOutput(name=delivered.name, generation=delivered.generation))


def attempt_over(
    render: Render, failure: Failure, frames: int, step: Step, *, ended: bool = True
) -> Render:
    """Closes the attempt and decides what follows: again, elsewhere, later or not at all."""
    assert render.current is not None, "only an attempt can be over"
    previous = render.attempts[-2].cause if len(render.attempts) > 1 else None
    barren = render.barren + 1 if frames <= render.current.frames_before else 0
    if is_own_quota(failure):
        barren = render.barren  # of the lane nothing was seen
    closed = step.want(without(render, Launch, Look), CloseAttempt(attempt=render.attempt))
    closed = close(closed, step, cause=failure, frames_after=frames)
    render = replace(closed, frames=frames, barren=barren)
    decision = retry.decide(
        failure,
        retries=render.retries,
        barren=barren,
        previous=previous,
        draw=step.facts.draw,
    )
    if not decision.again:
        return fail(replace(render, why=decision.why), failure, step, ended=ended)
    if barren >= step.facts.policy.barren_attempts:
        render = _avoiding(render, failure, step)
    render = replace(render, retries=render.retries + decision.counts, why=decision.why)
    if decision.pause:
        until = min(step.in_(decision.pause), render.deadline)
        return replace(render, state=State.WAITING, avoids=None, not_before=until, revisit_at=until)
    return replace(render, state=State.PLANNED)


def _avoiding(render: Render, failure: Failure, step: Step) -> Render:
    """The render without the lane on which it got nowhere, for a while or for good."""
    assert render.lane is not None, "an attempt has a lane"
    if retry.RULES[failure.failure].passes:
        others = tuple(rest for rest in render.resting if rest.lane != render.lane)
        rest = Rest(lane=render.lane, until=step.in_(step.facts.policy.rest))
        return replace(render, resting=(*others, rest), barren=0)
    return replace(render, barred=(*render.barred, render.lane), barren=0)


def abandon(render: Render, failure: Failure, frames: int, step: Step) -> Render:
    """Ends an attempt that may still run."""
    return attempt_over(_stopping(render, step), failure, frames, step, ended=False)


def _stopping(render: Render, step: Step) -> Render:
    """The render with its execution, if one may run, told to stop."""
    render = without(render, Launch)
    current = render.current
    if render.state not in RUNNING or current is None or current.execution is None:
        return render
    return step.want(render, StopExecution(lane=current.lane, execution=current.execution))


def fail(render: Render, failure: Failure, step: Step, *, ended: bool = False) -> Render:
    """Ends the render with its dead letter."""
    render = _stopping(render, step)
    if render.state in RUNNING and render.current and render.current.ended_at is None:
        render = close(render, step, cause=failure, frames_after=render.frames)
        render = step.want(render, CloseAttempt(attempt=render.attempt))
    render = replace(
        render,
        state=State.FAILED,
        failure=failure,
        failures=render.failures + 1,
        not_before=None,
    )
    render = aftermath(render, step, ended=ended)
    letter = AnnounceDeadLetter(event=words.dead_letter(render, failure, step.now))
    return step.want(render, letter, WakeNext())


def cancel(render: Render, failure: Failure, step: Step) -> Render:
    """Ends the render because nobody wants it any more."""
    render = _stopping(render, step)
    if render.state in RUNNING:
        render = close(render, step, cause=failure)
    render = replace(render, state=State.CANCELLED, failure=failure, not_before=None)
    render = aftermath(render, step, ended=False)
    return step.want(render, Withdraw(), WakeNext())


def aftermath(render: Render, step: Step, *, ended: bool) -> Render:
    """The render at its end, with the moment of the next look.

    An attempt that was given up may have delivered meanwhile. `ended` says that the last one was
    seen to be over; one before it may have been frozen in the middle of a delivery, and is gone for
    certain once its time limit is over. Then the pieces are kept for a while, and removed.
    """
    if render.current is None:
        return replace(render, revisit_at=None, settled=True)
    lane = step.lane(render.current.lane)
    limit = (lane.attempt_limit if lane else timedelta(0)) + step.facts.policy.silence
    gone_at = render.current.launched_at + limit
    if step.now >= gone_at or (ended and render.attempt == 1):
        return _settled(render, step)
    soon = min(step.in_(step.facts.policy.silence), gone_at)
    return replace(render, revisit_at=gone_at if ended else soon)


def _settled(render: Render, step: Step) -> Render:
    policy = step.facts.policy
    keep = policy.keep_failed if render.state is State.FAILED else policy.keep_done
    return replace(render, revisit_at=step.in_(keep), settled=True)


def removed(render: Render, event: PiecesRemoved, step: Step) -> Render:
    """Nothing is left to be done, unless it was too much for one go."""
    return replace(render, revisit_at=step.now if event.more else None)


def cancelled(render: Render, event: CancelRender, step: Step) -> Render:
    """A person does not want it."""
    message = f"cancelled by {event.by}: {event.reason}"
    failure = Failure(failure=FailureClass.CANCELLED, reason="operator", message=message)
    return cancel(render, failure, step)


def overtaken(render: Render, event: Superseded, step: Step) -> Render:
    """A newer request for its upload name has come."""
    return cancel(render, words.superseded(event.by), step)
