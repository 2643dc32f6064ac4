"""What follows an attempt that failed: again, elsewhere, later or not at all."""

from dataclasses import replace

import pytest

from functions.core.effects import (
    Launch,
    Look,
    StopExecution,
)
from functions.core.lanes import Lane
from functions.core.ledger import FIRST_PAUSE
from functions.core.machine import advance
from functions.core.render import State
from functions.core.tenants import Tenant
from schemas.failures import Failure, FailureClass
from tests.unit.makers import (
    FACTS,
    LANE,
    NOW,
    OTHER_LANE,
    accepted,
    after,
    effects,
    execution,
    facts,
    failure,
    over,
    rendering,
    requested,
    seconds,
    started,
    starting,
    surveyed,
    tick,
    wants,
)
from tests.unit.tellers import (
    BUSY,
    CAPACITY,
    CRASH,
    DEPENDENCY,
    POLICY,
    PREEMPTED,
    TIMEOUT,
    TWO_LANES,
    all_performed,
    denied,
    letter_of,
    next_attempt,
    progress,
    replay,
    waiting,
)

# ── again, elsewhere, later or not at all ────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [FailureClass.CAPACITY, FailureClass.PREEMPTED])
def test_capacity_and_preemption_never_use_up_retries(kind: FailureClass) -> None:
    render = rendering()
    for number in range(1, 30):
        render = next_attempt(render, failure(kind), frames=number)
        assert (render.state, render.attempt) == (State.STARTING, number + 1)
    assert (render.retries, render.barred) == (0, ())


def test_a_render_longer_than_many_attempts_goes_on_while_it_gets_on() -> None:
    render = rendering()
    for number in range(1, 10):
        render = next_attempt(render, TIMEOUT, frames=number)
        assert (render.state, render.attempt, render.retries) == (State.STARTING, number + 1, 0)
    for retries in (1, 2):
        render = next_attempt(render, TIMEOUT, frames=9)
        assert render.retries == retries
    assert next_attempt(render, TIMEOUT, frames=9).state is State.FAILED


def test_a_crash_is_tried_again_twice_after_a_pause() -> None:
    render = rendering()
    paused = after(render, over(render, CRASH, frames=1), now=NOW)
    assert paused.state is State.WAITING
    assert paused.not_before == paused.revisit_at == NOW + seconds(1)
    assert advance(paused, tick(paused), now=NOW, facts=FACTS) is paused
    for number in (2, 3):
        render = next_attempt(render, CRASH, frames=number)
        assert (render.state, render.attempt, render.retries) == (
            State.STARTING, number, number - 1
        )  # fmt: skip
    render = next_attempt(render, CRASH, frames=4)
    assert (render.state, render.failure) == (State.FAILED, CRASH)
    letter = letter_of(render)
    assert [record.cause for record in letter.attempts] == [CRASH] * 3
    assert (letter.frames_committed, letter.frames_planned) == (4, 600)


def test_the_same_input_fault_twice_ends_it_at_once() -> None:
    def fault(frame: int) -> Failure:
        return failure(FailureClass.INPUT, message=f"frame {frame} cannot be decoded")

    render = next_attempt(rendering(), fault(12), frames=1)
    assert render.state is State.STARTING
    render = next_attempt(render, fault(700), frames=2)
    assert (render.state, render.why) == (State.FAILED, "the same input fault came twice")


def test_three_barren_attempts_bar_their_lane_whatever_the_cause() -> None:
    render = rendering(facts=TWO_LANES)
    for cause in (PREEMPTED, CAPACITY):
        render = next_attempt(render, cause)
        assert (render.lane, render.barred) == (LANE.id, ())
    render = next_attempt(render, DEPENDENCY)
    assert (render.lane, render.barred) == (OTHER_LANE.id, (LANE.id,))
    assert render.why == f"{LANE.id} is barred: attempts in a row committed nothing there"


def test_what_ends_by_itself_bars_a_lane_for_a_while_only() -> None:
    render = rendering(facts=TWO_LANES)
    for cause in (DEPENDENCY, DEPENDENCY, CAPACITY):
        render = next_attempt(render, cause)
    assert (render.lane, render.barred) == (OTHER_LANE.id, ())
    (rest,) = render.resting
    assert render.why == f"{LANE.id} rests for this render until {rest.until:%H:%M:%S} UTC"
    render = after(render, over(render, PREEMPTED, frames=60), now=rest.until, facts=TWO_LANES)
    assert render.lane == LANE.id


def test_an_attempt_that_commits_something_clears_its_lane() -> None:
    render = rendering(facts=TWO_LANES)
    for frames in (0, 0, 60, 60, 60):
        render = next_attempt(render, PREEMPTED, frames=frames)
        assert render.resting == ()
    (rest,) = next_attempt(render, PREEMPTED, frames=60).resting
    assert rest.lane == LANE.id


