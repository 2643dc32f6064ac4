from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.retry import RULES, decide
from schemas.failures import Failure, FailureClass
from tests.unit.makers import failure, seconds

MINUTES = timedelta(minutes=1)
UNBOUNDED = (FailureClass.CAPACITY, FailureClass.PREEMPTED)


def test_every_class_has_a_rule() -> None:
    assert set(RULES) == set(FailureClass)


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        (FailureClass.INPUT, 1),
        (FailureClass.SPEC, 0),
        (FailureClass.TIMEOUT, 2),
        (FailureClass.OUT_OF_MEMORY, 2),
        (FailureClass.CRASH, 2),
        (FailureClass.DEPENDENCY, 5),
        (FailureClass.INTERNAL, 1),
        (FailureClass.CANCELLED, 0),
        (FailureClass.BUDGET, 0),
    ],
)
def test_a_class_is_tried_again_as_often_as_its_rule_says(kind: FailureClass, times: int) -> None:
    for retries in range(times):
        decision = decide(failure(kind), retries=retries, barren=1, previous=None, draw=0)
        assert (decision.again, decision.counts) == (True, True)
    last = decide(failure(kind), retries=times, barren=1, previous=None, draw=0)
    assert (last.again, last.counts) == (False, False)
    assert f"{times} times at most" in last.why


def test_an_attempt_that_ran_out_of_time_in_the_middle_of_its_work_uses_up_no_retry() -> None:
    kind = FailureClass.TIMEOUT
    decision = decide(failure(kind), retries=99, barren=0, previous=failure(kind), draw=0)
    assert (decision.again, decision.counts) == (True, False)


@pytest.mark.parametrize("kind", UNBOUNDED)
def test_capacity_and_preemption_neither_use_up_retries_nor_need_any(kind: FailureClass) -> None:
    decision = decide(failure(kind), retries=99, barren=1, previous=failure(kind), draw=0)
    assert (decision.again, decision.counts) == (True, False)


@pytest.mark.parametrize(
    ("kind", "barren", "pause"),
    [
        (FailureClass.CAPACITY, 5, seconds(0)),
        (FailureClass.DEPENDENCY, 0, seconds(5)),
        (FailureClass.DEPENDENCY, 1, seconds(5)),
        (FailureClass.DEPENDENCY, 3, seconds(20)),
        (FailureClass.DEPENDENCY, 8, 10 * MINUTES),
        (FailureClass.DEPENDENCY, 10**6, 10 * MINUTES),
        (FailureClass.PREEMPTED, 5, seconds(0)),
        (FailureClass.CRASH, 1, seconds(1)),
        (FailureClass.CRASH, 4, seconds(8)),
        (FailureClass.DEPENDENCY, 2, seconds(10)),
        (FailureClass.INPUT, 1, seconds(0)),
    ],
)
def test_a_pause_doubles_with_each_barren_attempt_up_to_its_limit(
    kind: FailureClass, barren: int, pause: timedelta
) -> None:
    assert decide(failure(kind), retries=0, barren=barren, previous=None, draw=0).pause == pause


@given(st.sampled_from([*FailureClass]), st.integers(0, 20), st.floats(0, 1, exclude_max=True))
def test_a_lot_takes_up_to_half_of_a_pause_away_and_decides_nothing_else(
    kind: FailureClass, barren: int, draw: float
) -> None:
    whole = decide(failure(kind), retries=0, barren=barren, previous=None, draw=0)
    drawn = decide(failure(kind), retries=0, barren=barren, previous=None, draw=draw)
    assert whole.pause / 2 <= drawn.pause <= whole.pause
    assert replace(drawn, pause=whole.pause) == whole


def test_renders_that_failed_together_do_not_come_back_together() -> None:
    pauses = {
        decide(failure(FailureClass.CRASH), retries=0, barren=1, previous=None, draw=n / 9).pause
        for n in range(9)
    }
    assert len(pauses) == 9


@pytest.mark.parametrize(
    ("previous", "again"),
    [
        (None, True),
        (failure(FailureClass.CRASH, message="frame 12 cannot be read"), True),
        (failure(FailureClass.INPUT, message="the index cannot be read"), True),
        (failure(FailureClass.INPUT, message="frame 700 cannot be read"), False),
    ],
    ids=["first", "another class", "another fault", "the same fault"],
)
def test_the_same_input_fault_twice_in_a_row_is_final(
    previous: Failure | None, again: bool
) -> None:
    fault = failure(FailureClass.INPUT, message="frame 12 cannot be read")
    assert decide(fault, retries=0, barren=1, previous=previous, draw=0).again is again


def test_another_fault_twice_in_a_row_is_not_final() -> None:
    assert decide(failure(), retries=1, barren=1, previous=failure(), draw=0).again
