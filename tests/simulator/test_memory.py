"""What many histories cost in memory."""

import gc

from infra.simulator.course import Course
from infra.simulator.history import live
from infra.simulator.world import World


def test_nothing_of_a_world_outlives_its_history() -> None:
    """Once a process and its greenlet held each other, and a million histories would not fit."""
    before = _worlds()
    for number in range(3):
        live(Course(seed="memory").recipe(number))
    assert _worlds() <= before


def _worlds() -> set[int]:
    """Those that are in memory, some of them perhaps of other tests."""
    gc.collect()
    return {id(one) for one in gc.get_objects() if isinstance(one, World)}
