"""Putting the parts together: the only file of the control plane that knows every adapter."""

import os
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from functions.cloud_lanes import CloudLane, budget, cloud_lanes, laptop_lanes, tenants
from functions.cloud_settings import CLOUD_RUN, COMPUTE, Cloud, cloud
from functions.core.budget import Budget
from functions.core.lanes import Lane, Policy
from functions.core.packing import ALONE, Packing
from functions.core.tenants import Tenants
from functions.errors import NotConfigured
from functions.grouped_pool import GroupedPool
from functions.logs_page import logs_page
from functions.machine_groups import MachineGroup, WorkerJob
from functions.pool_workers import PoolWorkers
from functions.ports import Backend, Doorkeeper, Group, Machines, Ports, Prober
from functions.settings import Laptop, Place, callers, laptop, place
from schemas.ports import Images, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from functions.desk import Desk
    from functions.task_logs import TaskLogs
    from schemas.subscriptions import Backlog

SOURCE = "//clipline/functions"

AT_ONCE = 16
"""Calls under way together where each is a journey."""
LAPTOP_POLICY = Policy(
    silence=timedelta(seconds=20),
    effect_grace=timedelta(seconds=2),
    upload_grace=timedelta(seconds=5),
    progress_every=timedelta(seconds=1),
    keep_done=timedelta(minutes=10),
)
"""A laptop's messages take milliseconds, so what has not come in seconds has got lost."""


class Configured(NamedTuple):
    """What stands in the file of the lanes."""

    lanes: tuple[Lane, ...]
    tenants: Tenants
    budget: Budget


@cache
def ports() -> Ports:
    """The parts that this process works with, as its environment says. Raises NotConfigured."""
    if place() is Place.CLOUD:
        return replace(cloud_ports(cloud(), *cloud_lanes()), tenants=tenants(), budget=budget())
    found = laptop_lanes()
    ports = laptop_ports(laptop(), *(one.lane for one in found))
    compute, run = (os.environ.get(name) for name in (COMPUTE, CLOUD_RUN))
    pulled = {one.id: _pool(one, ports.work, compute, run) for one in found if one.pool}
    return replace(
        ports,
        backends={**ports.backends, **pulled},
        groups=_groups(pulled),
        tenants=tenants(),
        budget=budget(),
    )


def _rest(length: timedelta) -> None:
    time.sleep(length.total_seconds())


@cache
def doorkeeper() -> Doorkeeper:
    """Who asks for tokens, as the environment says. Raises NotConfigured."""
    known = callers()
    if known is None:
        from functions.adapters.open_door import OpenDoor

        return OpenDoor()
    from functions.adapters.google_tokens import GoogleTokens

    return GoogleTokens(known)


def reading_ports() -> Ports:
    """The parts for somebody who only looks: there is no lane, so nothing can be started."""
    if place() is Place.CLOUD:
        return cloud_ports(cloud())
    return laptop_ports(_inhabited())


AS_FOUND = "libx264/as found by make up"
"""The encoder class of a laptop's lane that does not say its own, for somebody who only looks."""


def looking_ports() -> Ports:
    """As `reading_ports`, with the lanes as data: to say where a render would go."""
    found = configured()
    return replace(reading_ports(), lanes=found.lanes, tenants=found.tenants, budget=found.budget)


def configured() -> Configured:
    """Lanes, tenants and budget as the environment has them. Raises NotConfigured."""
    if place() is Place.CLOUD:
        lanes = cloud_lanes()
    else:
        # What the composition finds of encoder and cores, somebody who only looks need not find.
        found = {"CLIPLINE_ENCODER_CLASS": AS_FOUND, "CLIPLINE_TASKS": "1"}
        lanes = laptop_lanes(found | os.environ)
    return Configured(tuple(one.lane for one in lanes), tenants(), budget())


def is_up(home: Laptop) -> bool:
    """Whether a pipeline runs in that home now."""
    from functions.adapters import up_lock

    return up_lock.is_up(home.state)


def prober() -> Prober:
    """What looks into videos, for somebody who has one but no place."""
    from functions.adapters.pyav_probe import PyavProber

    return PyavProber()


def images() -> Images:
    """What decodes images, for somebody who has some but no place."""
    from functions.adapters.pyav_images import PyavImages

    return PyavImages()


