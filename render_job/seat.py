"""A seat that a worker holds: taken from the pool's queue, renewed, given back or ended.

Every write has the generation that was last seen as its precondition, so of two who reach for a
seat one gets it, and who has lost it notices at the next write.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from schemas import names
from schemas.plan import Order, RenderPlan
from schemas.ports import ObjectStore, PreconditionFailed
from schemas.seats import LEASE, Seat, Table, look, waiting
from schemas.wire import Unreadable, from_json

RENEW_EVERY = timedelta(seconds=5)
"""Six renewals may be late before anybody takes a seat over."""
FENCE = LEASE - timedelta(seconds=5)
"""Who could not renew a seat for so long, by its own clock, lets go of it before others take it."""

log = logging.getLogger("clipline.worker")


class SeatLost(Exception):
    """Another worker has taken the seat over: end its task, which is theirs now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What may be taken: nothing that is not its own reaches a worker's hands."""

    pool: str
    encoder_classes: frozenset[str]
    """What this machine makes; pieces of another one could not be joined to the others."""
    tenants: frozenset[str] = frozenset()
    """The only ones for whom it works; for all of them where none is named."""


@dataclass(slots=True, kw_only=True)
class Sitting:
    """A seat that is held, and the clock reading at which it was last renewed."""

    work: ObjectStore
    execution: str
    order: Order
    seat: Seat
    renewed: float

    def renew(self, at: float) -> None:
        """Say that its holder is there. Raises SeatLost."""
        self.write(self.seat, at)

    def write(self, seat: Seat, at: float) -> None:
        """What the seat becomes. Raises SeatLost."""
        try:
            self.seat = _written(self.work, self.order, seat)
        except PreconditionFailed as error:
            raise SeatLost(f"{self.execution}, task {seat.index}") from error
        self.renewed = at

    def is_halted(self) -> bool:
        """Whether its task is to stop."""
        mark = names.halted(self.order.render, self.order.attempt)
        return self.work.stat(mark) is not None


def take(
    work: ObjectStore,
    mine: Belongings,
    worker: str,
    *,
    at: float,
    fits: Callable[[Order], bool] = lambda order: True,
) -> Sitting | None:
    """A free seat of whatever has waited longest; None if there is none for this worker.

    What does not fit, it leaves to others.
    """
    for execution, _ in waiting(work, mine.pool):
        table = _table(work, mine, execution)
        if table is None:
            continue
        if table.over:
            work.delete(names.queued(mine.pool, execution))
            continue
        if not fits(table.assignment.order):
            continue
        for seat in table.free:
            if sitting := _take(work, execution, table, seat, worker, at):
                return sitting
    return None


def leave(work: ObjectStore, execution: str) -> Table | None:
    """Take it out of the queue if its last task is over; the table then, None if it goes on."""
    table = look(work, execution)
    if table is None or not table.over:
        return None
    work.delete(names.queued(table.assignment.pool, execution))
    return table


def _table(work: ObjectStore, mine: Belongings, execution: str) -> Table | None:
    """None of what is not this worker's: another pool's, encoder's or tenant's, or unreadable."""
    try:
        table = look(work, execution)
    except Unreadable as error:
        log.error("'%s' is passed over: %s", execution, error, extra={"action": "passed_over"})
        return None
    if table is None or table.assignment.pool != mine.pool:
        return None
    if table.over is None and not _is_mine(work, mine, table.assignment.order):
        return None
    return table


def _is_mine(work: ObjectStore, mine: Belongings, order: Order) -> bool:
    if order.encoder_class not in mine.encoder_classes:
        return False
    if not mine.tenants:
        return True
    plan = from_json(work.read(names.plan(order.render)), RenderPlan)
    return plan.upload.tenant in mine.tenants


def _take(
    work: ObjectStore, execution: str, table: Table, seat: Seat, worker: str, at: float
) -> Sitting | None:
    order = table.assignment.order
    with suppress(PreconditionFailed):
        taken = _written(work, order, seat.taken_by(worker))
        if not taken.is_over:
            return Sitting(work=work, execution=execution, order=order, seat=taken, renewed=at)
    return None


def _written(work: ObjectStore, order: Order, seat: Seat) -> Seat:
    info = work.write(
        names.seat(order.render, order.attempt, seat.index),
        b"",
        if_generation_match=seat.generation,
        metadata=seat.metadata,
    )
    return replace(seat, generation=info.generation, heard_at=info.updated)
