"""What a replay takes is foreseen by what attempts took: a fixed part, and one by size."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.entries import Entry, Outcome
from functions.core.forecast import pace
from functions.core.ledger import HALF_LIFE, MEMORY
from tests.unit.makers import NOW

LANE = "a/cpu"


def entry(number: int, pixels: int, seconds: float, **changes: object) -> Entry:
    plain = Entry(
        lane=LANE,
        render=f"r-{number}",
        attempt=1,
        outcome=Outcome.FINISHED,
        launched_at=NOW - timedelta(minutes=2),
        at=NOW - timedelta(minutes=1),
        ran=timedelta(seconds=seconds),
        pixels=pixels,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


@given(
    st.floats(0.0, 30.0),
    st.integers(100, 10_000),
    st.lists(st.integers(1, 100), min_size=6, max_size=30, unique=True),
)
def test_a_fixed_part_and_one_by_size_are_told_apart(
    fixed: float, microseconds: int, sizes: list[int]
) -> None:
    sizes = [*sizes, max(sizes) * 3]
    seen = [entry(n, x * 1000, fixed + x * microseconds / 1e3) for n, x in enumerate(sizes)]
    known = pace(LANE, seen, NOW)
    assert known is not None
    assert known.largest == max(sizes) * 1000
    for pixels in (0, 7_000, 450_000):
        truly = fixed + pixels * microseconds / 1e6
        assert known.takes(pixels).total_seconds() == pytest.approx(truly, abs=0.002, rel=1e-4)


def test_of_few_or_equal_attempts_nobody_can_tell_and_all_is_by_size() -> None:
    for seen in (
        [entry(n, 1000 * (n + 1), 2.0 * (n + 1)) for n in range(4)],
        [entry(n, 1000, 2.0) for n in range(9)],
    ):
        known = pace(LANE, seen, NOW)
        assert known is not None
        assert known.takes(500) == timedelta(seconds=1)


def test_a_fixed_part_is_never_less_than_nothing() -> None:
    seen = [entry(n, 1000 * (n + 1), (n + 1) ** 2) for n in range(9)]
    known = pace(LANE, seen, NOW)
    assert known is not None
    assert known.takes(0) == timedelta(0)


def test_only_what_ended_there_with_something_made_counts_and_each_once() -> None:
    good = [entry(n, 1000 * (n + 1), 2.0 + n) for n in range(9)]
    odd = [
        entry(20, 0, 99.0),
        entry(21, 500, 99.0, lane="b/cpu"),
        entry(22, 500, 99.0, outcome=Outcome.PREEMPTED),
        entry(23, 500, 0.0),
        entry(24, 500, 99.0, at=NOW - MEMORY),
    ]
    assert pace(LANE, [*good, *odd, *good], NOW) == pace(LANE, good, NOW)
    assert pace(LANE, odd, NOW) is None


def test_what_was_seen_lately_counts_more() -> None:
    slow = [entry(n, 1000, 4.0, at=NOW - 5 * HALF_LIFE) for n in range(3)]
    fast = [entry(n + 3, 1000, 1.0) for n in range(3)]
    known = pace(LANE, [*slow, *fast], NOW)
    assert known is not None
    assert known.takes(1000) < timedelta(seconds=1.2)
    assert pace(LANE, [], NOW) is None


def test_an_hour_later_it_says_the_same_of_the_same() -> None:
    """So two plans of an unchanged world are one."""
    seen = [entry(n, 1234 * (n + 1), 1.7 + n * 0.9) for n in range(9)]
    known, later = pace(LANE, seen, NOW), pace(LANE, seen, NOW + timedelta(hours=1))
    assert known is not None
    assert later is not None
    assert known.takes(5000) == later.takes(5000)
