"""What a task works with, put together by `render_job/wiring.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from render_job.choose import Worker
from render_job.encoder import Encoder
from schemas.plan import Order, RenderPlan
from schemas.ports import ObjectStore, Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The buckets, a way to report, the encoder, and whether to stop."""

    uploads: ObjectStore
    work: ObjectStore
    outputs: ObjectStore
    publisher: Publisher
    encoder: Encoder
    scratch: Path
    """A folder of this task's own, emptied after each piece of work."""
    stop: Callable[[], bool]
    """True once the machine is being taken away; asked at least ten times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task of one attempt: what is to be made, what was ordered, and who does it."""

    plan: RenderPlan
    order: Order
    worker: Worker
    tools: Tools
