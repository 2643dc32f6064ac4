"""Cloud Storage's clock, read from this machine without a call a look."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

ASKED_AFTER = timedelta(minutes=1)
"""Without a word from the store; a machine that slept meanwhile has not counted the time."""
DRIFT = 1e-4
"""How much faster than the store this machine may count: a bad quartz, 6 ms a minute."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class GcsClock:
    """Never ahead of the store's clock, and hardly ever far behind.

    A moment that the store tells, the `updated` of an object or the `Date` of an answer, had passed
    when the answer arrived here:

        store   ──────● updated ────────────────●  it is at least updated + elapsed
        here             ●  heard ── elapsed ───●  now()

    So a lease is never judged over too soon, and at most too late by the way of one answer, or by
    the second that a `Date` leaves out while nothing better was told. This machine's own time of
    day does not matter. `ask` is asked for a moment when none was told for a minute.
    """

    def __init__(
        self, ask: Callable[[], datetime], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._lock = Lock()
        self._best: tuple[timedelta, timedelta] | None = None
        """The store's clock less this machine's count, from below; and the count at that time."""

    def now(self) -> datetime:
        """The store's time. Raises what `ask` raises."""
        best = self._best
        if best is None or self._count() - best[1] > ASKED_AFTER:
            best = self.tell(self._ask())
        return _EPOCH + best[0] + self._count()

    def tell(self, moment: datetime) -> tuple[timedelta, timedelta]:
        """The store has just told that it is at least so late there."""
        with self._lock:
            count = self._count()
            offset = moment - _EPOCH - count
            if self._best is not None:
                before, then = self._best
                offset = max(offset, before - (count - then) * DRIFT)
            self._best = offset, count
            return self._best

    def _count(self) -> timedelta:
        return timedelta(seconds=self._monotonic())
