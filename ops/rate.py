"""A rate that is kept: so many a minute, in groups that are small beside a second."""

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST = 200
"""In one group, however high the rate is."""
GROUPS_A_SECOND = 4
"""At least, where a group has more than one."""


@dataclass(slots=True, kw_only=True)
class Rate:
    """`now` is in seconds of a steady clock."""

    per_minute: float
    now: Callable[[], float] = time.monotonic
    _next: float | None = None

    @property
    def size(self) -> int:
        """Of one group."""
        return max(1, min(MOST, int(self.per_minute / 60 / GROUPS_A_SECOND)))

    def pause_after(self, count: int) -> float:
        """Seconds until the next group may begin, this one having had so many.

        The time that the work itself took is in it. Time that was lost is not made up for by a
        burst of more than a second's worth.
        """
        now = self.now()
        began = now if self._next is None else max(self._next, now - 1.0)
        self._next = began + count * 60 / self.per_minute
        return max(0.0, self._next - now)
