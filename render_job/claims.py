"""Claims: who is at what. A claim is an object, created by one and renewed by it alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from render_job.choose import Claim, Worker
from render_job.clock import Clock
from render_job.effort import Meter
from schemas import names
from schemas.plan import Order
from schemas.ports import ObjectInfo, ObjectStore, PreconditionFailed

RENEW_EVERY = timedelta(seconds=2)
"""Far below the lease, so that several renewals may be late before anybody takes over, and above
the one write a second that Cloud Storage takes for one object name."""


class ClaimLost(Exception):
    """Another task has taken the work over, or the attempt is over: stop, and look again."""


@dataclass(slots=True, kw_only=True)
class Held:
    """A claim that this task holds. Renewing and releasing are refused once it was taken over."""

    store: ObjectStore
    order: Order
    worker: Worker
    work: str
    clock: Clock
    taken: datetime
    """By the store's clock."""
    generation: int
    renewed: float
    meter: Meter
    """What the work has taken of processors since it was claimed."""

    def heard(self, frames: int) -> bool:
        """Renew it if it is time, saying how many frames are made; True if it was renewed.

        Raises ClaimLost.
        """
        now = self.clock.monotonic()
        if now - self.renewed < RENEW_EVERY.total_seconds():
            return False
        self.renewed = now
        if _is_over(self.store, self.order):
            raise ClaimLost(self.work)
        try:
            self.generation = _write(
                self.store,
                self.order,
                self.worker,
                self.work,
                self.generation,
                {"frames": str(frames), "taken": self.taken.isoformat()},
            ).generation
        except PreconditionFailed as error:
            raise ClaimLost(self.work) from error
        return True

    def keep(self, frames: int) -> None:
        """Renew it if it is time. Raises ClaimLost."""
        self.heard(frames)

    def release(self) -> None:
        """Give it back at once. One that was taken over stays; one that cannot be lapses."""
        try:
            name = names.claim(self.order.render, self.work)
            self.store.delete(name, if_generation_match=self.generation)
        except (PreconditionFailed, OSError):
            return


def take(
    store: ObjectStore,
    order: Order,
    worker: Worker,
    work: str,
    standing: Claim | None,
    *,
    clock: Clock,
) -> Held | None:
    """The claim, or None if another task was faster. `standing` is the one to take over."""
    before, now = standing.generation if standing else 0, clock.monotonic()
    try:
        info = _write(store, order, worker, work, before, {})
    except PreconditionFailed:
        return None
    return Held(
        store=store,
        order=order,
        worker=worker,
        work=work,
        clock=clock,
        taken=info.updated,
        generation=info.generation,
        renewed=now,
        meter=Meter(clock),
    )


def _write(
    store: ObjectStore,
    order: Order,
    worker: Worker,
    work: str,
    before: int,
    told: Mapping[str, str],
) -> ObjectInfo:
    metadata = {
        "execution": worker.execution,
        "task": str(worker.task),
        "attempt": str(order.attempt),
        **told,
    }
    name = names.claim(order.render, work)
    return store.write(name, b"", if_generation_match=before, metadata=metadata)


def _is_over(store: ObjectStore, order: Order) -> bool:
    """Cancelled, or given up: an attempt is closed before the next one is launched."""
    marks = (names.cancelled(order.render), names.closed(order.render, order.attempt))
    return any(store.stat(mark) is not None for mark in marks)
