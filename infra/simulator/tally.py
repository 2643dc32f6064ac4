"""What many histories came to, in sums: as large after a million renders as after a thousand."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log2

from infra.simulator.evidence import Violation
from infra.simulator.faults import Fault
from infra.simulator.history import Outcome

SHOWN = 20
"""Violations that are kept with their evidence; of the others, the first of each invariant is."""
CUT_OFF = "cut off by a violation"
"""The end of renders whose history was not lived through."""
STEPS_AN_OCTAVE = 16
"""Recoveries are counted in steps of 4.4 %, so that any number of them is a small table."""
SHORTEST = 1 / 16
"""Seconds: a shorter recovery counts as so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One violation, and the number of the history that it happened in."""

    number: int
    violation: Violation


@dataclass(slots=True, kw_only=True)
class Tally:
    """Sums over histories. Adding up in another order gives the same but for float rounding."""

    histories: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    frames_encoded: int = 0
    frames_committed: int = 0
    frames_delivered: int = 0
    """Of outputs that are joined of the same pieces, once."""
    saves: int = 0
    object_calls: int = 0
    launches: int = 0
    starts: int = 0
    calls: int = 0
    busiest_second: int = 0
    """The most saves of one render within one second, anywhere."""
    seconds: float = 0.0
    """Virtual."""
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Microseconds of task runs by cause and lane."""
    money: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same in femto-dollars."""
    metered: int = 0
    """Femto-dollars by the control plane's own records."""
    video: int = 0
    """Microseconds that all delivered outputs play."""
    recoveries: Counter[int] = field(default_factory=Counter)
    """By `step_of`."""
    struck: Counter[tuple[Fault, str]] = field(default_factory=Counter)
    """Faults by the state of the render that they struck."""
    invariants: Counter[str] = field(default_factory=Counter)
    """Violations by the invariant that was broken."""
    broken: list[Broken] = field(default_factory=list)
    """The first ones, and the first of each invariant."""

    @property
    def renders(self) -> int:
        """All that were opened."""
        return sum(self.ends.values())

    @property
    def violations(self) -> int:
        """How many."""
        return sum(self.invariants.values())

    @property
    def work_ratio(self) -> float:
        """Frames encoded for each frame delivered; 1 is perfect, infinite without any."""
        if not self.frames_delivered:
            return float("inf") if self.frames_encoded else 1.0
        return self.frames_encoded / self.frames_delivered

    def add(self, number: int, outcome: Outcome) -> None:
        """One more history."""
        counts = outcome.counts
        self.histories += 1
        self.calls += outcome.calls
        self.seconds += outcome.seconds
        for name in _OF_COUNTS:
            setattr(self, name, getattr(self, name) + getattr(counts, name))
        self.busiest_second = max(self.busiest_second, counts.busiest_second)
        self.ends.update(counts.ends)
        self.spent.update(counts.spent)
        self.money.update(counts.money)
        if outcome.violations:
            self.ends[CUT_OFF] += max(1, outcome.recipe.scenario.uploads - counts.ends.total())
        self.recoveries.update(map(step_of, counts.recoveries))
        self.struck.update((one.fault, one.state) for one in outcome.struck)
        self._count(Broken(number=number, violation=one) for one in outcome.violations)

    def merge(self, other: "Tally") -> None:
        """All of the other's, which come after these."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.busiest_second = max(self.busiest_second, other.busiest_second)
        self._keep(other.broken)

    def _count(self, broken: Iterable[Broken]) -> None:
        for one in broken:
            self.invariants[one.violation.invariant] += 1
            self._keep([one])

    def _keep(self, broken: Iterable[Broken]) -> None:
        """The first ones, and the first of each invariant."""
        for one in broken:
            known = {kept.violation.invariant for kept in self.broken}
            if len(self.broken) < SHOWN or one.violation.invariant not in known:
                self.broken.append(one)


_OF_COUNTS = (
    "frames_encoded",
    "frames_committed",
    "frames_delivered",
    "saves",
    "object_calls",
    "launches",
    "starts",
    "metered",
    "video",
)
_SUMS = (*_OF_COUNTS, "histories", "calls", "seconds")
_COUNTERS = ("ends", "spent", "money", "recoveries", "struck", "invariants")


def step_of(seconds: float) -> int:
    """The step of the logarithmic scale on which such a duration is counted."""
    return round(log2(max(seconds, SHORTEST)) * STEPS_AN_OCTAVE)


def seconds_of(step: int) -> float:
    """The middle of that step."""
    return float(2 ** (step / STEPS_AN_OCTAVE))


def quantile(steps: Mapping[int, int], share: float) -> float | None:
    """The duration in seconds that this share of all do not exceed; None if there are none."""
    left = share * sum(steps.values())
    for step, count in sorted(steps.items()):
        left -= count
        if left <= 0:
            return seconds_of(step)
    return None
