"""The watch over the ledger: what is invented, told twice or left out is found."""

from dataclasses import replace

import pytest

from functions.core.entries import Entry, Outcome, launched
from functions.core.render import Render
from infra.simulator.course import Course
from infra.simulator.history import live
from infra.simulator.ledger_watch import LedgerWatch
from schemas.failures import FailureClass
from tests.unit.makers import NOW, after, failure, order, over, rendering, seconds, verified

RENDER = rendering()
DONE = after(RENDER, verified(RENDER), now=NOW + seconds(90))


def watched(render: Render = DONE, *, began: bool = True) -> LedgerWatch:
    """The launch of its attempt was admitted, and perhaps had its machines."""
    watch = LedgerWatch()
    assert render.current is not None
    watch.admitted(launched(render.id, render.current))
    if began:
        watch.began(order(render=render.id))
    return watch


def told(watch: LedgerWatch, *entries: Entry) -> list[str]:
    return list(watch.appended(entries))


def test_what_is_true_may_be_told_again_and_again() -> None:
    watch = watched()
    assert told(watch, *DONE.entries, *DONE.entries) == []
    assert not [*watch.unsettled([DONE]), *watch.unbalanced([DONE])]


def test_a_launch_that_nobody_admitted_is_found() -> None:
    (seen, _) = told(LedgerWatch(), *DONE.entries)
    assert seen.endswith("no such launch was admitted")


def test_an_invented_start_is_found() -> None:
    (seen, _) = told(watched(began=False), *DONE.entries)
    assert seen.endswith("its machines never came")


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.OWN_QUOTA])
def test_an_invented_refusal_is_found(outcome: Outcome) -> None:
    _, end = DONE.entries
    assert told(watched(), replace(end, outcome=outcome))
    watch = watched()
    watch.refused(order(render=DONE.id), "stock_out")
    watch.refused(order(render=DONE.id), "quota_exceeded")
    assert told(watch, replace(end, outcome=outcome)) == []


def test_two_ends_of_one_launch_are_found() -> None:
    _, end = DONE.entries
    (seen,) = told(watched(), end, replace(end, outcome=Outcome.PREEMPTED))
    assert seen.endswith("ended as finished and as preempted")


def test_another_story_under_the_same_key_is_found() -> None:
    _, end = DONE.entries
    (seen,) = told(watched(), end, replace(end, nanodollars=end.nanodollars + 1))
    assert "was told as" in seen


def test_an_end_that_was_never_told_is_found() -> None:
    watch = watched()
    assert list(watch.unsettled([DONE])) == [f"attempt 1 of {DONE.id} on laptop/cpu"]


def test_money_that_the_ledger_has_and_no_attempt_is_found() -> None:
    watch = watched()
    _, end = DONE.entries
    told(watch, replace(end, nanodollars=7))
    assert list(watch.unbalanced([DONE])) == ["the ledger has 7 n$, the attempts 0 n$"]


def test_attempts_that_a_render_keeps_no_more_are_not_asked_for() -> None:
    watch = watched()
    _, end = DONE.entries
    watch.admitted(replace(end, attempt=0))
    watch.began(order(render=DONE.id, attempt=0))
    told(watch, *DONE.entries, replace(end, attempt=0, nanodollars=7))
    assert not [*watch.unsettled([DONE]), *watch.unbalanced([DONE])]


def test_in_many_histories_the_ledger_tells_the_truth_and_lanes_cost_something() -> None:
    for number in range(20):
        outcome = live(Course(seed="ledger").recipe(number))
        assert not outcome.violations
        assert outcome.counts.metered > 0 or not outcome.counts.starts


def test_an_attempt_that_never_started_has_no_machines_though_another_one_delivered() -> None:
    lost = after(RENDER, over(RENDER, failure(FailureClass.PREEMPTED)), now=NOW + seconds(9))
    assert (lost.attempt, lost.current and lost.current.started_at) == (2, None)
    late = after(lost, verified(lost, attempt=1), now=NOW + seconds(10))
    watch = watched(late, began=False)
    assert told(watch, *late.entries_of(late.attempts[1])) == []
