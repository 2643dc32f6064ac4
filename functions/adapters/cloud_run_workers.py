"""The machines of a pool as executions of a Cloud Run job that runs workers, one task each.

    create ─► is there one of that name already? ── yes ─► nothing
                     │ no
                     ▼
                  RunJob: worker --pool NAME, and CLIPLINE_MACHINE, the name of the seat it is for
                     ├───── "no", for want of capacity ─► a lack; the others are not asked for
                     └───── no answer ─► look again ── not found ─► TryAgainLater

Cloud Run lets nobody choose an execution's name, so it bears that of its seat, and whoever makes
one looks first. Two at once may still make two: the second finds nothing to do, and leaves. An
execution that stays pending is the only sign that there are no machines; after the lane's start
deadline it is taken for that. Not run against Google Cloud.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.run_v2.services.executions import ExecutionsClient
from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport
from google.cloud.run_v2.services.jobs import JobsClient
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport
from google.cloud.run_v2.types import (
    Condition as Said,
)
from google.cloud.run_v2.types import (
    EnvVar,
    Execution,
    ListExecutionsRequest,
    RunJobRequest,
)

from functions.adapters import google_calls
from functions.adapters.cloud_run_executions import completed, is_over, short
from functions.adapters.google_calls import ANSWER_WITHIN, answered, status_of
from functions.core.group import Condition, Lack, Machine, Shortage
from functions.errors import GroupRefused, TryAgainLater
from functions.machine_groups import WorkerJob
from functions.outcomes.refusals import refusal_of
from functions.ports import ExecutionState
from schemas.failures import FailureClass

MACHINE = "CLIPLINE_MACHINE"
"""Of a worker's environment, which its name begins with (`render_job/machine.py`)."""
PAGE = 100
GONE_FOR = timedelta(minutes=2)
"""One that has ended is listed for so long: until then none is made again for the same seat."""

log = logging.getLogger("clipline.group")


class CloudRunWorkers:
    """Machines. Calls raise TryAgainLater where no answer came, and GroupRefused."""

    def __init__(
        self,
        job: WorkerJob,
        pool: str,
        *,
        timeout: timedelta,
        start_within: timedelta,
        channel: grpc.Channel | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`timeout` is that of a task, `start_within` the lane's start deadline.

        `channel` is for a stand-in; without one it is Google's endpoint, and TLS.
        """
        self._job = job
        self._pool = pool
        self._timeout = timeout
        self._start_within = start_within
        self._clock = clock
        if channel is None:
            self._jobs, self._executions = JobsClient(), ExecutionsClient()
        else:
            self._jobs = JobsClient(transport=JobsGrpcTransport(channel=channel))
            self._executions = ExecutionsClient(transport=ExecutionsGrpcTransport(channel=channel))

    def listed(self) -> Sequence[Machine]:
        """Those that may still run, and those that have ended lately."""
        now = self._clock()
        return [_machine(one, now, self._start_within) for one in self._young(now)]

    def lacks(self) -> Sequence[Lack]:
        """None: the service remembers no refusal, and what is pending is seen in the list."""
        return ()

    def create(self, names: Sequence[str]) -> Sequence[Lack]:
        """One after another; after the first that is refused no other is asked for."""
        if not names:
            return ()
        there = {one.name for one in self.listed()}
        for name in names:
            if name not in there and (lack := self._create(name)) is not None:
                return (lack,)
        return ()

    def delete(self, machines: Sequence[Machine]) -> None:
        """Cancel what has not ended; what has, costs nothing, and the service forgets it."""
        for one in machines:
            if one.condition is not Condition.GONE:
                self._cancel(one.address)

    def _create(self, name: str) -> Lack | None:
        log.info("creates %s", name, extra={"action": "machines_created"})
        try:
            self._jobs.run_job(self._request(name), timeout=ANSWER_WITHIN, retry=None)
        except GoogleAPICallError as error:
            return self._unanswered(name, error)
        return None

    def _request(self, name: str) -> RunJobRequest:
        seconds = int(self._timeout.total_seconds())
        words = {
            "--pool": self._pool,
            "--tasks": self._job.tasks,
            "--leave-when-idle": self._job.idle_seconds,
            "--leave-within": seconds,
        }
        container = RunJobRequest.Overrides.ContainerOverride(
            args=["worker", *(str(word) for pair in words.items() for word in pair)],
            env=[EnvVar(name=MACHINE, value=name)],
        )
        return RunJobRequest(
            name=self._job.path,
            overrides=RunJobRequest.Overrides(
                container_overrides=[container],
                task_count=1,
                timeout=timedelta(seconds=seconds),
            ),
        )

    def _unanswered(self, name: str, error: GoogleAPICallError) -> Lack | None:
        refusal = refusal_of(status_of(error), str(error.message), self._job.path)
        if refusal is None:
            if any(one.name == name for one in self.listed()):
                return None
            message = f"whether there is a machine '{name}' is not known: {status_of(error)}"
            raise TryAgainLater(message) from error
        if refusal.failure is not FailureClass.CAPACITY:
            raise GroupRefused(f"{refusal.message}: {refusal.detail}") from error
        return Lack(at=self._clock(), shortage=Shortage.QUOTA, words=refusal.detail)

    def _young(self, now: datetime) -> Iterator[Execution]:
        """The newest first, as the service is believed to list them, while one may run still."""
        since = now - self._timeout - 2 * self._start_within
        request = ListExecutionsRequest(parent=self._job.path, page_size=PAGE)
        try:
            with answered(f"executions of '{self._job.name}' are listed"):
                for one in self._executions.list_executions(
                    request, timeout=ANSWER_WITHIN, retry=None
                ):
                    if one.create_time < since:
                        return
                    if not is_over(one) or one.completion_time > now - GONE_FOR:
                        yield one
        except GoogleAPICallError as error:
            raise GroupRefused(f"{status_of(error)}: {error.message}") from error

    def _cancel(self, name: str) -> None:
        log.info("cancels %s", short(name), extra={"action": "machines_deleted"})

        def state(execution: str) -> ExecutionState:
            seen = self._executions.get_execution(name=name, timeout=ANSWER_WITHIN, retry=None)
            return ExecutionState(ended=is_over(seen))

        google_calls.stop(
            short(name),
            lambda: self._executions.cancel_execution(name=name, timeout=ANSWER_WITHIN, retry=None),
            state,
        )


def _machine(execution: Execution, now: datetime, start_within: timedelta) -> Machine:
    condition = _condition(execution)
    waits = condition is Condition.COMING and now - execution.create_time >= start_within
    return Machine(
        name=_name(execution),
        address=execution.name,
        condition=condition,
        shortage=Shortage.STOCK_OUT if waits else None,
    )


def _condition(execution: Execution) -> Condition:
    if is_over(execution):
        return Condition.GONE
    if completed(execution).execution_reason == Said.ExecutionReason.CANCELLING:
        return Condition.LEAVING
    has_begun = "start_time" in execution or execution.running_count
    return Condition.RUNNING if has_begun else Condition.COMING


def _name(execution: Execution) -> str:
    """Of the seat for which it was made; its own if somebody else has started it."""
    given = (v.value for c in execution.template.containers for v in c.env if v.name == MACHINE)
    return next(given, short(execution.name))
