"""What a task tells: every result event of an attempt, in one place.

Pieces and outputs stand in the buckets whether they are told of or not, and after silence the sweep
looks there. So a bus that takes nothing costs time, and no work: the task goes on.
"""

import logging
from datetime import datetime
from typing import TypedDict

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
from schemas.ports import NotPublished
from schemas.topics import Topic

log = logging.getLogger("clipline.report")


class _About(TypedDict):
    """What every result says: of which attempt, and when."""

    render: str
    attempt: int
    at: datetime


def started(task: Task) -> None:
    """The attempt is owned and at work."""
    _tell(task, AttemptStarted(**_about(task), execution=task.worker.execution))


def progress(task: Task, frames: int) -> None:
    """How many frames of the whole render are made or being made."""
    _tell(task, RenderProgress(**_about(task), task=task.worker.task, frames=frames))


def committed(task: Task, output_id: str, span: Span, frames: int) -> None:
    """A piece stands; `frames` of the whole render are made for good."""
    _tell(task, ChunkCommitted(**_about(task), output_id=output_id, span=span, frames=frames))


def stitching(task: Task, output_id: str) -> None:
    """All pieces of the output are being joined."""
    _tell(task, StitchStarted(**_about(task), output_id=output_id))


def verified(task: Task, record: OutputVerified) -> None:
    """An output stands; the record's own words, so that every teller says the same."""
    _tell(task, record)


def failed(task: Task, failure: Failure) -> None:
    """The work cannot go on. Raises NotPublished: nobody else would tell it."""
    execution = task.worker.execution
    _publish(task, AttemptFailed(**_about(task), execution=execution, failure=failure))


def preempted(task: Task) -> None:
    """The machine is being taken away; what was whole is committed."""
    worker = task.worker
    _tell(task, AttemptPreempted(**_about(task), execution=worker.execution, task=worker.task))


def _about(task: Task) -> _About:
    return _About(render=task.order.render, attempt=task.order.attempt, at=task.tools.clock.now())


def _tell(task: Task, result: Result) -> None:
    """News that does without: what stands in the stores tells it as well."""
    try:
        _publish(task, result)
    except NotPublished as error:
        log.warning("%s is not told: %s", result.id, error, extra={"action": "untold"})


def _publish(task: Task, result: Result) -> None:
    task.tools.publisher.publish(Topic.RENDER_RESULTS, result)
