"""Every way in which Cloud Run says that an execution is over, and what it amounts to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.outcomes.cloud_run import CloudRunEnd, TaskEnd, failure_of
from functions.outcomes.untold import UNKNOWN, says_why
from schemas.failures import UNTOLD, FailureClass

NON_ZERO = "Task e-1-task0 failed with message: The container exited with an error."
TIMEOUT = "Task e-1-task0 failed with message: The configured timeout was reached."
MEMORY = (
    "Task e-1-task0 failed with exit code: 0 and message: The configured memory limit was reached."
)
SECRET = "Execution e-1 has failed to complete, 0/1 tasks were a success."


def end(
    reason: str = "", message: str = "", status: int = 0, cancelled: int = 0, *ends: TaskEnd
) -> CloudRunEnd:
    return CloudRunEnd(
        execution="e-1",
        tasks=1,
        failed=1 - cancelled,
        cancelled=cancelled,
        reason=reason,
        message=message,
        status_code=status,
        ends=ends,
    )


def exited(code: int, signal: int = 0) -> TaskEnd:
    words = "The container exited with an error."
    return TaskEnd(index=0, exit_code=code, term_signal=signal, status_code=10, message=words)


CRASH, DEPENDENCY = FailureClass.CRASH, FailureClass.DEPENDENCY
TABLE = {
    "captured: non-zero exit, in a log": (
        end("NON_ZERO_EXIT_CODE", NON_ZERO, 10),
        (CRASH, UNTOLD),
    ),
    "captured: task timeout, in a log": (
        end("", TIMEOUT, 4),
        (FailureClass.TIMEOUT, "task_timeout"),
    ),
    "captured: task timeout, the varlog's words": (
        end("", "Terminating task because it has reached the maximum timeout of 600 seconds."),
        (FailureClass.TIMEOUT, "task_timeout"),
    ),
    "captured: out of memory reads exit code 0": (
        end("", MEMORY, 10),
        (FailureClass.OUT_OF_MEMORY, "memory_limit"),
    ),
    "captured: a secret could not be mounted": (end("", SECRET, 10), (CRASH, UNKNOWN)),
    "out of memory beside an exit code 0 of the task": (
        end("NON_ZERO_EXIT_CODE", MEMORY, 10, 0, TaskEnd(index=0, term_signal=9)),
        (FailureClass.OUT_OF_MEMORY, "memory_limit"),
    ),
    "try again": (
        end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(75)),
        (FailureClass.PREEMPTED, "task_preempted"),
    ),
    "disk": (
        end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(74)),
        (DEPENDENCY, "task_disk"),
    ),
    "a service that did not answer": (
        end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(69)),
        (DEPENDENCY, "service_unavailable"),
    ),
    "bug": (
        end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(70)),
        (FailureClass.INTERNAL, "task_bug"),
    ),
    "another exit code": (
        end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(3)),
        (CRASH, "task_failed"),
    ),
    "killed, and nobody says what for": (
        end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(0, 9)),
        (CRASH, "task_killed"),
    ),
    "another signal": (
        end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(0, 11)),
        (CRASH, "task_signalled"),
    ),
    "a task's own timeout, where the condition says nothing": (
        end("", "", 0, 0, TaskEnd(index=0, status_code=4)),
        (FailureClass.TIMEOUT, "task_timeout"),
    ),
    "cancelled": (end("CANCELLED", "", 10, 1), (FailureClass.CANCELLED, "stopped")),
    "cancelled while a task had failed": (
        end("CANCELLED", NON_ZERO, 10, 0, exited(70)),
        (FailureClass.CANCELLED, "stopped"),
    ),
    "only counted as cancelled": (end("", "", 0, 1), (FailureClass.CANCELLED, "stopped")),
    "deleted": (end("DELETED"), (FailureClass.CANCELLED, "execution_deleted")),
    "no image": (end("CONTAINER_MISSING"), (DEPENDENCY, "container_missing")),
    "no permission for the image": (
        end("CONTAINER_PERMISSION_DENIED"),
        (DEPENDENCY, "container_permission_denied"),
    ),
    "secrets": (
        end("SECRETS_ACCESS_CHECK_FAILED"),
        (DEPENDENCY, "secrets_access_check_failed"),
    ),
    "the service's own fault": (end("INTERNAL"), (DEPENDENCY, "place_failed")),
    "a reason that is new": (end("SOMETHING_ELSE"), (CRASH, UNKNOWN)),
    "nothing at all": (end(), (CRASH, UNKNOWN)),
    "an exit code 0 without success": (end("", "", 0, 0, exited(0)), (CRASH, UNKNOWN)),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_end_has_its_class_and_reason(name: str) -> None:
    said, expected = TABLE[name]
    failure = failure_of(said)
    assert failure is not None
    assert (failure.failure, failure.reason) == expected
    assert failure.detail == said.message
    assert says_why(failure) is (failure.reason not in (UNKNOWN, UNTOLD))


def test_only_an_execution_whose_tasks_all_succeeded_has_no_failure() -> None:
    assert failure_of(CloudRunEnd(execution="e-1", tasks=2, succeeded=2)) is None
    assert failure_of(CloudRunEnd(execution="e-1", tasks=2, succeeded=1)) is not None
    assert failure_of(CloudRunEnd(execution="e-1", tasks=0)) is not None


NUMBERS = st.integers(-1, 2**31 - 1)
ENDS = st.builds(
    TaskEnd,
    index=NUMBERS,
    exit_code=NUMBERS,
    term_signal=NUMBERS,
    status_code=NUMBERS,
    message=st.text(),
)


@given(
    st.builds(
        CloudRunEnd,
        execution=st.just("e-1"),
        tasks=st.integers(1, 5),
        succeeded=st.integers(0, 4),
        failed=NUMBERS,
        cancelled=NUMBERS,
        reason=st.text(),
        message=st.text(),
        status_code=NUMBERS,
        ends=st.lists(ENDS, max_size=3).map(tuple),
    )
)
def test_whatever_the_service_says_only_success_has_no_failure(said: CloudRunEnd) -> None:
    assert (failure_of(said) is None) == (said.succeeded >= said.tasks)


def test_one_cause_has_one_fingerprint_whatever_the_execution() -> None:
    one = failure_of(end("", MEMORY))
    other = failure_of(CloudRunEnd(execution="e-xyz12", tasks=3, message=MEMORY))
    assert one is not None
    assert other is not None
    assert one.fingerprint == other.fingerprint
