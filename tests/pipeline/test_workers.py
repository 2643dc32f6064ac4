"""Workers that share one render on this machine: killed, drained, and nothing is missing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from functions.core.group import machine_of
from functions.core.plan import GOP_SECONDS
from functions.machine_groups import WorkerJob
from infra.emulators.cloud_run import CloudRunEmulator
from infra.emulators.container import Image
from infra.emulators.instance_groups import InstanceGroupEmulator
from infra.emulators.metadata import MetadataEmulator
from infra.laptop.encodings import Run, encoded_again, runs
from infra.laptop.exits import Status
from render_job.errors import Exit
from render_job.fragments import whole_gops
from schemas import names
from schemas.ids import execution_id
from schemas.seats import Table, look
from tests.contract.cloud_places import deploy
from tests.pipeline.laptop import CHECKOUT, Home, Pipeline, a_home, small_video, until
from tests.sources import frame_md5s

LANES = """\
[[lanes]]
id = "worker/desk"
pool = "desk"
tasks = 2
executions = 4
start_within_seconds = 120
attempt_limit_seconds = 3600
"""
GROUP = """
[lanes.group]
project = "p"
where = "zones/us-central1-a"
name = "gpu"
most = 3
"""
PACKED = """\
[[lanes]]
id = "worker/desk"
pool = "desk"
tasks = 1
executions = 8
start_within_seconds = 600
attempt_limit_seconds = 3000
task_timeout_seconds = 3600

[lanes.workers]
project = "p"
region = "us-east4"
name = "workers"
most = 4
"""
SPEC = '{"outputs": [{"height": 540, "quality": "lossless"}]}'
"""Lossless: whatever is cut and begun anew, the pictures are the source's."""
NAME = "default/film.mp4"
CLIPS = 5
GOP = 24 * GOP_SECONDS
SECONDS = 120
"""Until a render is done whose killed worker must first be missed for a lease of 30 s."""
LEFT_IN_ORDER = Exit.REPORTED


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four chunks, each more than a second in its encoder."""
    return small_video(tmp_path_factory.mktemp("videos") / "film.mp4", seconds=20, height=540)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A pipeline that is up, with a lane that is a pool and nothing else."""
    lanes = tmp_path / "lanes.toml"
    lanes.write_text(LANES)
    with a_home(tmp_path, environment={"CLIPLINE_LANES_FILE": str(lanes)}) as home:
        pipeline = home.up()
        pipeline.wait_until_up()
        yield home
        assert pipeline.stop() == Status.OK


def worker(home: Home, *words: str) -> Pipeline:
    return home.worker("--pool", "desk", *words)


def table(home: Home) -> Table:
    """Who sits where."""
    (render,) = home.renders(NAME)
    found = look(home.work(), execution_id(render.id, render.attempt))
    assert found is not None
    return found


def seat_of(home: Home, one: Pipeline) -> int | None:
    """The seat that the worker holds; None while there is none."""
    if (
        not home.renders(NAME)
        or home.work().stat(names.assigned(home.renders(NAME)[0].id, 1)) is None
    ):
        return None
    pid = f"-{one.itself.pid}-"
    return next((s.index for s in table(home).seats if pid in s.worker), None)


def written(home: Home, seat: int) -> int:
    """Frames in the whole GOPs of the piece that the seat's task has in hand."""
    (render,) = home.renders(NAME)
    piece = home.place.scratch / f"{execution_id(render.id, 1)}-{seat}" / "piece.mp4"
    try:
        return whole_gops(piece, GOP)[1]
    except OSError:
        return 0


def in_hand(home: Home, one: Pipeline) -> int:
    """The worker's seat, once its task has written a GOP of a piece that is not finished."""
    found: list[int] = []

    def is_in_mid_chunk() -> bool:
        seat = seat_of(home, one)
        found[:] = [seat] if seat is not None and written(home, seat) >= GOP else []
        return bool(found)

    until(is_in_mid_chunk, "it is in the middle of a chunk")
    return found[0]


def of_seat(home: Home, seat: int) -> Sequence[Run]:
    """The encoder runs of the seat's task."""
    (render,) = home.renders(NAME)
    return [r for r in runs(home.place.logs, render.id) if r.task.endswith(f"-{seat}")]


def kept(home: Home, seat: int) -> int:
    """Frames that the seat's task has committed."""
    return sum(len(run.kept) for run in of_seat(home, seat) if run.kept)


def whole(home: Home, one: Pipeline) -> tuple[int, int]:
    """The worker's seat in mid-chunk, and the frames that a drain from now on must not lose."""
    seat = in_hand(home, one)
    committed = kept(home, seat)
    return seat, committed + written(home, seat)


def test_of_two_workers_one_is_killed_and_one_drained_and_nothing_is_missing(
    home: Home, film: Path
) -> None:
    one, two = worker(home), worker(home)
    home.upload(NAME, film, SPEC)
    drained, had = whole(home, two)
    assert two.stop(signal.SIGTERM) == LEFT_IN_ORDER
    assert kept(home, drained) >= had, "no GOP that was whole is lost"
    assert not table(home).seats[drained].worker, "its seat is free at once"
    killed = in_hand(home, one)
    one.kill_all()
    unfinished = [run for run in of_seat(home, killed) if run.kept is None]
    assert len(unfinished) <= 1, "kill -9 costs one chunk at most"

    worker(home)
    render = home.finished(NAME, SECONDS)
    assert render.attempt == 1, "nobody launched anything again"
    assert render.plan is not None
    (output,) = render.plan.outputs
    lost = [run for run in runs(home.place.logs, render.id) if run.kept is None]
    assert lost == unfinished
    longest = max(len(chunk) for chunk in output.chunks)
    assert all(len(run.span) <= longest for run in lost), "a chunk, or a part of one"
    assert encoded_again(home.place.logs) == []
    assert sum(len(span) for span, _ in home.committed(render)) == output.frames
    assert home.pictures(render) == frame_md5s(film)


