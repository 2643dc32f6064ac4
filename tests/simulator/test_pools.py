"""Histories in which all work is pulled, by the real workers on machines that lie."""

from collections import Counter

from infra.simulator.course import Course
from infra.simulator.faults import Fault
from infra.simulator.fleet import POOLS
from infra.simulator.history import Outcome, live

SIXTY = [10 * number + 2 for number in range(60)]
"""The histories whose lanes are pools (`infra/simulator/course.py`)."""


def lived(seed: str) -> list[Outcome]:
    return [live(Course(seed=seed).recipe(number)) for number in SIXTY]


def test_what_is_promised_holds_in_sixty_histories_of_pools() -> None:
    outcomes = lived("pools")
    assert all(one.recipe.lanes == POOLS for one in outcomes)
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
