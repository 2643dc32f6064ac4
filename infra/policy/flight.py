"""One flight: a job that is made on machines which come and go, and what each minute was paid for.

    a minute: machines are taken away? ─► the policy decides ─► machines start, or work ─► paid

A policy has machines of one lane at a time, as an attempt has. To have more of them, or others, it
lets go what it has and launches anew; what it has made stays. What it lets go by itself loses
nothing: a task that is told to stop keeps every whole GOP.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from infra.policy.sky import CHUNK, FRAMES, Place, Sky


class Item(StrEnum):
    """What money was for."""

    WORK = "on Spot"
    """Work that stayed."""
    FALLBACK = "on what is sure"
    """The same, where nothing is taken away."""
    START = "starting"
    LOST = "lost work"
    """What each machine had in hand when it was taken away."""
    REST = "last minute"
    """What is left of it when all is made: it is paid to its end."""


@dataclass(slots=True, kw_only=True)
class Flight:
    """Where a job stands. Mutable: a policy moves it on."""

    sky: Sky
    minute: int = 0
    done: int = 0
    """Frames."""
    at: int | None = None
    """The place where it has machines."""
    machines: int = 0
    ready: int = 0
    """The minute from which on they work."""
    made: int = 0
    """Frames of this attempt."""
    leaves: bool = False
    """Its machines are let go at the end of this minute, before anybody could take them."""
    bill: Counter[Item] = field(default_factory=Counter)
    """Nano-dollars."""
    paid: int = 0
    """The same, counted by machines and minutes alone."""
    launches: int = 0
    refused: int = 0
    taken: int = 0
    """How often machines were taken away."""

    @property
    def place(self) -> Place | None:
        """Where it has machines."""
        return None if self.at is None else self.sky.places[self.at]

    @property
    def left(self) -> int:
        """Frames."""
        return self.sky.job.frames - self.done

    @property
    def is_over(self) -> bool:
        """Whether all is made, or it is too late."""
        return self.left <= 0 or self.minute >= self.sky.job.minutes

    @property
    def is_missed(self) -> bool:
        """Whether the deadline came first."""
        return self.is_over and self.left > 0

    def launch(self, at: int, machines: int) -> bool:
        """Machines of that place instead of those that it has; false if there are none."""
        self.let_go()
        self.launches += 1
        place = self.sky.places[at]
        if not place.has(self.minute):
            self.refused += 1
            return False
        self.at, self.machines, self.made = at, machines, 0
        self.ready = self.minute + place.starts
        return True

    def let_go(self) -> None:
        """It has no machines any more."""
        self.at, self.machines, self.leaves = None, 0, False

    def is_taken(self) -> bool:
        """Whether its machines have just been taken away; what they had in hand is lost."""
        place = self.place
        if place is None or place.has(self.minute):
            return False
        lost = min(self.machines * CHUNK, self.made)
        money = lost * place.price // FRAMES
        self.bill[_work(place)] -= money
        self.bill[Item.LOST] += money
        self.done -= lost
        self.taken += 1
        self.let_go()
        return True

    def pass_minute(self) -> None:
        """What it has works, and is paid."""
        place = self.place
        if place is not None:
            cost = self.machines * place.price
            self.paid += cost
            if self.minute < self.ready:
                self.bill[Item.START] += cost
            else:
                self._work(place, cost)
        self.minute += 1
        if self.leaves:
            self.let_go()

    def _work(self, place: Place, cost: int) -> None:
        most = self.machines * FRAMES
        made = min(most, self.left)
        useful = cost * made // most
        self.bill[_work(place)] += useful
        self.bill[Item.REST] += cost - useful
        self.done += made
        self.made += made


def _work(place: Place) -> Item:
    return Item.WORK if place.lane.is_spot else Item.FALLBACK


def flown(sky: Sky, fly: Callable[[Flight], None]) -> Flight:
    """The flight of a policy, from the first minute to its end."""
    flight = Flight(sky=sky)
    while not flight.is_over:
        flight.is_taken()
        fly(flight)
        flight.pass_minute()
    return flight
