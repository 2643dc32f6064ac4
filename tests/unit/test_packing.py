"""Which small renders share a machine: whoever waits is served in time, by as few as will do."""

from dataclasses import replace
from datetime import timedelta
from heapq import heapreplace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.group import Care, Condition, Machine, Shortage, Wanted, care
from functions.core.packing import ALONE, Packing
from tests.unit.makers import NOW

START_WITHIN = timedelta(minutes=10)
PACKING = Packing.of(START_WITHIN)
ROOM = PACKING.room


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def wanted(
    number: int,
    takes: float | None,
    *,
    waited: float = 0,
    seats: int = 1,
    holders: tuple[str, ...] = (),
) -> Wanted:
    return Wanted(
        execution=f"r-{number}-0001",
        launched_at=NOW - seconds(waited),
        is_begun=bool(holders),
        free=tuple(f"{number}.{seat}" for seat in range(seats)),
        holders=holders,
        takes=None if takes is None else seconds(takes),
    )


def machine(
    name: str, condition: Condition = Condition.RUNNING, shortage: Shortage | None = None
) -> Machine:
    return Machine(name=name, address=name, condition=condition, shortage=shortage)


def created(
    wants: list[Wanted],
    machines: list[Machine] | None = None,
    *,
    most: int = 10**6,
    tasks: int = 1,
    packing: Packing = PACKING,
) -> tuple[str, ...]:
    return care(machines or [], wants, [], now=NOW, most=most, tasks=tasks, packing=packing).create


def test_a_hand_s_room_leaves_a_machine_time_to_come_before_anybody_is_impatient() -> None:
    assert (ROOM, PACKING.patience) == (timedelta(minutes=2.5), timedelta(minutes=5))
    assert Packing.of(timedelta(hours=2)).room == timedelta(minutes=10)


def test_small_seats_share_machines_in_launch_order_each_named_by_its_first() -> None:
    wants = [wanted(number, 50) for number in range(7)]
    assert created(wants) == ("0.0", "3.0", "6.0")
    assert created(wants, packing=ALONE) == tuple(f"{number}.0" for number in range(7))


def test_what_a_machine_that_comes_has_room_for_has_no_other_one() -> None:
    wants = [wanted(number, 50) for number in range(4)]
    there = [machine("0.0", Condition.COMING)]
    assert created(wants[:3], there) == ()
    assert created(wants, there) == ("3.0",)


def test_a_machine_at_a_small_seat_takes_more_and_one_at_a_long_seat_does_not() -> None:
    small = wanted(0, 50, seats=0, holders=("x-1-0",))
    assert created([small, wanted(1, 50), wanted(2, 50)], [machine("x")]) == ()
    long = replace(small, takes=ROOM)
    assert created([long, wanted(1, 50)], [machine("x")]) == ("1.0",)
    assert created([replace(small, takes=None), wanted(1, 50)], [machine("x")]) == ("1.0",)


@pytest.mark.parametrize(
    "alone", [wanted(2, None), wanted(2, 150), wanted(2, 3600), wanted(2, 50, waited=300)]
)
def test_who_is_long_or_unknown_or_has_waited_has_a_hand_of_its_own(alone: Wanted) -> None:
    wants = [wanted(1, 50), alone, wanted(3, 50)]
    assert created(wants) == ("1.0", "2.0")
    busy = wanted(0, 1, seats=0, holders=("x-1-0",))
    assert created([busy, alone], [machine("x")]) == ("2.0",)
    assert created([alone], [machine("x")]) == ()


def test_what_has_gone_in_vain_names_no_other_and_the_next_seat_does() -> None:
    wants = [wanted(number, 50) for number in range(3)]
    gone = machine("0.0", Condition.GONE)
    assert created(wants, [gone]) == ("1.0",)
    assert created(wants[:1], [gone]) == ()


def test_while_one_is_tried_for_them_no_other_is() -> None:
    wants = [wanted(number, 50) for number in range(3)]
    tried = machine("1.0", Condition.COMING, Shortage.STOCK_OUT)
    needed = care([tried], wants, [], now=NOW, most=9, tasks=1, packing=PACKING)
    assert needed == Care()


