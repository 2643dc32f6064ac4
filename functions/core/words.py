"""The words of the machine: what it publishes at an end, and each failure as a sentence."""

from datetime import datetime

from functions.core.lanes import Lane
from functions.core.render import Render
from schemas.events import OutputVerified, RenderDeadLetter, RenderDone
from schemas.failures import Failure, FailureClass


def done(render: Render, event: OutputVerified) -> RenderDone:
    """An output's done event, as its verified record says it."""
    return RenderDone(
        render=render.id,
        at=event.at,
        tenant=render.upload.tenant,
        upload=render.upload,
        output_id=event.output_id,
        delivered=event.delivered,
        certificate=event.certificate,
    )


def dead_letter(render: Render, failure: Failure, now: datetime) -> RenderDeadLetter:
    """The record of a failed render, with all that was tried."""
    return RenderDeadLetter(
        render=render.id,
        at=now,
        tenant=render.upload.tenant,
        upload=render.upload,
        failure=failure,
        fingerprint=failure.fingerprint,
        advice=failure.advice,
        attempts=render.attempts,
        frames_committed=render.frames,
        frames_planned=render.plan.frames if render.plan else 0,
        outputs_done=tuple(output.output_id for output in render.outputs),
        spec_text=render.spec_text,
        number=render.failures,
    )


def superseded(by: str) -> Failure:
    """A newer request for the same upload name has come."""
    message = f"superseded by {by}"
    return Failure(failure=FailureClass.CANCELLED, reason="superseded", message=message)


def not_needed(event: OutputVerified) -> Failure:
    """It has not started, and an earlier attempt has delivered: of its lane nothing is learnt."""
    message = f"attempt {event.attempt} delivered before it started"
    return Failure(failure=FailureClass.CANCELLED, reason="not_needed", message=message)


def deadline_passed(render: Render) -> Failure:
    """The render's own deadline is over. What it was at is a detail, and makes no other cause."""
    return Failure(
        failure=FailureClass.TIMEOUT,
        reason="render_deadline",
        message=f"not done by its deadline, {render.deadline:%Y-%m-%d %H:%M} UTC",
        detail=render.why,
    )


def no_lane(why: str, kind: FailureClass) -> Failure:
    """There is no lane to start on, for one kind of reason or for several: then for capacity."""
    return Failure(failure=kind, reason="no_lane", message=why)


def ended_empty(render: Render) -> Failure:
    """Every task has ended, and an output is missing."""
    message = f"the execution ended without its outputs: {', '.join(render.missing)}"
    return Failure(failure=FailureClass.CRASH, reason="ended_without_output", message=message)


def too_long(render: Render) -> Failure:
    """The attempt's time is over."""
    message = f"attempt {render.attempt} on {render.lane} is past its time limit"
    return Failure(failure=FailureClass.TIMEOUT, reason="attempt_limit", message=message)


def behind(render: Render, frames: int) -> Failure:
    """Machines that may be taken away make too little to be in time, and others still are."""
    total = render.plan.frames if render.plan else frames
    message = (
        f"attempt {render.attempt} on {render.lane} stands at {frames} of {total} frames: surer "
        f"machines take over to make the deadline, {render.deadline:%Y-%m-%d %H:%M} UTC"
    )
    return Failure(failure=FailureClass.CAPACITY, reason="behind", message=message)


def not_started(render: Render, lane: Lane) -> Failure:
    """No task began by the lane's start deadline."""
    seconds = lane.start_within.total_seconds()
    message = f"attempt {render.attempt} did not start on {lane.id} within {seconds:g} s"
    return Failure(failure=FailureClass.CAPACITY, reason="start_deadline", message=message)
