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
    day does not matter. `ask` is asked for a moment when nothing near was told for a minute.
    """

    def __init__(
        self, ask: Callable[[], datetime], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._lock = Lock()
        self._offset: timedelta | None = None
        """The store's clock less this machine's count, from below."""
        self._counted = timedelta(0)
        """The count when the offset was last looked at."""
        self._fresh: timedelta | None = None
        """The count when the offset was last known to be near, not only below."""

    def now(self) -> datetime:
        """The store's time. Raises what `ask` raises."""
        fresh = self._fresh
        if fresh is None or self._count() - fresh > ASKED_AFTER:
            self._tell(self._ask(), is_fresh=True)
        assert self._offset is not None, "it has been told"
        return _EPOCH + self._offset + self._count()

    def tell(self, moment: datetime) -> None:
        """The store has told that it is at least so late there; it may be long past."""
        self._tell(moment, is_fresh=False)

    def _tell(self, moment: datetime, *, is_fresh: bool) -> None:
        with self._lock:
            count = self._count()
            offset = moment - _EPOCH - count
            if self._offset is not None:
                aged = self._offset - (count - self._counted) * DRIFT
                # What is better than what was near is near.
                is_fresh = is_fresh or (self._fresh is not None and offset >= aged)
                offset = max(offset, aged)
            self._offset, self._counted = offset, count
            if is_fresh:
                self._fresh = count

    def _count(self) -> timedelta:
        return timedelta(seconds=self._monotonic())
