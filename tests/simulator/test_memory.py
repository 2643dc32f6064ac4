"""What many histories cost in memory."""

import gc

from infra.simulator.course import Course
from infra.simulator.history import live
from infra.simulator.world import World


def test_nothing_of_a_world_outlives_its_history() -> None:
    """Once a process and its greenlet held each other, and a million histories would not fit."""
    for number in range(3):
        live(Course(seed="memory").recipe(number))
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, World)]
