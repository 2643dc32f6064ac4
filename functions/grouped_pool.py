"""A pool whose machines are a group of ours: they are made for what waits, and deleted when gone.

launch ─► the pool's queue ─► tend: machines for the seats that wait
sweep, every minute ───────► tend: what is gone is deleted, what cannot be had is refused
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from functions.core.group import Care, Lack, Machine, Refused, Shortage, Wanted, care
from functions.core.packing import ALONE, Packing
from functions.each import each
from functions.machine_groups import MachineGroup, WorkerJob
from functions.pool_workers import PoolWorkers
from functions.ports import ExecutionState, Machines
from schemas.events import ExecutionEnded
from schemas.failures import Failure, FailureClass
from schemas.ids import attempt_of, digest
from schemas.plan import Order
from schemas.ports import ObjectStore
from schemas.seats import Seat, look, waiting

_SENTENCES = {
    Shortage.STOCK_OUT: "no machine of its kind was left",
    Shortage.QUOTA: "our own quota was used up",
}

LOOKED_THROUGH = 16
"""Executions in the queue through which a launch looks, at three calls each; where more wait, it is
the sweep that sees to machines."""

log = logging.getLogger("clipline.group")


class GroupedPool:
    """A Backend and a Group. What the group's service does not answer fails no launch."""

    def __init__(
        self,
        pool: str,
        group: MachineGroup | WorkerJob,
        *,
        machines: Machines,
        work: ObjectStore,
        packing: Packing = ALONE,
        at_once: int = 1,
    ) -> None:
        """`at_once` are calls to the store under way together, of a sweep that looks at a queue."""
        self._pool = pool
        self._group = group
        self._packing = packing
        self._at_once = at_once
        self._machines = machines
        self._work = work
        self._workers = PoolWorkers(pool, work)

    def launch(self, order: Order) -> str:
        """As PoolWorkers; and its machines are asked for now, or by the next sweep."""
        execution = self._workers.launch(order)
        try:
            queue = waiting(self._work, self._pool)
            if len(queue) <= LOOKED_THROUGH:
                wanted = self._wanted(queue)
                self._machines.create(self._care(wanted, self._machines.listed()).create)
        except Exception:
            extra = {"action": "not_tended"}
            log.exception("machines of '%s' are asked for later", self._pool, extra=extra)
        return execution

    def stop(self, execution: str) -> None:
        """As PoolWorkers; a machine stops itself when its worker finds nothing to do."""
        self._workers.stop(execution)

    def state(self, execution: str) -> ExecutionState | None:
        """As PoolWorkers."""
        return self._workers.state(execution)

    def tend(self) -> Sequence[ExecutionEnded]:
        """See Group. Raises TryAgainLater, and what the store raises."""
        # What waits is read first: who takes a seat in between has a machine that is listed.
        wanted = self._wanted(waiting(self._work, self._pool))
        machines = self._machines.listed()
        needed = self._care(wanted, machines, self._lacks(machines) if wanted else ())
        ends = [self._refuse(one) for one in needed.refuse]
        self._machines.delete(needed.delete)
        if refused := self._machines.create(needed.create):
            told = {one.execution for one in ends}
            left = [one for one in wanted if one.execution not in told]
            needed = self._care(left, self._machines.listed(), refused)
            ends += [self._refuse(one) for one in needed.refuse]
        return ends

    def _care(
        self, wanted: Sequence[Wanted], machines: Sequence[Machine], lacks: Sequence[Lack] = ()
    ) -> Care:
        group = self._group
        return care(
            machines,
            wanted,
            lacks,
            now=self._work.now(),
            most=group.most,
            tasks=group.tasks,
            packing=self._packing,
        )

    def _lacks(self, machines: Sequence[Machine]) -> Sequence[Lack]:
        """Those that the service remembers, and those of machines that are tried again now."""
        now = self._work.now()
        tried = [Lack(at=now, shortage=one.shortage) for one in machines if one.shortage]
        return [*self._machines.lacks(), *tried]

    def _wanted(self, queue: Sequence[tuple[str, datetime]]) -> Sequence[Wanted]:
        found = each(lambda one: self._seen(*one), queue, self._at_once)
        return [one for one in found if one is not None]

    def _seen(self, execution: str, since: datetime) -> Wanted | None:
        """What it wants; None if it is over."""
        table = look(self._work, execution)
        if table is None or table.over:
            return None
        return Wanted(
            execution=execution,
            launched_at=since,
            is_begun=any(seat.generation for seat in table.seats),
            free=tuple(self._named(execution, seat) for seat in table.free),
            holders=tuple(seat.worker for seat in table.seats if seat.is_live(table.now)),
            takes=table.assignment.order.takes,
        )

    def _named(self, execution: str, seat: Seat) -> str:
        """A machine's name: another one each time that the seat is free again."""
        which = digest(execution, str(seat.index), str(seat.generation))
        return f"{self._group.name}-{which[:10]}"

    def _refuse(self, refused: Refused) -> ExecutionEnded:
        """It ends as a lack of capacity, whoever looks at it from now on."""
        lack = refused.lack
        failure = Failure(
            failure=FailureClass.CAPACITY,
            reason=lack.shortage.value,
            message=f"'{refused.execution}' has no machine: {_SENTENCES[lack.shortage]}",
            detail=lack.words,
        )
        self._workers.halt(refused.execution, failure)
        named = attempt_of(refused.execution)
        assert named is not None, "only what has a table is refused"
        return ExecutionEnded(
            render=named[0],
            attempt=named[1],
            execution=refused.execution,
            failure=failure,
            at=self._work.now(),
        )
