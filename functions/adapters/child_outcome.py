"""What the end of an execution amounts to: from exit codes and deadlines to a typed failure."""

from dataclasses import replace
from datetime import datetime

from functions.adapters.sqlite_executions import Execution, TaskRecord
from functions.outcomes.exit_codes import REPORTED, failure_of_code
from schemas.failures import Failure, FailureClass

NOT_STARTED = 127
"""What a shell says of a program that could not be started; here too it is a failed run."""


def cause_to_stop(execution: Execution, now: datetime) -> Failure | None:
    """Why its tasks must stop, or None while they may run."""
    if execution.stop_requested:
        message = "the execution was stopped on request"
        return Failure(failure=FailureClass.CANCELLED, reason="stopped", message=message)
    if now >= execution.order.deadline:
        message = f"the execution was not done at its deadline, {execution.order.deadline}"
        return Failure(failure=FailureClass.TIMEOUT, reason="deadline_passed", message=message)
    return None


def failure_of(task: TaskRecord) -> Failure:
    """What the last exit code of a task that failed for good says."""
    code = REPORTED if task.code is None else task.code
    failure = failure_of_code(code, f"task {task.index}")
    return replace(failure, message=f"{failure.message} after {task.retries} retries")