def test_who_kills_a_worker_alone_does_not_leave_its_task_behind(home: Home, film: Path) -> None:
    one = worker(home)
    home.upload(NAME, film, SPEC)
    seat, had = whole(home, one)
    family = set(one.family()) - {one.itself}
    one.itself.send(signal.SIGKILL)
    one.process.wait()
    until(lambda: not any(process.alive for process in family), "its task has left", 15)
    assert kept(home, seat) >= had
    assert not table(home).over


@pytest.mark.long
def test_a_spot_machine_s_notice_drains_its_worker_and_another_goes_on(
    home: Home, film: Path
) -> None:
    server = MetadataEmulator()
    try:
        spot = replace(home, environment={**home.environment, "CLIPLINE_METADATA": server.address})
        one = worker(spot)
        home.upload(NAME, film, SPEC)
        seat, had = whole(home, one)
        server.preempt()
        assert one.process.wait(25) == LEFT_IN_ORDER, "within the 30 s that such a machine has"
        assert kept(home, seat) >= had
        again = worker(spot)
        assert again.process.wait(25) == LEFT_IN_ORDER
        assert [bool(s.worker) for s in table(home).seats] == [False, False]
    finally:
        server.close()
    worker(home, "--tasks", "2")
    render = home.finished(NAME, SECONDS)
    assert render.attempt == 1
    assert encoded_again(home.place.logs) == []


@pytest.mark.long
def test_machines_of_a_group_come_for_a_render_one_is_preempted_and_all_leave(
    tmp_path: Path, film: Path
) -> None:
    path = "projects/p/zones/us-central1-a/instanceGroupManagers/gpu"
    lanes = tmp_path / "lanes.toml"
    lanes.write_text(LANES + GROUP)
    environment = {"CLIPLINE_LANES_FILE": str(lanes)}
    with a_home(tmp_path, environment=environment) as home:

        def boot(name: str, told: Mapping[str, str]) -> "subprocess.Popen[bytes]":
            words = ["-m", "render_job", "worker", "--pool", "desk", "--leave-when-idle", "2"]
            place = {"CLIPLINE_HOME": str(home.place.home)}
            return subprocess.Popen(
                [sys.executable, *words], cwd=CHECKOUT, env={**os.environ, **place, **told}
            )

        emulator = InstanceGroupEmulator(path, boot)
        environment["CLIPLINE_COMPUTE_EMULATOR"] = emulator.address
        try:
            pipeline = home.up()
            pipeline.wait_until_up()
            home.upload(NAME, film, SPEC)
            home.wait_for_mid_render()
            victim = machine_of(next(s.worker for s in table(home).seats if s.worker))
            emulator.preempt(victim)
            render = home.finished(NAME, SECONDS)
            assert render.attempt == 1
            assert encoded_again(home.place.logs) == []
            until(lambda: not emulator.statuses(), "no machine is left")
            assert emulator.target_size == 0
            assert victim in emulator.created
            assert len(emulator.created) == len(set(emulator.created)) == 3
            assert pipeline.stop() == Status.OK
        finally:
            emulator.close()


@pytest.mark.long
def test_small_renders_share_an_execution_of_a_job(tmp_path: Path) -> None:
    lanes = tmp_path / "lanes.toml"
    lanes.write_text(PACKED)
    clip = small_video(tmp_path / "clip.mp4", seconds=2)
    environment = {"CLIPLINE_LANES_FILE": str(lanes)}
    with a_home(tmp_path, environment=environment) as home:
        place = {"CLIPLINE_HOME": str(home.place.home), "PYTHONPATH": str(CHECKOUT)}
        image = Image(environment={**os.environ, **place})
        emulator = CloudRunEmulator(tmp_path / "executions", images={"renderer": image})
        channel = grpc.insecure_channel(emulator.address)
        job = WorkerJob(project="p", region="us-east4", name="workers", most=4)
        deploy(channel, [sys.executable, "-m", "render_job"], job=job)
        environment["CLIPLINE_CLOUD_RUN_EMULATOR"] = emulator.address
        try:
            pipeline = home.up()
            pipeline.wait_until_up()
            home.upload("default/first.mp4", clip)
            home.finished("default/first.mp4", SECONDS)
            for number in range(CLIPS):
                home.upload(f"default/{number}.mp4", clip)
            for number in range(CLIPS):
                assert home.finished(f"default/{number}.mp4", SECONDS).attempt == 1
            # The first one's worker is there still, or has just left: then there is one more.
            assert 1 <= len(emulator.launched()) <= 2
            assert pipeline.stop() == Status.OK
        finally:
            channel.close()
            emulator.close()


def test_a_worker_without_a_pipeline_or_for_no_pool_says_so(tmp_path: Path) -> None:
    with a_home(tmp_path) as nowhere:
        process = nowhere.worker("--pool", "desk").process
        said, _ = process.communicate(timeout=30)
        assert process.returncode == Exit.BUG
        assert f"no pipeline is in {nowhere.place.home}" in said
        assert "Traceback" not in said
        process = nowhere.worker("--pool", "My Desk").process
        said, _ = process.communicate(timeout=30)
        assert "a pool is named by a-z, 0-9 and -" in said
