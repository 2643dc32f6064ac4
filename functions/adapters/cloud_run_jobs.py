"""Attempts as executions of a Cloud Run job: one deployed job for each lane.

    launch ─► is there one for this attempt already? ── yes ─► adopted
                     │ no
                     ▼
                  RunJob ── an execution ─► its name
                     ├───── "no" ─────────► LaunchRefused
                     └───── no answer ────► look again ── found ─► adopted
                                                └─ not found ─► TryAgainLater

RunJob has no idempotency key, and a listing cannot prove that there is none: two launchers at once
may still start two executions. The attempt's owner record lets one of them work.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import grpc
from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound
from google.cloud.run_v2.services.executions import ExecutionsClient
from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport
from google.cloud.run_v2.services.jobs import JobsClient
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport
from google.cloud.run_v2.services.tasks import TasksClient
from google.cloud.run_v2.services.tasks.transports import TasksGrpcTransport
from google.cloud.run_v2.types import (
    Condition,
    EnvVar,
    Execution,
    ListExecutionsRequest,
    ListTasksRequest,
    RunJobRequest,
    Task,
)

from functions.adapters import google_calls
from functions.adapters.cloud_run_executions import completed, is_over, short
from functions.adapters.google_calls import ANSWER_WITHIN, answered, not_known, status_of
from functions.errors import TryAgainLater
from functions.outcomes.cloud_run import CloudRunEnd, TaskEnd, failure_of
from functions.outcomes.refusals import refusal_of
from functions.ports import ExecutionState, LaunchRefused
from schemas.plan import Order

LOOK_AT = 100
"""Executions looked through for one of the same attempt: a page. What is unconfirmed is young, and
the service is believed to list the newest first."""
LEAST = timedelta(seconds=1)

log = logging.getLogger("clipline.cloud_run")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRunJob:
    """A deployed job: its image, size, GPU, retries and identity cannot be chosen by a launch."""

    project: str
    region: str
    job: str
    longest: timedelta = timedelta(hours=1)
    """The longest timeout that its tasks may have: an hour with a GPU, 168 h without."""

    @property
    def name(self) -> str:
        """As the API spells it."""
        return f"projects/{self.project}/locations/{self.region}/jobs/{self.job}"


class CloudRunJobs:
    """A Backend. `channel` is for a stand-in; without one it is Google's endpoint, and TLS."""

    def __init__(
        self,
        job: CloudRunJob,
        *,
        channel: grpc.Channel | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._job = job
        self._clock = clock
        if channel is None:
            self._jobs, self._executions, self._tasks = (
                JobsClient(),
                ExecutionsClient(),
                TasksClient(),
            )
        else:
            self._jobs = JobsClient(transport=JobsGrpcTransport(channel=channel))
            self._executions = ExecutionsClient(transport=ExecutionsGrpcTransport(channel=channel))
            self._tasks = TasksClient(transport=TasksGrpcTransport(channel=channel))

    def launch(self, order: Order) -> str:
        """Adopt the attempt's execution if one is found, else start one; its short name.

        That is what CLOUD_RUN_EXECUTION says to its tasks. They are told ids and nothing else:
        arguments and plain environment are written to logs. Raises LaunchRefused; TryAgainLater
        where it is not known whether it runs.
        """
        known = self._found(order)
        if known is not None:
            return known
        try:
            operation = self._jobs.run_job(self._request(order), timeout=ANSWER_WITHIN, retry=None)
        except GoogleAPICallError as error:
            return self._unanswered(order, error)
        return short(operation.metadata.name)

    def stop(self, execution: str) -> None:
        """Cancel it. One that has ended or never was is no error. Raises TryAgainLater."""
        google_calls.stop(
            execution,
            lambda: self._executions.cancel_execution(
                name=self._named(execution), timeout=ANSWER_WITHIN, retry=None
            ),
            self.state,
        )

    def state(self, execution: str) -> ExecutionState | None:
        """Whether it is over, and why; None if the service does not know it, or not any more.

        The service forgets: beyond the last thousand of a job and seven days. Raises TryAgainLater.
        """
        try:
            with answered(f"'{execution}' is looked at"):
                found = self._executions.get_execution(
                    name=self._named(execution), timeout=ANSWER_WITHIN, retry=None
                )
                if not is_over(found):
                    return ExecutionState(ended=False)
                return ExecutionState(
                    ended=True, failure=failure_of(end_of(found, self._task_ends(found)))
                )
        except NotFound:
            return None

    def _request(self, order: Order) -> RunJobRequest:
        left = max(LEAST, order.deadline - self._clock())
        container = RunJobRequest.Overrides.ContainerOverride(
            args=_args(order), env=[EnvVar(name="CLIPLINE_LANE", value=order.lane)]
        )
        return RunJobRequest(
            name=self._job.name,
            overrides=RunJobRequest.Overrides(
                container_overrides=[container],
                task_count=order.tasks,
                timeout=min(left, self._job.longest),
            ),
        )

    def _unanswered(self, order: Order, error: GoogleAPICallError) -> str:
        refusal = refusal_of(status_of(error), str(error.message), order.lane)
        if refusal is not None:
            raise LaunchRefused(refusal) from error
        known = self._found(order)
        if known is not None:
            return known
        raise not_known(order.lane, status_of(error)) from error

    def _found(self, order: Order) -> str | None:
        """The oldest execution of the attempt among the newest of the job.

        None also where this identity may not look: that is no reason not to launch. Raises
        TryAgainLater where it may and cannot.
        """
        request = ListExecutionsRequest(parent=self._job.name, page_size=LOOK_AT)
        try:
            pages = self._executions.list_executions(request, timeout=ANSWER_WITHIN, retry=None)
            mine = [one for one in islice(pages, LOOK_AT) if _is_of(one, order)]
        except (Forbidden, NotFound) as error:
            said = {"action": "not_looked", "lane": order.lane, "status": status_of(error)}
            log.warning("executions cannot be listed: %s", status_of(error), extra=said)
            return None
        except GoogleAPICallError as error:
            message = f"executions on '{order.lane}' are looked through: {status_of(error)}"
            raise TryAgainLater(message) from error
        return short(min(mine, key=lambda one: one.create_time).name) if mine else None

    def _task_ends(self, execution: Execution) -> Sequence[Task]:
        """Those of tasks that succeeded say nothing more, so they are not asked for alone."""
        if execution.succeeded_count >= execution.task_count:
            return ()
        request = ListTasksRequest(parent=execution.name)
        return tuple(self._tasks.list_tasks(request, timeout=ANSWER_WITHIN, retry=None))

    def _named(self, execution: str) -> str:
        return f"{self._job.name}/executions/{execution}"


def end_of(execution: Execution, tasks: Iterable[Task]) -> CloudRunEnd:
    """What the service says of an execution that is over, in our own words."""
    end = completed(execution)
    well = end.state == Condition.State.CONDITION_SUCCEEDED
    return CloudRunEnd(
        execution=short(execution.name),
        tasks=execution.task_count,
        succeeded=execution.task_count if well else execution.succeeded_count,
        failed=execution.failed_count,
        cancelled=execution.cancelled_count,
        reason=_reason(end),
        message=end.message,
        ends=tuple(map(_task_end, tasks)),
    )


def _args(order: Order) -> list[str]:
    return ["--render", order.render, "--attempt", str(order.attempt)]


def _is_of(execution: Execution, order: Order) -> bool:
    containers = execution.template.containers
    return bool(containers) and list(containers[0].args) == _args(order)


def _reason(condition: Condition) -> str:
    """Whichever of the two kinds of reason is set; the third is of services."""
    if condition.execution_reason:
        return str(Condition.ExecutionReason(condition.execution_reason).name)
    return str(Condition.CommonReason(condition.reason).name) if condition.reason else ""


def _task_end(task: Task) -> TaskEnd:
    result = task.last_attempt_result
    return TaskEnd(
        index=task.index,
        exit_code=result.exit_code,
        term_signal=result.term_signal,
        status_code=result.status.code,
        message=result.status.message,
    )
