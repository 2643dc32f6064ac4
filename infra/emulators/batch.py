"""`google.cloud.batch.v1`, on this machine: containers are child processes.

It takes the real client over an insecure channel, and lies as the service may:

    refuse ──► CreateJob answers with a status of your choice, and nothing runs
    starve ──► the next job gets no machine: it waits until it is cancelled, or fails
    lose ────► the next job runs, but its creator is told UNAVAILABLE
    take ────► a task's machine is taken away, with notice or without: exit code 50001
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import grpc
from google.cloud import batch_v1
from google.longrunning.operations_pb2 import GetOperationRequest, Operation

from infra.emulators.batch_job import JobState, RunningJob, Shortage
from infra.emulators.container import ContainerTask, Image
from infra.emulators.emulator import Emulator
from infra.emulators.rpc import Method, Operations, Refused

GRACE = timedelta(seconds=30)
"""Between the notice of a Spot machine's end and the end."""
PAGE = 100


class BatchEmulator(Emulator):
    """One project's jobs in every region.

    `images` says what program an image's name stands for. `on_notice` is told the attributes of
    each notification that a job asked for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        images: Mapping[str, Image],
        grace: timedelta = GRACE,
        on_notice: Callable[[Mapping[str, str]], None] = lambda attributes: None,
    ) -> None:
        """`folder` takes the words of tasks. It serves until it is closed."""
        super().__init__()
        self._folder = folder
        self._images = images
        self._grace = grace
        self._on_notice = on_notice
        self._jobs: dict[str, RunningJob] = {}
        self._operations = Operations()
        self._shortages: list[tuple[Shortage, bool]] = []
        self.begin(self._services())

    # ── lies ──

    def starve(self, shortage: Shortage, *, gives_up: bool = False) -> None:
        """The next job gets no machine."""
        with self._lock:
            self._shortages.append((shortage, gives_up))

    def take_away(self, job: str, task: int, notice: timedelta) -> None:
        """Take that task's machine away; it gets another one if the job's policy says so."""
        with self._lock:
            self._find(job).tasks[task].take_away(notice)

    def launched(self) -> list[str]:
        """Every job that was ever accepted, the first one first, by id."""
        with self._lock:
            return [one.id for one in self._jobs.values()]

    def created(self, job: str) -> batch_v1.Job:
        """The job as it was created."""
        with self._lock:
            return batch_v1.Job(self._find(job).spec)

    # ── the service ──

    def _services(self) -> dict[str, dict[str, Method]]:
        method = self.method
        return {
            "google.cloud.batch.v1.BatchService": {
                "CreateJob": method(batch_v1.CreateJobRequest, batch_v1.Job, self._create_job),
                "GetJob": method(batch_v1.GetJobRequest, batch_v1.Job, self._get_job),
                "CancelJob": method(batch_v1.CancelJobRequest, Operation, self._cancel_job),
                "ListTasks": method(
                    batch_v1.ListTasksRequest, batch_v1.ListTasksResponse, self._list_tasks
                ),
            },
            "google.longrunning.Operations": {
                "GetOperation": method(GetOperationRequest, Operation, self._operations.get),
            },
        }

    def _create_job(self, request: batch_v1.CreateJobRequest) -> batch_v1.Job:
        name = f"{request.parent}/jobs/{request.job_id}"
        if name in self._jobs:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{name}' already exists")
        self.refuse_if_told()
        spec = batch_v1.Job(request.job)
        spec.name, spec.uid = name, f"{request.job_id}-{uuid4().hex[:12]}"
        shortage, gives_up = self._shortages.pop(0) if self._shortages else (None, False)
        image = spec.task_groups[0].task_spec.runnables[0].container.image_uri
        job = RunningJob(
            spec=spec,
            image=self._images.get(image, Image()),
            logs=self._folder,
            grace=self._grace,
            shortage=shortage,
            gives_up=gives_up,
        )
        self._jobs[name] = job
        self.lose_if_told()
        return job.message()

    def _get_job(self, request: batch_v1.GetJobRequest) -> batch_v1.Job:
        return self._job(request.name).message()

    def _cancel_job(self, request: batch_v1.CancelJobRequest) -> Operation:
        job = self._job(request.name)
        if job.is_over:
            message = f"Job {request.name} is already in a terminal state."
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, message)
        if not job.is_stopped:
            job.stop()
        metadata = batch_v1.OperationMetadata(target=request.name, verb="cancel")
        return self._operations.going_on("/".join(request.name.split("/")[:4]), metadata)

    def _list_tasks(self, request: batch_v1.ListTasksRequest) -> batch_v1.ListTasksResponse:
        tasks = self._job(request.parent.partition("/taskGroups/")[0]).task_messages()
        start = int(request.page_token or 0)
        end = start + (request.page_size or PAGE)
        return batch_v1.ListTasksResponse(
            tasks=tasks[start:end], next_page_token=str(end) if end < len(tasks) else ""
        )

    def _job(self, name: str) -> RunningJob:
        if name not in self._jobs:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Resource '{name}' was not found")
        return self._jobs[name]

    def _find(self, id: str) -> RunningJob:
        return next(one for one in self._jobs.values() if one.id == id)

    # ── time ──

    def everything(self) -> Iterable[ContainerTask]:
        """All tasks there ever were."""
        return [task for one in self._jobs.values() for task in one.tasks]

    def step(self) -> list[Callable[[], None]]:
        """Move on what runs; each change of state is told to those who asked for it."""
        news: list[Callable[[], None]] = []
        for job in self._jobs.values():
            for state in job.step():
                news += [partial(self._on_notice, notice) for notice in _notices(job, state)]
        return news


def _notices(job: RunningJob, state: int) -> list[Mapping[str, str]]:
    wanted = [one.message.new_job_state for one in job.spec.notifications]
    attributes = {
        "JobName": job.spec.name,
        "JobUID": job.spec.uid,
        "NewJobState": JobState(state).name,
        "Type": "JOB_STATE_CHANGED",
    }
    return [attributes] if state in wanted else []
