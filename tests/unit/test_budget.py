"""What a render or a day may cost, and what happens beyond it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from functions.core.budget import Budget, cost_of, day_is_spent, midnight, overspent
from functions.core.effects import Launch, Look, StopExecution
from functions.core.entries import Outcome
from functions.core.prices import Price, PricePart
from functions.core.render import State
from functions.core.weigh import Weighed
from schemas.events import ReplayRender
from schemas.failures import FailureClass
from tests.unit.makers import (
    LANE,
    NOW,
    after,
    facts,
    over,
    rendering,
    seconds,
    starting,
    surveyed,
    tick,
    verified,
    wants,
)
from tests.unit.tellers import PREEMPTED, letter_of, progress

PART = PricePart(what="all", nanodollars_a_second=1000, read_on="2026-01-01", source="x")
DEAR = replace(LANE, price=Price(parts=(PART,)))
"""Two tasks: 2,000 nano-dollars a second."""
PAID = facts(DEAR)


def test_a_minute_is_paid_at_least_and_nothing_before_the_start() -> None:
    assert cost_of(DEAR, seconds(100), 2) == 200_000
    assert cost_of(DEAR, seconds(1), 2) == 120_000
    assert cost_of(replace(DEAR, is_shared=True), seconds(1), 2) == 2_000
    assert cost_of(DEAR, timedelta(0), 2) == cost_of(LANE, seconds(9), 2) == 0
    assert cost_of(None, seconds(9), 2) == 0


def test_every_ended_attempt_is_metered_once_and_told_to_the_ledger() -> None:
    render = rendering(facts=PAID)
    render = after(render, over(render, PREEMPTED, frames=9), now=NOW + seconds(100), facts=PAID)
    assert (render.spent, render.attempts[0].nanodollars) == (200_000, 200_000)
    (told,) = [one for one in render.entries if one.outcome is Outcome.PREEMPTED]
    assert told.nanodollars == 200_000
    done = after(render, verified(render), now=NOW + seconds(150), facts=PAID)
    assert (done.state, done.spent) == (State.DONE, 200_000), "the second never started"


def test_a_render_that_has_cost_its_limit_is_stopped_and_fails_by_budget() -> None:
    render = rendering(facts=PAID)
    tight = replace(PAID, budget=Budget(render=150_000))
    fine = after(render, surveyed(render, frames=9), now=NOW + seconds(70), facts=tight)
    assert fine.state is State.RENDERING
    render = after(fine, surveyed(fine, frames=9), now=NOW + seconds(80), facts=tight)
    assert render.state is State.FAILED
    assert wants(render, StopExecution)
    failure = letter_of(render).failure
    assert (failure.failure, failure.reason) == (FailureClass.BUDGET, "render_limit")
    assert failure.message == "it has cost $0.0002 of at most $0.0001"


def test_steady_progress_does_not_carry_a_render_past_its_limit() -> None:
    tight = replace(PAID, budget=Budget(render=150_000))
    render = rendering(facts=tight)
    due = NOW + seconds(1 + 75)
    assert render.revisit_at == due
    heard = after(render, progress(render, 9), now=NOW + seconds(70), facts=tight)
    assert heard.revisit_at == due
    assert wants(after(heard, tick(heard), now=due, facts=tight), Look)
    assert rendering(facts=PAID).revisit_at == NOW + PAID.policy.silence


def test_nothing_is_launched_for_a_render_that_has_cost_its_limit() -> None:
    render = rendering(facts=PAID)
    tight = replace(PAID, budget=Budget(render=200_000))
    render = after(render, over(render, PREEMPTED), now=NOW + seconds(100), facts=tight)
    assert (render.state, render.attempt) == (State.FAILED, 1)
    assert not wants(render, Launch)


def test_a_replay_may_cost_as_much_again() -> None:
    render = rendering(facts=PAID)
    tight = replace(PAID, budget=Budget(render=200_000))
    failed = after(render, over(render, PREEMPTED), now=NOW + seconds(100), facts=tight)
    again = ReplayRender(render=failed.id, at=NOW + seconds(200), by="ada", reason="it is worth it")
    render = after(failed, again, now=NOW + seconds(200), facts=tight)
    assert (render.state, render.spent) == (State.STARTING, 0)
    assert render.attempts[0].nanodollars == 200_000


@pytest.mark.parametrize(("error", "refused"), [(0.0, True), (30.0, False)])
def test_an_attempt_is_refused_only_if_it_is_sure_to_cost_too_much(
    error: float, refused: bool
) -> None:
    likely = Weighed(
        lane=DEAR, tasks=2, start=seconds(1), nanodollars=100.0, nanodollars_error=error
    )
    render = replace(rendering(), spent=30)
    found = overspent(render, Budget(render=120), next=likely)
    assert (found is not None) is refused
    assert overspent(render, Budget(), next=likely) is None


def test_who_fails_by_money_is_told_what_it_was_lost_to() -> None:
    render = rendering(facts=PAID)
    tight = replace(PAID, budget=Budget(render=200_000))
    render = after(render, over(render, PREEMPTED), now=NOW + seconds(100), facts=tight)
    assert letter_of(render).failure.message == (
        "it has cost $0.0002 of at most $0.0002; $0.0002 of it lost, most of all: preempted"
    )


def test_when_the_days_money_is_spent_renders_wait_for_the_next_day_of_utc() -> None:
    spent = replace(PAID, budget=Budget(day=10**9), spent_today=2 * 10**9)
    render = starting(facts=spent)
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    assert (render.state, render.avoids) == (State.WAITING, ())
    assert render.why == (
        "waits until 2026-03-02 00:00 UTC: the day's budget is spent, $2.00 of $1.00"
    )
    begun = replace(spent, spent_today=0)
    assert after(render, tick(render), now=midnight, facts=begun).state is State.STARTING


def test_a_day_is_one_of_utc_wherever_somebody_asks() -> None:
    late = datetime(2026, 3, 2, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert midnight(late) == datetime(2026, 3, 1, tzinfo=UTC)
    assert day_is_spent(9, Budget(day=10), NOW) is None
