"""What the end of one of Batch's jobs amounts to.

A task's own exit codes come through as they are; those from 50000 on are Batch's own, and told by
number, since their sentences have changed. Before any task began only a status event's text says
why: events are coalesced and late, and one zone's is no failure while others are allowed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from functions.outcomes.exit_codes import failure_of_code, most_telling
from functions.outcomes.untold import UNKNOWN
from schemas.failures import Failure, FailureClass

SPOT_PREEMPTION = 50001
TOO_LONG = 50005
OTHER = 50000
"""A failure for none of Batch's reasons."""
MACHINE_LOST = {
    SPOT_PREEMPTION: "vm_preempted",
    50002: "vm_silent",
    50003: "vm_rebooted",
    50004: "vm_unresponsive",
    50006: "vm_recreated",
}
"""The machine went, not the task: https://cloud.google.com/batch/docs/troubleshooting."""

_CODE = re.compile(r"exit code (\d+)")
_NO_MACHINE = (
    ("ZONE_RESOURCE_POOL_EXHAUSTED", "stock_out", "no machine of its kind was left"),
    ("QUOTA_EXCEEDED", "quota_exceeded", "our own quota was used up"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnd:
    """What Batch says of a job that is over."""

    job: str
    state: str
    """SUCCEEDED, FAILED, CANCELLED, DELETION_IN_PROGRESS."""
    events: tuple[str, ...] = ()
    """The descriptions of its status events and of its tasks', the oldest first."""
    exit_codes: tuple[int, ...] = ()
    """Of the tasks that did not succeed, as far as they are known."""
    began: bool = False
    """Whether any task ever ran: then no lack of machines was the cause."""


def failure_of(end: BatchEnd) -> Failure | None:
    """Why it failed; None if every task exited with 0."""
    if end.state == "SUCCEEDED":
        return None
    if end.state in ("CANCELLED", "CANCELLATION_IN_PROGRESS", "DELETION_IN_PROGRESS"):
        return _of(end, FailureClass.CANCELLED, "stopped", "was stopped on request")
    return _exit_codes(end) or _no_machine(end) or _unknown(end)


def _exit_codes(end: BatchEnd) -> Failure | None:
    """What a task says itself counts before what Batch says of its machine."""
    codes = end.exit_codes or tuple(_told(end.events))
    own = most_telling(code for code in codes if 0 < code < OTHER)
    if own is not None:
        failure = failure_of_code(own, f"a task of '{end.job}'")
        return Failure(
            failure=failure.failure,
            reason=failure.reason,
            message=failure.message,
            detail=_detail(end),
        )
    for code in codes:
        if code in MACHINE_LOST:
            reason = MACHINE_LOST[code]
            return _of(end, FailureClass.PREEMPTED, reason, f"lost a machine (exit code {code})")
    if TOO_LONG in codes:
        return _of(end, FailureClass.TIMEOUT, "task_timeout", "had a task that ran too long")
    return None


def _told(events: Iterable[str]) -> Iterable[int]:
    return (int(code) for event in events for code in _CODE.findall(event))


def _no_machine(end: BatchEnd) -> Failure | None:
    if end.began:
        return None
    said = " ".join(end.events)
    for word, reason, sentence in _NO_MACHINE:
        if word in said:
            return _of(end, FailureClass.CAPACITY, reason, f"did not begin: {sentence}")
    return None


def _unknown(end: BatchEnd) -> Failure:
    return _of(end, FailureClass.CRASH, UNKNOWN, "failed, and Batch did not say why")


def _of(end: BatchEnd, kind: FailureClass, reason: str, sentence: str) -> Failure:
    message = f"job '{end.job}' {sentence}"
    return Failure(failure=kind, reason=reason, message=message, detail=_detail(end))


def _detail(end: BatchEnd) -> str:
    return "\n".join(dict.fromkeys(end.events))
