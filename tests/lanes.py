"""The lane that a laptop has, for tests that put ports together by themselves."""

from functions.cloud_lanes import laptop_lanes
from functions.core.lanes import Lane

LAPTOP_LANE = "laptop/cpu"


def laptop_lane(encoder_class: str, tasks: int) -> Lane:
    """The laptop's one lane: one render at a time, on every core."""
    (one,) = laptop_lanes({"CLIPLINE_ENCODER_CLASS": encoder_class, "CLIPLINE_TASKS": str(tasks)})
    return one.lane