def test_a_machine_that_was_made_for_a_seat_and_is_at_another_is_not_the_seat_s() -> None:
    earlier = wanted(0, None, seats=0, holders=("1.0-1-0",))
    assert created([earlier, wanted(1, None)], [machine("1.0")]) == ("1.0b",)
    there = [machine("1.0"), machine("1.0b", Condition.COMING)]
    assert created([earlier, wanted(1, None)], there) == ()


WORK = st.none() | st.integers(1, 400)
WANTS = st.lists(
    st.tuples(WORK, st.sampled_from([0, 100, 299, 300, 900]), st.integers(1, 4)), max_size=12
).map(
    lambda drawn: [
        wanted(number, takes, waited=waited, seats=seats)
        for number, (takes, waited, seats) in enumerate(sorted(drawn, key=lambda one: -one[1]))
    ]
)
ALIVE = st.lists(st.sampled_from([None, *range(1, 400)]), max_size=5)
"""What each machine that is there is at; None of one that is free."""
TASKS = st.integers(1, 3)


def at_work(at: list[int | None]) -> tuple[list[Machine], list[Wanted]]:
    machines = [machine(f"m{number}") for number in range(len(at))]
    holding = [
        wanted(1000 + number, takes, seats=0, holders=(f"m{number}-1-0",))
        for number, takes in enumerate(at)
        if takes is not None
    ]
    return machines, holding


@given(wants=WANTS, at=ALIVE, tasks=TASKS)
def test_whoever_waits_is_begun_within_a_hand_s_room(
    wants: list[Wanted], at: list[int | None], tasks: int
) -> None:
    """Workers take what was launched first, as soon as one of their hands is free."""
    machines, holding = at_work(at)
    made = created([*holding, *wants], machines, tasks=tasks)
    held = [seconds(takes) for takes in at if takes is not None]
    idle = tasks * (len(machines) + len(made)) - len(held)
    hands = sorted([*held, *(seconds(0) for _ in range(idle))])
    for one in wants:
        for _ in one.free:
            begun = hands[0]
            assert begun <= ROOM
            takes = one.takes if one.takes is not None else timedelta(hours=5)
            heapreplace(hands, begun + takes)


@given(wants=WANTS, at=ALIVE, tasks=TASKS, most=st.integers(0, 8))
def test_packing_never_needs_more_and_names_are_of_seats_that_wait(
    wants: list[Wanted], at: list[int | None], tasks: int, most: int
) -> None:
    machines, holding = at_work(at)
    everybody = [*holding, *wants]
    made = created(everybody, machines, tasks=tasks, most=most)
    alone = created(everybody, machines, tasks=tasks, most=most, packing=ALONE)
    seats = [name for one in wants for name in one.free]
    assert len(made) <= len(alone) <= len(seats)
    assert len(made) <= max(0, most - len(machines))
    assert list(made) == sorted(set(made) & set(seats), key=seats.index)


@given(wants=WANTS, at=ALIVE, tasks=TASKS)
def test_who_has_waited_for_half_of_the_start_deadline_is_served_as_without_packing(
    wants: list[Wanted], at: list[int | None], tasks: int
) -> None:
    machines, holding = at_work(at)
    late = [replace(one, launched_at=NOW - PACKING.patience) for one in wants]
    busy = [replace(one, takes=ROOM) for one in holding]
    made = created([*busy, *late], machines, tasks=tasks)
    assert made == created([*busy, *late], machines, tasks=tasks, packing=ALONE)


@given(wants=WANTS, at=ALIVE, tasks=TASKS)
def test_looking_again_while_they_come_asks_for_no_other(
    wants: list[Wanted], at: list[int | None], tasks: int
) -> None:
    machines, holding = at_work(at)
    made = created([*holding, *wants], machines, tasks=tasks)
    coming = [machine(name, Condition.COMING) for name in made]
    assert created([*holding, *wants], [*machines, *coming], tasks=tasks) == ()
