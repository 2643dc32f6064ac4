"""A task's sense of time, so that a simulator can lend it another one."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

BLINK = 0.05
"""Seconds between two looks at whether to get up."""


class Clock(Protocol):
    """Two clocks, as every machine has them. Leases are judged by neither: see ObjectStore.now."""

    def now(self) -> datetime:
        """This machine's time of day, in UTC; other machines' may differ by seconds."""

    def monotonic(self) -> float:
        """Seconds that only rise, from an arbitrary start."""

    def rest(self, seconds: float, *, until: Callable[[], bool]) -> None:
        """Wait so long, or less if `until` becomes true."""


class SystemClock:
    """The machine's own."""

    def now(self) -> datetime:
        """The system's time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """The time since the machine started."""
        return time.monotonic()

    def rest(self, seconds: float, *, until: Callable[[], bool]) -> None:
        """Sleep, with a look at `until` every BLINK."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            time.sleep(BLINK)
