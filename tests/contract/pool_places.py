"""Pools for the contract suites: real processes over a real folder."""

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc

from functions.adapters.cloud_run_workers import CloudRunWorkers
from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.mig_pool import MigPool
from functions.core.packing import Packing
from functions.grouped_pool import GroupedPool
from functions.machine_groups import MachineGroup, WorkerJob
from functions.pool_workers import PoolWorkers
from functions.ports import Backend
from infra.emulators.cloud_run import CloudRunEmulator
from infra.emulators.container import Image
from infra.emulators.instance_groups import InstanceGroupEmulator
from render_job.clock import SystemClock
from render_job.machine import Runs
from render_job.seat import Belongings
from render_job.worker import PoolWorker
from schemas.events import Event, ExecutionEnded
from schemas.ports import Publisher
from tests.contract.cloud_places import deploy
from tests.contract.machine import task_argv

CHECKOUT = Path(__file__).parents[2]
POOL = "desk"


GROUP = MachineGroup(project="p", where="regions/us-central1", name="desk", most=4)
MACHINE = """
import sys
from datetime import timedelta
from pathlib import Path
from render_job.machine import drain
from tests.contract.pool_places import worker
folder, code, name = sys.argv[1:]
one = worker(Path(folder), code, name=name)
one.leave_when_idle = timedelta(seconds=2)
one.serve(drain())
"""
"""What runs on a machine of a group: it leaves when it is drained, or has nothing to do."""


JOB = WorkerJob(project="p", region="us-east4", name="workers", most=20, idle_seconds=2)
EXECUTION = """
import argparse, os, sys
from datetime import timedelta
from pathlib import Path
from render_job.machine import drain
from render_job.term import Term
from tests.contract.pool_places import worker
folder, code, verb, *words = sys.argv[1:]
assert verb == 'worker', verb
parser = argparse.ArgumentParser()
parser.add_argument('--pool')
for name in ('tasks', 'leave-when-idle', 'leave-within'):
    parser.add_argument(f'--{name}', type=int)
told = parser.parse_args(words)
assert told.pool == 'desk', told.pool
name = f"{os.environ['CLIPLINE_MACHINE']}-{os.getpid()}-0"
one = worker(Path(folder), code, name=name, tasks=told.tasks)
one.leave_when_idle = timedelta(seconds=told.leave_when_idle)
one.term = Term(clock=one.clock, length=timedelta(seconds=told.leave_within))
one.serve(drain())
"""
"""What runs in an execution of a job: as `python -m render_job`, with tasks of a test's code."""


class Silent:
    """A publisher whom nobody hears."""

    def publish(self, topic: str, event: Event) -> None:
        pass


def worker(
    folder: Path, code: str, *, name: str, tasks: int = 1, publisher: Publisher | None = None
) -> PoolWorker:
    """A worker whose tasks run that code."""
    return PoolWorker(
        name=name,
        mine=Belongings(pool=POOL, encoder_classes=frozenset(["x264"])),
        work=DirectoryObjects(folder / "work", "work"),
        publisher=publisher or Silent(),
        clock=SystemClock(),
        begin=Runs(
            argv=lambda order: task_argv(folder, code), environment={}, logs=folder / "logs"
        ),
        tasks=tasks,
        grace=timedelta(seconds=5),
        renew_every=timedelta(milliseconds=50),
    )


