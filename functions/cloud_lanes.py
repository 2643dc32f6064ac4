"""The lanes of a place: what the control plane knows of each, and where it is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from functions.batch_machines import BatchMachines
from functions.cloud_settings import needed
from functions.core.budget import Budget
from functions.core.lanes import Lane
from functions.core.prices import Price
from functions.core.quotas import Quota
from functions.core.tenants import Tenants
from functions.errors import NotConfigured
from functions.lane_file.dollars import read_dollars
from functions.lane_file.lanes import read_lanes
from functions.lane_file.tenants import read_tenants
from functions.lane_file.text import LaneFault
from functions.machine_groups import MachineGroup, WorkerJob

GIB = 2**30
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudLane:
    """A lane as its file describes it: what the control plane knows of it, and where it is.

    Either on Cloud Run, where a `job` was deployed in a `region`, or on Batch, on `machines`, or
    wherever workers of a `pool` are; or, with none of these, on this machine.
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
    pool: str = ""
    """Whose workers pull its attempts: `python -m render_job worker --pool NAME`."""
    group: MachineGroup | None = None
    """The pool's machines, where they are made for what waits; None for machines that are there."""
    workers: WorkerJob | None = None
    """The same, where they are executions of a job, which small renders share."""
    hedge: bool = False
    location: str = ""
    """Where what it reads and writes stays, in the words of a tenant's `locations`: eu."""
    start_seconds: int | None = None
    """A start usually takes so long; what is seen counts more, as soon as something is."""
    launches_a_minute: int | None = None
    gpu_slots: int | None = None
    task_timeout_seconds: int | None = None
    """The place ends a task after so long; an attempt must end itself before."""
    parallelism: int | None = None
    """Tasks of one execution that the place runs at once."""
    memory_gib: int | None = None
    """Of one task; on Cloud Run its files lie in it as well
    (https://docs.cloud.google.com/run/docs/container-contract, file system)."""
    disk_gib: int | None = None
    """For the files of one task, in memory or not; None if nobody need count."""
    spot: bool = False
    price: Price | None = None
    quotas: tuple[Quota, ...] = ()
    """What it draws on together with other lanes; in the file, the ids of `[[quotas]]` tables."""

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, or on its workers, who may be anywhere."""
        return not self.region and not self.job and self.machines is None

    @property
    def is_somewhere(self) -> bool:
        """Whether it is in one place and not in two."""
        on_cloud_run = bool(self.region and self.job)
        places = (on_cloud_run, self.machines is not None, bool(self.pool))
        is_grouped = self.group is None or bool(self.pool)
        return sum(places) == 1 and bool(self.region) == bool(self.job) and is_grouped

    @property
    def _memory_bytes(self) -> int | None:
        """As the file says it, or as the machines of Batch are asked for."""
        if self.memory_gib is not None:
            return self.memory_gib * GIB
        return self.machines.memory_mib * MIB if self.machines is not None else None

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
            launches_a_minute=self.launches_a_minute,
            gpu_slots=self.gpu_slots,
            location=self.location,
            start=None if self.start_seconds is None else timedelta(seconds=self.start_seconds),
            disk_bytes=None if self.disk_gib is None else self.disk_gib * GIB,
            memory_bytes=self._memory_bytes,
            files_in_memory=bool(self.job) or self.workers is not None,
            is_spot=self.spot or (self.machines is not None and self.machines.spot),
            price=self.price,
            is_shared=self.workers is not None,
            quotas=self.quotas,
        )


def cloud_lanes(environment: Mapping[str, str] = os.environ) -> tuple[CloudLane, ...]:
    """The lanes of a deployment, the first choice first. Raises NotConfigured.

    They stand in the file that `CLIPLINE_LANES_FILE` names, or in `CLIPLINE_LANES` itself.
    """
    lanes = _read(*_text(environment))
    for lane in lanes:
        if not lane.is_somewhere:
            raise NotConfigured(
                f"the lane '{lane.id}' needs a region and a job, or machines, or a pool"
            )
    return lanes


def laptop_lanes(environment: Mapping[str, str] = os.environ) -> tuple[CloudLane, ...]:
    """The lanes of this machine; one, unless `CLIPLINE_LANES_FILE` or `CLIPLINE_LANES` has others.

    What a lane does not say of its encoder and its tasks is as the composition has found them.
    Raises NotConfigured.
    """
    is_told = environment.get("CLIPLINE_LANES_FILE") or environment.get("CLIPLINE_LANES")
    text, name = _text(environment) if is_told else (LAPTOP, "the laptop's lanes")
    try:
        here = {
            "encoder_class": environment["CLIPLINE_ENCODER_CLASS"],
            "tasks": int(environment["CLIPLINE_TASKS"]),
        }
    except (KeyError, ValueError) as error:
        raise NotConfigured(f"set by `make up`, not by hand: {error}") from error
    lanes = _read(text, name, here)
    if elsewhere := [lane.id for lane in lanes if not lane.is_here]:
        raise NotConfigured(f"{name}: '{elsewhere[0]}' is not on this machine")
    return lanes


def tenants(environment: Mapping[str, str] = os.environ) -> Tenants:
    """What is configured of tenants: from where the lanes are. Raises NotConfigured."""
    if not (environment.get("CLIPLINE_LANES_FILE") or environment.get("CLIPLINE_LANES")):
        return {}
    try:
        return read_tenants(*_text(environment))
    except LaneFault as fault:
        raise NotConfigured(str(fault)) from fault


def budget(environment: Mapping[str, str] = os.environ) -> Budget:
    """What may be spent: from where the lanes are. Raises NotConfigured."""
    if not (environment.get("CLIPLINE_LANES_FILE") or environment.get("CLIPLINE_LANES")):
        return Budget()
    try:
        return Budget(**read_dollars(*_text(environment)))
    except LaneFault as fault:
        raise NotConfigured(str(fault)) from fault


def _text(environment: Mapping[str, str]) -> tuple[str, str]:
    """What describes the lanes, and where it stands."""
    path = environment.get("CLIPLINE_LANES_FILE")
    if not path:
        return needed(environment, "CLIPLINE_LANES"), "CLIPLINE_LANES"
    try:
        return Path(path).read_text(encoding="utf-8"), path
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"CLIPLINE_LANES_FILE: {error}") from error


def _read(
    text: str, name: str, defaults: Mapping[str, object] | None = None
) -> tuple[CloudLane, ...]:
    try:
        return read_lanes(text, name, CloudLane, defaults or {})
    except LaneFault as fault:
        raise NotConfigured(str(fault)) from fault


LAPTOP = """\
# One render at a time, on every core.
[[lanes]]
id = "laptop/cpu"
executions = 1
start_within_seconds = 120
attempt_limit_seconds = 43200
"""
