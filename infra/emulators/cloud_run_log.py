"""The system-event audit log entry by which Cloud Run says that an execution is over.

Its fields are those of captured entries. The execution inside is of the API's first version: other
names than the second's, and no result of any task.
"""

from typing import Any

from google.cloud import run_v2

from infra.emulators.cloud_run_execution import (
    ABORTED,
    DEADLINE_EXCEEDED,
    RunningExecution,
    State,
)
from infra.emulators.container import Cause

_REASONS: dict[int, str] = {
    run_v2.Condition.ExecutionReason.NON_ZERO_EXIT_CODE: "NonZeroExitCode",
    run_v2.Condition.ExecutionReason.CANCELLED: "Cancelled",  # nobody captured one
}


def entry_of(execution: RunningExecution) -> dict[str, Any]:
    """The LogEntry of an execution that is over, as a log sink writes it."""
    _, project, _, location, _, job, _, id = execution.name.split("/")
    state, message, reason = execution.said()
    well = state is State.CONDITION_SUCCEEDED
    assert execution.completed_at is not None, "only an execution that is over is told of"
    at = execution.completed_at.isoformat().replace("+00:00", "Z")
    said = message if message else f"Execution {id} has completed successfully."
    return {
        "insertId": id,
        "logName": f"projects/{project}/logs/cloudaudit.googleapis.com%2Fsystem_event",
        "severity": "INFO" if well else "ERROR",
        "timestamp": at,
        "resource": {
            "type": "cloud_run_job",
            "labels": {"project_id": project, "location": location, "job_name": job},
        },
        "labels": {"run.googleapis.com/execution_name": id},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": "run.googleapis.com",
            "methodName": "/Jobs.RunJob",
            "resourceName": f"namespaces/{project}/executions/{id}",
            "status": {"message": said} | ({} if well else {"code": _code(execution)}),
            "response": {
                "apiVersion": "run.googleapis.com/v1",
                "kind": "Execution",
                "metadata": {"name": id, "namespace": project},
                "spec": _spec(execution),
                "status": _status(execution, well, message, _REASONS.get(reason or 0), at),
            },
        },
    }


def _spec(execution: RunningExecution) -> dict[str, Any]:
    container = execution.template.containers[0]
    environment = [{"name": one.name, "value": one.value} for one in container.env]
    told = {"image": container.image, "args": list(container.args), "env": environment}
    return {
        "parallelism": execution.parallelism,
        "taskCount": execution.task_count,
        "template": {
            "spec": {
                "containers": [told],
                "maxRetries": execution.template.max_retries,
                "timeoutSeconds": str(int(execution.template.timeout.total_seconds())),
            }
        },
    }


def _status(
    execution: RunningExecution, well: bool, message: str, reason: str | None, at: str
) -> dict[str, Any]:
    """Counts of nothing are left out."""
    raw = execution.message()
    completed = {"type": "Completed", "status": "True" if well else "False"}
    completed |= {"message": message} if message else {}
    completed |= {"reason": reason} if reason else {}
    counts = {
        "succeededCount": raw.succeeded_count,
        "failedCount": raw.failed_count,
        "cancelledCount": raw.cancelled_count,
        "retriedCount": raw.retried_count,
    }
    return {
        "conditions": [completed],
        "completionTime": at,
        **{name: count for name, count in counts.items() if count},
    }


def _code(execution: RunningExecution) -> int:
    task = execution.failed()
    if task is not None and task.end is not None and task.end.cause is Cause.TIMED_OUT:
        return DEADLINE_EXCEEDED
    return ABORTED