@cache
def desk() -> "Desk":
    """The dead-letter desk of this place. Raises NotConfigured."""
    if place() is Place.CLOUD:
        return cloud_desk(cloud())
    return laptop_desk(_inhabited())


def task_logs() -> "TaskLogs":
    """What the tasks of this place wrote. Raises NotConfigured: the cloud keeps its own logs."""
    if place() is Place.CLOUD:
        raise NotConfigured(
            "what tasks of the cloud write is in Cloud Logging, on the page that `clipline show` "
            "tells"
        )
    from functions.adapters.directory_logs import DirectoryLogs

    return DirectoryLogs(_inhabited().logs)


def log_link(render: str, since: datetime, until: datetime) -> str:
    """Where what the render's tasks wrote is read: files, or a page for that time."""
    if place() is Place.CLOUD:
        return logs_page(cloud().project, render, since, until)
    from functions.adapters.directory_logs import DirectoryLogs

    return DirectoryLogs(_inhabited().logs).files(render)


def backlogs(now: datetime) -> "Sequence[Backlog]":
    """What every subscription of this place holds.

    Raises NotConfigured: the cloud's are counted by Cloud Monitoring, which is not asked yet.
    """
    if place() is Place.CLOUD:
        raise NotConfigured(
            "depths, ages and rates of the cloud's subscriptions are in Cloud Monitoring, under "
            "pubsub.googleapis.com/subscription, and are not read from here yet"
        )
    from functions.adapters.sqlite_bus import SqliteBus

    return SqliteBus(_inhabited().bus, source=SOURCE).backlogs(now)


def _inhabited() -> Laptop:
    """The laptop's home, if a pipeline has ever been there. Raises NotConfigured."""
    home = laptop()
    if not home.state.is_dir():
        raise NotConfigured(f"there is no pipeline in {home.home} (set CLIPLINE_HOME)")
    return home


def laptop_desk(home: Laptop) -> "Desk":
    """The laptop's desk over its bus."""
    from functions.adapters.sqlite_bus import SqliteBus
    from functions.adapters.sqlite_dead_letters import SqliteDeadLetters
    from functions.desk import Desk

    bus = SqliteBus(home.bus, source=SOURCE)
    return Desk(inbox=bus, outbox=bus, letters=SqliteDeadLetters(home.dead_letters))


def cloud_desk(deployed: Cloud) -> "Desk":
    """The cloud's desk, for which the function `collect` collects. Not run against Google Cloud."""
    from functions.adapters import firestore_renders
    from functions.adapters.firestore_dead_letters import FirestoreDeadLetters
    from functions.adapters.pubsub_events import PubSubEvents
    from functions.adapters.pubsub_inbox import PubSubInbox
    from functions.desk import Desk
    from functions.landed import DESK

    emulator = deployed.pubsub_emulator
    documents = firestore_renders.connect(deployed.project, deployed.database)
    return Desk(
        inbox=PubSubInbox(deployed.project, emulator=emulator),
        outbox=PubSubEvents(deployed.project, source=SOURCE, emulator=emulator),
        letters=FirestoreDeadLetters(documents),
        is_served=True,
        at_once=len(DESK),
    )


def laptop_ports(home: Laptop, *lanes: Lane) -> Ports:
    """The laptop's parts over the folders of `home`; every lane is child processes."""
    # Here, not above: a place loads the adapters of that place only.
    from functions.adapters.child_process import ChildProcesses
    from functions.adapters.directory_objects import DirectoryObjects
    from functions.adapters.pyav_images import PyavImages
    from functions.adapters.pyav_probe import PyavProber
    from functions.adapters.sqlite_bus import SqliteBus
    from functions.adapters.sqlite_ledger import SqliteLedger
    from functions.adapters.sqlite_renders import SqliteRenders
    from functions.adapters.sqlite_switches import SqliteSwitches

    backend = ChildProcesses(home.executions)
    return Ports(
        clock=lambda: datetime.now(UTC),
        draw=random.random,
        rest=_rest,
        renders=SqliteRenders(home.renders),
        ledger=SqliteLedger(home.ledger),
        switches=SqliteSwitches(home.switches),
        uploads=DirectoryObjects(home.uploads, "uploads"),
        work=DirectoryObjects(home.work, "work"),
        outputs=DirectoryObjects(home.outputs, "outputs"),
        publisher=SqliteBus(home.bus, source=SOURCE),
        prober=PyavProber(),
        images=PyavImages(),
        lanes=lanes,
        backends={lane.id: backend for lane in lanes},
        policy=LAPTOP_POLICY,
    )


