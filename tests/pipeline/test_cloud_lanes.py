"""A whole render on lanes of the cloud: real tasks, started by stand-ins that the real clients ask.

Renders, messages and objects are the laptop's. What an execution's end is, its place says itself.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud import run_v2
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from functions.adapters.batch_jobs import BatchJobs
from functions.adapters.cloud_run_jobs import CloudRunJobs
from functions.adapters.sqlite_bus import SqliteBus
from functions.core.lanes import Lane
from functions.core.render import Render, State
from functions.handle import handle
from functions.intake import admit
from functions.notices import told
from functions.ports import Backend, Ports
from functions.settings import Laptop
from functions.wiring import laptop_ports
from infra.emulators.batch import BatchEmulator
from infra.emulators.cloud_run import CloudRunEmulator
from infra.emulators.container import Image
from infra.laptop.pipeline import environment
from infra.laptop.subscriptions import DONE, subscriptions
from schemas.events import ExecutionEnded, ObjectFinalized
from schemas.wire import Message, event_of
from tests.contract.cloud_places import JOB, MACHINES, deploy
from tests.lanes import laptop_lane
from tests.pipeline.laptop import small_video, until

TASK = [sys.executable, "-m", "render_job"]


@dataclass
class Cloud:
    """The control plane in this process, over one lane."""

    place: Laptop
    ports: Ports
    bus: SqliteBus
    emulator: CloudRunEmulator | BatchEmulator
    heard: list[ExecutionEnded] = field(default_factory=list)
    ended: list[ExecutionEnded] = field(default_factory=list)

    def render(self) -> Render | None:
        return next(iter(self.ports.renders.newest(limit=1)), None)

    def goes_on(self) -> None:
        """Hand every message that waits, and every notice, to the functions."""
        for received in self.bus.lease(50, datetime.now(UTC)):
            bare = {k[3:]: v for k, v in received.attributes.items() if k.startswith("ce-")}
            event = event_of(bare, received.data)
            if isinstance(event, ObjectFinalized):
                admit(event, self.ports)
            else:
                handle(event, self.ports)  # type: ignore[arg-type]  # no others are pushed
            self.bus.ack(received.ack_id)
        while self.heard:
            self.ended.append(self.heard.pop(0))
            handle(self.ended[-1], self.ports)

    def has_launched(self) -> bool:
        self.goes_on()
        return bool(self.emulator.launched())

    def has_told(self, ends: int = 1) -> bool:
        self.goes_on()
        return len(self.ended) >= ends

    def is_done(self) -> bool:
        self.goes_on()
        render = self.render()
        return render is not None and render.state is State.DONE


def lane_of(place: Laptop, id: str) -> Lane:
    lane = laptop_lane(environment(place)["CLIPLINE_ENCODER_CLASS"], 2)
    return replace(lane, id=id)


def over(folder: Path, kind: str) -> tuple[Cloud, grpc.Channel]:
    place = Laptop(home=folder / "home")
    told_to_tasks = {**environment(place), "PATH": os.environ.get("PATH", "")}
    image = Image(command=TASK, environment=told_to_tasks)
    heard: list[ExecutionEnded] = []
    emulator, channel, backend = _PLACES[kind](folder, image, heard)
    lane = lane_of(place, f"{kind}/here/cpu")
    bus = SqliteBus(place.bus, source="//clipline/tests")
    bus.declare(subscriptions())
    ports = replace(laptop_ports(place, lane), backends={lane.id: backend})
    return Cloud(place=place, ports=ports, bus=bus, emulator=emulator, heard=heard), channel


@pytest.fixture(params=["cloud_run", "batch"])
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cloud]:
    cloud, channel = over(tmp_path, request.param)
    yield cloud
    channel.close()
    cloud.emulator.close()


def cloud_run(
    folder: Path, image: Image, heard: list[ExecutionEnded]
) -> tuple[CloudRunEmulator, grpc.Channel, Backend]:
    def on_end(entry: dict[str, Any]) -> None:
        ended = told(Message(attributes={}, data=json.dumps(entry).encode()))
        assert ended is not None
        heard.append(ended)

    emulator = CloudRunEmulator(folder / "logs", images={"renderer": image}, on_end=on_end)
    channel = grpc.insecure_channel(emulator.address)
    deploy(channel, [])
    return emulator, channel, CloudRunJobs(JOB, channel=channel)


def batch(
    folder: Path, image: Image, heard: list[ExecutionEnded]
) -> tuple[BatchEmulator, grpc.Channel, Backend]:
    def on_notice(attributes: Mapping[str, str]) -> None:
        now = datetime.now(UTC)
        ended = told(Message(attributes=attributes, data=b"", published_at=now))
        assert ended is not None
        heard.append(ended)

    emulator = BatchEmulator(folder / "logs", images={MACHINES.image: image}, on_notice=on_notice)
    channel = grpc.insecure_channel(emulator.address)
    return emulator, channel, BatchJobs(MACHINES, channel=channel)


_PLACES: Mapping[str, Callable[[Path, Image, list[ExecutionEnded]], tuple[Any, Any, Backend]]] = {
    "batch": batch,
    "cloud_run": cloud_run,
}


def upload(cloud: Cloud, folder: Path) -> None:
    video = small_video(folder / "in" / "clip.mp4", seconds=8)
    info = cloud.ports.uploads.upload("acme/clip.mp4", video)
    now = datetime.now(UTC)
    event = ObjectFinalized(bucket="uploads", name=info.name, generation=info.generation, at=now)
    admit(event, cloud.ports)


def test_a_render_is_made_on_a_lane_of_the_cloud(cloud: Cloud, tmp_path: Path) -> None:
    upload(cloud, tmp_path)
    until(cloud.is_done, "the render is done")
    until(cloud.has_told, "its end is told")
    render = cloud.render()
    assert render is not None
    (attempt,) = render.attempts
    assert [attempt.execution] == cloud.emulator.launched()
    assert [(one.execution, one.failure) for one in cloud.ended] == [(attempt.execution, None)]
    assert (cloud.place.outputs / render.outputs[0].delivered.name).is_file()


def test_a_launch_whose_answer_is_lost_is_one_execution_and_one_render(
    cloud: Cloud, tmp_path: Path
) -> None:
    cloud.emulator.lose()
    upload(cloud, tmp_path)
    until(cloud.is_done, "the render is done")
    assert len(cloud.emulator.launched()) == 1
    render = cloud.render()
    assert render is not None
    assert [one.execution for one in render.attempts] == cloud.emulator.launched()


def test_two_executions_of_one_attempt_make_one_render(tmp_path: Path) -> None:
    """What two launchers at once may come to: RunJob has no idempotency key."""
    cloud, channel = over(tmp_path, "cloud_run")
    try:
        upload(cloud, tmp_path)
        until(cloud.has_launched, "it is launched")
        render = cloud.render()
        assert render is not None
        run_again(channel, ["--render", render.id, "--attempt", "1"])
        until(cloud.is_done, "the render is done")
        until(lambda: cloud.has_told(2), "both have ended")
        assert [one.failure for one in cloud.ended] == [None, None]
        assert len({m.attributes["ce-id"] for m in cloud.bus.peek(DONE)}) == 1
    finally:
        channel.close()
        cloud.emulator.close()


def run_again(channel: grpc.Channel, arguments: list[str]) -> None:
    """As another launcher would at the same moment."""
    override = run_v2.RunJobRequest.Overrides.ContainerOverride(args=arguments)
    request = run_v2.RunJobRequest(
        name=JOB.name,
        overrides=run_v2.RunJobRequest.Overrides(container_overrides=[override], task_count=2),
    )
    run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel)).run_job(request)


def test_a_task_whose_machine_is_taken_away_costs_no_attempt(cloud: Cloud, tmp_path: Path) -> None:
    upload(cloud, tmp_path)

    def begins() -> bool:
        cloud.goes_on()
        render = cloud.render()
        return render is not None and render.state is State.RENDERING

    until(begins, "its tasks run")
    (execution,) = cloud.emulator.launched()
    cloud.emulator.take_away(execution, 0, timedelta(seconds=10))
    until(cloud.is_done, "the render is done")
    render = cloud.render()
    assert render is not None
    assert len(render.attempts) == 1
