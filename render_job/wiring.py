"""Putting a task together from its environment; the only file here that knows the adapters."""

import os
import re
import select
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

from functions.cloud_settings import cloud
from functions.errors import NotConfigured
from functions.settings import Place, laptop, place
from render_job.choose import Worker
from render_job.clock import SystemClock
from render_job.encoder import find_encoder, find_ffmpeg
from render_job.errors import NotSetUp
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.overlays import Overlays
from render_job.tools import Task, Tools
from schemas import names
from schemas.events import Event
from schemas.plan import Order, RenderPlan
from schemas.ports import Images, ObjectStore, Publisher
from schemas.wire import from_json

SOURCE = "//clipline/render_job"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,127}")
_INDEX = re.compile(r"[0-9]{1,5}")
PATIENCE = timedelta(seconds=4)
"""For one event: a task that is stopped has 10 s to commit what is whole and to say so."""


class Notice:
    """Whether the machine is being taken away: SIGTERM has come, or whoever started us is gone."""

    def __init__(self, lifeline: int | None) -> None:
        self._lifeline = lifeline
        self._told = False
        signal.signal(signal.SIGTERM, self._tell)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def __call__(self) -> bool:
        """Cheap: asked ten times a second."""
        if not self._told and self._lifeline is not None:
            readable, _, _ = select.select([self._lifeline], [], [], 0)
            self._told = bool(readable)
        return self._told

    def _tell(self, number: int, frame: FrameType | None) -> None:
        self._told = True


def task(render: str, attempt: int, environment: Mapping[str, str] = os.environ) -> Task:
    """The task that the environment and the order describe.

    Raises RenderFault where there is no ffmpeg, or no GPU that encodes, to render with (dependency)
    or the GPU is busy (capacity), and NotSetUp.
    """
    # The first of all: a process that is number 1 in its container ignores SIGTERM before that.
    stop = Notice(_lifeline(environment))
    worker = worker_of(environment)
    try:
        stores = _cloud if place(environment) is Place.CLOUD else _laptop
        reach = stores(environment, worker)
    except NotConfigured as error:
        raise NotSetUp(str(error)) from error
    order = from_json(reach.work.read(names.order(render, attempt)), Order)
    tools = Tools(
        uploads=reach.uploads,
        work=reach.work,
        outputs=reach.outputs,
        publisher=reach.publisher,
        studio=FfmpegStudio(encoder=find_encoder(order.encoder_class)),
        overlays=Overlays(uploads=reach.uploads, images=_images()),
        clock=SystemClock(),
        scratch=reach.scratch,
        stop=stop,
    )
    plan = from_json(reach.work.read(names.plan(render)), RenderPlan)
    return Task(plan=plan, order=order, worker=worker, tools=tools)


def rehearsal(
    plan: RenderPlan,
    order: Order,
    folder: Path,
    *,
    stop: Callable[[], bool],
    noted: Callable[[Sequence[str]], None],
) -> Task:
    """A task over buckets of its own in that folder, which tells nobody.

    `uploads/NAME` must hold the upload, with its generation as its time in nanoseconds, and so must
    the files that its outputs draw. `noted` is
    told each ffmpeg command. Raises RenderFault (dependency) where there is no ffmpeg.
    """
    from functions.adapters.directory_objects import DirectoryObjects

    uploads = DirectoryObjects(folder / "uploads", plan.upload.bucket)
    tools = Tools(
        uploads=uploads,
        work=DirectoryObjects(folder / "work", "work"),
        outputs=DirectoryObjects(folder / "outputs", "outputs"),
        publisher=_Nobody(),
        studio=FfmpegStudio(encoder=find_ffmpeg(), noted=noted),
        overlays=Overlays(uploads=uploads, images=_images()),
        clock=SystemClock(),
        scratch=folder / "scratch",
        stop=stop,
    )
    worker = Worker(execution="rehearsal", task=0)
    return Task(plan=plan, order=order, worker=worker, tools=tools)