def cloud_ports(deployed: Cloud, *lanes: CloudLane) -> Ports:
    """The cloud's parts over a deployment. Not run against Google Cloud."""
    from functions.adapters import firestore_renders, gcs_objects
    from functions.adapters.firestore_ledger import FirestoreLedger
    from functions.adapters.firestore_switches import FirestoreSwitches
    from functions.adapters.pubsub_events import PubSubEvents
    from functions.adapters.pyav_images import PyavImages
    from functions.adapters.pyav_probe import PyavProber

    buckets = gcs_objects.connect(deployed.project)
    work = gcs_objects.GcsObjects(buckets, deployed.work)
    backends = {one.id: _cloud_backend(one, deployed, work) for one in lanes}
    documents = firestore_renders.connect(deployed.project, deployed.database)
    return Ports(
        clock=lambda: datetime.now(UTC),
        draw=random.random,
        rest=_rest,
        renders=firestore_renders.FirestoreRenders(documents),
        ledger=FirestoreLedger(documents),
        switches=FirestoreSwitches(documents),
        uploads=gcs_objects.GcsObjects(buckets, deployed.uploads),
        work=work,
        outputs=gcs_objects.GcsObjects(buckets, deployed.outputs),
        publisher=PubSubEvents(deployed.project, source=SOURCE, emulator=deployed.pubsub_emulator),
        prober=PyavProber(),
        images=PyavImages(),
        lanes=tuple(one.lane for one in lanes),
        backends=backends,
        groups=_groups(backends),
        policy=Policy(),
        at_once=AT_ONCE,
    )


def _pool(lane: CloudLane, work: ObjectStore, compute: str | None, run: str | None) -> Backend:
    """A pool whose machines are there, or come as they are needed, from stand-ins if there are."""
    group = lane.group or lane.workers
    if group is None:
        return PoolWorkers(lane.pool, work)
    emulator = compute if isinstance(group, MachineGroup) else run
    if emulator is None and place() is Place.LAPTOP:
        raise NotConfigured(f"the lane '{lane.id}' has machines that reach no laptop")
    return GroupedPool(
        lane.pool,
        group,
        machines=_machines(lane, group, emulator),
        work=work,
        packing=ALONE if isinstance(group, MachineGroup) else Packing.of(lane.lane.start_within),
        at_once=AT_ONCE if place() is Place.CLOUD else 1,
    )


def _machines(lane: CloudLane, group: MachineGroup | WorkerJob, emulator: str | None) -> Machines:
    if isinstance(group, MachineGroup):
        from functions.adapters.mig_pool import MigPool

        return MigPool(group, emulator=emulator)
    from functions.adapters.cloud_run_workers import CloudRunWorkers
    from functions.adapters.google_calls import channel_to

    return CloudRunWorkers(
        group,
        lane.pool,
        timeout=timedelta(seconds=lane.task_timeout_seconds or 0),
        start_within=lane.lane.start_within,
        channel=channel_to(emulator),
    )


def _groups(backends: "Mapping[str, Backend]") -> tuple[Group, ...]:
    return tuple(one for one in backends.values() if isinstance(one, GroupedPool))


def _cloud_backend(lane: CloudLane, deployed: Cloud, work: ObjectStore) -> Backend:
    """Only what a lane is on is loaded: each of the two clients takes half a second."""
    if lane.pool:
        return _pool(lane, work, deployed.compute_emulator, deployed.cloud_run_emulator)
    from functions.adapters.google_calls import channel_to

    if lane.machines is not None:
        from functions.adapters.batch_jobs import BatchJobs

        return BatchJobs(lane.machines, channel=channel_to(deployed.batch_emulator))
    from functions.adapters.cloud_run_jobs import CloudRunJob, CloudRunJobs

    job = CloudRunJob(project=deployed.project, region=lane.region, job=lane.job)
    return CloudRunJobs(job, channel=channel_to(deployed.cloud_run_emulator))
