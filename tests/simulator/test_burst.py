"""Many clips at once: all are made, at the rate that is allowed, and nobody starves."""

from math import ceil

import pytest

from infra.simulator.burst import L4, REGION, Burst, report
from infra.simulator.history import Outcome, live

CLIPS, LIVE = 240, 2


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return live(Burst(clips=CLIPS, live=LIVE).recipe)


def test_all_are_made_with_one_launch_each(outcome: Outcome) -> None:
    assert not outcome.violations
    assert outcome.counts.ends == {"done": CLIPS}
    assert outcome.counts.launches == CLIPS


def test_they_start_as_fast_as_the_limit_allows_and_no_faster(outcome: Outcome) -> None:
    a_minute = REGION.launches_a_minute
    assert a_minute is not None
    longest = max(wait for waits in outcome.counts.waits.values() for wait in waits)
    least = 60 * (ceil(CLIPS / a_minute) - 1)
    assert least < longest < 1.3 * 60 * CLIPS / a_minute + 60


def test_who_is_live_waits_for_a_start_and_not_for_the_back_catalogue(outcome: Outcome) -> None:
    waits = {name: sorted(found) for name, found in outcome.counts.waits.items()}
    assert max(waits["live/live"]) < 90
    half = {name: found[len(found) // 2] for name, found in waits.items()}
    assert half["live/live"] < half["shop/normal"] < half["archive/background"]


@pytest.fixture(scope="module")
def packed() -> Outcome:
    return live(Burst(clips=CLIPS, live=LIVE, is_packed=True).recipe)


def test_packed_they_are_made_by_fewer_machines_in_fewer_minutes_and_sooner(
    outcome: Outcome, packed: Outcome
) -> None:
    assert not packed.violations
    assert packed.counts.ends == {"done": CLIPS}
    assert packed.counts.launches == CLIPS
    assert packed.counts.machines_launched < CLIPS / 2
    billed = sum(ceil(micros / 60e6) for micros in packed.counts.machines)
    assert billed < CLIPS / 2
    longest = [max(max(waits) for waits in one.counts.waits.values()) for one in (outcome, packed)]
    assert longest[1] < longest[0]
    lines = list(report(packed))
    assert f"                   by {packed.counts.machines_launched} launches of machines" in lines


def test_the_report_says_waits_launches_and_billed_minutes(outcome: Outcome) -> None:
    lines = list(report(outcome))
    assert "launches a success 1.000" in lines
    assert f"billed             {CLIPS} machine minutes in {CLIPS} containers" in lines
    assert lines[-1].startswith(f"  all                 {CLIPS} ")
    assert L4.gpus == 3
