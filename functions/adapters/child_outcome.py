"""What the end of an execution amounts to: from exit codes and deadlines to a typed failure."""

import signal
from datetime import datetime

from functions.adapters.sqlite_executions import Execution, TaskRecord
from schemas.failures import Failure, FailureClass

REPORTED = 0
"""A task's exit code that asks for nothing more; `render_job/errors.py` says all three."""
BUG = 70
TRY_AGAIN = 75
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
    failure, reason = {
        BUG: (FailureClass.INTERNAL, "task_bug"),
        TRY_AGAIN: (FailureClass.PREEMPTED, "task_preempted"),
        -signal.SIGKILL: (FailureClass.CRASH, "task_killed"),
    }.get(code, (FailureClass.CRASH, "task_signalled" if code < 0 else "task_failed"))
    end = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    message = f"task {task.index} {end} after {task.retries} retries"
    return Failure(failure=failure, reason=reason, message=message)
