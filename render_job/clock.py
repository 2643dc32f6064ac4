"""A task's sense of time, so that a simulator can lend it another one."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

BLINK = 0.05
"""Seconds between two looks at whether to get up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds of processors, of all threads."""

    own: float
    children: float
    """Of those that this process has waited for, and theirs."""


class Clock(Protocol):
    """Two clocks, as every machine has them, and what was used of its processors.

    Leases are judged by neither clock: see ObjectStore.now.
    """

    def now(self) -> datetime:
        """This machine's time of day, in UTC; other machines' may differ by seconds."""

    def monotonic(self) -> float:
        """Seconds that only rise, from an arbitrary start."""

    def rest(self, seconds: float, *, until: Callable[[], bool]) -> None:
        """Wait so long, or less if `until` becomes true."""

    def spent(self) -> Spent:
        """What this process and its children have used so far."""


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

    def spent(self) -> Spent:
        """By getrusage(2)."""
        mine = resource.getrusage(resource.RUSAGE_SELF)
        theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Spent(own=mine.ru_utime + mine.ru_stime, children=theirs.ru_utime + theirs.ru_stime)
