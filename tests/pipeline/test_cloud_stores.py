"""One render from upload to done over the cloud's stores: Cloud Storage and Firestore, imitated.

The decisions, the prober, the task and ffmpeg are the real ones. Messages are handed on at once,
and an attempt runs here instead of on a lane.
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from functions.core.lanes import Policy
from functions.core.machine import Occurrence
from functions.core.render import Render, State
from functions.errors import TryAgainLater
from functions.handle import handle
from functions.intake import admit
from functions.ports import ExecutionState, Ports
from functions.settings import Laptop
from functions.sweep import sweep
from functions.wiring import laptop_ports
from render_job.choose import Worker
from render_job.clock import SystemClock
from render_job.encoder import find_ffmpeg
from render_job.errors import Exit
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.overlays import Overlays
from render_job.tools import Task, Tools
from render_job.work import work
from schemas import names
from schemas.events import (
    AttemptStarted,
    Event,
    ObjectFinalized,
    RenderDeadLetter,
    RenderDone,
    RenderRequested,
    StitchStarted,
)
from schemas.ids import Upload, render_id
from schemas.plan import Order, RenderPlan
from schemas.wire import from_json
from tests.buckets import Buckets
from tests.lanes import laptop_lane
from tests.sources import SAMPLE, Sources, media_of

if TYPE_CHECKING:
    from google.cloud.firestore import Client

TOGETHER = 16
STUDIO = FfmpegStudio(encoder=find_ffmpeg())


@dataclass
class Outbox:
    """A publisher whose events are still to be handed on."""

    events: deque[Event] = field(default_factory=deque)
    told: list[Event] = field(default_factory=list)

    def publish(self, topic: str, event: Event) -> None:
        self.events.append(event)
        self.told.append(event)


@dataclass
class Orders:
    """A backend whose attempts are still to be run."""

    orders: deque[Order] = field(default_factory=deque)

    def launch(self, order: Order) -> str:
        self.orders.append(order)
        return f"{order.render}-{order.attempt:04}"

    def stop(self, execution: str) -> None:
        pass

    def state(self, execution: str) -> ExecutionState | None:
        return ExecutionState(ended=not self.orders)


PATIENCE = timedelta(minutes=5)
"""Nobody performs another's effect for so long: sixteen at once on a busy machine take seconds."""


@dataclass
class Cloud:
    """What there is to work with, and everything that happens to one upload."""

    ports: Ports
    outbox: Outbox
    orders: Orders
    scratch: Path

    def run(self, first: Event) -> None:
        """Until nothing is left to be handed on or to be run."""
        self.outbox.events.append(first)
        while self.outbox.events or self.orders.orders:
            if self.outbox.events:
                self._take(self.outbox.events.popleft())
            else:
                assert work(self._task(self.orders.orders.popleft())) is Exit.REPORTED

    def _take(self, event: Event) -> None:
        if isinstance(event, ObjectFinalized):
            admit(event, self.ports)
        elif not isinstance(event, RenderDone | RenderDeadLetter):
            handle(event, self.ports)  # all others are occurrences

    def _task(self, order: Order) -> Task:
        store = self.ports.work
        tools = Tools(
            uploads=self.ports.uploads,
            work=store,
            outputs=self.ports.outputs,
            publisher=self.outbox,
            studio=STUDIO,
            overlays=Overlays(uploads=self.ports.uploads, images=self.ports.images),
            clock=SystemClock(),
            scratch=self.scratch,
            stop=lambda: False,
        )
        return Task(
            plan=from_json(store.read(names.plan(order.render)), RenderPlan),
            order=from_json(store.read(names.order(order.render, order.attempt)), Order),
            worker=Worker(execution=f"{order.render}-{order.attempt:04}", task=0),
            tools=tools,
        )


@pytest.fixture
def cloud(tmp_path: Path, gcs: Buckets, firestore: "Client") -> Cloud:
    from functions.adapters.firestore_renders import FirestoreRenders

    lane, outbox, orders = laptop_lane(STUDIO.encoder_class, 1), Outbox(), Orders()
    ports = replace(
        laptop_ports(Laptop(home=tmp_path / "laptop"), lane),
        renders=FirestoreRenders(firestore),
        uploads=gcs.empty("uploads"),
        work=gcs.empty("work"),
        outputs=gcs.empty("outputs"),
        publisher=outbox,
        backends={lane.id: orders},
        policy=Policy(effect_grace=PATIENCE),
    )
    return Cloud(ports=ports, outbox=outbox, orders=orders, scratch=tmp_path / "scratch")


def test_an_upload_becomes_a_verified_output_over_the_clouds_stores(
    cloud: Cloud, sources: Sources, tmp_path: Path
) -> None:
    source = sources.path("ntsc")
    info = cloud.ports.uploads.upload("ana/talk.mp4", source)
    cloud.run(
        ObjectFinalized(
            bucket="uploads", name=info.name, generation=info.generation, at=info.updated
        )
    )
    upload = Upload(bucket="uploads", name=info.name, generation=info.generation)
    stored = cloud.ports.renders.load(render_id(upload))
    assert stored is not None
    render: Render = stored.render
    assert (render.state, render.failure) == (State.DONE, None)
    assert cloud.ports.renders.running(render.lane or "") == 0
    (done,) = [event for event in cloud.outbox.told if isinstance(event, RenderDone)]
    (made,) = cloud.ports.outputs.list()
    cloud.ports.outputs.download(made.name, tmp_path / "made.mp4")
    assert (tmp_path / "made.mp4").stat().st_size == made.size_bytes
    assert media_of(tmp_path / "made.mp4").video.frames == media_of(source).video.frames
    assert sweep(cloud.ports).found == 0
    assert done.render == render.id


def test_of_sixteen_at_once_over_firestore_one_launches_and_nobody_is_lost(cloud: Cloud) -> None:
    """The same request sixteen times over, and later sixteen different news of its attempt."""
    uploads = cloud.ports.uploads
    info = uploads.upload("acme/talk.mp4", SAMPLE, if_generation_match=None)
    told = ObjectFinalized(
        bucket=uploads.bucket, name=info.name, generation=info.generation, at=info.updated
    )
    admit(told, cloud.ports)
    (request,) = cloud.outbox.events
    assert isinstance(request, RenderRequested)
    _all_at_once([request] * TOGETHER, cloud.ports)
    assert len(cloud.orders.orders) == 1
    (render,) = cloud.ports.renders.newest(limit=5)
    news = [
        StitchStarted(render=render.id, attempt=1, output_id=f"o/{number}", at=info.updated)
        if number % 2
        else AttemptStarted(render=render.id, attempt=1, execution="e-1", at=info.updated)
        for number in range(TOGETHER)
    ]
    _all_at_once(news, cloud.ports)
    (after,) = cloud.ports.renders.newest(limit=5)
    assert (after.state, after.attempt, after.pending) == (State.STITCHING, 1, ())
    assert after.current is not None
    assert after.current.started_at is not None
    assert len(cloud.orders.orders) == 1


def _all_at_once(events: Sequence[Occurrence], ports: Ports) -> None:
    """Each in a thread of its own; who is told to come again later does."""
    together = Barrier(len(events))

    def one(event: Occurrence) -> None:
        together.wait()
        while True:
            try:
                handle(event, ports)
            except TryAgainLater:
                continue
            return

    with ThreadPoolExecutor(len(events)) as pool:
        list(pool.map(one, events))
