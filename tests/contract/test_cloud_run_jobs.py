"""What the adapter of Cloud Run jobs promises beside what every Backend does: over a stand-in."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.cloud import run_v2
from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from functions.adapters.cloud_run_jobs import CloudRunJob, CloudRunJobs
from functions.errors import TryAgainLater
from functions.notices import told
from functions.ports import ExecutionState, LaunchRefused
from schemas.failures import UNTOLD, FailureClass
from schemas.plan import Order
from schemas.wire import Message
from tests.contract.cloud_places import JOB, CloudRunPlace, outcome
from tests.contract.machine import ENDS_WHEN_TOLD

CODE = (
    """
say(f"begun-{E['CLOUD_RUN_EXECUTION']}")
with open('told', 'w') as file:
    file.write(repr((sys.argv[2:], sorted(E))))
if os.path.exists('obeys'):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
say(f"ready-{E['CLOUD_RUN_EXECUTION']}")
"""
    + ENDS_WHEN_TOLD
)


@pytest.fixture
def place(tmp_path: Path, until: Callable[..., None]) -> Iterator[CloudRunPlace]:
    place = CloudRunPlace(tmp_path, until, CODE)
    yield place
    place.close()


def ordered(
    place: CloudRunPlace, *, attempt: int = 1, tasks: int = 1, seconds: float = 60
) -> Order:
    return Order(
        render="r-1",
        attempt=attempt,
        lane="cloud-run/us-east4/l4",
        encoder_class="h264_nvenc",
        tasks=tasks,
        deadline=place.now() + timedelta(seconds=seconds),
    )


def ready(place: CloudRunPlace, execution: str, until: Callable[..., None]) -> None:
    until((place.folder / f"ready-{execution}").exists, "its task is ready")


def test_a_task_is_told_ids_only(place: CloudRunPlace) -> None:
    execution = place.backend.launch(ordered(place))
    place.let_begin(execution, 1)
    place.let_end(execution)
    place.wait_for_end(execution)
    told = (place.folder / "told").read_text()
    assert "['--render', 'r-1', '--attempt', '1']" in told
    assert "CLIPLINE_LANE" in told


def test_what_runs_keeps_its_image_when_the_job_gets_another(place: CloudRunPlace) -> None:
    first = place.backend.launch(ordered(place))
    jobs = run_v2.JobsClient(transport=JobsGrpcTransport(channel=place.channel))
    job = jobs.get_job(name=JOB.name)
    job.template.template.containers[0].image = "another"
    jobs.update_job(job=job)
    second = place.backend.launch(ordered(place, attempt=2))
    executions = run_v2.ExecutionsClient(transport=ExecutionsGrpcTransport(channel=place.channel))
    images = [
        executions.get_execution(name=f"{JOB.name}/executions/{one}").template.containers[0].image
        for one in (first, second)
    ]
    assert images == ["renderer", "another"]


def test_an_answer_that_is_lost_makes_one_execution(place: CloudRunPlace) -> None:
    place.emulator.lose()
    execution = place.backend.launch(ordered(place))
    assert place.emulator.launched() == [execution]
    assert place.backend.launch(ordered(place)) == execution
    assert place.emulator.launched() == [execution]
    place.let_begin(execution, 1)
    place.let_end(execution)
    place.wait_for_end(execution)
    assert place.runs(execution) == 1


def test_a_launch_that_was_performed_before_is_adopted_also_after_its_end(
    place: CloudRunPlace,
) -> None:
    execution = place.backend.launch(ordered(place))
    place.let_end(execution)
    place.wait_for_end(execution)
    assert place.backend.launch(ordered(place)) == execution
    assert place.backend.launch(ordered(place, attempt=2)) != execution
    assert len(place.emulator.launched()) == 2


def test_a_launch_of_which_nothing_is_known_is_tried_again_later(place: CloudRunPlace) -> None:
    place.emulator.refuse(grpc.StatusCode.UNAVAILABLE, "connection reset")
    with pytest.raises(TryAgainLater):
        place.backend.launch(ordered(place))
    assert place.emulator.launched() == []
    execution = place.backend.launch(ordered(place))
    assert place.emulator.launched() == [execution]


@pytest.mark.parametrize(
    ("status", "message", "kind", "reason"),
    [
        ("RESOURCE_EXHAUSTED", "Too many", FailureClass.CAPACITY, "quota_exceeded"),
        (
            "INVALID_ARGUMENT",
            "You do not have quota for using GPUs without zonal redundancy",
            FailureClass.CAPACITY,
            "quota_exceeded",
        ),
        ("INVALID_ARGUMENT", "bad args", FailureClass.INTERNAL, "launch_invalid"),
        (
            "PERMISSION_DENIED",
            "run.jobs.runWithOverrides",
            *(FailureClass.DEPENDENCY, "launch_not_allowed"),
        ),
        ("FAILED_PRECONDITION", "not ready", FailureClass.DEPENDENCY, "lane_not_ready"),
    ],
)
def test_a_refusal_is_typed_and_nothing_runs(
    place: CloudRunPlace, status: str, message: str, kind: FailureClass, reason: str
) -> None:
    place.emulator.refuse(grpc.StatusCode[status], message)
    with pytest.raises(LaunchRefused) as refused:
        place.backend.launch(ordered(place))
    assert (refused.value.failure.failure, refused.value.failure.reason) == (kind, reason)
    assert message in refused.value.failure.detail
    assert place.emulator.launched() == []


def test_who_may_not_look_launches_all_the_same(place: CloudRunPlace) -> None:
    place.emulator.refuse_listing(grpc.StatusCode.PERMISSION_DENIED, "run.executions.list")
    execution = place.backend.launch(ordered(place))
    assert place.emulator.launched() == [execution]


@pytest.mark.parametrize("status", ["RESOURCE_EXHAUSTED", "UNAVAILABLE"])
def test_who_cannot_look_right_now_launches_later(place: CloudRunPlace, status: str) -> None:
    place.emulator.refuse_listing(grpc.StatusCode[status], "not now")
    with pytest.raises(TryAgainLater):
        place.backend.launch(ordered(place))
    assert place.emulator.launched() == []


def test_a_job_that_is_not_deployed_refuses(place: CloudRunPlace) -> None:
    other = CloudRunJob(project="p", region="us-east4", job="nobody")
    with pytest.raises(LaunchRefused) as refused:
        CloudRunJobs(other, channel=place.channel).launch(ordered(place))
    assert refused.value.failure.reason == "lane_missing"


def test_a_place_that_is_away_is_asked_again_later(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    place = CloudRunPlace(tmp_path, until, CODE)
    execution = place.backend.launch(ordered(place))
    place.emulator.close()
    try:
        for ask in (place.backend.state, place.backend.stop):
            with pytest.raises(TryAgainLater):
                ask(execution)
        with pytest.raises(TryAgainLater):
            place.backend.launch(ordered(place, attempt=2))
    finally:
        place.channel.close()


def test_what_waits_for_resources_has_not_ended_and_can_be_stopped(place: CloudRunPlace) -> None:
    place.emulator.hang()
    execution = place.backend.launch(ordered(place))
    assert place.backend.state(execution) == ExecutionState(ended=False)
    place.backend.stop(execution)
    assert outcome(place, execution).failure is FailureClass.CANCELLED
    assert place.runs(execution) == 0


def test_a_task_that_is_too_slow_is_a_timeout(place: CloudRunPlace) -> None:
    execution = place.backend.launch(ordered(place, seconds=-5))
    failure = outcome(place, execution)
    assert failure.failure is FailureClass.TIMEOUT
    assert "The configured timeout was reached." in failure.detail


def test_a_task_killed_for_its_memory_is_no_success_though_it_reads_exit_code_0(
    place: CloudRunPlace, until: Callable[..., None]
) -> None:
    execution = place.backend.launch(ordered(place))
    for runs in (1, 2):
        place.let_begin(execution, runs)
        place.emulator.burst(execution, 0)
    failure = outcome(place, execution)
    assert failure.failure is FailureClass.OUT_OF_MEMORY
    assert "exit code: 0" in failure.detail


def test_a_task_whose_machine_goes_runs_again_and_says_so_in_the_end(
    place: CloudRunPlace, until: Callable[..., None]
) -> None:
    (place.folder / "obeys").touch()
    execution = place.backend.launch(ordered(place))
    for runs in (1, 2):
        until(lambda runs=runs: ready_runs(place, execution) == runs, "it can be told")
        place.emulator.take_away(execution, 0, timedelta(seconds=5))
    failure = outcome(place, execution)
    assert (failure.failure, failure.reason) == (FailureClass.PREEMPTED, "task_preempted")
    assert place.runs(execution) == 2


def test_a_machine_that_goes_without_notice_is_a_crash_since_nobody_says_more(
    place: CloudRunPlace, until: Callable[..., None]
) -> None:
    execution = place.backend.launch(ordered(place))
    for runs in (1, 2):
        until(lambda runs=runs: ready_runs(place, execution) == runs, "it runs")
        place.emulator.take_away(execution, 0, timedelta(0))
    assert outcome(place, execution).reason == "task_killed"


def ready_runs(place: CloudRunPlace, execution: str) -> int:
    path = place.folder / f"ready-{execution}"
    return len(path.read_text().split()) if path.exists() else 0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (75, FailureClass.PREEMPTED),
        (74, FailureClass.DEPENDENCY),
        (70, FailureClass.INTERNAL),
        (3, FailureClass.CRASH),
    ],
)
def test_the_exit_codes_of_tasks_are_understood(
    place: CloudRunPlace, code: int, kind: FailureClass
) -> None:
    execution = place.backend.launch(ordered(place, tasks=2))
    place.let_end(execution, code)
    assert outcome(place, execution).failure is kind


@pytest.mark.parametrize("code", [0, 3])
def test_the_log_tells_of_the_end_what_the_notice_reads(
    place: CloudRunPlace, until: Callable[..., None], code: int
) -> None:
    execution = place.backend.launch(ordered(place, attempt=7))
    place.let_end(execution, code)
    place.wait_for_end(execution)
    until(lambda: len(place.entries) == 1, "the log has told")
    ended = told(Message(attributes={}, data=json.dumps(place.entries[0]).encode()))
    assert ended is not None
    assert (ended.render, ended.attempt, ended.execution) == ("r-1", 7, execution)
    assert (ended.failure and ended.failure.reason) == (UNTOLD if code else None)


def test_a_job_with_a_gpu_must_do_without_zonal_redundancy(place: CloudRunPlace) -> None:
    limits = {"nvidia.com/gpu": "1"}
    container = run_v2.Container(resources=run_v2.ResourceRequirements(limits=limits))
    job = run_v2.Job(template={"template": {"containers": [container]}})
    client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=place.channel))
    where = f"projects/{JOB.project}/locations/{JOB.region}"
    with pytest.raises(Exception, match="zonal redundancy"):
        client.create_job(parent=where, job_id="gpu", job=job)
    job.template.template.gpu_zonal_redundancy_disabled = True
    client.create_job(parent=where, job_id="gpu", job=job)
