"""A machine of a simulated pool, and the tasks that its worker runs."""

from dataclasses import dataclass, field
from datetime import timedelta

from infra.simulator.cause import Cause
from infra.simulator.faults import Fault
from infra.simulator.witness import Witness
from infra.simulator.world import Process
from render_job.seat import Sitting

WELL = 60.0
"""Seconds for which a worker whose store was away may have lost its seats."""


@dataclass(slots=True, kw_only=True)
class SimulatedChild:
    """A Child of `render_job/worker.py`: one run of a task, on a worker's machine."""

    witness: Witness
    machine: "Machine"
    sitting: Sitting
    process: Process = field(init=False)
    is_noticed: bool = False
    code: int | None = None

    def ended(self) -> int | None:
        """As its process left it."""
        return self.code

    def stop(self, grace: timedelta) -> bool:
        """A notice the first time, and its end once the grace is over."""
        if self.is_noticed:
            return False
        self.notice(Cause.WITH_NOTICE if self.machine.is_taken else Cause.STOPPED, grace)
        return True

    def notice(self, why: Cause, grace: timedelta) -> None:
        """It is to leave, for that cause."""
        self.is_noticed = True
        self.witness.books.noticed(self.process, why)
        self.witness.world.later(grace.total_seconds(), lambda: self.process.kill(why))

    def kill(self) -> None:
        """Its worker has lost the seat: only one whose store was away may."""
        if not self.machine.was_away(self.witness):
            seat = f"task {self.sitting.seat.index} of {self.sitting.execution}"
            self.witness.broken("who is well keeps its seat", f"{self.machine.name} let {seat}")
        self.process.kill(Cause.SEAT_LOST)


@dataclass(slots=True, kw_only=True)
class Machine:
    """One machine, and the worker on it."""

    name: str
    """Of its process."""
    label: str
    """As its worker is named, and its group lists it."""
    began: float | None = None
    """When its worker did."""
    is_taken: bool = False
    """Whether it was told that it is taken away."""
    children: list[SimulatedChild] = field(default_factory=list)
    process: Process | None = None

    @property
    def worker(self) -> str:
        """Its worker's name, of which no other one is."""
        return f"{self.label}-{self.name.rpartition('/')[2]}-0"

    def was_away(self, witness: Witness) -> bool:
        """Whether a store did not answer it lately."""
        world, name = witness.world, f"{self.name} "
        return any(
            one.fault is Fault.UNREACHABLE and one.at > world.time - WELL
            for one in reversed(world.fate.struck)
            if one.id.startswith(name)
        )

    @property
    def render(self) -> str | None:
        """The render that its last task is for."""
        return self.children[-1].sitting.order.render if self.children else None
