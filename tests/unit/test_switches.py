"""What is paused, and what a paused render says."""

from dataclasses import replace
from itertools import permutations

import pytest

from functions.core.effects import Launch
from functions.core.render import State
from functions.core.switches import Reach, Switching, pauses
from tests.unit.makers import FACTS, LANE, NOW, after, seconds, starting, tick, wants
from tests.unit.tellers import TWO_LANES

ALL = Switching(reach=Reach.ALL, paused=True, by="ada", reason="it burns money", at=NOW)
RESUMED = replace(ALL, paused=False, at=NOW + seconds(1))
ACME = replace(ALL, reach=Reach.TENANT, name="acme")
ON_LANE = replace(ALL, reach=Reach.LANE, name=LANE.id)


def test_the_last_switching_of_each_thing_counts_whatever_order_they_come_in() -> None:
    again = replace(ALL, at=NOW + seconds(2))
    for order in permutations((ALL, RESUMED, again, ACME)):
        assert pauses(order) == (again, ACME)
    assert pauses((ALL, RESUMED)) == ()
    assert pauses((RESUMED, replace(RESUMED, paused=True))) == (), "of one moment, the resumption"


@pytest.mark.parametrize("paused", [ALL, ACME, ON_LANE], ids=["all", "tenant", "lane"])
def test_what_is_paused_waits_and_says_who_paused_it_and_why(paused: Switching) -> None:
    facts = replace(FACTS, pauses=(paused,))
    render = starting(facts=facts)
    assert render.state is State.WAITING
    assert not wants(render, Launch)
    assert "paused by ada since 2026-03-01 12:00:00 UTC: it burns money" in render.why
    assert (render.revisit_at, render.avoids) == (render.deadline, ())
    assert after(render, tick(render), now=NOW + seconds(30)).state is State.STARTING


def test_a_paused_lane_sends_renders_to_the_next_and_another_tenants_pause_holds_nobody() -> None:
    on = starting(facts=replace(TWO_LANES, pauses=(ON_LANE,)))
    assert on.lane == "laptop/other"
    other = replace(ACME, name="zeta")
    assert starting(facts=replace(FACTS, pauses=(other,))).state is State.STARTING