class _Nobody:
    """A publisher whom nobody hears."""

    def publish(self, topic: str, event: Event) -> None:
        """Nothing is told."""


def shared(environment: Mapping[str, str] = os.environ) -> tuple[ObjectStore, Publisher]:
    """The work bucket and the way to tell, for who hands out tasks. Raises NotConfigured."""
    stores = _cloud if place(environment) is Place.CLOUD else _laptop
    reach = stores(environment, Worker(execution="nobody", task=0))
    return reach.work, reach.publisher


def _images() -> Images:
    from functions.adapters.pyav_images import PyavImages

    return PyavImages()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """What a task works on, wherever it runs."""

    uploads: ObjectStore
    work: ObjectStore
    outputs: ObjectStore
    publisher: Publisher
    scratch: Path


def _laptop(environment: Mapping[str, str], worker: Worker) -> _Reach:
    # Here, not above: a place loads the adapters of that place only.
    from functions.adapters.directory_objects import DirectoryObjects
    from functions.adapters.sqlite_bus import SqliteBus

    home = laptop(environment)
    return _Reach(
        uploads=DirectoryObjects(home.uploads, "uploads"),
        work=DirectoryObjects(home.work, "work"),
        outputs=DirectoryObjects(home.outputs, "outputs"),
        publisher=SqliteBus(home.bus, source=SOURCE),
        scratch=_scratch(home.scratch, worker),
    )


def _cloud(environment: Mapping[str, str], worker: Worker) -> _Reach:
    from functions.adapters.gcs_objects import GcsObjects, connect
    from functions.adapters.pubsub_events import PubSubEvents

    deployed, buckets = cloud(environment), connect()
    return _Reach(
        uploads=GcsObjects(buckets, deployed.uploads),
        work=GcsObjects(buckets, deployed.work),
        outputs=GcsObjects(buckets, deployed.outputs),
        publisher=PubSubEvents(
            deployed.project,
            source=SOURCE,
            emulator=deployed.pubsub_emulator,
            patience=PATIENCE,
        ),
        scratch=_scratch(Path(tempfile.gettempdir()) / "clipline", worker),
    )


def worker_of(environment: Mapping[str, str]) -> Worker:
    """Who a task is: as Cloud Run says it, or as a lane on Batch does.

    Batch tells the index and no name, so the lane gives the job's. Raises NotSetUp if anything is
    missing: two tasks of one name and index would take each other's claims for their own. A name
    is part of a folder's and of a claim's, so it is refused if it is none.
    """
    if "BATCH_TASK_INDEX" in environment:
        execution, task = "CLIPLINE_EXECUTION", "BATCH_TASK_INDEX"
    else:
        execution, task = "CLOUD_RUN_EXECUTION", "CLOUD_RUN_TASK_INDEX"
    return Worker(
        execution=_told(environment, execution, _NAME),
        task=int(_told(environment, task, _INDEX)),
    )


def _lifeline(environment: Mapping[str, str]) -> int | None:
    """The descriptor at whose end whoever started us is gone. Raises NotSetUp if it is not open."""
    if not environment.get("CLIPLINE_LIFELINE_FD"):
        return None
    lifeline = int(_told(environment, "CLIPLINE_LIFELINE_FD", _INDEX))
    try:
        os.fstat(lifeline)
    except OSError as error:
        raise NotSetUp(f"CLIPLINE_LIFELINE_FD is {lifeline}, which is not open") from error
    return lifeline


def _told(environment: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = environment.get(name, "")
    if not shape.fullmatch(value):
        raise NotSetUp(f"{name} is {value[:100]!r}: a task must be told who it is")
    return value


def _scratch(root: Path, worker: Worker) -> Path:
    """The same folder for every life of a task, so that a killed one leaves nothing behind."""
    return root / f"{worker.execution}-{worker.task}"
