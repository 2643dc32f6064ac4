"""Backends over stand-ins of Google's services, spoken to by the real clients."""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import grpc
from google.cloud import run_v2
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from functions.adapters.batch_jobs import BatchJobs
from functions.adapters.cloud_run_jobs import CloudRunJob, CloudRunJobs
from functions.batch_machines import BatchMachines
from functions.machine_groups import WorkerJob
from functions.ports import Backend
from infra.emulators.batch import BatchEmulator
from infra.emulators.cloud_run import CloudRunEmulator
from infra.emulators.container import Image
from infra.emulators.emulator import Emulator
from schemas.failures import Failure
from tests.contract.machine import PREAMBLE, task_argv

GRACE = timedelta(seconds=5)
JOB = CloudRunJob(project="p", region="us-east4", job="renders")


def deploy(
    channel: grpc.Channel, command: list[str], *, job: CloudRunJob | WorkerJob = JOB
) -> None:
    """As Terraform would: the command is the image's, and each task may be run twice."""
    container = run_v2.Container(image="renderer", command=command)
    template = run_v2.TaskTemplate(containers=[container], max_retries=1)
    client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
    client.create_job(
        parent=f"projects/{job.project}/locations/{job.region}",
        job_id=job.job if isinstance(job, CloudRunJob) else job.name,
        job=run_v2.Job(template=run_v2.ExecutionTemplate(template=template)),
    )


class CloudPlace:
    """What both have in common: tasks that say in a folder that they have begun."""

    folder: Path
    backend: Backend
    channel: grpc.Channel
    emulator: Emulator

    def __init__(self, folder: Path, until: Callable[..., None]) -> None:
        self.folder = folder
        self._until = until

    def now(self) -> datetime:
        return datetime.now(UTC)

    def let_begin(self, execution: str, tasks: int) -> None:
        self._until(lambda: self.runs(execution) == tasks, f"{tasks} tasks run")

    def let_end(self, execution: str, code: int = 0) -> None:
        (self.folder / f"end-{execution}").write_text(str(code))

    def wait_for_end(self, execution: str) -> None:
        def has_ended() -> bool:
            state = self.backend.state(execution)
            return state is not None and state.ended

        self._until(has_ended, f"{execution} has ended")

    def runs(self, execution: str) -> int:
        begun = self.folder / f"begun-{execution}"
        return len(begun.read_text().split()) if begun.exists() else 0

    def close(self) -> None:
        self.channel.close()
        self.emulator.close()


def outcome(place: CloudPlace, execution: str) -> Failure:
    """Why it has failed, once it has ended."""
    place.wait_for_end(execution)
    state = place.backend.state(execution)
    assert state is not None
    assert state.failure is not None
    return state.failure


class CloudRunPlace(CloudPlace):
    """Executions of a Cloud Run job."""

    emulator: CloudRunEmulator

    def __init__(self, folder: Path, until: Callable[..., None], code: str) -> None:
        super().__init__(folder, until)
        self.entries: list[dict[str, Any]] = []
        self.emulator = CloudRunEmulator(folder / "logs", grace=GRACE, on_end=self.entries.append)
        self.channel = grpc.insecure_channel(self.emulator.address)
        deploy(self.channel, task_argv(folder, code))
        self.backend = CloudRunJobs(JOB, channel=self.channel)


MACHINES = BatchMachines(
    project="p",
    region="us-central1",
    image="renderer",
    machine_type="g2-standard-4",
    spot=True,
    gpu="nvidia-l4",
    cpu_milli=4000,
    memory_mib=15_000,
    service_account="clipline-render-job@p.iam.gserviceaccount.com",
    topic="projects/p/topics/execution-events",
    retries=1,
)
AS_ON_CLOUD_RUN = """
import os
os.environ['CLOUD_RUN_EXECUTION'] = os.environ['CLIPLINE_EXECUTION']
os.environ['CLOUD_RUN_TASK_INDEX'] = os.environ['BATCH_TASK_INDEX']
os.environ['CLOUD_RUN_TASK_ATTEMPT'] = os.environ['BATCH_TASK_RETRY_ATTEMPT']
"""


class BatchPlace(CloudPlace):
    """Jobs of Batch, on Spot machines."""

    emulator: BatchEmulator

    def __init__(self, folder: Path, until: Callable[..., None], code: str) -> None:
        super().__init__(folder, until)
        self.notices: list[Mapping[str, str]] = []
        command = [sys.executable, "-IS", "-c", AS_ON_CLOUD_RUN + PREAMBLE + dedent(code)]
        self.emulator = BatchEmulator(
            folder / "logs",
            images={MACHINES.image: Image(command=[*command, str(folder)])},
            grace=GRACE,
            on_notice=self.notices.append,
        )
        self.channel = grpc.insecure_channel(self.emulator.address)
        self.backend = BatchJobs(MACHINES, channel=self.channel)
