"""A pool whose machines are executions of a job that lies; how many of them is really decided.

create ─┬─ refused: our quota ─► a lack
        └─ pending ─► runs, if there are machines; else for as long as there are none
             └─ cancelled, when nobody waits for it any more
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from functions.core.group import Condition, Lack, Shortage
from functions.core.group import Machine as Listed
from functions.core.packing import Packing
from functions.grouped_pool import GroupedPool
from functions.machine_groups import WorkerJob
from functions.ports import ExecutionState
from infra.simulator.faults import Fault, Unreachable
from infra.simulator.lanes import START
from infra.simulator.pool import AGAIN, SimulatedPool
from infra.simulator.pool_machine import Machine
from infra.simulator.world import Process
from schemas.events import ExecutionEnded
from schemas.failures import Failure
from schemas.ids import execution_id
from schemas.plan import Order

IDLE = 20.0
"""Seconds without work after which an execution leaves."""
LIVES = timedelta(hours=1)
"""Its task's timeout."""
GONE_FOR = 120.0
"""Seconds for which one that has ended is listed."""
JOB = "machines"
"""Of whose executions the names begin so."""


@dataclass(slots=True)
class Starts:
    """Executions that may be started within a minute, of all jobs of a region together."""

    a_minute: int | None
    _at: list[float] = field(default_factory=list)

    def admit(self, now: float) -> bool:
        """Whether one more may be."""
        self._at = [at for at in self._at if at > now - 60]
        if self.a_minute is not None and len(self._at) >= self.a_minute:
            return False
        self._at.append(now)
        return True


@dataclass(slots=True, kw_only=True)
class PackedPool(SimulatedPool):
    """A Backend, a Group, and the Machines that it has."""

    starts: Starts
    _group: GroupedPool = field(init=False)
    _pending: dict[str, float] = field(default_factory=dict)
    """Executions without a machine yet, by name, and since when."""
    _lacked: set[str] = field(default_factory=set)
    """What machines were truly refused for."""
    _gone: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start_within = self.kind.lane.start_within
        job = WorkerJob(project="p", region="r", name=JOB, most=self.kind.workers)
        self._backend = self._group = GroupedPool(
            self.kind.pool,
            job,
            machines=self,
            work=self.work,
            packing=Packing.of(start_within),
        )
        self.lives = LIVES
        self.idle = IDLE

    # ── a group ──

    def launch(self, order: Order) -> str:
        """The real one's."""
        self.witness.launched(order)
        self._orders[execution_id(order.render, order.attempt)] = order
        self.witness.ledger.accepted(order, self.world.time)
        return self._backend.launch(order)

    def tend(self) -> Sequence[ExecutionEnded]:
        """The real one's; what it raises but for a service that does not answer is a bug."""
        try:
            ends = self._group.tend()
        except Unreachable:
            raise
        except Exception as error:
            self.witness.broken("no exception that nobody foresaw", f"{self.lane.id}: {error!r}")
            raise
        for ended in ends:
            self.witness.ended(self._orders[ended.execution])
            self._is_refused(ended.execution, ended.failure)
        return ends

    def state(self, execution: str) -> ExecutionState | None:
        """The real one's, which may be a refusal of which nobody else could tell."""
        state = SimulatedPool.state(self, execution)
        if state is not None:
            self._is_refused(execution, state.failure)
        return state

    def _is_refused(self, execution: str, failure: Failure | None) -> None:
        """It is true if that was lacking."""
        if failure is not None and failure.reason in self._lacked:
            order = self._orders[execution]
            self.witness.ledger.refused(order, failure.reason, self.world.time)

    @property
    def is_waited_for(self) -> bool:
        """Whether a sweep has something to do here."""
        return bool(self._waiting())

    def _look_soon(self) -> None:
        """Nobody looks but the group."""

    # ── its machines ──

    def listed(self) -> Sequence[Listed]:
        """A step."""
        return self.world.call(self._listed)

    def lacks(self) -> Sequence[Lack]:
        """None, as on Cloud Run."""
        return ()

    def create(self, names: Sequence[str]) -> Sequence[Lack]:
        """A step for each; none after one that is refused."""
        for name in names:
            if self.world.call(lambda one=name: self._create(one), ((Fault.RESPONSE_LOST, 20.0),)):  # type: ignore[misc]  # bound now
                self._lacked.add(Shortage.QUOTA)
                return (Lack(at=self.world.now(), shortage=Shortage.QUOTA),)
        return ()

    def delete(self, machines: Sequence[Listed]) -> None:
        """A step for each that pends; the others end by themselves."""
        for one in machines:
            if one.condition is Condition.COMING:
                self.world.call(lambda name=one.name: self._pending.pop(name, None))  # type: ignore[misc]  # bound now

    def _listed(self) -> Sequence[Listed]:
        now, patience = self.world.time, self.kind.lane.start_within.total_seconds()
        self._gone = {name: at for name, at in self._gone.items() if at > now - GONE_FOR}
        listed = [
            Listed(
                name=name,
                address=name,
                condition=Condition.COMING,
                shortage=Shortage.STOCK_OUT if now - since >= patience else None,
            )
            for name, since in self._pending.items()
        ]
        listed += [
            Listed(name=name, address=name, condition=Condition.RUNNING)
            for name in (one.label for one in self._machines.values())
        ]
        self._lacked |= {one.shortage for one in listed if one.shortage}
        there = {one.name for one in listed}
        listed += [
            Listed(name=name, address=name, condition=Condition.GONE)
            for name in self._gone
            if name not in there
        ]
        return listed

    def _create(self, name: str) -> bool:
        """Whether it is refused. Of two of one name the second finds nothing to do.

        A sweep that slept may ask for a machine that nobody waits for any more: no fault of it
        befalls anybody.
        """
        if any(one.name == name for one in self._listed()):
            return False
        draw = self.world.fate.stream(f"created/{self.lane.id}/{name}")
        refused = self._render() is not None and self.world.fate.strikes(
            name, draw, Fault.QUOTA_REFUSED, self._render
        )
        if refused or not self.starts.admit(self.world.time):
            return True
        self._pending[name] = self.world.time
        self.witness.counts.machines_launched += 1
        self.world.later(draw.expovariate(1 / START), lambda: self._come(name))
        return False

    def _come(self, name: str) -> None:
        """It begins to run, if there is a machine; else it is looked for again."""
        if name not in self._pending:
            return
        queue = [one for one in self._waiting() if one in self._orders]
        there = self.capacity.is_there(self.world.time)
        if not there and queue and self._is_out(queue[0]):
            self.world.later(AGAIN, lambda: self._come(name))
            return
        del self._pending[name]
        self._boot(0.0, label=name)

    def _render(self) -> str | None:
        """The render that has waited longest."""
        return next(
            (self._orders[one].render for one in self._waiting() if one in self._orders), None
        )

    def _left(self, process: Process, machine: Machine, result: object) -> None:
        SimulatedPool._left(self, process, machine, result)
        self._gone[machine.label] = self.world.time
