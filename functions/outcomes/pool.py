"""What the end of an execution that a pool's workers pulled amounts to."""

from dataclasses import replace

from functions.outcomes.exit_codes import failure_of_code, most_telling
from schemas.failures import Failure, FailureClass
from schemas.seats import Cause, Table


def failure_of(execution: str, table: Table, cause: Cause) -> Failure | None:
    """Why it failed; None if every task exited with 0."""
    match cause:
        case Cause.STOPPED:
            return _of(execution, FailureClass.CANCELLED, "stopped", "was stopped on request")
        case Cause.DEADLINE:
            return _of(execution, FailureClass.TIMEOUT, "deadline_passed", "was not done in time")
        case Cause.ABANDONED:
            words = f"lost its workers in pool '{table.assignment.pool}', and none came back"
            return _of(execution, FailureClass.PREEMPTED, "workers_gone", words)
        case Cause.SAID_ALL:
            return _exit_codes(execution, table)


def _exit_codes(execution: str, table: Table) -> Failure | None:
    failed = [seat for seat in table.seats if seat.code != 0]
    if not failed:
        return None
    code = most_telling(seat.code for seat in failed if seat.code is not None)
    if code is None:
        words = "lost a worker too often in the middle of a task"
        return _of(execution, FailureClass.PREEMPTED, "workers_lost", words)
    failure = failure_of_code(code, f"a task of '{execution}'")
    runs = max(seat.runs for seat in failed)
    return replace(failure, message=f"{failure.message} in the last of {runs} runs")


def _of(execution: str, kind: FailureClass, reason: str, words: str) -> Failure:
    return Failure(failure=kind, reason=reason, message=f"execution '{execution}' {words}")
