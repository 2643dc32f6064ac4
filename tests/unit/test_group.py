"""How many machines a pool's group gets, and which: whatever waits and whatever is there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.group import (
    Care,
    Condition,
    Lack,
    Machine,
    Shortage,
    Wanted,
    care,
    machine_of,
)
from tests.unit.makers import NOW

COMING, RUNNING, LEAVING, GONE = Condition


def machine(name: str, condition: Condition = RUNNING, shortage: Shortage | None = None) -> Machine:
    return Machine(name=name, address=f"zones/z/{name}", condition=condition, shortage=shortage)


def wanted(*free: str, execution: str = "r-1-0001", holders: Sequence[str] = ()) -> Wanted:
    return Wanted(
        execution=execution,
        launched_at=NOW,
        is_begun=bool(holders),
        free=free,
        holders=tuple(holders),
    )


def lack(seconds: float = 1, shortage: Shortage = Shortage.STOCK_OUT) -> Lack:
    return Lack(at=NOW + timedelta(seconds=seconds), shortage=shortage, words="said so")


def cared(
    machines: Sequence[Machine],
    wants: Sequence[Wanted],
    lacks: Sequence[Lack] = (),
    *,
    most: int = 10,
    tasks: int = 1,
) -> Care:
    return care(machines, wants, lacks, now=NOW, most=most, tasks=tasks)


def test_where_nothing_waits_nothing_is_made_and_nothing_that_runs_is_taken_away() -> None:
    assert cared([machine("a"), machine("b", COMING)], []) == Care()


def test_every_seat_that_waits_has_a_machine_of_its_name() -> None:
    assert cared([], [wanted("a", "b"), wanted("c")]).create == ("a", "b", "c")


def test_machines_that_are_free_or_coming_are_counted_on() -> None:
    there = [machine("x"), machine("a", COMING)]
    assert cared(there, [wanted("a", "b", "c")]).create == ("c",)


def test_a_machine_whose_worker_is_at_a_seat_is_not_counted_on() -> None:
    busy = wanted("b", holders=["x-12-3f0a1b"])
    assert cared([machine("x")], [busy]).create == ("b",)
    elsewhere = wanted("b", holders=["desk-12-3f0a1b"])
    assert cared([machine("x")], [elsewhere]).create == ()


def test_a_machine_with_several_hands_serves_several_seats() -> None:
    assert cared([], [wanted("a", "b", "c", "d", "e")], tasks=2).create == ("a", "c", "e")


def test_there_are_never_more_machines_than_may_be() -> None:
    there = [machine("x", LEAVING), machine("y", GONE)]
    assert cared(there, [wanted("a", "b", "c")], most=2).create == ("a",)


def test_what_has_stopped_is_deleted_and_not_made_again_while_it_stands_there() -> None:
    gone = machine("a", GONE)
    needed = cared([gone], [wanted("b")])
    assert (needed.delete, needed.create) == ((gone,), ("b",))
    assert cared([gone], [wanted("a")]).create == ()


def test_who_has_no_machine_and_can_have_none_is_refused_and_what_was_tried_is_deleted() -> None:
    tried = machine("a", COMING, Shortage.STOCK_OUT)
    needed = cared([tried], [wanted("a")], [lack()])
    assert [one.execution for one in needed.refuse] == ["r-1-0001"]
    assert needed.refuse[0].lack.shortage is Shortage.STOCK_OUT
    assert (needed.delete, needed.create) == ((tried,), ())


@pytest.mark.parametrize(
    ("there", "wants", "lacks"),
    [
        ([], [wanted("a")], [lack(-1)]),
        ([machine("x")], [wanted("a")], [lack()]),
        ([machine("x", COMING)], [wanted("a")], [lack()]),
        ([], [replace(wanted("a"), is_begun=True)], [lack()]),
        ([], [wanted("a")], []),
    ],
    ids=["before it was launched", "one runs", "one is coming", "it was begun", "nothing lacks"],
)
def test_nobody_else_is_refused(
    there: list[Machine], wants: list[Wanted], lacks: list[Lack]
) -> None:
    assert cared(there, wants, lacks).refuse == ()


def test_the_last_cause_counts() -> None:
    lacks = [lack(5, Shortage.QUOTA), lack(2)]
    (refused,) = cared([], [wanted("a")], lacks).refuse
    assert refused.lack.shortage is Shortage.QUOTA


def test_a_worker_s_name_tells_its_machine() -> None:
    assert machine_of("clipline-gpu-0a1b2c-117-3f0a1b") == "clipline-gpu-0a1b2c"


MACHINES = st.lists(
    st.builds(
        machine,
        st.sampled_from("abcdefgh"),
        st.sampled_from(Condition),
        st.sampled_from([None, *Shortage]),
    ),
    max_size=8,
    unique_by=lambda one: one.name,
)
WANTS = st.lists(
    st.builds(
        lambda free, holders, number: wanted(
            *free, execution=f"r-{number}-0001", holders=[f"{one}-1-0" for one in holders]
        ),
        st.lists(st.sampled_from("abcdefghijkl"), max_size=4, unique=True),
        st.lists(st.sampled_from("abcdefgh"), max_size=2),
        st.integers(0, 3),
    ),
    max_size=4,
)


@given(
    machines=MACHINES,
    wants=WANTS,
    lacks=st.lists(st.builds(lack, st.floats(-9, 9), st.sampled_from(Shortage)), max_size=3),
    most=st.integers(0, 6),
    tasks=st.integers(1, 3),
)
def test_whatever_is_there_no_machine_that_lives_is_deleted_and_none_is_made_twice(
    machines: list[Machine], wants: list[Wanted], lacks: list[Lack], most: int, tasks: int
) -> None:
    needed = cared(machines, wants, lacks, most=most, tasks=tasks)
    assert not any(one.is_alive for one in needed.delete)
    assert not set(needed.create) & {one.name for one in machines}
    standing = sum(one.condition is not GONE for one in machines)
    assert len(needed.create) <= max(0, most - standing)
    refused = {one.execution for one in needed.refuse}
    served = [name for one in wants if one.execution not in refused for name in one.free]
    assert {name[0] for name in needed.create} <= set(served)
    assert all(name[1:] in ("", "b") for name in needed.create)
    assert len(needed.create) <= -(-len(served) // tasks)
