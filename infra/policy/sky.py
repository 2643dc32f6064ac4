"""What a flight goes through: lanes with prices, and in which minutes each has machines."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.core.lanes import Lane

MINUTE = 60
"""Seconds. Everything happens at the full minute, as often as the sweep comes by."""
FRAMES = 3600
"""That a machine makes in a minute: 60 a second, on every lane."""
CHUNK = 450
"""Frames of a chunk: 15 seconds of video (`functions/core/chunks.py`). Each machine loses one when
it is taken away, as if it had been about to finish: the worst case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A lane, and in which minutes of a flight it has machines."""

    lane: Lane
    there: bytes
    """One byte a minute until the deadline, 0 for none; whoever works when it has none loses its
    machines. Other minutes are not looked at."""

    @property
    def price(self) -> int:
        """Nano-dollars of one machine for a minute; every minute that is begun is paid."""
        assert self.lane.price is not None, "a place without a price is not flown to"
        return self.lane.price.nanodollars_a_second * MINUTE

    @property
    def starts(self) -> int:
        """Minutes from a launch to the first work, at least one: they are paid as well."""
        start = self.lane.start if self.lane.start is not None else self.lane.start_within / 2
        return max(1, round(start.total_seconds() / MINUTE))

    def has(self, minute: int) -> bool:
        """Whether it has machines then; never after the deadline."""
        return any(self.there[minute : minute + 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be made, and by when."""

    work: int
    """Machine-minutes."""
    minutes: int
    """From the beginning to the deadline."""

    @property
    def frames(self) -> int:
        """All that is to be made."""
        return self.work * FRAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """The places of a flight, in the order of the lanes' file, and its job."""

    places: Sequence[Place]
    job: Job

    @property
    def spot(self) -> Sequence[int]:
        """The places whose machines are taken away."""
        return [n for n, place in enumerate(self.places) if place.lane.is_spot]

    @property
    def sure(self) -> int:
        """The cheapest place that always has machines."""
        others = [n for n, place in enumerate(self.places) if not place.lane.is_spot]
        return min(others, key=lambda n: self.places[n].price)
