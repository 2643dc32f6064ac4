"""What an attempt's time and money were for: exact sums, and the right heading."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.render import Render, State
from functions.core.waste import Cause, Part, causes_of, lasted, parts_of
from schemas.events import AttemptRecord
from schemas.failures import Failure, FailureClass
from tests.unit.makers import LANE, NOW, failure, rendering, seconds
from tests.unit.tellers import CAPACITY, PREEMPTED

RENDER = rendering()


def at(second: float) -> datetime:
    return NOW + seconds(second)


def record(
    *,
    started: float | None,
    ended: float,
    cause: Failure | None = None,
    made: int = 0,
    made_at: float | None = None,
    cost: int = 0,
) -> AttemptRecord:
    return AttemptRecord(
        number=1,
        lane=LANE.id,
        encoder_class=LANE.encoder_class,
        launched_at=NOW,
        started_at=None if started is None else at(started),
        ended_at=at(ended),
        cause=cause,
        frames_after=made,
        made_at=None if made_at is None else at(made_at),
        nanodollars=cost,
    )


def causes(*records: AttemptRecord, render: Render = RENDER) -> dict[Cause, Part]:
    return dict(causes_of(replace(render, attempts=records)))


def part(length: float, nanodollars: int = 0) -> Part:
    return Part(lasted=seconds(length), nanodollars=nanodollars)


def test_what_went_well_was_useful_after_the_wait_for_its_machines() -> None:
    assert causes(record(started=10, ended=110, made=9, cost=1000)) == {
        Cause.WAITED: part(10),
        Cause.USEFUL: part(100, 1000),
    }


def test_what_came_after_the_last_commit_is_lost_to_what_ended_it() -> None:
    one = record(started=0, ended=100, cause=PREEMPTED, made=9, made_at=75, cost=1000)
    assert causes(one) == {Cause.USEFUL: part(75, 750), Cause.PREEMPTED: part(25, 250)}


def test_a_commit_of_an_earlier_attempt_makes_nothing_useful() -> None:
    one = record(started=50, ended=150, cause=PREEMPTED, made=9, made_at=20, cost=1000)
    assert causes(one) == {Cause.WAITED: part(50), Cause.PREEMPTED: part(100, 1000)}


def test_what_is_billed_as_a_minute_and_did_not_run_is_lost() -> None:
    assert causes(record(started=0, ended=15, made=9, cost=1000)) == {
        Cause.USEFUL: part(15, 250),
        Cause.MINIMUM: part(0, 750),
    }


def test_on_machines_that_are_shared_no_minute_is_lost() -> None:
    shared = replace(record(started=0, ended=15, made=9, cost=1000), is_shared=True)
    assert causes(shared) == {Cause.USEFUL: part(15, 1000)}


@pytest.mark.parametrize(
    ("reason", "cause"),
    [("stock_out", Cause.STOCK_OUT), ("quota_exceeded", Cause.OWN_QUOTA)],
)
def test_a_wait_in_vain_is_lost_to_its_reason(reason: str, cause: Cause) -> None:
    refused = replace(CAPACITY, reason=reason)
    assert causes(record(started=None, ended=180, cause=refused)) == {cause: part(180)}


def test_of_a_render_that_failed_nothing_was_useful() -> None:
    failed = replace(RENDER, state=State.FAILED, failure=failure(FailureClass.INPUT))
    one = record(started=0, ended=100, cause=PREEMPTED, made=9, made_at=75, cost=1000)
    assert causes(one, render=failed) == {
        Cause.POISON: part(75, 750),
        Cause.PREEMPTED: part(25, 250),
    }


def test_an_attempt_that_runs_has_no_parts_yet() -> None:
    assert RENDER.current is not None
    assert causes(RENDER.current) == {}


moments = st.integers(-100_000_000, 10_000_000_000).map(
    lambda micros: NOW + timedelta(0, 0, micros)
)
records = st.builds(
    AttemptRecord,
    number=st.integers(1, 9),
    lane=st.just(LANE.id),
    launched_at=st.just(NOW),
    started_at=st.none() | moments,
    ended_at=st.none() | moments,
    cause=st.none() | st.sampled_from(FailureClass).map(failure),
    frames_before=st.integers(0, 9),
    frames_after=st.integers(0, 9),
    nanodollars=st.integers(0, 10**13),
    encoder_class=st.sampled_from(["", LANE.encoder_class, "h264_nvenc/ada/470"]),
    made_at=st.none() | moments,
    is_shared=st.booleans(),
)


@given(record=records, state=st.sampled_from(State), end=st.sampled_from(FailureClass))
def test_the_parts_of_any_attempt_are_the_attempt_to_the_last_microsecond_and_nano_dollar(
    record: AttemptRecord, state: State, end: FailureClass
) -> None:
    render = replace(RENDER, state=state, failure=failure(end), attempts=(record,))
    parts = [part for _, part in parts_of(record, render)]
    assert all(part.lasted >= timedelta(0) and part.nanodollars >= 0 for part in parts)
    assert sum((part.lasted for part in parts), timedelta(0)) == lasted(record)
    paid = record.nanodollars if record.ended_at else 0
    assert sum(part.nanodollars for part in parts) == paid
