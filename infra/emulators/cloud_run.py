"""`google.cloud.run.v2` for jobs, on this machine: containers are child processes.

It takes the real clients over an insecure channel, and lies as the service may:

    refuse ──► RunJob answers with a status of your choice, and nothing runs
    hang ────► the next execution waits for resources until it is cancelled
    lose ────► the next execution runs, but its launcher is told UNAVAILABLE
    burst ───► a task is killed for its memory, which reads "exit code: 0"
    take ────► a task's machine is taken away, with notice or without
"""

import random
import string
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from google.cloud import run_v2
from google.longrunning.operations_pb2 import GetOperationRequest, Operation

from infra.emulators.cloud_run_execution import RunningExecution, overridden
from infra.emulators.cloud_run_log import entry_of
from infra.emulators.container import ContainerTask, Image
from infra.emulators.emulator import Emulator
from infra.emulators.rpc import Method, Operations, Refused

GRACE = timedelta(seconds=10)
"""Between SIGTERM and SIGKILL, as the container contract has it."""
RUNNING = 1000
"""Executions of a project that may run at once, by default quota."""
PAGE = 100


class CloudRunEmulator(Emulator):
    """One project's jobs in every region. `on_end` is told each end as a log sink's entry."""

    def __init__(
        self,
        folder: Path,
        *,
        images: Mapping[str, Image] | None = None,
        grace: timedelta = GRACE,
        running: int = RUNNING,
        on_end: Callable[[dict[str, Any]], None] = lambda entry: None,
    ) -> None:
        """`folder` takes the words of tasks. It serves until it is closed."""
        super().__init__()
        self._folder = folder
        self._images = images or {}
        self._grace = grace
        self._running = running
        self._on_end = on_end
        self._jobs: dict[str, run_v2.Job] = {}
        self._executions: dict[str, RunningExecution] = {}
        self._operations = Operations()
        self._unlisted: list[tuple[grpc.StatusCode, str]] = []
        self._hangs = 0
        self.begin(self._services())

    # ── lies ──

    def refuse_listing(self, code: grpc.StatusCode, message: str) -> None:
        """The next listing of executions is answered so."""
        with self._lock:
            self._unlisted.append((code, message))

    def hang(self) -> None:
        """The next execution waits for resources until it is cancelled."""
        with self._lock:
            self._hangs += 1

    def burst(self, execution: str, task: int) -> None:
        """Kill what runs of that task for its memory."""
        with self._lock:
            self._find(execution).tasks[task].burst()

    def take_away(self, execution: str, task: int, notice: timedelta) -> None:
        """Take that task's machine away; it gets another run while it has retries left."""
        with self._lock:
            self._find(execution).tasks[task].take_away(notice)

    def launched(self) -> list[str]:
        """Every execution that was ever accepted, the first one first, by short name."""
        with self._lock:
            return [one.id for one in self._executions.values()]

    # ── the service ──

    def _services(self) -> dict[str, dict[str, Method]]:
        method = self.method
        return {
            "google.cloud.run.v2.Jobs": {
                "CreateJob": method(run_v2.CreateJobRequest, Operation, self._create_job),
                "UpdateJob": method(run_v2.UpdateJobRequest, Operation, self._update_job),
                "GetJob": method(run_v2.GetJobRequest, run_v2.Job, self._get_job),
                "RunJob": method(run_v2.RunJobRequest, Operation, self._run_job),
            },
            "google.cloud.run.v2.Executions": {
                "GetExecution": method(
                    run_v2.GetExecutionRequest, run_v2.Execution, self._get_execution
                ),
                "ListExecutions": method(
                    run_v2.ListExecutionsRequest,
                    run_v2.ListExecutionsResponse,
                    self._list_executions,
                ),
                "CancelExecution": method(
                    run_v2.CancelExecutionRequest, Operation, self._cancel_execution
                ),
            },
            "google.cloud.run.v2.Tasks": {
                "ListTasks": method(
                    run_v2.ListTasksRequest, run_v2.ListTasksResponse, self._list_tasks
                ),
            },
            "google.longrunning.Operations": {
                "GetOperation": method(GetOperationRequest, Operation, self._operations.get),
            },
        }

    def _create_job(self, request: run_v2.CreateJobRequest) -> Operation:
        job = run_v2.Job(request.job)
        job.name = f"{request.parent}/jobs/{request.job_id}"
        if job.name in self._jobs:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"Job '{job.name}' already exists.")
        return self._keep(job)

    def _update_job(self, request: run_v2.UpdateJobRequest) -> Operation:
        """What runs already goes on as it was launched."""
        job = run_v2.Job(request.job)
        self._job(job.name)
        return self._keep(job)

    def _keep(self, job: run_v2.Job) -> Operation:
        task = job.template.template
        gpu = task.containers[0].resources.limits.get("nvidia.com/gpu")
        if gpu and not task.gpu_zonal_redundancy_disabled:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, _ZONAL)
        # The service's own defaults, run_v2/types/task_template.py.
        raw = run_v2.TaskTemplate.pb(task)
        if raw.WhichOneof("retries") is None:
            task.max_retries = 3
        if not raw.HasField("timeout"):
            task.timeout = timedelta(seconds=600)
        self._jobs[job.name] = job
        return self._operations.done(_location(job.name), job, job)

    def _get_job(self, request: run_v2.GetJobRequest) -> run_v2.Job:
        return self._job(request.name)

    def _run_job(self, request: run_v2.RunJobRequest) -> Operation:
        job = self._job(request.name)
        self.refuse_if_told()
        if sum(not one.is_over for one in self._executions.values()) >= self._running:
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, _RUNNING)
        tasks = request.overrides.task_count or job.template.task_count or 1
        execution = RunningExecution(
            name=f"{job.name}/executions/{self._new_id(job)}",
            template=overridden(job.template.template, request.overrides),
            task_count=tasks,
            parallelism=min(job.template.parallelism or tasks, tasks),
            image=self._images.get(job.template.template.containers[0].image, Image()),
            logs=self._folder,
            grace=self._grace,
            hangs=self._hangs > 0,
        )
        self._hangs = max(0, self._hangs - 1)
        self._executions[execution.name] = execution
        self.lose_if_told()
        return self._operations.going_on(_location(job.name), execution.message())

    def _get_execution(self, request: run_v2.GetExecutionRequest) -> run_v2.Execution:
        return self._execution(request.name).message()

    def _list_executions(
        self, request: run_v2.ListExecutionsRequest
    ) -> run_v2.ListExecutionsResponse:
        """The newest first."""
        if self._unlisted:
            raise Refused(*self._unlisted.pop(0))
        here = [e for e in self._executions.values() if e.name.startswith(f"{request.parent}/")]
        start = int(request.page_token or 0)
        end = start + (request.page_size or PAGE)
        return run_v2.ListExecutionsResponse(
            executions=[one.message() for one in here[::-1][start:end]],
            next_page_token=str(end) if end < len(here) else "",
        )

    def _cancel_execution(self, request: run_v2.CancelExecutionRequest) -> Operation:
        execution = self._execution(request.name)
        if execution.is_over:
            message = f"Execution '{execution.id}' is not running."
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, message)
        execution.stop()
        return self._operations.going_on(_location(execution.name), execution.message())

    def _list_tasks(self, request: run_v2.ListTasksRequest) -> run_v2.ListTasksResponse:
        tasks = self._execution(request.parent).task_messages()
        start = int(request.page_token or 0)
        end = start + (request.page_size or PAGE)
        return run_v2.ListTasksResponse(
            tasks=tasks[start:end], next_page_token=str(end) if end < len(tasks) else ""
        )

    def _job(self, name: str) -> run_v2.Job:
        if name not in self._jobs:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Resource '{name}' was not found.")
        return self._jobs[name]

    def _execution(self, name: str) -> RunningExecution:
        if name not in self._executions:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Resource '{name}' was not found.")
        return self._executions[name]

    def _find(self, id: str) -> RunningExecution:
        return next(one for one in self._executions.values() if one.id == id)

    def _new_id(self, job: run_v2.Job) -> str:
        letters = random.choices(string.ascii_lowercase + string.digits, k=5)
        return f"{job.name.rpartition('/')[2]}-{''.join(letters)}"

    # ── time ──

    def everything(self) -> Iterable[ContainerTask]:
        """All tasks there ever were."""
        return [task for one in self._executions.values() for task in one.tasks]

    def step(self) -> list[Callable[[], None]]:
        """Move on what runs; each end is told as a log entry."""
        ended = [one for one in self._executions.values() if one.step()]
        return [partial(self._on_end, entry_of(one)) for one in ended]


_ZONAL = (
    "Currently Cloud Run jobs are unable to offer GPU enabled instances with zonal redundancy due "
    "to capacity limitations."
)
_RUNNING = (
    "Quota exceeded for quota metric 'Running executions' and limit 'RunningExecutionsPerProject'"
)
"""Nobody captured one: the status is gRPC's own for a quota, the sentence is ours."""


def _location(name: str) -> str:
    return "/".join(name.split("/")[:4])
