from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.reminders import reminders

GRACE = timedelta(seconds=5)
ages = st.integers(-(10**6), 10**9).map(lambda milliseconds: timedelta(milliseconds=milliseconds))


def marks(most: int) -> list[int]:
    """Graces at which a reminder is due, counted one by one."""
    return [g for g in range(1, most + 1) if g % 64 == 0 or (g < 64 and g & (g - 1) == 0)]


def test_an_upload_is_reminded_of_at_doubling_ages_then_at_equal_ones() -> None:
    assert marks(256) == [1, 2, 4, 8, 16, 32, 64, 128, 192, 256]
    for graces in range(400):
        assert reminders(graces * GRACE, GRACE) == len(marks(graces)), graces


@pytest.mark.parametrize("graces", marks(256))
def test_a_reminder_is_due_at_its_moment_and_not_before(graces: int) -> None:
    due = graces * GRACE
    before = reminders(due - timedelta(microseconds=1), GRACE)
    assert reminders(due, GRACE) == before + 1


@given(starts=st.lists(ages, min_size=1, max_size=60).map(sorted))
def test_whenever_one_looks_each_reminder_belongs_to_one_look(starts: list[timedelta]) -> None:
    counts = [0, *(reminders(age, GRACE) for age in starts)]
    between = [after - before for before, after in pairwise(counts)]
    assert min(between) >= 0
    assert sum(between) == len(marks(max(0, starts[-1] // GRACE)))


@given(age=ages)
def test_reminders_are_few_at_first_and_never_far_apart(age: timedelta) -> None:
    if age < 64 * GRACE:
        assert reminders(age, GRACE) == max(0, age // GRACE).bit_length()
    if age >= timedelta():
        assert reminders(age + 64 * GRACE, GRACE) > reminders(age, GRACE)
