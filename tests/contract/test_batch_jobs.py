"""What the adapter of Batch promises beside what every Backend does: over a stand-in."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.cloud import batch_v1

from functions.adapters.batch_jobs import BatchJobs, job_of
from functions.errors import TryAgainLater
from functions.notices import execution_ended
from functions.ports import ExecutionState, LaunchRefused
from infra.emulators.batch_job import Shortage
from schemas.events import ExecutionEnded
from schemas.failures import UNTOLD, FailureClass
from schemas.plan import Order
from schemas.wire import MESSAGE_PUBLISHED
from tests.contract.cloud_places import MACHINES, BatchPlace, outcome
from tests.contract.machine import ENDS_WHEN_TOLD

CODE = (
    """
with open('told', 'w') as file:
    file.write(repr((sys.argv[2:], sorted(E))))
say(f"begun-{E['CLOUD_RUN_EXECUTION']}")
"""
    + ENDS_WHEN_TOLD
)
RENDER = "r-0123456789abcdef0123"
JOB = f"{RENDER}-0001"


@pytest.fixture
def place(tmp_path: Path, until: Callable[..., None]) -> Iterator[BatchPlace]:
    place = BatchPlace(tmp_path, until, CODE)
    yield place
    place.close()


def ordered(place: BatchPlace, *, attempt: int = 1, tasks: int = 1, seconds: float = 60) -> Order:
    return Order(
        render=RENDER,
        attempt=attempt,
        lane="batch/us-central1/l4/spot",
        encoder_class="h264_nvenc",
        tasks=tasks,
        deadline=place.now() + timedelta(seconds=seconds),
    )


def test_the_attempt_is_the_job_s_id_and_its_tasks_are_told_ids_only(place: BatchPlace) -> None:
    assert place.backend.launch(ordered(place)) == JOB
    place.let_begin(JOB, 1)
    place.let_end(JOB)
    place.wait_for_end(JOB)
    told = (place.folder / "told").read_text()
    assert f"['--render', '{RENDER}', '--attempt', '1']" in told
    assert "CLIPLINE_EXECUTION" in told


def test_a_spot_machine_with_a_gpu_is_asked_for_as_it_is_configured(place: BatchPlace) -> None:
    job = job_of(ordered(place, tasks=3), MACHINES, place.now())
    policy = job.allocation_policy.instances[0].policy
    model = batch_v1.AllocationPolicy.ProvisioningModel
    assert policy.provisioning_model == model.SPOT
    assert [(gpu.type_, gpu.count) for gpu in policy.accelerators] == [("nvidia-l4", 1)]
    assert job.allocation_policy.instances[0].install_gpu_drivers
    assert list(job.allocation_policy.location.allowed_locations) == ["regions/us-central1"]
    (group,) = job.task_groups
    assert (group.task_count, group.parallelism) == (3, 3)
    (rule,) = group.task_spec.lifecycle_policies
    assert list(rule.action_condition.exit_codes) == [50001, 50002, 50003, 50004, 50006]
    assert timedelta(seconds=59) < group.task_spec.max_run_duration <= timedelta(seconds=60)
    states = [one.message.new_job_state.name for one in job.notifications]
    assert states == ["SUCCEEDED", "FAILED"]


def test_a_standard_machine_without_a_gpu_in_two_zones(place: BatchPlace) -> None:
    machines = replace(MACHINES, spot=False, gpu=None, zones=("us-central1-a", "us-central1-c"))
    job = job_of(ordered(place), machines, place.now())
    instance = job.allocation_policy.instances[0]
    model = batch_v1.AllocationPolicy.ProvisioningModel
    assert instance.policy.provisioning_model == model.STANDARD
    assert not instance.policy.accelerators
    assert not instance.install_gpu_drivers
    allowed = list(job.allocation_policy.location.allowed_locations)
    assert allowed == ["zones/us-central1-a", "zones/us-central1-c"]


def test_a_task_is_told_of_its_deployment(place: BatchPlace) -> None:
    machines = replace(MACHINES, environment={"CLIPLINE_PLACE": "cloud"})
    told = job_of(ordered(place), machines, place.now()).task_groups[0].task_spec.environment
    assert told.variables["CLIPLINE_PLACE"] == "cloud"
    assert told.variables["CLIPLINE_EXECUTION"] == JOB


def test_an_answer_that_is_lost_makes_one_job(place: BatchPlace) -> None:
    place.emulator.lose()
    assert place.backend.launch(ordered(place)) == JOB
    assert place.backend.launch(ordered(place)) == JOB
    assert place.emulator.launched() == [JOB]
    place.let_begin(JOB, 1)
    place.let_end(JOB)
    place.wait_for_end(JOB)
    assert place.runs(JOB) == 1


def test_a_launch_that_is_never_answered_is_tried_again_later(place: BatchPlace) -> None:
    for _ in range(2):
        place.emulator.refuse(grpc.StatusCode.UNAVAILABLE, "connection reset")
    with pytest.raises(TryAgainLater):
        place.backend.launch(ordered(place))
    assert place.emulator.launched() == []
    assert place.backend.launch(ordered(place)) == JOB


@pytest.mark.parametrize(
    ("status", "message", "kind", "reason"),
    [
        ("RESOURCE_EXHAUSTED", "Quota exceeded", FailureClass.CAPACITY, "quota_exceeded"),
        ("INVALID_ARGUMENT", "bad machine", FailureClass.INTERNAL, "launch_invalid"),
        ("PERMISSION_DENIED", "no", FailureClass.DEPENDENCY, "launch_not_allowed"),
    ],
)
def test_a_refusal_is_typed_and_nothing_runs(
    place: BatchPlace, status: str, message: str, kind: FailureClass, reason: str
) -> None:
    place.emulator.refuse(grpc.StatusCode[status], message)
    with pytest.raises(LaunchRefused) as refused:
        place.backend.launch(ordered(place))
    assert (refused.value.failure.failure, refused.value.failure.reason) == (kind, reason)
    assert place.emulator.launched() == []


def test_a_place_that_is_away_is_asked_again_later(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    place = BatchPlace(tmp_path, until, CODE)
    place.emulator.close()
    try:
        for ask in (place.backend.state, place.backend.stop):
            with pytest.raises(TryAgainLater):
                ask(JOB)
        with pytest.raises(TryAgainLater):
            place.backend.launch(ordered(place))
    finally:
        place.channel.close()


@pytest.mark.parametrize(
    ("shortage", "reason"),
    [(Shortage.STOCK_OUT, "stock_out"), (Shortage.QUOTA, "quota_exceeded")],
)
def test_a_job_that_gives_up_without_a_machine_is_a_lack_of_capacity(
    place: BatchPlace, shortage: Shortage, reason: str
) -> None:
    place.emulator.starve(shortage, gives_up=True)
    failure = outcome(place, place.backend.launch(ordered(place)))
    assert (failure.failure, failure.reason) == (FailureClass.CAPACITY, reason)
    assert place.runs(JOB) == 0


def test_a_job_that_waits_for_machines_has_not_ended_and_can_be_stopped(place: BatchPlace) -> None:
    place.emulator.starve(Shortage.STOCK_OUT)
    place.backend.launch(ordered(place))
    assert place.backend.state(JOB) == ExecutionState(ended=False)
    place.backend.stop(JOB)
    assert outcome(place, JOB).failure is FailureClass.CANCELLED


def test_a_task_whose_machine_is_taken_runs_again_as_often_as_it_may(place: BatchPlace) -> None:
    place.backend.launch(ordered(place))
    for runs in (1, 2):
        place.let_begin(JOB, runs)
        place.emulator.take_away(JOB, 0, timedelta(0))
    failure = outcome(place, JOB)
    assert (failure.failure, failure.reason) == (FailureClass.PREEMPTED, "vm_preempted")
    assert place.runs(JOB) == 2


def test_a_task_that_fails_by_itself_does_not_run_again(place: BatchPlace) -> None:
    place.backend.launch(ordered(place))
    place.let_end(JOB, 70)
    assert outcome(place, JOB).failure is FailureClass.INTERNAL
    assert place.runs(JOB) == 1


def test_a_task_that_is_too_slow_is_a_timeout(place: BatchPlace) -> None:
    place.backend.launch(ordered(place, seconds=-5))
    failure = outcome(place, JOB)
    assert (failure.failure, failure.reason) == (FailureClass.TIMEOUT, "task_timeout")


@pytest.mark.parametrize("code", [0, 3])
def test_its_notification_is_what_the_notice_reads(
    place: BatchPlace, until: Callable[..., None], code: int
) -> None:
    place.backend.launch(ordered(place))
    place.let_end(JOB, code)
    place.wait_for_end(JOB)
    until(lambda: len(place.notices) == 1, "it was told")
    ended = pushed(dict(place.notices[0]))
    assert ended is not None
    assert (ended.render, ended.attempt, ended.execution) == (RENDER, 1, JOB)
    assert (ended.failure and ended.failure.reason) == (UNTOLD if code else None)


def pushed(attributes: dict[str, str]) -> ExecutionEnded | None:
    """As a wrapped push brings it."""
    data = base64.b64encode(b"").decode()
    inner = {"attributes": attributes, "data": data, "publishTime": "2026-11-24T10:00:00Z"}
    return execution_ended({"type": MESSAGE_PUBLISHED}, json.dumps({"message": inner}).encode())


def test_jobs_of_another_region_are_not_known_here(place: BatchPlace) -> None:
    elsewhere = BatchJobs(replace(MACHINES, region="us-east4"), channel=place.channel)
    place.backend.launch(ordered(place))
    assert elsewhere.state(JOB) is None
    elsewhere.stop(JOB)
    assert place.backend.state(JOB) == ExecutionState(ended=False)
