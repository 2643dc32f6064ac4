"""Histories in which all work is pulled, by the real workers on machines that lie."""

from collections import Counter
from dataclasses import replace

from infra.simulator.course import Course
from infra.simulator.faults import Fault
from infra.simulator.fleet import PACKED, POOLS
from infra.simulator.history import Outcome, live

SIXTY = [10 * number + 2 for number in range(60)]
"""The histories whose lanes are pools (`infra/simulator/course.py`)."""


def lived(seed: str) -> list[Outcome]:
    return [live(Course(seed=seed).recipe(number)) for number in SIXTY]


def test_what_is_promised_holds_in_sixty_histories_of_pools() -> None:
    outcomes = lived("pools")
    assert {one.recipe.lanes for one in outcomes} == {POOLS, PACKED}
    assert [str(violation) for one in outcomes for violation in one.violations] == []
    struck = Counter(
        fault.fault for one in outcomes for fault in one.struck if fault.id.startswith("machine/")
    )
    wanted = {
        Fault.CRASH_AFTER,
        Fault.CRASH_BEFORE,
        Fault.PREEMPTED,
        Fault.PREEMPTED_IN_NOTICE,
        Fault.PREEMPTED_WITH_NOTICE,
        Fault.UNREACHABLE,
    }
    assert wanted <= set(struck), "each of what befalls a machine was met"


HUNGRY = {Fault.STOCK_OUT: 1.0, Fault.QUOTA_REFUSED: 0.5}


def test_packed_pools_meet_quotas_and_machines_that_never_come() -> None:
    recipes = [replace(Course(seed="hungry").recipe(20 * n + 12), odds=HUNGRY) for n in range(20)]
    starved = [kind for kind in PACKED if kind.lane.id == "packed/l4"]
    outcomes = [
        live(replace(one, lanes=(replace(starved[0], out_for=900.0), *PACKED[1:])))
        for one in recipes
    ]
    assert [str(violation) for one in outcomes for violation in one.violations] == []
    struck = Counter(fault.fault for one in outcomes for fault in one.struck)
    assert {Fault.STOCK_OUT, Fault.QUOTA_REFUSED} <= set(struck)
    assert all(one.counts.machines_launched for one in outcomes)
