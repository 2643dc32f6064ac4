"""What a task works with, put together by `render_job/wiring.py`."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from render_job.choose import Worker
from render_job.clock import Clock
from render_job.errors import RenderFault
from render_job.overlays import Overlays
from render_job.studio import Studio, Terms
from schemas.failures import Failure, FailureClass
from schemas.plan import Order, RenderPlan
from schemas.ports import ObjectStore, Publisher


def empty_folder(folder: Path) -> None:
    """Have it there, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The buckets, a way to report, where things are made, the time, and whether to stop."""

    uploads: ObjectStore
    work: ObjectStore
    outputs: ObjectStore
    publisher: Publisher
    studio: Studio
    overlays: Overlays
    clock: Clock
    scratch: Path
    """A folder of this task's own, emptied before each piece of work."""
    stop: Callable[[], bool]
    """True once the machine is being taken away; asked at least ten times a second."""
    empty: Callable[[Path], None] = empty_folder
    """Makes the scratch folder anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task of one attempt: what is to be made, what was ordered, and who does it."""

    plan: RenderPlan
    order: Order
    worker: Worker
    tools: Tools

    def terms(self, heard: Callable[[int], None]) -> Terms:
        """For as long as the attempt has time. Raises RenderFault (timeout) if it has none."""
        left = self.order.deadline - self.tools.clock.now()
        if left <= timedelta(0):
            message = f"attempt {self.order.attempt} ran out of its time"
            raise RenderFault(
                Failure(failure=FailureClass.TIMEOUT, reason="attempt_limit", message=message)
            )
        return Terms(limit=left, heard=heard, stop=self.tools.stop)
