"""Backends over stand-ins of Google's services, spoken to by the real clients."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from google.cloud import run_v2
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from functions.adapters.cloud_run_jobs import CloudRunJob, CloudRunJobs
from functions.ports import Backend
from infra.emulators.cloud_run import CloudRunEmulator
from tests.contract.machine import task_argv

GRACE = timedelta(seconds=5)
JOB = CloudRunJob(project="p", region="us-east4", job="renders")


def deploy(channel: grpc.Channel, command: list[str], *, job: CloudRunJob = JOB) -> None:
    """As Terraform would: the command is the image's, and each task may be run twice."""
    container = run_v2.Container(image="renderer", command=command)
    template = run_v2.TaskTemplate(containers=[container], max_retries=1)
    client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
    client.create_job(
        parent=f"projects/{job.project}/locations/{job.region}",
        job_id=job.job,
        job=run_v2.Job(template=run_v2.ExecutionTemplate(template=template)),
    )


class CloudRunPlace:
    """Executions of a Cloud Run job."""

    def __init__(self, folder: Path, until: Callable[..., None], code: str) -> None:
        self.folder = folder
        self.entries: list[dict[str, Any]] = []
        self.emulator = CloudRunEmulator(folder / "logs", grace=GRACE, on_end=self.entries.append)
        self.channel = grpc.insecure_channel(self.emulator.address)
        self._until = until
        deploy(self.channel, task_argv(folder, code))
        self._backend = CloudRunJobs(JOB, channel=self.channel)

    @property
    def backend(self) -> Backend:
        return self._backend

    def now(self) -> datetime:
        return datetime.now(UTC)

    def let_begin(self, execution: str, tasks: int) -> None:
        self._until(lambda: self.runs(execution) == tasks, f"{tasks} tasks run")

    def let_end(self, execution: str, code: int = 0) -> None:
        (self.folder / f"end-{execution}").write_text(str(code))

    def wait_for_end(self, execution: str) -> None:
        def has_ended() -> bool:
            state = self._backend.state(execution)
            return state is not None and state.ended

        self._until(has_ended, f"{execution} has ended")

    def runs(self, execution: str) -> int:
        begun = self.folder / f"begun-{execution}"
        return len(begun.read_text().split()) if begun.exists() else 0

    def close(self) -> None:
        self.channel.close()
        self.emulator.close()
