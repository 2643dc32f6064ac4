"""The omniscient optimum: the cheapest flight that is in time, for one who knows every minute.

    cost(minute, machines, work left) = the least of: let go, work a minute, launch, idle a minute

An exact dynamic program over the very flights that a policy can fly (`infra/policy/flight.py`), one
machine-minute at a time; `tests/policy/test_optimum.py` holds it against all flights of small jobs.
One who knows all never launches what will be taken away before it works, and loses no work: it lets
go a minute before, so these are left out.
"""

from collections.abc import Sequence
from itertools import repeat
from operator import add

from infra.policy.flight import Flight
from infra.policy.sky import FRAMES, Sky

NEVER = 1 << 62
"""Nano-dollars, of what cannot be in time."""
Costs = list[int]
"""By the work that is left, in machine-minutes."""


class Optimum:
    """A policy that knows the whole sky. It is made once a sky."""

    def __init__(self, sky: Sky) -> None:
        self._sky = sky
        self._holds = [
            (at, machines)
            for at, place in enumerate(sky.places)
            for machines in range(1, place.lane.tasks + 1)
        ]
        self._idle, self._held = _tables(sky, self._holds)

    @property
    def cost(self) -> int:
        """Nano-dollars; NEVER if nothing is in time."""
        return min(self._idle[0][self._sky.job.work], NEVER)

    def fly(self, flight: Flight) -> None:
        """Decide this minute."""
        minute, left = flight.minute, -(-flight.left // FRAMES)
        if flight.at is not None and minute >= flight.ready:
            hold = self._holds.index((flight.at, flight.machines))
            if self._held[minute][hold][left] >= self._idle[minute][left]:
                flight.let_go()
        if flight.at is None and self._idle[minute][left] < self._idle[minute + 1][left]:
            flight.launch(*self._holds[self._cheapest(minute, left)])
        place = flight.place
        flight.leaves = place is not None and not place.has(minute + 1)

    def _cheapest(self, minute: int, left: int) -> int:
        """Of the launches in that minute."""
        found = []
        for index, hold in enumerate(self._holds):
            if (ready := _ready(self._sky, hold, minute)) is not None:
                cost = _starting(self._sky, hold) + self._held[ready][index][left]
                found.append((cost, index))
        return min(found)[1]


def _tables(sky: Sky, holds: Sequence[tuple[int, int]]) -> tuple[list[Costs], list[list[Costs]]]:
    """By minute, the costs of one who has no machines, and of one who has those of each hold."""
    last, work = sky.job.minutes, sky.job.work
    end = [0, *repeat(NEVER, work)]
    idle: list[Costs] = [end] * (last + 1)
    held: list[list[Costs]] = [[end] * len(holds) for _ in range(last + 1)]
    for minute in reversed(range(last)):
        costs = idle[minute + 1]
        for index, hold in enumerate(holds):
            if (ready := _ready(sky, hold, minute)) is not None:
                launched = map(add, held[ready][index], repeat(_starting(sky, hold)))
                costs = list(map(min, costs, launched))
        idle[minute] = costs
        held[minute] = [
            _working(sky, hold, minute, costs, held[minute + 1][index])
            for index, hold in enumerate(holds)
        ]
    return idle, held


def _working(sky: Sky, hold: tuple[int, int], minute: int, costs: Costs, after: Costs) -> Costs:
    """Of one who has machines: to let them go, or to have them work for a minute."""
    at, machines = hold
    place = sky.places[at]
    if not place.has(minute):
        return costs
    rest = [*repeat(after[0], machines), *after][: len(after)]
    return list(map(min, costs, map(add, rest, repeat(machines * place.price))))


def _starting(sky: Sky, hold: tuple[int, int]) -> int:
    """What machines cost before they work."""
    at, machines = hold
    return machines * sky.places[at].price * sky.places[at].starts


def _ready(sky: Sky, hold: tuple[int, int], minute: int) -> int | None:
    """When machines launched then work; None if they were taken away before, or it is too late."""
    place = sky.places[hold[0]]
    ready = minute + place.starts
    return ready if ready < sky.job.minutes and all(place.there[minute:ready]) else None
