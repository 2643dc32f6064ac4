"""The lanes of a deployment: what the control plane knows of each, and where it is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from functions.batch_machines import BatchMachines
from functions.cloud_settings import needed
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


def cloud_lanes(environment: Mapping[str, str] = os.environ) -> tuple[CloudLane, ...]:
    """The lanes in `CLIPLINE_LANES`, a JSON list, the first choice first. Raises NotConfigured."""
    text = needed(environment, "CLIPLINE_LANES")
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
