"""A lane whose work is pulled: the real backend and the real workers, on machines that lie.

    launch ─► the pool's queue ─► machines come, if there are any ─► a worker on each ─► tasks
                                       │                                   │
       taken away with notice or none ─┴─ killed alone, or its store away ─┘

A machine that is taken away takes its tasks with it. A worker that dies alone leaves a task behind,
which notices and leaves as well (`CLIPLINE_LIFELINE_FD`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from signal import SIGKILL

from functions.core.lanes import Lane
from functions.grouped_pool import GroupedPool
from functions.pool_workers import PoolWorkers
from functions.ports import ExecutionState
from infra.simulator.books import micros
from infra.simulator.capacity import Capacity, Outage, Traced
from infra.simulator.cause import Cause
from infra.simulator.desk import ProcessClock
from infra.simulator.faults import Fault, Unreachable
from infra.simulator.fleet import LaneKind
from infra.simulator.lanes import GRACE, START, STEPS
from infra.simulator.pool_machine import WELL, Machine, SimulatedChild
from infra.simulator.witness import Witness
from infra.simulator.world import Process, World
from render_job.errors import Exit
from render_job.seat import Belongings, Sitting
from render_job.term import Term
from render_job.worker import PoolWorker
from schemas.events import Event, ExecutionEnded
from schemas.ids import execution_id
from schemas.plan import Order
from schemas.ports import ObjectStore, Publisher
from schemas.seats import waiting

IDLE = 60.0
"""Seconds without work after which a machine leaves."""
AGAIN = 30.0
"""Seconds after which a pool without machines looks for some once more."""
WORKER_STEPS = ((Fault.CRASH_BEFORE, 1.0), (Fault.CRASH_AFTER, 1.0), (Fault.UNREACHABLE, 3.0))
"""What may happen at each call of a worker. One that freezes freezes its machine: that is a task's
fault here."""


@dataclass(slots=True, kw_only=True)
class SimulatedPool:
    """A Backend. `begin` says what a task does; `publisher` is the workers'."""

    kind: LaneKind
    world: World
    witness: Witness
    capacity: Capacity | Outage | Traced
    begin: Callable[[Process, Order, str, int, Callable[[], bool]], int]
    publisher: Publisher
    work: ObjectStore
    """As workers and functions see it: every call is a step."""
    truth: ObjectStore
    """The same, for the world's own hand."""
    idle: float = IDLE
    lives: timedelta | None = None
    """After so long its place ends a machine, in order; None for never."""
    _orders: dict[str, Order] = field(default_factory=dict)
    _machines: dict[str, Machine] = field(default_factory=dict)
    _runs: Counter[tuple[str, int]] = field(default_factory=Counter)
    _sitting: dict[tuple[str, int], SimulatedChild] = field(default_factory=dict)
    """The last run of each seat."""
    _made: int = 0
    _looks: bool = False
    _backend: PoolWorkers | GroupedPool = field(init=False)

    def __post_init__(self) -> None:
        self._backend = PoolWorkers(self.kind.pool, self.work)

    @property
    def lane(self) -> Lane:
        """As the control plane knows it."""
        return self.kind.lane

    def launch(self, order: Order) -> str:
        """The real one's; and machines come soon, if there are any."""
        self.witness.launched(order)
        self._orders[execution_id(order.render, order.attempt)] = order
        try:
            return self._backend.launch(order)
        finally:
            self._look_soon()

    def stop(self, execution: str) -> None:
        """The real one's."""
        self._backend.stop(execution)

    def state(self, execution: str) -> ExecutionState | None:
        """The real one's; an end that it tells is one."""
        state = self._backend.state(execution)
        if state is not None and state.ended and execution in self._orders:
            self.witness.ended(self._orders[execution])
        return state

    @property
    def is_quiet(self) -> bool:
        """Whether nothing runs here; a machine that comes finds nothing to do."""
        return not self._machines

    def publish(self, topic: str, event: Event) -> None:
        """What workers tell: the end of an execution, and nothing else."""
        assert isinstance(event, ExecutionEnded), "a worker tells ends"
        self.witness.ended(self._orders[event.execution])
        self.publisher.publish(topic, event)

    # ── machines ──

    def _look_soon(self) -> None:
        if not self._looks:
            self._looks = True
            self.world.later(0.0, self._look)

    def _look(self) -> None:
        """Machines for what waits, as many as there may be; again later, as long as any waits."""
        self._looks = False
        queue = self._waiting()
        if not queue:
            return
        draw = self.world.fate.stream(f"machines/{self.lane.id}/{self._made}")
        if self.capacity.is_there(self.world.time) or not self._is_out(queue[0]):
            for _ in range(self.kind.workers - len(self._machines)):
                self._boot(draw.expovariate(1 / START))
        self._looks = True
        self.world.later(AGAIN, self._look)

    def _waiting(self) -> Sequence[str]:
        """What is in the queue, and this lane's."""
        return [one for one, _ in waiting(self.truth, self.kind.pool) if one in self._orders]

    def _is_out(self, execution: str) -> bool:
        """Whether it strikes here that no machine can be had."""
        render = self._orders[execution].render
        return self.world.fate.happens(f"pool/{self.lane.id}", Fault.STOCK_OUT, lambda: render)

    def _boot(self, after: float, label: str = "") -> None:
        self._made += 1
        name = f"machine/{self.lane.id}/{self._made}"
        machine = Machine(name=name, label=label or name)
        self._machines[machine.name] = machine
        machine.process = self.world.start(
            machine.name,
            lambda process: self._serve(process, machine),
            after=after,
            render=lambda: machine.render,
            faults=WORKER_STEPS,
            then=lambda process, result: self._left(process, machine, result),
        )
        self._threaten(machine, machine.process)

    def _serve(self, process: Process, machine: Machine) -> None:
        machine.began = self.world.time
        clock = ProcessClock(process)
        PoolWorker(
            name=machine.worker,
            mine=Belongings(
                pool=self.kind.pool, encoder_classes=frozenset([self.lane.encoder_class])
            ),
            work=self.work,
            publisher=self,
            clock=clock,
            begin=lambda sitting: self._child(machine, sitting),
            grace=timedelta(seconds=GRACE),
            leave_when_idle=timedelta(seconds=self.idle),
            term=None if self.lives is None else Term(clock=clock, length=self.lives),
            step_every=1.0,
        ).serve(lambda: machine.is_taken)

    def _left(self, process: Process, machine: Machine, result: object) -> None:
        """It left in order, or died: alone, or with its machine."""
        del self._machines[machine.name]
        if machine.began is not None:
            self.witness.counts.machines.append(micros(self.world.time - machine.began))
        alive = [child for child in machine.children if not child.process.is_over]
        if isinstance(result, Exception):
            self.witness.broken("no exception that nobody foresaw", f"{machine.name}: {result!r}")
        alone = not machine.is_taken and process.draw.random() < 0.5
        for child in alive:
            if alone:
                child.notice(Cause.STOPPED, timedelta(seconds=GRACE))
            else:
                child.process.kill(Cause.PREEMPTED)
        self._look_soon()

    def _threaten(self, machine: Machine, process: Process) -> None:
        """Perhaps it is taken away in the middle of its work."""
        at = process.draw.uniform(10, 120)
        ways: tuple[tuple[Fault, Callable[[], None]], ...] = (
            (Fault.PREEMPTED_WITH_NOTICE, lambda: self._take(machine, process, 3 * GRACE)),
            (Fault.PREEMPTED_IN_NOTICE, lambda: self._take(machine, process, 1.0)),
            (Fault.PREEMPTED, lambda: self._take(machine, process, 0.0)),
        )
        for fault, strike in ways:
            id = self.world.fate.foresees(process.name, process.draw, fault, self.kind.spot)
            if id is not None:
                self.world.later(at, lambda f=fault, s=strike, i=id: self._strike(i, f, s, process))  # type: ignore[misc]  # bound now
                break

    def _strike(self, id: str, fault: Fault, strike: Callable[[], None], process: Process) -> None:
        """A machine that never had a task is missed by nobody."""
        render = process.render()
        if render and not process.is_over and self.world.fate.befalls(id, fault, render):
            strike()

    def _take(self, machine: Machine, process: Process, grace: float) -> None:
        machine.is_taken = True
        self.world.later(grace, lambda: process.kill(Cause.PREEMPTED))

    # ── tasks ──

    def _child(self, machine: Machine, sitting: Sitting) -> SimulatedChild:
        order, seat = sitting.order, (sitting.execution, sitting.seat.index)
        if order.encoder_class != self.lane.encoder_class or order.lane != self.lane.id:
            self.witness.broken("a worker takes what is its own", f"{machine.name} took {seat}")
        before = self._sitting.get(seat)
        if before is not None and not before.process.is_over and not before.is_noticed:
            frozen = before.process.is_frozen or before.process.thawed > self.world.time - WELL
            if not frozen:
                self.witness.broken("a seat has one task at a time", f"{machine.name} began {seat}")
        if not any(name == sitting.execution for name, _ in self._runs):
            self.witness.counts.starts += 1
        self._runs[seat] += 1
        child = SimulatedChild(witness=self.witness, machine=machine, sitting=sitting)
        machine.children.append(child)
        self._sitting[seat] = child
        child.process = self.world.start(
            f"task/{seat[0]}/{seat[1]}/{self._runs[seat]}",
            lambda process: self._work(process, child),
            render=lambda: order.render,
            faults=STEPS,
            then=lambda process, result: self._ended(process, child, result),
        )
        return child

    def _work(self, process: Process, child: SimulatedChild) -> int:
        order, sitting = child.sitting.order, child.sitting
        self.witness.books.container_began(process)
        self.witness.books.begin(process, order, sitting.execution, self.kind.price)
        return self.begin(
            process, order, sitting.execution, sitting.seat.index, lambda: child.is_noticed
        )

    def _ended(self, process: Process, child: SimulatedChild, result: object) -> None:
        self.witness.books.container_ended(process, child.sitting.order, self.kind.price)
        self.witness.books.end(process, result)
        child.code = int(result) if isinstance(result, int) else -SIGKILL
        if isinstance(result, Unreachable):
            child.code = Exit.UNAVAILABLE
        elif isinstance(result, Exception):
            self.witness.broken("no exception that nobody foresaw", f"{process.name}: {result!r}")
        self.witness.log(f"{process.name} ends with {result!r}")
