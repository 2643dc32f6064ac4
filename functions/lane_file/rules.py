"""What must hold of each lane."""

from collections.abc import Callable, Sequence
from typing import Any

from schemas import names

TO_LEAVE = 60
"""Seconds that a worker may need to come to its first seat, and to leave in order before its place
ends it (`render_job/term.py`)."""

RULES: Sequence[tuple[str, Callable[[Any], bool], str]] = (
    ("id", lambda lane: bool(lane.id.strip()), "must not be empty"),
    ("encoder_class", lambda lane: bool(lane.encoder_class), "must not be empty"),
    ("tasks", lambda lane: lane.tasks >= 1, "must be 1 at least"),
    ("executions", lambda lane: lane.executions >= 1, "must be 1 at least"),
    ("start_within_seconds", lambda lane: lane.start_within_seconds >= 1, "must be 1 at least"),
    ("attempt_limit_seconds", lambda lane: lane.attempt_limit_seconds >= 1, "must be 1 at least"),
    (
        "attempt_limit_seconds",
        lambda lane: (lane.task_timeout_seconds or 10**9) >= lane.attempt_limit_seconds,
        "must not be longer than task_timeout_seconds: the place ends the task then",
    ),
    (
        "tasks",
        lambda lane: (lane.parallelism or 10**9) >= lane.tasks,
        "must not be more than parallelism: the others would start when it is too late",
    ),
    (
        "gpu_slots",
        lambda lane: lane.gpu_slots is None or lane.gpu_slots >= lane.tasks,
        "must not be fewer than tasks: nothing could ever be launched there",
    ),
    (
        "launches_a_minute",
        lambda lane: lane.launches_a_minute is None or lane.launches_a_minute >= 1,
        "must be 1 at least",
    ),
    (
        "pool",
        lambda lane: not lane.pool or names.POOL.fullmatch(lane.pool) is not None,
        "must be of a-z, 0-9 and -, at most 63 of them",
    ),
    (
        "workers",
        lambda lane: lane.workers is None or bool(lane.pool and lane.group is None),
        "are of a lane with a pool, which has no group beside them",
    ),
    (
        "workers",
        lambda lane: (
            lane.workers is None
            or (lane.task_timeout_seconds or 0) >= lane.attempt_limit_seconds + TO_LEAVE
        ),
        f"need a task_timeout_seconds that is {TO_LEAVE} s longer than attempt_limit_seconds: "
        "a worker takes nothing that its own time does not hold",
    ),
    (
        "memory_gib",
        lambda lane: lane.memory_gib is None or lane.memory_gib >= 1,
        "must be 1 at least",
    ),
    ("disk_gib", lambda lane: lane.disk_gib is None or lane.disk_gib >= 1, "must be 1 at least"),
    (
        "price",
        lambda lane: lane.price is None or all(p.read_on and p.source for p in lane.price.parts),
        "must say for each part when and where it was read",
    ),
)
"""Field, what must hold, and the words of who breaks it."""