def test_waiting_for_a_place_does_not_forgive_a_barren_lane() -> None:
    render = rendering()
    for number in (1, 2):
        render = after(render, over(render, PREEMPTED), now=NOW, facts=BUSY)
        assert (render.state, render.barren) == (State.WAITING, number)
        render = after(render, tick(render), now=NOW)
    (rest,) = after(render, over(render, PREEMPTED), now=NOW, facts=BUSY).resting
    assert rest.lane == LANE.id


def test_when_every_lane_is_barred_it_fails_for_the_last_cause() -> None:
    render = rendering()
    for cause in (PREEMPTED, PREEMPTED, TIMEOUT):
        render = after(render, over(render, cause), now=NOW)
    assert (render.state, render.failure) == (State.FAILED, TIMEOUT)
    assert render.why.startswith(f"no lane is left: {LANE.id} is barred")


@pytest.mark.parametrize("lanes", [(), (OTHER_LANE,)])
def test_a_replay_without_a_lane_fails_for_that_and_not_as_it_did_before(
    lanes: tuple[Lane, ...],
) -> None:
    """The old fingerprint would say that what was mended is broken still."""
    render = rendering()
    for cause in (PREEMPTED, PREEMPTED, TIMEOUT):
        render = after(render, over(render, cause), now=NOW)
    assert (render.state, render.failure) == (State.FAILED, TIMEOUT)
    nowhere = replace(
        FACTS, lanes=lanes, tenants={render.upload.tenant: Tenant(locations=("mars",))}
    )
    again = after(all_performed(render), replay(render), now=NOW + seconds(60), facts=nowhere)
    assert (again.state, again.failures) == (State.FAILED, 2)
    assert again.failure is not None
    assert (again.failure.failure, again.failure.reason) == (FailureClass.CAPACITY, "no_lane")
    assert letter_of(again).fingerprint != TIMEOUT.fingerprint


def test_when_every_lane_rests_it_waits_for_the_first_to_wake() -> None:
    render = rendering()
    for _ in range(3):
        render = after(render, over(render, PREEMPTED), now=NOW)
    assert (render.state, render.revisit_at) == (State.WAITING, NOW + POLICY.rest)
    assert render.line is None, "it waits for a moment of its own"
    render = after(render, tick(render), now=NOW + POLICY.rest)
    assert (render.state, render.lane, render.barren) == (State.STARTING, LANE.id, 0)


def test_a_denied_launch_is_the_end_of_its_attempt() -> None:
    render = starting()
    render = after(render, denied(render), now=NOW)
    assert (render.state, render.retries) == (State.WAITING, 0)
    assert render.line is not None, "it is woken when the lane may be tried again"
    assert not wants(render, Launch)
    assert after(render, tick(render), now=NOW + seconds(5)).state is State.WAITING
    render = after(render, tick(render), now=NOW + FIRST_PAUSE)
    assert (render.state, render.attempt) == (State.STARTING, 2)


def test_a_denied_launch_goes_to_the_next_lane_at_once() -> None:
    render = starting(facts=TWO_LANES)
    render = after(render, denied(render), now=NOW, facts=TWO_LANES)
    assert (render.state, render.lane, render.attempt) == (State.STARTING, OTHER_LANE.id, 2)
    assert render.why.startswith(f"{LANE.id} had no machines once (50% of launches start)")


def test_a_stock_out_that_another_render_met_closes_the_lane_for_this_one() -> None:
    other = starting(facts=TWO_LANES)
    other = after(other, denied(other), now=NOW, facts=TWO_LANES)
    met = replace(TWO_LANES, ledger=[replace(one, render="r-other") for one in other.entries])
    assert starting(facts=met).lane == OTHER_LANE.id
    assert after(None, requested(), now=NOW + FIRST_PAUSE, facts=met).lane == LANE.id


def test_what_was_drawn_shortens_the_pause_after_an_attempt() -> None:
    render = rendering()
    render = after(render, over(render, DEPENDENCY), now=NOW, facts=facts(draw=0.5))
    assert render.not_before == render.revisit_at == NOW + seconds(3.75)


def test_a_launch_denied_when_it_is_repeated_leaves_the_first_alone() -> None:
    render = starting()
    render = after(render, accepted(render), now=NOW)
    assert advance(render, denied(render), now=NOW, facts=FACTS) is render


