"""One job of Batch, and what the service says of it while it lives and after.

    QUEUED ─► SCHEDULED ─► RUNNING ─► SUCCEEDED or FAILED
         └─ no machine: a status event says so, and it waits, or fails before any task began
    any of them ─► CANCELLATION_IN_PROGRESS ─► CANCELLED

Codes from 50000 on are the service's own. Sentences have changed over time: the numbers in them are
what readers may lean on.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from google.cloud import batch_v1
from google.protobuf.timestamp_pb2 import Timestamp

from infra.emulators.container import Cause, Container, ContainerTask, Image, RunEnd

JobState = batch_v1.JobStatus.State
TaskState = batch_v1.TaskStatus.State
TAKEN_AWAY, TOO_LONG = 50001, 50005
KILLED = 128
"""Docker's exit code for a signal is this and its number."""


class Shortage(StrEnum):
    """Why no machine comes, as a status event says it."""

    STOCK_OUT = "CODE_GCE_ZONE_RESOURCE_POOL_EXHAUSTED"
    QUOTA = "CODE_GCE_QUOTA_EXCEEDED"


@dataclass(kw_only=True)
class RunningJob:
    """What was created, and its tasks. Moves only in `step`."""

    spec: batch_v1.Job
    """As it was created, with its name and uid."""
    image: Image
    logs: Path
    grace: timedelta
    shortage: Shortage | None = None
    gives_up: bool = False
    """Whether a job without a machine fails, instead of waiting for ever."""
    state: int = JobState.QUEUED
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_stopped: bool = False

    def __post_init__(self) -> None:
        self.events: list[batch_v1.StatusEvent] = []
        self.task_events: dict[int, list[batch_v1.StatusEvent]] = {}
        group = self.spec.task_groups[0]
        self.tasks = [ContainerTask(i, self._container(i)) for i in range(group.task_count or 1)]
        self._seen: dict[int, tuple[bool, RunEnd | None]] = {}
        self._news: list[int] = []

    @property
    def id(self) -> str:
        """The last part of its name."""
        return str(self.spec.name).rpartition("/")[2]

    @property
    def group(self) -> str:
        """The name of its one task group."""
        return f"{self.spec.name}/taskGroups/group0"

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs or will."""
        return self.state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)

    def stop(self) -> None:
        """Cancel it."""
        self.is_stopped = True
        self._move(JobState.CANCELLATION_IN_PROGRESS)
        for task in self.tasks:
            task.stop()

    def step(self) -> list[int]:
        """Do what is due; the states that it came into."""
        if not self.is_over:
            if self.shortage is not None and not self.is_stopped:
                self._wait_for_machines(self.shortage)
            else:
                self._run()
        news, self._news = self._news, []
        return news

    # ── what the service says ──

    def message(self) -> batch_v1.Job:
        """The Job resource as it is now."""
        message = batch_v1.Job(self.spec)
        message.task_groups[0].name = self.group
        message.status = batch_v1.JobStatus(state=self.state, status_events=self.events)
        message.create_time = _stamp(self.created_at)
        return message

    def task_messages(self) -> list[batch_v1.Task]:
        """Its Task resources, by index."""
        return [
            batch_v1.Task(
                name=f"{self.group}/tasks/{task.index}",
                status=batch_v1.TaskStatus(
                    state=_task_state(task), status_events=self.task_events.get(task.index, [])
                ),
            )
            for task in self.tasks
        ]

    def exit_code(self, end: RunEnd) -> int:
        """What a task's event says of a run: the service's code where the machine was to blame."""
        if end.is_well:
            return 0
        if end.cause is Cause.TAKEN_AWAY:
            return TAKEN_AWAY
        if end.cause is Cause.TIMED_OUT:
            return TOO_LONG
        return end.code if end.code > 0 else KILLED - end.code

    # ── how it lives ──

    def _wait_for_machines(self, shortage: Shortage) -> None:
        if self.state == JobState.QUEUED:
            self._move(JobState.SCHEDULED)
            self._say(f"VM in Managed Instance Group meets error: {shortage}: no machine is there.")
        elif self.gives_up:
            self._move(JobState.FAILED)

    def _run(self) -> None:
        if self.state == JobState.QUEUED:
            self._move(JobState.SCHEDULED)
        room = self._parallelism() - sum(task.is_running for task in self.tasks)
        for task in self.tasks:
            if task.is_running or self.is_stopped:
                task.step()
            elif not task.is_over and room > 0:
                task.step()
                room -= 1
            self._note(task)
        if self.state == JobState.SCHEDULED and any(task.started_at for task in self.tasks):
            self._move(JobState.RUNNING)
        if all(task.is_over for task in self.tasks):
            self._finish()

    def _finish(self) -> None:
        if all(task.end and task.end.is_well for task in self.tasks):
            self._move(JobState.SUCCEEDED)
        else:
            self._move(JobState.CANCELLED if self.is_stopped else JobState.FAILED)

    def _note(self, task: ContainerTask) -> None:
        """An event for each run that began or ended since the last step."""
        seen = (task.is_running, task.end)
        if seen == self._seen.get(task.index, (False, None)):
            return
        before = self._seen.get(task.index, (False, None))
        self._seen[task.index] = seen
        if task.end is not None and task.end is not before[1]:
            code = self.exit_code(task.end)
            cause = "due to Spot VM preemption " if code == TAKEN_AWAY else ""
            state = TaskState.SUCCEEDED if code == 0 else TaskState.FAILED
            self._say_of(task, state, f"Task state is updated {cause}with exit code {code}.", code)
        if task.is_running:
            self._say_of(task, TaskState.RUNNING, "Task state is updated to RUNNING.", 0)

    def _say_of(self, task: ContainerTask, state: int, sentence: str, code: int) -> None:
        event = batch_v1.StatusEvent(
            type_="STATUS_CHANGED",
            description=sentence,
            event_time=_stamp(datetime.now(UTC)),
            task_state=state,
        )
        if code:
            event.task_execution = batch_v1.TaskExecution(exit_code=code)
        self.task_events.setdefault(task.index, []).append(event)

    def _move(self, state: int) -> None:
        old, new = JobState(self.state).name, JobState(state).name
        self.state = state
        self._news.append(state)
        self._say(f"Job state is set from {old} to {new} for job {self.spec.name}.")

    def _say(self, sentence: str) -> None:
        self.events.append(
            batch_v1.StatusEvent(
                type_="STATUS_CHANGED",
                description=sentence,
                event_time=_stamp(datetime.now(UTC)),
            )
        )

    # ── what its tasks are ──

    def _parallelism(self) -> int:
        return int(self.spec.task_groups[0].parallelism) or len(self.tasks)

    def _container(self, index: int) -> Container:
        task = self.spec.task_groups[0].task_spec
        container = task.runnables[0].container
        entry = [container.entrypoint] if container.entrypoint else self.image.command

        def environment(retries: int) -> dict[str, str]:
            told = {
                "BATCH_TASK_INDEX": str(index),
                "BATCH_TASK_COUNT": str(len(self.tasks)),
                "BATCH_TASK_RETRY_ATTEMPT": str(retries),
            }
            return {**self.image.environment, **task.environment.variables, **told}

        return Container(
            argv=[*entry, *container.commands],
            environment=environment,
            timeout=task.max_run_duration or timedelta(days=14),
            grace=self.grace,
            output=self.logs / f"{self.id}-{index}.log",
            another=self._another,
        )

    def _another(self, end: RunEnd, before: int) -> bool:
        """Only one lifecycle policy counts; without it every failure is tried again."""
        task = self.spec.task_groups[0].task_spec
        if before >= task.max_retry_count:
            return False
        if not task.lifecycle_policies:
            return True
        policy = task.lifecycle_policies[0]
        listed = self.exit_code(end) in policy.action_condition.exit_codes
        retries = policy.action == batch_v1.LifecyclePolicy.Action.RETRY_TASK
        return listed if retries else not listed


def _task_state(task: ContainerTask) -> int:
    if not task.is_over:
        return int(TaskState.RUNNING if task.is_running else TaskState.PENDING)
    if task.end is None:
        return int(TaskState.UNEXECUTED)
    return int(TaskState.SUCCEEDED if task.end.is_well else TaskState.FAILED)


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