class Pool(ABC):
    """What the places have in common."""

    def __init__(self, folder: Path, until: Callable[..., None]) -> None:
        self.folder = folder
        self.work = DirectoryObjects(folder / "work", "work")
        self.until = until

    @property
    @abstractmethod
    def backend(self) -> Backend: ...

    @abstractmethod
    def go_on(self) -> None:
        """What happens there by itself, meanwhile."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def let_begin(self, execution: str, tasks: int) -> None:
        self.drive(lambda: self.runs(execution) == tasks, f"{tasks} tasks run")

    def let_end(self, execution: str, code: int = 0) -> None:
        (self.folder / f"end-{execution}").write_text(str(code))

    def wait_for_end(self, execution: str) -> None:
        self.drive(lambda: self._has_ended(execution), "it has ended")

    def runs(self, execution: str) -> int:
        path = self.folder / f"begun-{execution}"
        return len(path.read_text().split()) if path.exists() else 0

    def drive(self, claim: Callable[[], bool], what: str) -> None:
        """Go on until the claim holds."""

        def claim_after_a_step() -> bool:
            self.go_on()
            return claim()

        self.until(claim_after_a_step, what, 30)

    def _has_ended(self, execution: str) -> bool:
        state = self.backend.state(execution)
        return state is not None and state.ended


class PoolPlace(Pool):
    """One worker, stepped by whoever waits for something; `said` is all that it published."""

    def __init__(self, folder: Path, until: Callable[..., None], code: str, tasks: int = 2) -> None:
        super().__init__(folder, until)
        self.said: list[Event] = []
        self._backend = PoolWorkers(POOL, self.work)
        self.worker = worker(folder, code, name="worker-1", tasks=tasks, publisher=self)

    @property
    def backend(self) -> Backend:
        return self._backend

    def go_on(self) -> None:
        self.worker.step(draining=False)

    def publish(self, topic: str, event: Event) -> None:
        self.said.append(event)

    def drain(self) -> None:
        """The worker leaves in order."""

        def has_left() -> bool:
            self.worker.step(draining=True)
            return not self.worker.is_busy

        self.until(has_left, "the worker has left")

    def close(self) -> None:
        self.drain()


class PackedPlace(Pool):
    """Executions of a Cloud Run job, each a worker; `ended` is what a sweep heard."""

    def __init__(
        self,
        folder: Path,
        until: Callable[..., None],
        code: str,
        start_within: timedelta = timedelta(minutes=10),
    ) -> None:
        super().__init__(folder, until)
        image = Image(environment={**os.environ, "PYTHONPATH": str(CHECKOUT)})
        self.emulator = CloudRunEmulator(
            folder / "logs", images={"renderer": image}, grace=timedelta(seconds=5)
        )
        self.channel = grpc.insecure_channel(self.emulator.address)
        command = [sys.executable, "-c", EXECUTION, str(folder), code]
        deploy(self.channel, command, job=JOB)
        self.machines = CloudRunWorkers(
            JOB,
            POOL,
            timeout=timedelta(minutes=5),
            start_within=start_within,
            channel=self.channel,
        )
        packing = Packing.of(start_within)
        self.pool = GroupedPool(
            POOL, JOB, machines=self.machines, work=self.work, packing=packing, at_once=4
        )
        self.ended: list[ExecutionEnded] = []

    @property
    def backend(self) -> Backend:
        return self.pool

    def go_on(self) -> None:
        """A sweep."""
        self.ended += self.pool.tend()

    def close(self) -> None:
        self.channel.close()
        self.emulator.close()


class GroupPlace(Pool):
    """Machines that a group makes, each with a worker of its own; `ended` is what a sweep heard."""

    def __init__(self, folder: Path, until: Callable[..., None], code: str) -> None:
        super().__init__(folder, until)
        self._code = code
        self.emulator = InstanceGroupEmulator(GROUP.path, self._boot)
        machines = MigPool(GROUP, emulator=self.emulator.address)
        self.pool = GroupedPool(POOL, GROUP, machines=machines, work=self.work)
        self.ended: list[ExecutionEnded] = []

    @property
    def backend(self) -> Backend:
        return self.pool

    def go_on(self) -> None:
        """A sweep."""
        self.ended += self.pool.tend()

    def close(self) -> None:
        self.emulator.close()

    def _boot(self, name: str, told: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-c", MACHINE, str(self.folder), self._code, f"{name}-1-0"]
        return subprocess.Popen(words, env={**os.environ, **told, "PYTHONPATH": str(CHECKOUT)})
