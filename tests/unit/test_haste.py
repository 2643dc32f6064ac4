"""An attempt on Spot machines that will be late moves to surer ones, while those are in time."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.core.effects import CloseAttempt, StopExecution
from functions.core.entries import Entry, Outcome
from functions.core.haste import Course, has_to_move, next_look
from functions.core.ledger import LONGEST_PAUSE
from functions.core.need import Need
from functions.core.patience import fastest, net
from functions.core.render import Render, State
from functions.core.step import Facts
from functions.core.weigh import Weighed
from schemas.events import RenderProgress
from tests.unit.makers import (
    LANE,
    NOW,
    accepted,
    after,
    facts,
    requested,
    seconds,
    started,
    surveyed,
    tick,
    wants,
)

SPOT = replace(LANE, id="spot", tasks=1, is_spot=True, attempt_limit=timedelta(hours=48))
SURE = replace(LANE, id="sure", tasks=1, attempt_limit=timedelta(hours=48))
PIXELS = 20 * 30 * 1280 * 720
TOOK = timedelta(hours=1)
"""What `sure` has needed for as many pixels as ours."""
LATE = NOW + timedelta(hours=22, minutes=52)
"""Of the deadline's 24 hours the surer lane needs one, and its start."""


def seen(lane: str, number: int, *outcomes: Outcome, at: datetime) -> list[Entry]:
    """A launch there that was made just before."""
    plain = Entry(
        lane=lane,
        render=f"r-{number}",
        attempt=1,
        outcome=Outcome.LAUNCHED,
        launched_at=at - TOOK,
        at=at - TOOK,
    )
    made = {Outcome.FINISHED: replace(plain, at=at, ran=TOOK, pixels=PIXELS)}
    return [replace(made.get(one, plain), outcome=one) for one in outcomes]


def known(at: datetime) -> Facts:
    """The ledger of a good day: `sure` is well known."""
    told = (Outcome.LAUNCHED, Outcome.STARTED, Outcome.FINISHED)
    entries = [one for number in range(4) for one in seen("sure", number, *told, at=at)]
    return replace(facts(SPOT, SURE), ledger=tuple(entries))


def on_spot() -> Render:
    """Launched there, and at work."""
    render = after(None, requested(), now=NOW, facts=facts(SPOT, SURE))
    assert render.lane == "spot"
    return after(render, accepted(render), started(render), now=NOW, facts=facts(SPOT, SURE))


def looked_at(render: Render, frames: int, at: datetime) -> Render:
    return after(render, surveyed(render, frames=frames), now=at, facts=known(at))


def test_with_time_to_spare_it_may_stand_still() -> None:
    render = looked_at(on_spot(), 0, NOW + timedelta(hours=12))
    assert (render.lane, render.state, render.attempt) == ("spot", State.RENDERING, 1)


def test_what_stands_still_moves_while_the_surer_lane_is_in_time() -> None:
    render = looked_at(on_spot(), 10, LATE)
    assert (render.lane, render.state, render.attempt) == ("sure", State.STARTING, 2)
    first = render.attempts[0]
    assert first.cause is not None
    assert (first.cause.reason, first.frames_after) == ("behind", 10)
    assert "stands at 10 of 600 frames" in first.cause.message
    assert wants(render, StopExecution)
    assert wants(render, CloseAttempt)
    assert render.retries == 0
    assert [(rest.lane, rest.until) for rest in render.resting] == [("spot", render.deadline)]


def test_what_would_be_done_in_time_goes_on() -> None:
    render = looked_at(on_spot(), 599, LATE)
    assert (render.lane, render.state) == ("spot", State.RENDERING)


def test_it_stays_where_no_surer_lane_is_open() -> None:
    nobody = replace(known(LATE), busy={"sure": SURE.executions})
    render = on_spot()
    render = after(render, surveyed(render, frames=10), now=LATE, facts=nobody)
    assert render.lane == "spot"


def test_machines_that_nobody_takes_away_are_never_left() -> None:
    plain = replace(known(LATE), lanes=(replace(SPOT, is_spot=False), SURE))
    render = replace(on_spot(), look_at=None)
    render = after(render, surveyed(render, frames=10), now=LATE, facts=plain)
    assert (render.lane, render.look_at) == ("spot", None)


def test_no_news_puts_the_look_off() -> None:
    render, at = on_spot(), NOW
    first = render.look_at
    assert first == NOW + timedelta(hours=12), "nobody knows how fast the surer lane is"
    while at < first + timedelta(minutes=1):
        at += timedelta(minutes=1)
        told = RenderProgress(render=render.id, attempt=1, at=at, frames=1, task=0)
        render = after(render, told, now=at, facts=known(at))
    assert render.revisit_at == first
    asked = after(render, tick(render), now=at, facts=known(at))
    assert asked.pending != render.pending
    looked = looked_at(asked, 1, at)
    assert looked.look_at is not None
    assert at < looked.look_at < LATE


LIKELY = st.integers(1, 10_000).map(seconds)


@given(
    start=LIKELY,
    takes=LIKELY,
    made=st.integers(0, 1000),
    left=st.integers(0, 1000),
    ran=LIKELY,
    spare=st.integers(-5_000, 50_000).map(seconds),
)
def test_it_moves_only_within_the_net_and_only_to_be_sooner(
    start: timedelta, takes: timedelta, made: int, left: int, ran: timedelta, spare: timedelta
) -> None:
    lane = Weighed(lane=SURE, tasks=1, start=start, takes=takes)
    need = Need(deadline=NOW + 2 * start + takes + LONGEST_PAUSE + spare)
    course = Course(made=made, left=left, since=NOW - ran)
    own = ran * left / made if made else None
    assert need.deadline is not None
    if has_to_move(course, [lane], need, NOW):
        assert net(lane, need, need.deadline) <= NOW
        assert own is None or own > start + takes
    elif spare <= timedelta(0):
        assert own is not None
        assert own <= max(start + takes, need.deadline - NOW - LONGEST_PAUSE)


@given(start=LIKELY, takes=LIKELY, spare=st.integers(0, 50_000).map(seconds))
def test_what_stands_still_is_found_while_the_surer_lane_is_in_time(
    start: timedelta, takes: timedelta, spare: timedelta
) -> None:
    lane, sweep = Weighed(lane=SURE, tasks=1, start=start, takes=takes), timedelta(minutes=1)
    need = Need(deadline=NOW + 2 * start + takes + LONGEST_PAUSE + spare)
    assert need.deadline is not None
    course, now = Course(made=0, left=9, since=NOW), NOW
    while not has_to_move(course, [lane], need, now):
        now = next_look([lane], need, need.deadline, now) + sweep
    assert now + start + fastest(lane, need) <= need.deadline


def test_spot_machines_are_no_surer_ones() -> None:
    course = Course(made=0, left=9, since=NOW)
    need = Need(deadline=NOW + timedelta(minutes=1))
    other = Weighed(lane=SPOT, tasks=1, start=seconds(1), takes=seconds(1))
    unknown = Weighed(lane=SURE, tasks=1, start=seconds(1))
    assert not has_to_move(course, [other, unknown], need, NOW)
