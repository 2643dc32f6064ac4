"""Ends that others tell of, in their own words: tasks by exit codes, Cloud Run, Batch, stores.

The services' words are those of `tests/unit/test_cloud_run_outcome.py` and `test_batch_outcome.py`,
captured or documented; nothing here was run against Google Cloud.
"""

from collections.abc import Callable, Sequence
from errno import EDQUOT, EIO, ENOSPC
from os import strerror

from functions.outcomes import batch, cloud_run
from functions.outcomes.exit_codes import failure_of_code
from functions.outcomes.refusals import refusal_of
from render_job.diagnosis import of_os_error
from render_job.errors import Exit
from schemas.failures import Failure, FailureClass
from tests.failures.labelled import Labelled, Room
from tests.unit.test_batch_outcome import QUOTA, SPOT, STOCK_OUT
from tests.unit.test_batch_outcome import end as batch_end
from tests.unit.test_cloud_run_outcome import MEMORY, NON_ZERO, TIMEOUT, exited
from tests.unit.test_cloud_run_outcome import end as run_end


def _certain(failure: Failure | None) -> Callable[[Room], Failure]:
    assert failure is not None
    return lambda room: failure


def _one(what: str, label: FailureClass, failure: Failure | None) -> Labelled:
    return Labelled(what=what, label=label, happen=_certain(failure))


def _code(code: int) -> Failure:
    return failure_of_code(code, "task 0")


def _disk(number: int) -> Failure | None:
    return of_os_error(OSError(number, strerror(number), "/scratch/r-1/piece.mp4"))


DEPENDENCY, CAPACITY = FailureClass.DEPENDENCY, FailureClass.CAPACITY
PREEMPTED, CRASH = FailureClass.PREEMPTED, FailureClass.CRASH
CANCELLED, INTERNAL = FailureClass.CANCELLED, FailureClass.INTERNAL
TOLD: Sequence[Labelled] = (
    _one("a task that a store did not answer", DEPENDENCY, _code(Exit.UNAVAILABLE)),
    _one("a task that a store kept out", DEPENDENCY, _code(Exit.REFUSED)),
    _one("a task with a full disk", DEPENDENCY, _code(Exit.DISK)),
    _one("a task that was preempted", PREEMPTED, _code(Exit.TRY_AGAIN)),
    _one("a task with a bug", INTERNAL, _code(Exit.BUG)),
    _one("a task that was killed", CRASH, _code(-9)),
    _one("a task of another exit code", CRASH, _code(3)),
    _one("our own disk is full", DEPENDENCY, _disk(ENOSPC)),
    _one("our own share of the disk is used up", DEPENDENCY, _disk(EDQUOT)),
    _one("our own disk is broken", DEPENDENCY, _disk(EIO)),
    _one("Cloud Run: memory", FailureClass.OUT_OF_MEMORY,
         cloud_run.failure_of(run_end("", MEMORY, 10))),
    _one("Cloud Run: time", FailureClass.TIMEOUT, cloud_run.failure_of(run_end("", TIMEOUT, 4))),
    _one("Cloud Run: cancelled", CANCELLED, cloud_run.failure_of(run_end("CANCELLED", "", 10, 1))),
    _one("Cloud Run: no image", DEPENDENCY, cloud_run.failure_of(run_end("CONTAINER_MISSING"))),
    _one("Cloud Run: its own fault", DEPENDENCY, cloud_run.failure_of(run_end("INTERNAL"))),
    _one("Cloud Run: a task's signal", CRASH,
         cloud_run.failure_of(run_end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(0, 11)))),
    _one("Cloud Run: preempted", PREEMPTED,
         cloud_run.failure_of(run_end("NON_ZERO_EXIT_CODE", NON_ZERO, 0, 0, exited(75)))),
    _one("Batch: a Spot machine taken away", PREEMPTED,
         batch.failure_of(batch_end(SPOT, codes=(50001,), began=True))),
    _one("Batch: a machine fell silent", PREEMPTED, batch.failure_of(batch_end(codes=(50002,)))),
    _one("Batch: too long", FailureClass.TIMEOUT, batch.failure_of(batch_end(codes=(50005,)))),
    _one("Batch: no machines", CAPACITY, batch.failure_of(batch_end(STOCK_OUT))),
    _one("Batch: no quota", CAPACITY, batch.failure_of(batch_end(QUOTA))),
    _one("Batch: cancelled", CANCELLED, batch.failure_of(batch_end(state="CANCELLED"))),
    _one("a launch refused for its quota", CAPACITY,
         refusal_of("RESOURCE_EXHAUSTED", "Quota exceeded for GPUs", "cloud-run/us-east4/l4")),
    _one("a launch that is not allowed", DEPENDENCY,
         refusal_of("PERMISSION_DENIED", "run.jobs.run denied", "cloud-run/us-east4/l4")),
    _one("a launch of a job that is gone", DEPENDENCY,
         refusal_of("NOT_FOUND", "Job not found", "cloud-run/us-east4/l4")),
    _one("a launch that makes no sense", INTERNAL,
         refusal_of("INVALID_ARGUMENT", "task_count must be positive", "batch/us-central1/l4")),
)  # fmt: skip
