"""Attempts that a pool's workers pull, wherever these are: a launch writes down, and waits.

launch ─► assigned (create-only) ─► queued ─► workers take its seats (`render_job/worker.py`)

Both writes are named by the attempt, so a launch repeated is one launch, whatever answer was lost.
What becomes of it follows from the seats (`schemas/seats.py`); nothing is kept beside them.
"""

from contextlib import suppress
from dataclasses import dataclass

from functions.outcomes.pool import failure_of
from functions.ports import ExecutionState
from schemas import names
from schemas.failures import Failure
from schemas.ids import execution_id
from schemas.plan import Order
from schemas.ports import ObjectStore, PreconditionFailed
from schemas.seats import PRIORITY, Assignment, Cause, Table, look
from schemas.wire import from_json, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """What stands in the mark of a halted execution."""

    why: Failure | None = None
    """None where it was stopped on request."""


class PoolWorkers:
    """A Backend over the work bucket. Its calls raise what the store raises."""

    def __init__(self, pool: str, work: ObjectStore) -> None:
        self._pool = pool
        self._work = work

    def launch(self, order: Order) -> str:
        """Let the pool's workers find the attempt. Never raises LaunchRefused.

        Whether there is a worker, nobody knows: the start deadline is the core's.
        """
        assignment = Assignment(pool=self._pool, order=order)
        name = names.assigned(order.render, order.attempt)
        with suppress(PreconditionFailed):
            self._work.write(name, to_json(assignment), if_generation_match=0)
        execution = execution_id(order.render, order.attempt)
        table = self._look(execution)
        if table is not None and not table.over:
            with suppress(PreconditionFailed):
                self._work.write(
                    names.queued(self._pool, execution),
                    b"",
                    if_generation_match=0,
                    metadata={PRIORITY: order.priority},
                )
        return execution

    def stop(self, execution: str) -> None:
        """Its workers stop within seconds; where nobody works for it, it is over at once."""
        self.halt(execution, None)

    def halt(self, execution: str, why: Failure | None) -> None:
        """The same, and its failure is that one: for who knows better than "on request".

        Of two who halt it the first one's reason stands.
        """
        table = self._look(execution)
        if table is None or table.over:
            return
        order = table.assignment.order
        with suppress(PreconditionFailed):
            name = names.halted(order.render, order.attempt)
            self._work.write(name, to_json(Halt(why=why)), if_generation_match=0)
        self.state(execution)

    def state(self, execution: str) -> ExecutionState | None:
        """Whether it is over, and why; None if this pool was never given it."""
        table = self._look(execution)
        if table is None:
            return None
        if (cause := table.over) is None:
            return ExecutionState(ended=False)
        self._work.delete(names.queued(self._pool, execution))
        failure = failure_of(execution, table, cause)
        if cause is Cause.STOPPED and table.is_halted:
            failure = self._why(table.assignment.order) or failure
        return ExecutionState(ended=True, failure=failure)

    def _why(self, order: Order) -> Failure | None:
        """What was said when it was halted."""
        return from_json(self._work.read(names.halted(order.render, order.attempt)), Halt).why

    def _look(self, execution: str) -> Table | None:
        table = look(self._work, execution)
        return table if table is not None and table.assignment.pool == self._pool else None
