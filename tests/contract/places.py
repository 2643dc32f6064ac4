"""Places to run attempts at, each with a backend for the contract suite."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Protocol

from functions.ports import Backend
from infra.simulator.capacity import Capacity
from infra.simulator.faults import Fate
from infra.simulator.fleet import LANES, PACKED, POOLS, LaneKind
from infra.simulator.lanes import SimulatedLane
from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.memory_renders import MemoryRenders
from infra.simulator.packed_pool import PackedPool, Starts
from infra.simulator.pool import SimulatedPool
from infra.simulator.witness import Witness
from infra.simulator.world import Process, World
from schemas.events import Event, ExecutionEnded
from schemas.plan import Order
from tests.contract.cloud_places import BatchPlace, CloudRunPlace
from tests.contract.machine import ENDS_WHEN_TOLD, Machine
from tests.contract.pool_places import GroupPlace, PackedPlace, PoolPlace


class Place(Protocol):
    """A backend with the lane behind it, whose tasks run until they are told how to end."""

    @property
    def backend(self) -> Backend: ...

    def now(self) -> datetime:
        """The clock by which orders have deadlines."""

    def let_begin(self, execution: str, tasks: int) -> None:
        """Go on until so many tasks of it run."""

    def let_end(self, execution: str, code: int = 0) -> None:
        """From now on every run of its tasks ends at once with that exit code."""

    def wait_for_end(self, execution: str) -> None:
        """Go on until it has ended: because it was let end, or was stopped."""

    def runs(self, execution: str) -> int:
        """How many runs of its tasks have begun, retries counted."""

    def close(self) -> None:
        """Leave nothing running."""


TASK = (
    """
