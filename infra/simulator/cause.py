"""What a second of a task run was for, and the running account of one run."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from infra.simulator.world import Doing
from schemas.pieces import Span
from schemas.plan import Order


class Cause(StrEnum):
    """What a second of a task run was for. There is no heading for what nobody can explain."""

    DELIVERED = "made what was delivered"
    CALLS = "starting, looking, claiming, telling"
    WAITING = "waiting for other tasks"
    FROZEN = "frozen"
    CANCELLED = "made, then cancelled"
    SUPERSEDED = "made, then superseded"
    FAILED = "made, then the render failed"
    OTHER_CLASS = "made, then another encoder class"
    UNUSED = "made twice"
    HEDGED = "made twice by a hedge"
    PREEMPTED = "preempted without notice"
    WITH_NOTICE = "preempted with notice"
    IN_NOTICE = "preempted during the notice"
    OUT_OF_MEMORY = "out of memory"
    CRASHED = "crash of the task"
    UNREACHABLE = "service unreachable"
    ENCODER_CRASHED = "encoder crashed"
    MISLED = "misled by a seek"
    UNREADABLE = "source that cannot be read"
    WRONG_ENCODER = "another encoder than ordered"
    NOT_OWNER = "second execution of an attempt"
    CLAIM_LOST = "claim taken over"
    SEAT_LOST = "seat not renewed in time"
    STOPPED = "attempt given up or stopped"
    OUT_OF_TIME = "attempt out of time"


OF_REASONS = {
    "ffmpeg_killed": Cause.ENCODER_CRASHED,
    "undecodable": Cause.UNREADABLE,
    "object_gone": Cause.UNREADABLE,
    "attempt_limit": Cause.OUT_OF_TIME,
    "encoder_class": Cause.WRONG_ENCODER,
}
"""By the reason of the failure that the task itself reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One thing in the making: a piece, a clip's sound or a whole output."""

    prefix: str
    """Where it will stand, or under which prefix for a piece."""
    span: Span | None = None
    """Of a piece."""
    hedges: str = ""
    """Under which prefix the claims of its hedges stand."""
    stitch: str = ""
    """Of an output, its id."""


@dataclass(slots=True, kw_only=True)
class Run:
    """The causes of one run of one task."""

    name: str
    """Of the process."""
    order: Order
    execution: str
    lane: str
    price: int
    spent: Counter[Cause] = field(default_factory=Counter)
    """Microseconds."""
    calls: int = 0
    """Microseconds of calls: their cause is known when the run is over."""
    unit: Unit | None = None
    since: float = 0.0
    """When work for the unit started."""
    open: int = 0
    """Microseconds of work for the unit, neither committed nor dropped."""
    frames: int = 0
    """Made of the unit."""
    trouble: Cause | None = None
    """What stopped the work for the unit, where the studio or the lane saw it."""
    notice: Cause | None = None
    """Why the lane told it to leave, if it did."""
    told: Cause | None = None
    """What the task itself reported."""
    committed: list[tuple[str, int, int]] = field(default_factory=list)
    """Name and generation in the work or output bucket, and microseconds."""
    unexplained: int = 0
    """Dropped with no known cause: a violation."""

    def meter(self, doing: Doing, since: float, until: float) -> None:
        """The process let so much time pass: `micros`, written out for speed."""
        passed = round(until * 1_000_000) - round(since * 1_000_000)
        if doing is Doing.CALLING:
            self.calls += passed
        elif doing is Doing.WORKING:
            self.open += passed
        else:
            self.spent[Cause.WAITING if doing is Doing.RESTING else Cause.FROZEN] += passed
