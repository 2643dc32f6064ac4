"""One execution of a Cloud Run job, and what the service says of it while it lives and after.

The texts of a failed `Completed` condition are those of captured payloads. What nobody captured is
marked so: no reader may lean on it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.cloud import run_v2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from infra.emulators.container import Cause, Container, ContainerTask, Image, RunEnd

State = run_v2.Condition.State
Reason = run_v2.Condition.ExecutionReason
ABORTED, DEADLINE_EXCEEDED = 10, 4
"""`status.code` of a task that exited non-zero, and of one that timed out."""
WORDS = {
    Cause.EXITED: "The container exited with an error.",
    Cause.TAKEN_AWAY: "The container exited with an error.",  # nobody captured one
    Cause.TIMED_OUT: "The configured timeout was reached.",
    Cause.OUT_OF_MEMORY: "The configured memory limit was reached.",
    Cause.STOPPED: "The execution was cancelled.",  # nobody captured one
}


@dataclass(kw_only=True)
class RunningExecution:
    """What was launched, and its tasks. Moves only in `step`."""

    name: str
    """In full: projects/P/locations/L/jobs/J/executions/E."""
    template: run_v2.TaskTemplate
    """With the overrides in it."""
    task_count: int
    parallelism: int
    image: Image
    logs: Path
    grace: timedelta
    hangs: bool = False
    """Whether it waits for resources for ever."""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: datetime | None = None
    completed_at: datetime | None = None
    is_stopped: bool = False

    def __post_init__(self) -> None:
        self.tasks = [ContainerTask(i, self._container(i)) for i in range(self.task_count)]

    @property
    def id(self) -> str:
        """The last part of its name: what CLOUD_RUN_EXECUTION says."""
        return self.name.rpartition("/")[2]

    @property
    def job(self) -> str:
        """The last part of its job's name."""
        return self.name.split("/")[5]

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs or will."""
        return self.completed_at is not None

    def stop(self) -> None:
        """Cancel it."""
        self.is_stopped = True
        for task in self.tasks:
            task.stop()

    def step(self) -> bool:
        """Do what is due; True if that was the end of it."""
        if self.is_over or (self.hangs and not self.is_stopped):
            return False
        room = self.parallelism - sum(task.is_running for task in self.tasks)
        for task in self.tasks:
            if task.is_running or self.is_stopped:
                task.step()
            elif not task.is_over and room > 0:
                task.step()
                room -= 1
        begun = [task.started_at for task in self.tasks if task.started_at]
        self.started_at = min(begun, default=None)
        if all(task.is_over for task in self.tasks):
            self.completed_at = datetime.now(UTC)
        return self.is_over

    # ── what the service says ──

    def message(self) -> run_v2.Execution:
        """The Execution resource as it is now."""
        counts = {kind: 0 for kind in ("running", "succeeded", "failed", "cancelled")}
        for task in self.tasks:
            if kind := _phase(task):
                counts[kind] += 1
        return run_v2.Execution(
            name=self.name,
            job=self.job,
            create_time=_stamp(self.created_at),
            start_time=_stamp(self.started_at),
            completion_time=_stamp(self.completed_at),
            parallelism=self.parallelism,
            task_count=self.task_count,
            template=self.template,
            reconciling=not self.is_over,
            conditions=self._conditions(),
            running_count=counts["running"],
            succeeded_count=counts["succeeded"],
            failed_count=counts["failed"],
            cancelled_count=counts["cancelled"],
            retried_count=sum(task.retries > 0 for task in self.tasks),
        )

    def task_messages(self) -> list[run_v2.Task]:
        """Its Task resources, by index; each keeps the result of its last attempt only."""
        return [self._task_message(task) for task in self.tasks]

    def failed(self) -> ContainerTask | None:
        """The task that the Completed condition speaks of: the first that failed for good."""
        ended = [(t.end.at, t.index, t) for t in self.tasks if t.end and _phase(t) == "failed"]
        return min(ended)[2] if ended else None

    def said(self) -> tuple[int, str, int | None]:
        """The Completed condition: its state, its message, and its reason if it has one."""
        if not self.is_over:
            if self.is_stopped:
                return State.CONDITION_RECONCILING, "", Reason.CANCELLING
            return State.CONDITION_PENDING, "", None
        if all(task.end and task.end.is_well for task in self.tasks):
            return State.CONDITION_SUCCEEDED, "", None
        if self.is_stopped:
            return State.CONDITION_FAILED, WORDS[Cause.STOPPED], Reason.CANCELLED
        task = self.failed()
        assert task is not None, "what did not succeed and was not cancelled has failed"
        assert task.end is not None, "a task without an end has not failed"
        cause = task.end.cause
        head = f"Task {self.id}-task{task.index} failed with"
        code = "exit code: 0 and " if cause is Cause.OUT_OF_MEMORY else ""
        reason = Reason.NON_ZERO_EXIT_CODE if cause in (Cause.EXITED, Cause.TAKEN_AWAY) else None
        return State.CONDITION_FAILED, f"{head} {code}message: {WORDS[cause]}", reason

    def _conditions(self) -> list[run_v2.Condition]:
        state, message, reason = self.said()
        begun = State.CONDITION_SUCCEEDED if self.started_at else State.CONDITION_PENDING
        completed = run_v2.Condition(type_="Completed", state=state, message=message)
        if reason is not None:
            completed.execution_reason = Reason(reason)
        others = ["ResourcesAvailable", "Started", "ContainerReady"]
        if any(task.retries for task in self.tasks):
            others.append("Retry")
        return [completed, *(run_v2.Condition(type_=name, state=begun) for name in others)]

    def _task_message(self, task: ContainerTask) -> run_v2.Task:
        message = run_v2.Task(
            name=f"{self.name}/tasks/{self.id}-task{task.index}",
            execution=self.id,
            job=self.job,
            index=task.index,
            retried=task.retries,
            start_time=_stamp(task.started_at),
            max_retries=self.template.max_retries,
        )
        if task.end is not None:
            message.last_attempt_result = _result(task.end)
            if task.is_over:
                message.completion_time = _stamp(task.end.at)
        return message

    # ── what its tasks are ──

    def _container(self, index: int) -> Container:
        container = self.template.containers[0]
        given = {one.name: one.value for one in container.env}

        def environment(retries: int) -> dict[str, str]:
            told = {
                "CLOUD_RUN_JOB": self.job,
                "CLOUD_RUN_EXECUTION": self.id,
                "CLOUD_RUN_TASK_INDEX": str(index),
                "CLOUD_RUN_TASK_COUNT": str(self.task_count),
                "CLOUD_RUN_TASK_ATTEMPT": str(retries),
            }
            return {**self.image.environment, **given, **told}

        return Container(
            argv=[*(container.command or self.image.command), *container.args],
            environment=environment,
            timeout=self.template.timeout,
            grace=self.grace,
            output=self.logs / f"{self.id}-{index}.log",
            another=_retries(self.template.max_retries),
        )


def _retries(most: int) -> Callable[[RunEnd, int], bool]:
    return lambda end, before: before < most


def _phase(task: ContainerTask) -> str | None:
    if not task.is_over:
        return "running" if task.is_running else None
    if task.end is not None and task.end.is_well:
        return "succeeded"
    stopped = task.end is None or task.end.cause is Cause.STOPPED
    return "cancelled" if stopped else "failed"


def _result(end: RunEnd) -> run_v2.TaskAttemptResult:
    """At most one of exit code and signal; out of memory reads exit code 0."""
    if end.is_well:
        return run_v2.TaskAttemptResult(status=Status())
    code = DEADLINE_EXCEEDED if end.cause is Cause.TIMED_OUT else ABORTED
    status = Status(code=code, message=WORDS[end.cause])
    if end.cause in (Cause.OUT_OF_MEMORY, Cause.TIMED_OUT):
        return run_v2.TaskAttemptResult(status=status)
    if end.code < 0:
        return run_v2.TaskAttemptResult(status=status, term_signal=-end.code)
    return run_v2.TaskAttemptResult(status=status, exit_code=end.code)


def _stamp(at: datetime | None) -> Timestamp | None:
    if at is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def overridden(
    template: run_v2.TaskTemplate, overrides: run_v2.RunJobRequest.Overrides
) -> run_v2.TaskTemplate:
    """The template with args replaced, environment merged and the timeout set, as RunJob does."""
    merged = run_v2.TaskTemplate(template)
    container = merged.containers[0]
    for one in overrides.container_overrides:
        if one.args or one.clear_args:
            container.args = list(one.args)
        names = {variable.name for variable in one.env}
        kept = [variable for variable in container.env if variable.name not in names]
        container.env = [*kept, *one.env]
    raw = run_v2.RunJobRequest.Overrides.pb(overrides)
    if raw.HasField("timeout"):
        merged.timeout = Duration(seconds=raw.timeout.seconds, nanos=raw.timeout.nanos)
    return merged
