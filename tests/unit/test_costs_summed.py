"""Costs are summed exactly, whatever they are told apart by."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer import BadParameter

from functions.core.costs import Span, accounts
from functions.core.render import Render, State
from functions.core.waste import Cause, Part, lasted
from ops.costs_verb import KINDS, cost_lines, kinds, month
from schemas.events import AttemptRecord
from schemas.failures import Failure, FailureClass
from tests.unit.makers import NOW, failure, rendering, upload

MICROSECOND = timedelta(microseconds=1)


@st.composite
def attempt(draw: st.DrawFn) -> AttemptRecord:
    waited, ran = draw(st.integers(0, 10**9)), draw(st.integers(0, 10**11))
    launched = NOW + MICROSECOND * draw(st.integers(0, 10**13))
    started = draw(st.none() | st.just(launched + waited * MICROSECOND))
    cause: Failure | None = draw(st.none() | st.builds(failure, st.sampled_from(FailureClass)))
    frames = draw(st.integers(0, 100))
    return AttemptRecord(
        number=1,
        lane=draw(st.sampled_from(["a/l4", "b/l4", "laptop/cpu"])),
        launched_at=launched,
        started_at=started,
        ended_at=draw(st.none() | st.just((started or launched) + ran * MICROSECOND)),
        cause=cause,
        frames_after=frames,
        made_at=draw(st.none() | st.just(launched + (waited + ran // 2) * MICROSECOND)),
        nanodollars=draw(st.integers(0, 10**12)) if started else 0,
    )


@st.composite
def some_render(draw: st.DrawFn) -> Render:
    plain = rendering()
    return replace(
        plain,
        upload=upload(name=draw(st.sampled_from(["ana/a.mp4", "ben/b.mp4", "c.mp4"]))),
        plan=draw(st.sampled_from([None, plain.plan])),
        state=draw(st.sampled_from([State.DONE, State.FAILED, State.RENDERING])),
        failure=draw(st.none() | st.builds(failure, st.sampled_from(FailureClass))),
        attempts=tuple(draw(st.lists(attempt(), max_size=5))),
    )


@given(st.lists(some_render(), max_size=6), st.sets(st.sampled_from(KINDS), min_size=1))
def test_all_sums_are_all_attempts_however_they_are_told_apart(
    renders: list[Render], by: set[str]
) -> None:
    ended = [a for one in renders for a in one.attempts if a.ended_at is not None]
    lines = cost_lines(accounts(renders), sorted(by))
    assert sum(line.nanodollars for line in lines) == sum(a.nanodollars for a in ended)
    assert sum(line.microseconds for line in lines) == sum(lasted(a) // MICROSECOND for a in ended)
    told = [tuple(getattr(line, kind) for kind in KINDS) for line in lines]
    assert len(told) == len(set(told))
    for kind in set(KINDS) - by:
        assert {getattr(line, kind) for line in lines} <= {""}


@given(st.lists(some_render(), max_size=6), st.integers(0, 10**13))
def test_what_ends_on_both_sides_of_a_moment_is_all(renders: list[Render], after: int) -> None:
    moment = NOW + after * MICROSECOND
    whole = accounts(renders)
    parts = [accounts(renders, Span(until=moment)), accounts(renders, Span(since=moment))]
    for account in whole:
        assert sum((one.get(account, Part()) for one in parts), Part()) == whole[account]


def test_what_was_preempted_and_what_came_of_the_rest_are_told_apart() -> None:
    """$1 a task-hour, two tasks: 60 minutes, of which 15 after the last commit are lost."""
    start = NOW
    preempted = AttemptRecord(
        number=1,
        lane="spot",
        launched_at=start - timedelta(minutes=1),
        started_at=start,
        ended_at=start + timedelta(minutes=60),
        made_at=start + timedelta(minutes=45),
        cause=failure(FailureClass.PREEMPTED),
        frames_after=300,
        nanodollars=2_000_000_000,
    )
    done = replace(rendering(), state=State.DONE, attempts=(preempted,))
    sums = {account.cause: part for account, part in accounts([done]).items()}
    assert sums == {
        Cause.WAITED: Part(lasted=timedelta(minutes=1)),
        Cause.USEFUL: Part(lasted=timedelta(minutes=45), nanodollars=1_500_000_000),
        Cause.PREEMPTED: Part(lasted=timedelta(minutes=15), nanodollars=500_000_000),
    }
    lines = cost_lines(accounts([done]), ("cause",))
    assert [(line.cause, line.lost) for line in lines] == [
        ("useful", False),
        ("preempted", True),
        ("waited for machines", False),
    ]


def test_a_month_is_of_utc_and_whole() -> None:
    assert month("2026-12").until == month("2027-01").since
    for text in ("2026-13", "2026-1", "26-01", "2026-00", "", "2026-11-01"):
        with pytest.raises(BadParameter, match="no month"):
            month(text)
    assert kinds("lane, cause") == ("lane", "cause")
    for text in ("", "lanes", "lane,region"):
        with pytest.raises(BadParameter, match="with commas"):
            kinds(text)
