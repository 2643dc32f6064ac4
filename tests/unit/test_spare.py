"""How many replays may go beside live renders, and why no more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.budget import Budget, reset
from functions.core.entries import Entry, Outcome
from functions.core.lanes import Lane
from functions.core.ledger import FIRST_PAUSE
from functions.core.quotas import Quota, launch_limits, running_limits
from functions.core.spare import KEPT, Own, Spare, Wish, lowered, spare
from functions.core.step import Facts
from functions.core.switches import Reach, Switching
from tests.unit.makers import LANE, NOW, facts, seconds

DOLLAR = 10**9
WIDE = replace(LANE, id="cloud-run/a/l4", executions=8)
FREE = Wish("acme", 0)


def paused(reach: Reach, name: str = "") -> Switching:
    return Switching(reach=reach, name=name, paused=True, by="ada", reason="an outage", at=NOW)


def stocked_out(lane: Lane) -> Entry:
    return Entry(
        lane=lane.id,
        render="r-x",
        attempt=1,
        outcome=Outcome.REFUSED,
        launched_at=NOW - seconds(2),
        at=NOW - seconds(1),
    )


def launches(lane: Lane, count: int) -> list[Entry]:
    """Within the last half minute."""
    return [
        Entry(
            lane=lane.id,
            render=f"r-{number}",
            attempt=1,
            outcome=Outcome.LAUNCHED,
            launched_at=NOW - seconds(1 + number % 30),
            at=NOW - seconds(1 + number % 30),
        )
        for number in range(count)
    ]


def left(found: Facts, *, waiting: int = 0, own: Own | None = None, kept: int = KEPT) -> Spare:
    return spare(found, NOW, waiting=waiting, own=own or Own(), kept=kept)


def test_a_quarter_of_the_places_is_kept_for_live_renders() -> None:
    assert left(facts(WIDE)).starts == 6
    assert left(facts(WIDE, busy={WIDE.id: 5})).starts == 1
    full = left(facts(WIDE, busy={WIDE.id: 6}))
    assert full.starts == 0
    assert full.why == (
        "no lane takes a replay now, with 25 % of each limit kept for live renders: "
        "cloud-run/a/l4 runs 6 of 6"
    )
    assert left(facts(WIDE, busy={WIDE.id: 6}), kept=0).starts == 2


def test_what_may_use_one_lane_only_is_held_against_that_lane_and_what_it_shares() -> None:
    quota = Quota(id="l4", executions=8)
    one, two = (replace(WIDE, id=f"cloud-run/{name}/l4", quotas=(quota,)) for name in "ab")
    own = Own(lane=two.id)
    assert left(facts(one, two)).starts == 6
    assert left(facts(one, two, busy={one.id: 4}), own=own).starts == 2, "the quota is shared"
    free = left(facts(WIDE, two), own=Own(lane=two.id, placeless=frozenset({"r-1"})))
    assert (free.starts, free.why.partition(" more")[0]) == (5, f"{two.id} takes 6")
    full = left(facts(WIDE, two, busy={two.id: 6}), own=own)
    assert full.starts == 0
    assert full.why == (
        f"{two.id} takes no replay now, with 25 % of each limit kept for live renders: "
        f"{two.id} runs 6 of 6"
    )


def test_a_single_place_is_not_divided() -> None:
    assert left(facts(LANE)).starts == 1
    assert left(facts(LANE, busy={LANE.id: 1})).starts == 0


def test_who_waits_goes_first_and_what_was_asked_for_is_counted() -> None:
    own = Own(placeless=frozenset({"r-1", "r-2"}))
    found = left(facts(WIDE), waiting=3, own=own)
    assert found.starts == 1
    assert found.why == (
        "the lanes take 6 more at once, with 25 % of each limit kept for live renders; "
        "3 live renders wait, and 2 that were asked for have no place yet"
    )
    assert left(facts(WIDE), waiting=9).starts == 0


def test_launches_by_the_minute_are_kept_for_live_renders_too() -> None:
    quota = Quota(id="us-east4", launches_a_minute=60)
    lane = replace(WIDE, executions=1000, quotas=(quota,))
    had = replace(facts(lane), ledger=launches(lane, 40))
    assert left(had).starts == 5
    full = left(replace(had, ledger=launches(lane, 45)))
    assert full.starts == 0
    assert "us-east4 launches a minute" in full.why
    assert full.until == NOW + seconds(30), "when the oldest launch is a minute old"


def test_a_lane_without_machines_takes_nothing_until_it_is_tried_again() -> None:
    other = replace(WIDE, id="cloud-run/b/l4")
    one = replace(facts(WIDE, other), ledger=[stocked_out(WIDE)])
    assert left(one).starts == 6, "of the other one"
    both = left(replace(one, ledger=[stocked_out(WIDE), stocked_out(other)]))
    assert both.starts == 0
    assert "cloud-run/a/l4 had no machines once" in both.why
    assert both.until == NOW - seconds(1) + FIRST_PAUSE


def test_what_people_paused_is_waited_for() -> None:
    everything = left(replace(facts(WIDE), pauses=[paused(Reach.ALL)]))
    assert everything.starts == 0
    assert "everything is paused by ada" in everything.allows([FREE]).why
    lane = left(replace(facts(WIDE), pauses=[paused(Reach.LANE, WIDE.id)]))
    assert lane.starts == 0
    assert "an outage" in lane.why
    tenant = left(replace(facts(WIDE), pauses=[paused(Reach.TENANT, "acme")]))
    allowed = tenant.allows([Wish("zeta", 0), FREE, Wish("zeta", 0)])
    assert (allowed.count, "tenant acme is paused" in allowed.why) == (1, True)


def test_of_the_days_budget_a_quarter_is_kept_for_live_renders() -> None:
    rich = replace(facts(WIDE), budget=Budget(day=8 * DOLLAR), spent_today=3 * DOLLAR)
    own = Own(nanodollars=DOLLAR)
    found = left(rich, own=own)
    assert found.nanodollars == 2 * DOLLAR, "6 less 3 that are spent and 1 that is under way"
    wishes = [Wish("acme", DOLLAR * 9 // 10)] * 3
    allowed = found.allows(wishes)
    assert (allowed.count, allowed.until) == (2, reset(NOW))
    assert allowed.why == (
        "waits until 2026-03-02 00:00 UTC: of the day's budget $0.20 are left for replays, "
        "and the next one costs about $0.90"
    )
    assert found.less(wishes[:2]).allows(wishes[2:]).count == 0


def test_a_day_whose_budget_is_used_up_is_waited_out() -> None:
    spent = left(replace(facts(WIDE), budget=Budget(day=8 * DOLLAR), spent_today=6 * DOLLAR))
    allowed = spent.allows([FREE])
    assert (allowed.count, allowed.until) == (0, reset(NOW))
    assert allowed.why.startswith("waits until 2026-03-02 00:00 UTC: the day's budget is spent")


def test_where_no_lane_is_known_only_the_rate_holds_it_back() -> None:
    nothing = replace(facts(WIDE), lanes=())
    assert left(nothing).allows([FREE] * 500).count == 500
    everything = left(replace(nothing, pauses=[paused(Reach.ALL)]))
    assert everything.allows([FREE]).count == 0


# ── whatever the lanes ──

QUOTAS = st.sampled_from(
    (
        (),
        (Quota(id="a", gpus=3),),
        (Quota(id="a", gpus=3), Quota(id="b", executions=9, launches_a_minute=30)),
        (Quota(id="b", executions=9, launches_a_minute=30),),
        (Quota(id="c", launches_a_minute=1),),
    )
)


@st.composite
def lanes(draw: st.DrawFn) -> tuple[Lane, ...]:
    return tuple(
        replace(
            LANE,
            id=f"lane/{number}",
            tasks=draw(st.integers(1, 3)),
            executions=draw(st.integers(0, 20)),
            gpu_slots=draw(st.none() | st.integers(0, 20)),
            launches_a_minute=draw(st.none() | st.integers(1, 60)),
            quotas=draw(QUOTAS),
        )
        for number in range(draw(st.integers(1, 3)))
    )


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    found = draw(lanes())
    entries: list[Entry] = []
    for lane in found:
        entries += launches(lane, draw(st.integers(0, 40)))
        entries += [stocked_out(lane)] * draw(st.integers(0, 1))
    reach = draw(st.sampled_from((None, Reach.ALL, Reach.LANE)))
    name = found[0].id if reach is Reach.LANE else ""
    return Facts(
        lanes=found,
        draw=0.0,
        busy={lane.id: draw(st.integers(0, 25)) for lane in found},
        budget=Budget(day=draw(st.none() | st.integers(1, 9 * DOLLAR))),
        spent_today=draw(st.integers(0, 9 * DOLLAR)),
        pauses=[paused(reach, name)] if reach else [],
        ledger=entries,
    )


COSTS = st.lists(st.integers(0, 2 * DOLLAR), min_size=1, max_size=30)


@given(worlds(), COSTS, st.integers(0, 9), st.integers(0, 9), st.integers(0, 99))
def test_never_more_than_is_wanted_or_left_and_always_with_a_reason(
    world: Facts, costs: Sequence[int], waiting: int, placeless: int, kept: int
) -> None:
    own = Own(placeless=frozenset(map(str, range(placeless))), nanodollars=placeless)
    found = left(world, waiting=waiting, own=own, kept=kept)
    wishes = [Wish("acme", cost) for cost in costs]
    allowed = found.allows(wishes)
    assert 0 <= allowed.count <= len(wishes)
    assert bool(allowed.why) == (allowed.count < len(wishes))
    assert allowed.until is None or NOW < allowed.until <= NOW + timedelta(days=1)
    day = world.budget.day
    if allowed.count and day is not None:
        cost = sum(costs[: allowed.count])
        assert world.spent_today + own.nanodollars + cost <= day * (100 - kept) // 100
    # Those that wait or were asked for have their places as well, and nothing is overdrawn.
    if allowed.count:
        _fits(world, allowed.count + waiting + placeless, kept)


def _fits(world: Facts, more: int, kept: int) -> None:
    """So many more are within all limits less what is kept, filled one after another."""
    there = lowered(world.lanes, kept)
    runs, lately = dict(world.busy), {lane.id: 0 for lane in there}
    for one in world.ledger:
        lately[one.lane] += one.outcome is Outcome.LAUNCHED
    closed = {one.lane for one in world.ledger if one.outcome is Outcome.REFUSED}
    closed |= {one.name for one in world.pauses}
    limits = [(limit, runs) for limit in running_limits(there)]
    limits += [(limit, lately) for limit in launch_limits(there)]
    for _ in range(more):
        fits = [
            lane.id
            for lane in there
            if lane.id not in closed
            and runs[lane.id] < lane.places
            and (lane.launches_a_minute is None or lately[lane.id] < lane.launches_a_minute)
            and all(
                lane.id not in limit.weights or limit.has_room(lane.id, counts)
                for limit, counts in limits
            )
        ]
        assert fits, f"{more} are more than the lanes take"
        runs[fits[0]] += 1
        lately[fits[0]] += 1


@given(worlds(), st.integers(0, 99))
def test_nothing_goes_where_no_lane_is_open(world: Facts, kept: int) -> None:
    shut = replace(world, ledger=[stocked_out(lane) for lane in world.lanes])
    allowed = left(shut, kept=kept).allows([FREE])
    assert allowed.count == 0
    assert allowed.why


@given(lanes(), st.integers(0, 99))
def test_a_limit_is_lowered_and_one_launch_still_fits_where_it_fitted(
    whole: tuple[Lane, ...], kept: int
) -> None:
    for before, after in zip(whole, lowered(whole, kept), strict=True):
        assert after.places <= max(1, before.places * (100 - kept) // 100)
        assert bool(after.places) == bool(before.places)
    for limit, low in zip(running_limits(whole), running_limits(lowered(whole, kept)), strict=True):
        assert low.most <= limit.most
        for lane in limit.weights:
            assert low.has_room(lane, {}) == limit.has_room(lane, {})


@pytest.mark.parametrize("kept", [0, 25, 50, 99])
def test_the_more_is_kept_the_less_goes(kept: int) -> None:
    lane = replace(WIDE, executions=100)
    assert left(facts(lane), kept=kept).starts == 100 - kept
