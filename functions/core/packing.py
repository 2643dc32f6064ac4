"""Packing: which waiting seats share a machine, and how many of them those that are there serve.

    seats in launch order ─┬─ whole: nobody knows how long, long, or has waited ─► a hand of its own
                           └─ small ─► what a hand takes one after another, until it is full

A machine is billed a minute at least, and a service starts so many a minute. So seats of little
work are given to one hand, which takes them one after another. The room of a hand is a quarter of
the lane's start deadline, ten minutes at most: a machine comes within another quarter, so that the
last one is begun before it has waited for half of the deadline. Who has waited for so long has a
hand of its own: packing never makes a stock-out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

MOST = timedelta(minutes=10)
"""Enough for a billed minute to be a tenth, and well below what a place lets a task run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How small seats share the hands of machines."""

    room: timedelta
    """Work that is given to one hand."""
    patience: timedelta
    """Who has waited for so long has a hand of its own."""

    @staticmethod
    def of(start_within: timedelta) -> "Packing":
        """For a lane of that start deadline."""
        return Packing(room=min(MOST, start_within / 4), patience=start_within / 2)

    def cost(self, takes: timedelta | None, waited: timedelta) -> timedelta:
        """What a seat uses of a hand's room: all of it where it must have one of its own."""
        if takes is None or waited >= self.patience:
            return self.room
        return min(takes, self.room)


ALONE = Packing(room=timedelta(seconds=1), patience=timedelta.min)
"""Every seat has a hand of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A seat that is free: the name of the machine that would be made for it, and its cost."""

    name: str
    cost: timedelta


@dataclass(slots=True)
class _Machine:
    """One that is to be made."""

    left: timedelta
    seats: list[str] = field(default_factory=list)


def packed(
    seats: Sequence[Waiting], held: Sequence[timedelta], *, hands: int, tasks: int, room: timedelta
) -> list[tuple[str, ...]]:
    """The seats that need a machine, in launch order, by the machine of `tasks` hands they share.

    `hands` are those of machines that are there or coming; `held` is the cost of each seat that one
    of them is at.
    """
    machines: list[_Machine] = []
    open_ones: list[_Machine] = []
    for seat in _unserved(seats, held, hands, room):
        one = next((one for one in open_ones if one.left >= seat.cost), None)
        if one is None:
            one = _Machine(left=room * tasks)
            machines.append(one)
            open_ones.append(one)
        one.seats.append(seat.name)
        one.left -= seat.cost
        if not one.left:
            open_ones.remove(one)
    return [tuple(one.seats) for one in machines]


def _unserved(
    seats: Sequence[Waiting], held: Sequence[timedelta], hands: int, room: timedelta
) -> Iterator[Waiting]:
    """Whole ones need a hand that is free; small ones share what is left of all."""
    free = max(hands - len(held), 0)
    whole = sum(seat.cost >= room for seat in seats)
    left = room * max(free - whole, 0) + sum((room - cost for cost in held), timedelta(0))
    for seat in seats:
        if seat.cost >= room:
            if free <= 0:
                yield seat
            free -= 1
        elif seat.cost <= left:
            left -= seat.cost
        else:
            left = timedelta(0)  # Who comes later is no sooner served.
            yield seat
