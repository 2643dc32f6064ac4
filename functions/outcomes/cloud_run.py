"""What the end of a Cloud Run execution amounts to.

The service has no value for out of memory, timeout, stock-out, quota or maintenance: those are told
apart by a message, a status code or an exit code, and some cannot be. Texts and codes are those of
captured payloads; where nobody captured one, the reason is `unknown`.

    succeeded == tasks ──► None, which is not success: that is a verified output
    cancelled, deleted ──► cancelled
    memory, timeout ─────► by the message, since "exit code: 0" and no reason stand there
    image, secret, … ────► dependency: the container never began
    exit codes ──────────► ours say most; any other is a crash
    nothing of all that ─► unknown, a crash
"""

from dataclasses import dataclass

from functions.outcomes.exit_codes import failure_of_code, most_telling
from functions.outcomes.untold import UNKNOWN
from schemas.failures import UNTOLD, Failure, FailureClass

DEADLINE_EXCEEDED = 4
"""google.rpc.Code; seen with a task timeout, and only with that."""

_STOPPED = {"CANCELLED", "CANCELLING"}
_NEVER_BEGAN = {
    "CONTAINER_MISSING",
    "CONTAINER_PERMISSION_DENIED",
    "CONTAINER_IMAGE_UNAUTHORIZED",
    "CONTAINER_IMAGE_AUTHORIZATION_CHECK_FAILED",
    "ENCRYPTION_KEY_PERMISSION_DENIED",
    "ENCRYPTION_KEY_CHECK_FAILED",
    "SECRETS_ACCESS_CHECK_FAILED",
    "VPC_NETWORK_NOT_FOUND",
    "REVISION_FAILED",
}
_ITS_OWN = {"INTERNAL", "JOB_STATUS_SERVICE_POLLING_ERROR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnd:
    """How the last attempt of a task that did not succeed ended; 0 is also what is not said."""

    index: int
    exit_code: int = 0
    term_signal: int = 0
    status_code: int = 0
    """google.rpc.Code."""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRunEnd:
    """What the service says of an execution that is over, in either version of its API."""

    execution: str
    tasks: int
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    reason: str = ""
    """Of the Completed condition, as the second version spells it: NON_ZERO_EXIT_CODE."""
    message: str = ""
    status_code: int = 0
    """google.rpc.Code of the audit log's entry."""
    ends: tuple[TaskEnd, ...] = ()
    """Of tasks that did not succeed, where they are known."""


def failure_of(end: CloudRunEnd) -> Failure | None:
    """Why it failed; None if every task exited with 0."""
    if end.tasks and end.succeeded >= end.tasks:
        return None
    failure = (
        _stopped(end) or _limits(end) or _never_began(end) or _exit_codes(end) or _unknown(end)
    )
    return failure


def _stopped(end: CloudRunEnd) -> Failure | None:
    if end.reason == "DELETED":
        return _of(end, FailureClass.CANCELLED, "execution_deleted", "was deleted")
    if end.reason in _STOPPED or end.cancelled:
        return _of(end, FailureClass.CANCELLED, "stopped", "was stopped on request")
    return None


def _limits(end: CloudRunEnd) -> Failure | None:
    """Before any exit code: the kill for memory reads exit code 0."""
    said = " ".join((end.message, *(task.message for task in end.ends))).lower()
    if "memory limit" in said:
        sentence = "had a task that reached its memory limit"
        return _of(end, FailureClass.OUT_OF_MEMORY, "memory_limit", sentence)
    codes = {end.status_code, *(task.status_code for task in end.ends)}
    if "timeout was reached" in said or "maximum timeout" in said or DEADLINE_EXCEEDED in codes:
        return _of(end, FailureClass.TIMEOUT, "task_timeout", "had a task that timed out")
    return None


def _never_began(end: CloudRunEnd) -> Failure | None:
    if end.reason in _NEVER_BEGAN:
        sentence = f"could not begin ({end.reason})"
        return _of(end, FailureClass.DEPENDENCY, end.reason.lower(), sentence)
    if end.reason in _ITS_OWN:
        sentence = f"failed inside Cloud Run ({end.reason})"
        return _of(end, FailureClass.DEPENDENCY, "place_failed", sentence)
    return None


def _exit_codes(end: CloudRunEnd) -> Failure | None:
    """Not of maintenance, which nobody captured: without a word from the task it is a crash."""
    code = most_telling(_codes(end))
    if code is not None:
        failure = failure_of_code(code, f"a task of '{end.execution}'")
        return Failure(
            failure=failure.failure,
            reason=failure.reason,
            message=failure.message,
            detail=end.message,
        )
    if end.reason == "NON_ZERO_EXIT_CODE":
        return _of(end, FailureClass.CRASH, UNTOLD, "had a task that exited with an error")
    return None


def _codes(end: CloudRunEnd) -> list[int]:
    said = (-task.term_signal if task.term_signal else task.exit_code for task in end.ends)
    return [code for code in said if code]


def _unknown(end: CloudRunEnd) -> Failure:
    sentence = "failed, and Cloud Run did not say why"
    return _of(end, FailureClass.CRASH, UNKNOWN, sentence)


def _of(end: CloudRunEnd, kind: FailureClass, reason: str, sentence: str) -> Failure:
    message = f"execution '{end.execution}' {sentence}"
    return Failure(failure=kind, reason=reason, message=message, detail=end.message)