say(f"begun-{E['CLOUD_RUN_EXECUTION']}")
"""
    + ENDS_WHEN_TOLD
)


class ChildProcessPlace:
    """Child processes, as on the laptop."""

    def __init__(self, folder: Path, until: Callable[..., None]) -> None:
        self._machine = Machine(folder=folder, until=until)
        self._machine.start(TASK, max_retries=1)

    @property
    def backend(self) -> Backend:
        return self._machine.backend

    def now(self) -> datetime:
        return datetime.now(UTC)

    def let_begin(self, execution: str, tasks: int) -> None:
        self._machine.drive(lambda: self.runs(execution) == tasks, f"{tasks} tasks run")

    def let_end(self, execution: str, code: int = 0) -> None:
        (self._machine.folder / f"end-{execution}").write_text(str(code))

    def wait_for_end(self, execution: str) -> None:
        self._machine.outcome(execution)

    def runs(self, execution: str) -> int:
        return len(self._machine.said(f"begun-{execution}"))

    def close(self) -> None:
        self._machine.close()


LONGEST = 600.0
"""Virtual seconds in which whatever a simulated place waits for has happened."""


class SimulatedPlace:
    """A lane of the simulator, in a world in which nothing goes wrong."""

    def __init__(self, kind: LaneKind) -> None:
        self._world = world = World(Fate(seed="place", odds={}))
        uploads, work, outputs = (
            MemoryObjects(bucket, world.now) for bucket in ("uploads", "work", "outputs")
        )
        self._witness = Witness(world, uploads, work, outputs, MemoryRenders())
        self._lane = self._make_lane(kind, work)
        self._begun = Counter[str]()
        self._codes: dict[str, int] = {}
        self._told: dict[str, ExecutionEnded] = {}

    def _make_lane(self, kind: LaneKind, work: MemoryObjects) -> SimulatedLane | SimulatedPool:
        return SimulatedLane(
            kind=kind,
            world=self._world,
            witness=self._witness,
            capacity=Capacity(Random(0), scarce=False),
            begin=self._begin,
            tell=self._hear,
        )

    @property
    def backend(self) -> Backend:
        return self._lane

    def now(self) -> datetime:
        return self._world.now()

    def let_begin(self, execution: str, tasks: int) -> None:
        self._go_on(lambda: self.runs(execution) == tasks, f"{tasks} tasks run")

    def let_end(self, execution: str, code: int = 0) -> None:
        self._codes[execution] = code

    def wait_for_end(self, execution: str) -> None:
        self._go_on(lambda: execution in self._told, "the end was told")
        state = self._lane.state(execution)
        assert state is not None
        assert state.failure == self._told[execution].failure

    def runs(self, execution: str) -> int:
        return self._begun[execution]

    def close(self) -> None:
        assert not self._witness.violations
        self._world.close()

    def _go_on(self, claim: Callable[[], bool], what: str) -> None:
        at = self._world.time
        give_up = at + LONGEST
        while not claim():
            assert at < give_up, f"waited {LONGEST} virtual seconds in vain until {what}"
            at += 0.1
            self._world.run(at)

    def _begin(
        self, process: Process, order: Order, execution: str, index: int, stop: Callable[[], bool]
    ) -> int:
        self._begun[execution] += 1
        while execution not in self._codes:
            process.wait(0.1)
        return self._codes[execution]

    def _hear(self, event: ExecutionEnded) -> None:
        assert event.execution not in self._told, "told twice"
        self._told[event.execution] = event


class SimulatedPoolPlace(SimulatedPlace):
    """A pool of the simulator, whose machines come as soon as work waits."""

    def _make_lane(self, kind: LaneKind, work: MemoryObjects) -> SimulatedPool:
        return SimulatedPool(
            kind=kind,
            world=self._world,
            witness=self._witness,
            capacity=Capacity(Random(0), scarce=False),
            begin=self._begin,
            publisher=self,
            work=work,
            truth=work,
        )

    def publish(self, topic: str, event: Event) -> None:
        """Nobody listens: the lane is asked."""

    def wait_for_end(self, execution: str) -> None:
        self._go_on(lambda: self._has_ended(execution), "it has ended")

    def _has_ended(self, execution: str) -> bool:
        state = self._lane.state(execution)
        return state is not None and state.ended


class SimulatedPackedPlace(SimulatedPoolPlace):
    """The same, of executions that small renders share; a sweep comes by every second."""

    def _make_lane(self, kind: LaneKind, work: MemoryObjects) -> SimulatedPool:
        pool = PackedPool(
            kind=kind,
            world=self._world,
            witness=self._witness,
            capacity=Capacity(Random(0), scarce=False),
            begin=self._begin,
            publisher=self,
            work=work,
            truth=work,
            starts=Starts(None),
        )

        def sweep() -> None:
            pool.tend()
            self._world.later(1.0, sweep)

        sweep()
        return pool


_CHOSEN = {kind.names_itself: kind for kind in LANES}
_PACKED = replace(PACKED[0], lane=replace(PACKED[0].lane, id="a/lane", encoder_class="x264"))
_PULLED = replace(POOLS[0], lane=replace(POOLS[0].lane, id="a/lane", encoder_class="x264"))
FACTORIES: dict[str, Callable[[Path, Callable[..., None]], Place]] = {
    "batch": lambda folder, until: BatchPlace(folder, until, TASK),
    "child_process": ChildProcessPlace,
    "cloud_run": lambda folder, until: CloudRunPlace(folder, until, TASK),
    "group": lambda folder, until: GroupPlace(folder, until, TASK),
    "packed": lambda folder, until: PackedPlace(folder, until, TASK),
    "pool": lambda folder, until: PoolPlace(folder, until, TASK),
    "simulated": lambda folder, until: SimulatedPlace(_CHOSEN[False]),
    "simulated_named": lambda folder, until: SimulatedPlace(_CHOSEN[True]),
    "simulated_packed": lambda folder, until: SimulatedPackedPlace(_PACKED),
    "simulated_pool": lambda folder, until: SimulatedPoolPlace(_PULLED),
}