@pytest.mark.parametrize("end", [CAPACITY, failure(FailureClass.BUDGET)], ids=["waits", "failed"])
def test_a_launch_that_comes_after_its_attempt_was_given_up_is_stopped(end: Failure) -> None:
    render = starting()
    unseen = replace(over(render, end), owner=None)
    render = all_performed(after(render, unseen, now=NOW))
    assert render.state in (State.WAITING, State.FAILED)
    late = after(render, accepted(render), now=NOW)
    assert effects(late) == [StopExecution(lane=LANE.id, execution=execution(render))]
    assert replace(late, pending=()) == render


def test_a_launch_is_remembered_whose_first_sign_was_progress_and_not_its_start() -> None:
    render = starting()
    render = after(render, progress(render, 5), accepted(render), now=NOW)
    assert render.current is not None
    assert (render.state, render.current.execution) == (State.RENDERING, execution(render))
    render = after(render, started(render), now=NOW)
    other = replace(accepted(render), execution="launched-twice")
    assert advance(render, other, now=NOW, facts=FACTS) is render


def test_no_start_by_the_start_deadline_leads_to_the_next_attempt() -> None:
    render = starting()
    render = after(render, accepted(render), now=NOW)
    render = after(render, surveyed(render, owned=False), now=NOW + seconds(29))
    assert (render.state, render.revisit_at) == (State.STARTING, NOW + LANE.start_within)
    late = NOW + LANE.start_within
    render = after(all_performed(render), tick(render), now=late)
    assert [type(effect) for effect in effects(render)] == [Look]
    render = after(render, surveyed(render, owned=False), now=late)
    assert render.state is State.WAITING
    assert wants(render, StopExecution) == [StopExecution(lane=LANE.id, execution=f"{render.id}-1")]
    assert render.current is not None
    assert render.current.cause is not None
    assert render.current.cause.failure is FailureClass.CAPACITY
    render = after(render, tick(render), now=late + FIRST_PAUSE)
    assert (render.state, render.attempt, render.retries) == (State.STARTING, 2, 0)


def test_an_attempt_past_its_lanes_limit_is_stopped() -> None:
    render = rendering()
    limit = NOW + LANE.attempt_limit + POLICY.silence
    alive = after(render, surveyed(render), now=limit - seconds(1))
    assert alive.state is State.RENDERING
    stopped = after(render, surveyed(render, frames=60), now=limit)
    assert (stopped.state, stopped.attempt) == (State.STARTING, 2)
    assert stopped.attempts[0].cause is not None
    assert stopped.attempts[0].cause.reason == "attempt_limit"
    assert wants(stopped, StopExecution)


def test_an_attempt_on_a_lane_that_was_taken_away_is_stopped() -> None:
    render = rendering()
    moved = after(render, surveyed(render), now=NOW, facts=facts(OTHER_LANE))
    assert moved.lane == OTHER_LANE.id
    assert wants(moved, StopExecution)


def test_a_full_lane_is_waited_for_and_taken_when_it_is_free() -> None:
    render = waiting()
    assert (render.state, render.attempt) == (State.WAITING, 0)
    assert (render.revisit_at, render.avoids) == (render.deadline, ())
    assert render.why == f"waits for a lane: {LANE.id} runs 1 of 1"
    still = after(render, tick(render), now=NOW + seconds(30), facts=BUSY)
    assert (still.state, still.line) == (State.WAITING, render.line)
    assert after(still, tick(still), now=NOW).state is State.STARTING


# ── the deadline ─────────────────────────────────────────────────────────────────────────────


def test_what_still_waits_at_its_deadline_fails() -> None:
    render = waiting()
    render = after(render, tick(render), now=NOW + POLICY.deadline, facts=BUSY)
    assert render.state is State.FAILED
    assert render.failure is not None
    assert render.failure.reason == "render_deadline"


def test_what_still_runs_at_its_deadline_is_stopped_and_fails_with_what_it_made() -> None:
    render = rendering()
    end = NOW + POLICY.deadline
    render = after(render, surveyed(render, frames=333), now=end)
    assert render.state is State.FAILED
    assert wants(render, StopExecution)
    letter = letter_of(render)
    assert letter.frames_committed == 333
    assert letter.attempts[-1].ended_at == end
    assert letter.attempts[-1].cause == letter.failure
    assert letter.attempts[-1].frames_after == 333


def test_steady_progress_does_not_carry_a_render_past_its_deadline() -> None:
    render = rendering()
    render = after(render, progress(render, 9), now=NOW + POLICY.deadline - seconds(2))
    assert render.revisit_at == NOW + POLICY.deadline
    assert wants(after(render, tick(render), now=NOW + POLICY.deadline), Look)


def test_a_pause_never_lasts_past_the_deadline() -> None:
    render = rendering()
    end = NOW + POLICY.deadline
    paused = after(render, over(render, DEPENDENCY, frames=1), now=end - seconds(3))
    assert paused.not_before == paused.revisit_at == end
    assert after(paused, tick(paused), now=end).state is State.FAILED
