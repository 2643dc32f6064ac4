"""What launches teach of a lane."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from functions.core.entries import Entry, Outcome, entries_of
from functions.core.ledger import (
    FIRST_PAUSE,
    FIRST_QUOTA_PAUSE,
    FREE_AGAIN,
    HALF_LIFE,
    LONGEST_PAUSE,
    MEMORY,
    Standing,
    standing,
)
from schemas.events import AttemptRecord
from schemas.failures import FailureClass
from tests.unit.makers import NOW, failure, seconds

LANE = "cloud-run/us-east4/l4"
START_WITHIN = seconds(180)
_numbers = count(1)


def entry(outcome: Outcome, launched: float, after: float = 0, **changes: object) -> Entry:
    """Launched and told so many seconds after NOW, each by a render of its own."""
    plain = Entry(
        lane=LANE,
        render=f"r-{next(_numbers)}",
        attempt=1,
        outcome=outcome,
        launched_at=NOW + seconds(launched),
        at=NOW + seconds(launched + after),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


def known(*entries: Entry, now: float = 0, asker: str = "") -> Standing:
    at = NOW + seconds(now)
    return standing(LANE, entries, now=at, start_within=START_WITHIN, asker=asker)


def at(after: float | timedelta) -> datetime:
    return NOW + (after if isinstance(after, timedelta) else seconds(after))


def test_a_lane_that_nobody_has_tried_is_expected_to_start() -> None:
    assert known() == Standing(lane=LANE)


def test_a_stock_out_closes_the_lane_and_then_one_launch_may_try_it() -> None:
    refused = entry(Outcome.REFUSED, 0)
    closed = known(refused, now=1)
    assert (closed.closed_until, closed.streak) == (at(FIRST_PAUSE), 1)
    half_open = known(refused, now=30)
    assert (half_open.closed_until, half_open.room, half_open.under_way) == (None, 1, 0)


def test_each_try_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    entries, moment, pauses = [], 0.0, []
    for _ in range(7):
        entries.append(entry(Outcome.REFUSED, moment))
        until = known(*entries, now=moment).closed_until
        assert until is not None
        pauses.append(until - at(moment))
        moment = (until - NOW).total_seconds()
    assert pauses[:4] == [FIRST_PAUSE * 2**n for n in range(4)]
    assert pauses[-1] == LONGEST_PAUSE


def test_launches_that_were_under_way_together_are_one_stock_out() -> None:
    burst = [entry(Outcome.REFUSED, n / 10) for n in range(100)]
    found = known(*burst, now=10)
    assert (found.streak, found.closed_until) == (1, at(9.9 + 30))


def test_a_start_opens_the_lane_for_twice_as_many_each_time() -> None:
    entries, rooms = [entry(Outcome.REFUSED, 0)], []
    for number in range(FREE_AGAIN):
        entries.append(entry(Outcome.STARTED, 40 + number, 10))
        found = known(*entries, now=60 + number)
        assert (found.closed_until, found.streak) == (None, 0)
        rooms.append(found.room)
    assert rooms == [2, 4, 8, None]


def test_a_launch_that_hung_while_a_later_one_started_says_nothing_of_the_lane() -> None:
    hung = entry(Outcome.NOT_STARTED, 0, 180)
    found = known(hung, entry(Outcome.STARTED, 60, 12), now=200)
    assert (found.closed_until, found.streak) == (None, 0)
    assert found.chance < 1


def test_our_own_quota_closes_the_lane_for_less_and_is_no_stock_out() -> None:
    found = known(entry(Outcome.OWN_QUOTA, 0), now=1)
    assert (found.closed_until, found.by_quota) == (at(FIRST_QUOTA_PAUSE), True)
    assert (found.chance, found.stock_outs, found.streak) == (1, 0, 0)


def test_what_is_under_way_is_counted_until_its_outcome_or_its_start_deadline() -> None:
    launch = entry(Outcome.LAUNCHED, 0)
    assert known(launch, now=179).under_way == 1
    assert known(launch, now=179, asker=launch.render).under_way == 0
    assert known(launch, now=180).under_way == 0
    started = replace(launch, outcome=Outcome.STARTED, at=at(9))
    assert known(launch, started, now=10).under_way == 0


def test_launches_of_the_last_minute_are_told_the_oldest_first() -> None:
    launches = [entry(Outcome.LAUNCHED, moment) for moment in (50, 0, 20)]
    assert known(*launches, now=61).launches == (at(20), at(50))


def test_what_was_seen_fades_by_half_and_is_forgotten() -> None:
    starts = [entry(Outcome.STARTED, 0, 1) for _ in range(4)]
    half = (HALF_LIFE + seconds(1)).total_seconds()
    assert abs(known(*starts, now=half).starts - 2) < 0.001
    stock_out = entry(Outcome.REFUSED, 0)
    assert known(stock_out, now=half).chance > known(stock_out, now=1).chance
    assert known(stock_out, now=MEMORY.total_seconds()) == Standing(lane=LANE)


def test_the_time_to_start_has_an_error_bar_that_shrinks_with_what_was_seen() -> None:
    one = known(entry(Outcome.STARTED, 0, 10), now=20)
    assert (one.start, one.start_error) == (seconds(10), seconds(10))
    waits = [8, 12] * 8
    many = known(*(entry(Outcome.STARTED, n, wait) for n, wait in enumerate(waits)), now=30)
    assert many.start is not None
    assert abs(many.start - seconds(10)) < seconds(0.1)
    assert seconds(0.3) < many.start_error < seconds(0.7)


def test_speed_and_preemptions_are_learnt_from_what_ended() -> None:
    hour = timedelta(hours=1)
    ended = [
        entry(Outcome.FINISHED, 0, 3600, ran=hour, pixels=3600 * 1000),
        entry(Outcome.PREEMPTED, 0, 3600, ran=hour, pixels=3600 * 3000),
    ]
    found = known(*ended, now=3600)
    assert found.speed is not None
    assert abs(found.speed - 2000) < 1
    assert abs(found.speed_error - 1000 * 3**0.5) < 1, "of two that differ by 2000"
    assert found.preemptions_an_hour == 0.5


@given(st.data())
def test_neither_order_nor_repetition_matters(data: st.DataObject) -> None:
    outcomes = data.draw(st.lists(st.sampled_from(Outcome), max_size=8))
    entries = [
        entry(one, data.draw(st.integers(0, 900)), data.draw(st.integers(0, 180)))
        for one in outcomes
    ]
    shuffled = data.draw(st.permutations(entries + entries[:3]))
    plain, other = known(*entries, now=1000), known(*shuffled, now=1000)
    assert other == plain


def test_other_lanes_are_not_looked_at() -> None:
    assert known(entry(Outcome.REFUSED, 0, lane="batch/x"), now=1) == Standing(lane=LANE)


def record(**changes: object) -> AttemptRecord:
    plain = AttemptRecord(number=2, lane=LANE, launched_at=NOW)
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


def outcomes(one: AttemptRecord) -> list[Outcome]:
    return [entry.outcome for entry in entries_of("r-1", one)]


def test_a_record_tells_what_became_of_its_launch() -> None:
    capacity, quota = FailureClass.CAPACITY, failure(FailureClass.CAPACITY, reason="quota_exceeded")
    hung = failure(capacity, reason="start_deadline")
    ended, ran = {"ended_at": at(9)}, {"started_at": at(1), "ended_at": at(9)}
    assert outcomes(record()) == []
    assert outcomes(record(started_at=at(1))) == [Outcome.STARTED]
    assert outcomes(record(**ended, cause=failure(capacity))) == [Outcome.REFUSED]
    assert outcomes(record(**ended, cause=quota)) == [Outcome.OWN_QUOTA]
    assert outcomes(record(**ended, cause=hung)) == [Outcome.NOT_STARTED]
    assert outcomes(record(**ended, cause=failure(FailureClass.CANCELLED))) == [Outcome.VOID]
    assert outcomes(record(**ended)) == [Outcome.FINISHED]
    started = [Outcome.STARTED]
    assert outcomes(record(**ran)) == [*started, Outcome.FINISHED]
    assert outcomes(record(**ran, cause=failure())) == [*started, Outcome.FINISHED]
    preempted = failure(FailureClass.PREEMPTED)
    assert outcomes(record(**ran, cause=preempted)) == [*started, Outcome.PREEMPTED]
    assert outcomes(record(**ran, cause=failure(capacity))) == [*started, Outcome.PREEMPTED]


def test_an_entry_says_how_long_it_ran_and_what_it_made() -> None:
    one = record(started_at=at(10), ended_at=at(70), frames_before=5, frames_after=25)
    _, ended = entries_of("r-1", one, pixels_a_frame=100.0)
    assert (ended.ran, ended.pixels, ended.key) == (seconds(60), 2000, f"{LANE}/r-1/2/finished")
