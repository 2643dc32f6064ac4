"""What a task tells: every result event of an attempt, in one place."""

from datetime import UTC, datetime

from render_job.tools import Task
from schemas.events import (
    AttemptFailed,
    AttemptPreempted,
    AttemptStarted,
    ChunkCommitted,
    OutputVerified,
    RenderProgress,
    Result,
    StitchStarted,
)
from schemas.failures import Failure
from schemas.pieces import Span
from schemas.topics import Topic


def started(task: Task) -> None:
    """The attempt is owned and at work."""
    order = task.order
    _tell(
        task,
        AttemptStarted(
            render=order.render,
            attempt=order.attempt,
            execution=task.worker.execution,
            at=_now(),
        ),
    )


def progress(task: Task, frames: int) -> None:
    """How many frames of the whole render are made or being made."""
    order, worker = task.order, task.worker
    _tell(
        task,
        RenderProgress(
            render=order.render, attempt=order.attempt, task=worker.task, frames=frames, at=_now()
        ),
    )


def committed(task: Task, output_id: str, span: Span, frames: int) -> None:
    """A piece stands; `frames` of the whole render are made for good."""
    order = task.order
    _tell(
        task,
        ChunkCommitted(
            render=order.render,
            attempt=order.attempt,
            output_id=output_id,
            span=span,
            frames=frames,
            at=_now(),
        ),
    )


def stitching(task: Task, output_id: str) -> None:
    """All pieces of the output are being joined."""
    order = task.order
    _tell(
        task,
        StitchStarted(render=order.render, attempt=order.attempt, output_id=output_id, at=_now()),
    )


def verified(task: Task, record: OutputVerified) -> None:
    """An output stands; the record's own words, so that every teller says the same."""
    _tell(task, record)


def failed(task: Task, failure: Failure) -> None:
    """The work cannot go on."""
    order = task.order
    _tell(
        task,
        AttemptFailed(
            render=order.render,
            attempt=order.attempt,
            execution=task.worker.execution,
            failure=failure,
            at=_now(),
        ),
    )


def preempted(task: Task) -> None:
    """The machine is being taken away; what was whole is committed."""
    order, worker = task.order, task.worker
    _tell(
        task,
        AttemptPreempted(
            render=order.render,
            attempt=order.attempt,
            execution=worker.execution,
            task=worker.task,
            at=_now(),
        ),
    )


def _tell(task: Task, result: Result) -> None:
    task.tools.publisher.publish(Topic.RENDER_RESULTS, result)


def _now() -> datetime:
    return datetime.now(UTC)
