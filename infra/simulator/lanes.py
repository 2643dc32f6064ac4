"""Lanes that lie: executions that start late, twice or never, and machines that are taken away.

The life of an execution, as Cloud Run's jobs and Batch's have it:

    launch ─► pending ─► tasks run, each again up to `retries` times ─► ended ─► told, or not
                 │            └─ preempted: notice, grace, SIGKILL; or SIGKILL alone
                 └─ for ever, if there is no capacity: a refusal can hang
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from functions.core.lanes import Lane
from functions.ports import ExecutionState, LaunchRefused
from infra.simulator.capacity import Capacity, Outage, Traced
from infra.simulator.cause import Cause
from infra.simulator.faults import Fault, Unreachable
from infra.simulator.fleet import LaneKind
from infra.simulator.witness import Witness
from infra.simulator.world import Process, World
from render_job.errors import Exit
from schemas.events import ExecutionEnded
from schemas.failures import Failure, FailureClass
from schemas.ids import execution_id
from schemas.plan import Order

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL, as on Cloud Run."""
START = 12.0
"""Seconds that a start takes on average."""
MUCH_LATER = (100.0, 2500.0)
"""Seconds after which half of those that hang start after all, when nobody waits any more."""
STEPS = (
    (Fault.CRASH_BEFORE, 1.0),
    (Fault.CRASH_AFTER, 1.0),
    (Fault.FROZEN, 1.0),
    (Fault.UNREACHABLE, 0.3),
    (Fault.RESPONSE_LOST, 0.3),
)
"""What may happen at each call of a task."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One task of an execution."""

    index: int
    life: int = 0
    process: Process | None = None
    noticed: bool = False
    notice: Cause = Cause.STOPPED
    """Why it was noticed, if it was."""
    code: int | None = None
    """The last exit code; None for a death without one."""
    is_over: bool = False


@dataclass(slots=True, kw_only=True)
class Execution:
    """One execution, as its lane knows it."""

    name: str
    order: Order
    runs: list[Run]
    is_started: bool = False
    is_stopped: bool = False
    is_over: bool = False
    silent: str | None = None
    """The id of the fault by which it will not say that it is over."""
    out_of_memory: bool = False
    preempted: bool = False
    failure: Failure | None = None


