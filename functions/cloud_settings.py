"""What a deployment on Google Cloud, or on its emulators, is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from functions.batch_machines import BatchMachines
from functions.core.lanes import Lane
from functions.errors import NotConfigured
from schemas.wire import Unreadable, from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudLane:
    """A lane: what the control plane knows of it, and where it is.

    Either on Cloud Run, where a `job` was deployed in a `region`, or on Batch, on `machines`.
    """

    id: str
    encoder_class: str
    tasks: int
    executions: int
    start_within_seconds: int
    attempt_limit_seconds: int
    region: str = ""
    job: str = ""
    machines: BatchMachines | None = None
    hedge: bool = False

    @property
    def is_somewhere(self) -> bool:
        """Whether it is in one place and not in two."""
        on_cloud_run = bool(self.region and self.job)
        return on_cloud_run != (self.machines is not None) and bool(self.region) == bool(self.job)

    @property
    def lane(self) -> Lane:
        """As decisions see it."""
        return Lane(
            id=self.id,
            encoder_class=self.encoder_class,
            tasks=self.tasks,
            executions=self.executions,
            start_within=timedelta(seconds=self.start_within_seconds),
            attempt_limit=timedelta(seconds=self.attempt_limit_seconds),
            hedge=self.hedge,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One deployment. Emulators are where the environment names them, as for Google's clients."""

    project: str
    uploads: str
    work: str
    outputs: str
    """Names of the three buckets."""
    database: str = "(default)"
    """Of Firestore."""
    pubsub_emulator: str | None = None
    cloud_run_emulator: str | None = None
    batch_emulator: str | None = None
    """`host:port`; these two are stand-ins of our own (`infra/emulators`)."""


def cloud(environment: Mapping[str, str] = os.environ) -> Cloud:
    """The deployment that the environment describes. Raises NotConfigured."""
    return Cloud(
        project=_needed(environment, "CLIPLINE_PROJECT"),
        uploads=_needed(environment, "CLIPLINE_UPLOADS"),
        work=_needed(environment, "CLIPLINE_WORK"),
        outputs=_needed(environment, "CLIPLINE_OUTPUTS"),
        database=environment.get("CLIPLINE_DATABASE") or "(default)",
        pubsub_emulator=environment.get("PUBSUB_EMULATOR_HOST"),
        cloud_run_emulator=environment.get("CLIPLINE_CLOUD_RUN_EMULATOR"),
        batch_emulator=environment.get("CLIPLINE_BATCH_EMULATOR"),
    )


def cloud_lanes(environment: Mapping[str, str] = os.environ) -> tuple[CloudLane, ...]:
    """The lanes in `CLIPLINE_LANES`, a JSON list, the first choice first. Raises NotConfigured."""
    text = _needed(environment, "CLIPLINE_LANES")
    try:
        lanes = from_json(text.encode(), tuple[CloudLane, ...])
    except Unreadable as error:
        raise NotConfigured(f"CLIPLINE_LANES is no JSON list of lanes: {error}") from error
    ids = [lane.id for lane in lanes]
    if not ids or len(set(ids)) < len(ids):
        raise NotConfigured("CLIPLINE_LANES needs one lane at least, and each id once")
    for lane in lanes:
        if not lane.is_somewhere:
            raise NotConfigured(f"the lane '{lane.id}' needs a region and a job, or machines")
    return lanes


def _needed(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    raise NotConfigured(f"{name} is not set: a deployment in the cloud needs it")
