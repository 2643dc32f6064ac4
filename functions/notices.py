"""What places themselves say of an end, become our event: neither of the two is a CloudEvent.

    Cloud Run ─ audit log ─ log sink ─┐
                                      ├─► execution-events ─► push ─► here
    Batch ─ job notification ─────────┘

A notice tells that an execution is over. Why, it mostly does not know: then its failure says so
(`functions/outcomes/untold.py`), and whoever looks asks the lane.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from functions.errors import BelongsElsewhere
from functions.outcomes import batch, cloud_run
from schemas.events import ExecutionEnded
from schemas.failures import UNTOLD
from schemas.ids import attempt_of
from schemas.times import utc
from schemas.wire import MESSAGE_PUBLISHED, Message, Unreadable, event_of, message_in

ATTRIBUTES = ("JobName", "NewJobState")
"""Of Batch's message, as far as they are read."""
METHOD = "/Jobs.RunJob"
"""The end's entry; a launch has an entry of another method."""


def execution_ended(attributes: Mapping[str, object], data: object) -> ExecutionEnded | None:
    """The end that a CloudEvent tells of: our own event, or a place's notice in a wrapped push.

    None for a notice of something else than an end, which is ordinary. Raises Unreadable, or
    BelongsElsewhere for another event of ours.
    """
    if attributes.get("type") == MESSAGE_PUBLISHED:
        message = message_in(data)
        if "ce-type" not in message.attributes:
            return told(message)
    event = event_of(attributes, data)
    if not isinstance(event, ExecutionEnded):
        raise BelongsElsewhere(f"{type(event).__name__} does not belong here")
    return event


def told(message: Message) -> ExecutionEnded | None:
    """The end that a place's own message tells of; None for other news. Raises Unreadable."""
    if "JobName" in message.attributes:
        return _of_batch(message)
    return _of_log(message.data)


def _of_batch(message: Message) -> ExecutionEnded | None:
    """Job notifications; those of tasks are not asked for, and say nothing of the end."""
    state = message.attributes.get("NewJobState")
    if state not in ("SUCCEEDED", "FAILED", "CANCELLED"):
        return None
    job = message.attributes["JobName"].rpartition("/")[2]
    named = attempt_of(job)
    if named is None:
        raise Unreadable("a notice of Batch about a job that is none of ours")
    if message.published_at is None:
        raise Unreadable("a notice of Batch without the time of its publication")
    failure = batch.failure_of(batch.BatchEnd(job=job, state=state))
    if failure is not None and state == "FAILED":
        failure = replace(failure, reason=UNTOLD)
    return ExecutionEnded(
        render=named[0],
        attempt=named[1],
        execution=job,
        failure=failure,
        at=message.published_at,
    )


def _of_log(data: bytes) -> ExecutionEnded | None:
    """A system-event entry of the audit log, as a log sink publishes it."""
    entry = _json(data)
    payload = _part(entry, "protoPayload")
    if payload.get("methodName") != METHOD:
        raise Unreadable("neither an event of ours nor a log entry of an execution's end")
    execution = _part(payload, "response")
    status = _part(execution, "status")
    completed = _completed(status)
    if completed.get("status") not in ("True", "False"):
        return None
    attempt = _attempt(execution)
    if attempt is None:
        return None
    tasks = _count(_part(execution, "spec"), "taskCount", 1)
    well = completed["status"] == "True"
    end = cloud_run.CloudRunEnd(
        execution=_name(execution),
        tasks=tasks,
        succeeded=tasks if well else _count(status, "succeededCount"),
        failed=_count(status, "failedCount"),
        cancelled=_count(status, "cancelledCount"),
        reason=_reason(str(completed.get("reason", ""))),
        message=str(completed.get("message", "")),
        status_code=_count(payload.get("status"), "code"),
    )
    return ExecutionEnded(
        render=attempt[0],
        attempt=attempt[1],
        execution=end.execution,
        failure=cloud_run.failure_of(end),
        at=_time(status.get("completionTime") or entry.get("timestamp")),
    )


def _attempt(execution: Mapping[str, Any]) -> tuple[str, int] | None:
    """From the arguments that the launch gave to its tasks; None of a worker, who has no render."""
    template = _part(_part(_part(execution, "spec"), "template"), "spec")
    containers = template.get("containers")
    first = containers[0] if isinstance(containers, list) and containers else None
    arguments = first.get("args") if isinstance(first, dict) else None
    match arguments:
        case ["--render", str(render), "--attempt", str(attempt)] if attempt.isdecimal():
            return render, int(attempt)
        case ["worker", *_]:
            return None
    raise Unreadable("a log entry about an execution that is none of ours")


def _name(execution: Mapping[str, Any]) -> str:
    name = _part(execution, "metadata").get("name")
    if not isinstance(name, str) or not name:
        raise Unreadable("a log entry about an execution without a name")
    return name


def _completed(status: Mapping[str, Any]) -> Mapping[str, Any]:
    conditions = status.get("conditions")
    for one in conditions if isinstance(conditions, list) else ():
        if isinstance(one, dict) and one.get("type") == "Completed":
            return one
    raise Unreadable("a log entry without the condition 'Completed'")


def _reason(word: str) -> str:
    """`NonZeroExitCode` of the API's first version is `NON_ZERO_EXIT_CODE` of its second."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).upper()


def _json(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("neither an event of ours nor JSON") from error
    if not isinstance(value, dict):
        raise Unreadable("neither an event of ours nor a JSON object")
    return value


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    if not isinstance(part, dict):
        raise Unreadable(f"a log entry without its '{name}'")
    return part


def _count(whole: object, name: str, default: int = 0) -> int:
    """Left out where it is nothing; 64-bit numbers are strings in JSON."""
    value = whole.get(name, default) if isinstance(whole, dict) else default
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", str(value), re.ASCII):
        raise Unreadable(f"a log entry whose '{name}' is no number")
    return int(value)


def _time(text: object) -> datetime:
    try:
        return utc(datetime.fromisoformat(str(text)))
    except (ValueError, OverflowError) as error:
        raise Unreadable("a log entry without a time") from error
