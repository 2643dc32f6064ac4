"""What a history leaves behind: what was broken in it, and what it cost and brought."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An invariant that did not hold, and how it was seen."""

    invariant: str
    seen: str
    at: float

    def __str__(self) -> str:
        return f"{self.at:.1f} s: {self.invariant}: {self.seen}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An attempt that started after one that had found no machines. In seconds."""

    hung: bool
    """That one was never refused: its start deadline passed."""
    after: float
    """From the refusal, or the deadline, to the first machine."""
    start: float
    """That is: of these, what its own lane took from the launch on."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """What one history cost and brought."""

    ends: Counter[str] = field(default_factory=Counter)
    frames_encoded: int = 0
    frames_committed: int = 0
    frames_delivered: int = 0
    saves: int = 0
    lifetimes: list[float] = field(default_factory=list)
    """Seconds from the first save of a render to its end."""
    waits: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds from the upload's request to the start of its first attempt, by account."""
    moved: list[Moved] = field(default_factory=list)
    object_calls: int = 0
    launches: int = 0
    starts: int = 0
    containers: list[int] = field(default_factory=list)
    """Microseconds that each container lived."""
    machines: list[int] = field(default_factory=list)
    """The same of each machine of a pool, from its worker's first moment to its last."""
    machines_launched: int = 0
    """Those that were asked for, where machines are asked for one by one."""
    busiest_second: int = 0
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Microseconds of task runs by cause and lane: `books.py`."""
    money: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same in femto-dollars: 10^15 of them are a dollar."""
    metered: int = 0
    """What the control plane's own records say that it cost, in femto-dollars."""
    video: int = 0
    """Microseconds that all delivered outputs play."""
    recoveries: list[float] = field(default_factory=list)
    """Seconds from the end of an attempt without its outputs to the start of the next one."""