@dataclass(slots=True, kw_only=True)
class SimulatedLane:
    """A Backend. `begin` says what a task does; `tell` publishes that an execution is over."""

    kind: LaneKind
    world: World
    witness: Witness
    capacity: Capacity | Outage | Traced
    begin: Callable[[Process, Order, str, int, Callable[[], bool]], int]
    tell: Callable[[ExecutionEnded], None]
    executions: dict[str, Execution] = field(default_factory=dict)
    _launches: Counter[str] = field(default_factory=Counter)
    """By attempt."""

    @property
    def lane(self) -> Lane:
        """As the control plane knows it."""
        return self.kind.lane

    def launch(self, order: Order) -> str:
        """Start the attempt; refusals are typed, and an accepted one may never start."""
        return self.world.call(lambda: self._launch(order), ((Fault.RESPONSE_LOST, 20.0),))

    def stop(self, execution: str) -> None:
        """SIGTERM, grace, SIGKILL."""
        self.world.call(lambda: self._stop(execution))

    def state(self, execution: str) -> ExecutionState | None:
        """What the lane says of it."""
        return self.world.call(lambda: self._state(execution))

    @property
    def is_quiet(self) -> bool:
        """Whether nothing runs here; what is pending for ever may stay so."""
        return all(one.is_over or not one.is_started for one in self.executions.values())

    # ── launching ──

    def _launch(self, order: Order) -> str:
        self.witness.launched(order)
        name = _name(order)
        if self.kind.names_itself and name in self.executions:
            return name
        self._launches[name] += 1
        draw = self.world.fate.stream(f"launch/{name}/{self._launches[name]}")
        if self._strikes(Fault.QUOTA_REFUSED, draw, order):
            raise self._refused(order, "quota_exceeded", "our own quota is used up")
        hangs = self._strikes(Fault.PENDING_FOR_EVER, draw, order)
        if not self.capacity.is_there(self.world.time) and self._lacks(order):
            if self.kind.trace is not None or draw.random() < 0.5:
                raise self._refused(order, "stock_out", "no machine of this kind is left")
            hangs = True
        first = self._accept(order, name, hangs=hangs)
        if not self.kind.names_itself and self._strikes(Fault.LAUNCHED_TWICE, draw, order):
            self._accept(order, name, hangs=False)
        return first

    def _refused(self, order: Order, reason: str, message: str) -> LaunchRefused:
        self.witness.ended(order)
        self.witness.ledger.refused(order, reason, self.world.time)
        failure = Failure(failure=FailureClass.CAPACITY, reason=reason, message=message)
        return LaunchRefused(failure)

    def _accept(self, order: Order, name: str, *, hangs: bool) -> str:
        if not self.kind.names_itself:
            taken = sum(one.startswith(f"{name}-") for one in self.executions)
            name = f"{name}-{taken + 1}"
        execution = Execution(
            name=name, order=order, runs=[Run(index=index) for index in range(order.tasks)]
        )
        self.executions[name] = execution
        self.witness.ledger.accepted(order, self.world.time)
        draw = self.world.fate.stream(f"accepted/{name}")
        self.witness.log(f"{name} is accepted on {self.lane.id}" + (", and hangs" * hangs))
        if not hangs:
            given = self.kind.starts_after
            after = draw.expovariate(1 / START) if given is None else given
            self.world.later(after, lambda: self._start(execution))
        elif draw.random() < 0.5:
            self.world.later(draw.uniform(*MUCH_LATER), lambda: self._start(execution))
        return name

    def _start(self, execution: Execution) -> None:
        if execution.is_stopped or execution.is_over:
            return
        execution.is_started = True
        self.witness.counts.starts += 1
        self.witness.ledger.began(execution.order, self.world.time)
        self.witness.log(f"{execution.name} starts")
        draw = self.world.fate.stream(f"execution/{execution.name}")
        execution.silent = self.world.fate.foresees(execution.name, draw, Fault.SILENT)
        left = (execution.order.deadline - self.world.now()).total_seconds()
        self.world.later(max(left, 0), lambda: self._time_out(execution))
        for run in execution.runs:
            self._run(execution, run, after=draw.expovariate(1 / 1.0))
        if self.kind.trace is not None:
            now = self.world.time
            if (gone := self.kind.trace.gone_at(now)) is not None:
                self.world.later(gone - now, lambda: self._take_away(execution))

    def _take_away(self, execution: Execution) -> None:
        """All its machines at once, without a notice."""
        execution.preempted = True
        for run in execution.runs:
            if run.process is not None:
                run.process.kill(Cause.PREEMPTED)

    # ── tasks ──

    def _run(self, execution: Execution, run: Run, *, after: float) -> None:
        name = f"task/{execution.name}/{run.index}/{run.life}"
        run.noticed, run.notice = execution.is_stopped, Cause.STOPPED

        def main(process: Process) -> int:
            self.witness.books.container_began(process)
            self.witness.books.begin(process, execution.order, execution.name, self.kind.price)
            if run.noticed:
                self.witness.books.noticed(process, run.notice)
            return self.begin(
                process, execution.order, execution.name, run.index, lambda: run.noticed
            )

        run.process = self.world.start(
            name,
            main,
            after=after,
            render=lambda: execution.order.render,
            faults=STEPS,
            then=lambda process, result: self._run_ended(execution, run, process, result),
        )
        self._threaten(execution, run)

    def _threaten(self, execution: Execution, run: Run) -> None:
        """Perhaps this machine is taken away in the middle of its work."""
        process = run.process
        assert process is not None, "it has just been started"
        draw, at = process.draw, process.draw.uniform(0.1, 25)
        grace = draw.uniform(0, 1)

        def taken(strike: Callable[[], None]) -> None:
            execution.preempted = True
            strike()

        ways: tuple[tuple[Fault, Callable[[], None]], ...] = (
            (
                Fault.PREEMPTED_WITH_NOTICE,
                lambda: self._notice(run, process, GRACE, Cause.WITH_NOTICE),
            ),
            (Fault.PREEMPTED_IN_NOTICE, lambda: self._notice(run, process, grace, Cause.IN_NOTICE)),
            (Fault.PREEMPTED, lambda: process.kill(Cause.PREEMPTED)),
        )
        for fault, strike in ways:
            if self._will(fault, process, at, partial(taken, strike), self.kind.spot):
                break
        self._will(Fault.OUT_OF_MEMORY, process, at, lambda: self._burst(execution, process))

    def _will(
        self,
        fault: Fault,
        process: Process,
        at: float,
        strike: Callable[[], None],
        share: float = 1.0,
    ) -> bool:
        """Whether it strikes that process after so many seconds, if it still runs then."""
        fate = self.world.fate
        id = fate.foresees(process.name, process.draw, fault, share)

        def befall() -> None:
            if not process.is_over and fate.befalls(id, fault, process.render()):
                strike()

        if id is not None:
            self.world.later(at, befall)
        return id is not None

    def _burst(self, execution: Execution, process: Process) -> None:
        execution.out_of_memory = True
        process.kill(Cause.OUT_OF_MEMORY)

    def _notice(self, run: Run, process: Process, grace: float, why: Cause) -> None:
        if run.process is process:
            if not run.noticed:
                run.noticed, run.notice = True, why
            self.witness.books.noticed(process, run.notice)
            self.world.later(grace, lambda: process.kill(run.notice))

    def _run_ended(self, execution: Execution, run: Run, process: Process, result: object) -> None:
        self.witness.books.container_ended(process, execution.order, self.kind.price)
        self.witness.books.end(process, result)
        run.process = None
        run.code = int(result) if isinstance(result, int) else None
        if isinstance(result, Unreachable):
            run.code = Exit.UNAVAILABLE
        elif isinstance(result, Exception):
            self.witness.broken("no exception that nobody foresaw", f"{process.name}: {result!r}")
        self.witness.log(f"{process.name} ends with {result!r}")
        if run.code == Exit.REPORTED or run.life >= self.kind.retries or execution.is_stopped:
            run.is_over = True
        else:
            run.life += 1
            self._run(execution, run, after=process.draw.uniform(0.5, 5))
        if all(one.is_over for one in execution.runs):
            self._end(execution, self._failure(execution))

    # ── ends ──

    def _stop(self, name: str) -> None:
        execution = self.executions.get(name)
        if execution is None or execution.is_over:
            return
        execution.is_stopped = True
        if not execution.is_started:
            self._end(execution, _stopped())
            return
        for run in execution.runs:
            if run.process is not None:
                self._notice(run, run.process, GRACE, Cause.STOPPED)

    def _time_out(self, execution: Execution) -> None:
        if not execution.is_over:
            self._stop(execution.name)

    def _end(self, execution: Execution, failure: Failure | None) -> None:
        if execution.is_over:
            return
        execution.is_over = True
        execution.failure = failure
        self.witness.ended(execution.order)
        self.witness.log(f"{execution.name} is over: {failure.reason if failure else 'all exit 0'}")
        if self.world.fate.befalls(execution.silent, Fault.SILENT, execution.order.render):
            return
        draw = self.world.fate.stream(f"end/{execution.name}")
        event = ExecutionEnded(
            render=execution.order.render,
            attempt=execution.order.attempt,
            execution=execution.name,
            failure=failure,
            at=self.world.now(),
        )
        self.world.later(draw.expovariate(1 / 3.0), lambda: self.tell(event))

    def _failure(self, execution: Execution) -> Failure | None:
        """As the lane tells it: an out-of-memory kill may read `exit code: 0`."""
        codes = {run.code for run in execution.runs}
        if execution.is_stopped:
            return _stopped()
        if codes == {Exit.REPORTED} or (execution.out_of_memory and None in codes):
            return None
        if Exit.TRY_AGAIN in codes or (execution.preempted and self.kind.tells_preemption):
            return _of(FailureClass.PREEMPTED, "task_preempted")
        if Exit.DISK in codes:
            return _of(FailureClass.DEPENDENCY, "task_disk")
        if Exit.UNAVAILABLE in codes:
            return _of(FailureClass.DEPENDENCY, "service_unavailable")
        if Exit.BUG in codes:
            return _of(FailureClass.INTERNAL, "task_bug")
        return _of(FailureClass.CRASH, "task_killed")

    def _state(self, name: str) -> ExecutionState | None:
        execution = self.executions.get(name)
        if execution is None:
            return None
        return ExecutionState(ended=execution.is_over, failure=execution.failure)

    def _strikes(self, fault: Fault, draw: Random, order: Order) -> bool:
        return self.world.fate.strikes(_name(order), draw, fault, lambda: order.render)

    def _lacks(self, order: Order) -> bool:
        """Whether it shows that it has no machines."""
        return self.kind.trace is not None or self._happens(Fault.STOCK_OUT, order)

    def _happens(self, fault: Fault, order: Order) -> bool:
        return self.world.fate.happens(_name(order), fault, lambda: order.render)


def _name(order: Order) -> str:
    """As Batch's jobs are named, and executions of Cloud Run with a number behind it."""
    return execution_id(order.render, order.attempt)


def _stopped() -> Failure:
    return _of(FailureClass.CANCELLED, "stopped")


def _of(kind: FailureClass, reason: str) -> Failure:
    return Failure(failure=kind, reason=reason, message=f"the execution ended: {reason}")
