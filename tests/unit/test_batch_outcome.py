"""Every way in which Batch says that a job is over, and what it amounts to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.outcomes.batch import BatchEnd, failure_of
from functions.outcomes.untold import UNKNOWN
from schemas.failures import FailureClass
from schemas.ids import attempt_of, execution_id

STOCK_OUT = (
    "VM in Managed Instance Group meets error: Batch Error: code - "
    "CODE_GCE_ZONE_RESOURCE_POOL_EXHAUSTED, description - error count is 1."
)
QUOTA = "VM in Managed Instance Group meets error: code - CODE_GCE_QUOTA_EXCEEDED"
SPOT = "Task state is updated due to Spot VM preemption with exit code 50001."
SPOT_ONCE = "Task state is updated due to Spot Preemption with exit code 50001"


def end(
    *events: str, codes: tuple[int, ...] = (), began: bool = False, state: str = "FAILED"
) -> BatchEnd:
    return BatchEnd(job="r-1-0001", state=state, events=events, exit_codes=codes, began=began)


CRASH, PREEMPTED = FailureClass.CRASH, FailureClass.PREEMPTED
CAPACITY, CANCELLED = FailureClass.CAPACITY, FailureClass.CANCELLED
TABLE = {
    "preempted": (end(SPOT, codes=(50001,), began=True), (PREEMPTED, "vm_preempted")),
    "preempted before it ran, told by a sentence": (end(SPOT), (PREEMPTED, "vm_preempted")),
    "the sentence was another one once": (end(SPOT_ONCE), (PREEMPTED, "vm_preempted")),
    "the machine fell silent": (end(codes=(50002,)), (PREEMPTED, "vm_silent")),
    "the machine was rebooted": (end(codes=(50003,)), (PREEMPTED, "vm_rebooted")),
    "the machine did not answer": (end(codes=(50004,)), (PREEMPTED, "vm_unresponsive")),
    "the machine was made anew": (end(codes=(50006,)), (PREEMPTED, "vm_recreated")),
    "too long": (end(codes=(50005,)), (FailureClass.TIMEOUT, "task_timeout")),
    "try again": (end(codes=(75,), began=True), (PREEMPTED, "task_preempted")),
    "disk": (end(codes=(74,), began=True), (FailureClass.DEPENDENCY, "task_disk")),
    "bug": (end(codes=(70,), began=True), (FailureClass.INTERNAL, "task_bug")),
    "another code": (end(codes=(3,), began=True), (CRASH, "task_failed")),
    "killed inside its container": (end(codes=(137,), began=True), (CRASH, "task_failed")),
    "what a task says counts before its machine": (
        end(codes=(50001, 70), began=True),
        (FailureClass.INTERNAL, "task_bug"),
    ),
    "another failure, nobody says which": (end(codes=(50000,), began=True), (CRASH, UNKNOWN)),
    "stock-out": (end(STOCK_OUT), (CAPACITY, "stock_out")),
    "quota": (end(QUOTA), (CAPACITY, "quota_exceeded")),
    "short of machines at first, and then it ran": (
        end(STOCK_OUT, codes=(50000,), began=True),
        (CRASH, UNKNOWN),
    ),
    "nothing at all": (end(), (CRASH, UNKNOWN)),
    "cancelled": (end(state="CANCELLED"), (CANCELLED, "stopped")),
    "being deleted": (end(state="DELETION_IN_PROGRESS"), (CANCELLED, "stopped")),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_end_has_its_class_and_reason(name: str) -> None:
    said, expected = TABLE[name]
    failure = failure_of(said)
    assert failure is not None
    assert (failure.failure, failure.reason) == expected


def test_only_a_job_that_succeeded_has_no_failure() -> None:
    assert failure_of(end(state="SUCCEEDED")) is None


@given(render=st.from_regex(r"r-[0-9a-f]{20}", fullmatch=True), attempt=st.integers(1, 10**6))
def test_a_job_s_id_names_its_attempt_and_is_one_that_batch_takes(
    render: str, attempt: int
) -> None:
    name = execution_id(render, attempt)
    assert attempt_of(name) == (render, attempt)
    assert len(name) <= 63


@pytest.mark.parametrize("name", ["", "x", "r-1", "r-1-1", "R-1-0001", "-0001"])
def test_another_s_job_names_no_attempt(name: str) -> None:
    assert attempt_of(name) is None
