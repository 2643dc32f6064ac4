"""What may go wrong, how often, and what did; each fault has a name, to be left out by."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from schemas.ports import StoreUnavailable


class Unreachable(StoreUnavailable):
    """A service did not answer: what was asked of it may have been done or not."""


class Fault(StrEnum):
    """One way in which something goes wrong, or somebody interferes."""

    MESSAGE_DUPLICATED = "message duplicated"
    MESSAGE_DELAYED = "message delayed"
    MESSAGE_LOST_ONCE = "message lost until redelivered"
    MESSAGE_LOST = "message lost for ever"
    CRASH_BEFORE = "crash before a call"
    CRASH_AFTER = "crash after a call"
    FROZEN = "frozen after a call"
    UNREACHABLE = "service unreachable"
    RESPONSE_LOST = "response lost"
    STORE_CONFLICT = "store conflict"
    CLOCK_SKEW = "clock skew"
    LAUNCHED_TWICE = "two executions for one attempt"
    PENDING_FOR_EVER = "execution pending for ever"
    STOCK_OUT = "stock-out"
    QUOTA_REFUSED = "own quota refused"
    PREEMPTED_WITH_NOTICE = "preempted with notice"
    PREEMPTED = "preempted without notice"
    PREEMPTED_IN_NOTICE = "preempted during the notice"
    OUT_OF_MEMORY = "out of memory that reads exit code 0"
    SILENT = "dead container that never reports"
    ENCODER_CRASHED = "encoder crashed"
    WRONG_ENCODER = "another encoder than ordered"
    SEEK_MISLED = "seek came out short"
    STITCHER_DIED_BEFORE = "stitcher died before its commit"
    STITCHER_DIED_AFTER = "stitcher died after its commit"
    NOT_A_VIDEO = "upload that is no video"
    IMPOSSIBLE_SPEC = "spec that cannot be"
    POISONED = "source that ends in the middle"
    CANCELLED = "operator cancels"
    REPLAYED = "operator replays"
    SUPERSEDED = "newer upload of the name"
    LATE_SIDECAR = "late sidecar"
    NAME_TAKEN = "stranger's file under an output's name"


ODDS: Mapping[Fault, float] = {
    Fault.MESSAGE_DUPLICATED: 0.04,
    Fault.MESSAGE_DELAYED: 0.04,
    Fault.MESSAGE_LOST_ONCE: 0.03,
    Fault.MESSAGE_LOST: 0.03,
    Fault.CRASH_BEFORE: 0.002,
    Fault.CRASH_AFTER: 0.002,
    Fault.FROZEN: 0.001,
    Fault.UNREACHABLE: 0.0015,
    Fault.RESPONSE_LOST: 0.0015,
    Fault.STORE_CONFLICT: 0.02,
    Fault.CLOCK_SKEW: 0.05,
    Fault.LAUNCHED_TWICE: 0.03,
    Fault.PENDING_FOR_EVER: 0.03,
    Fault.STOCK_OUT: 0.05,
    Fault.QUOTA_REFUSED: 0.03,
    Fault.PREEMPTED_WITH_NOTICE: 0.05,
    Fault.PREEMPTED: 0.05,
    Fault.PREEMPTED_IN_NOTICE: 0.03,
    Fault.OUT_OF_MEMORY: 0.02,
    Fault.SILENT: 0.04,
    Fault.ENCODER_CRASHED: 0.01,
    Fault.WRONG_ENCODER: 0.01,
    Fault.SEEK_MISLED: 0.02,
    Fault.STITCHER_DIED_BEFORE: 0.04,
    Fault.STITCHER_DIED_AFTER: 0.04,
    Fault.NOT_A_VIDEO: 0.04,
    Fault.IMPOSSIBLE_SPEC: 0.03,
    Fault.POISONED: 0.04,
    Fault.CANCELLED: 0.15,
    Fault.REPLAYED: 0.6,
    Fault.SUPERSEDED: 0.25,
    Fault.LATE_SIDECAR: 0.15,
    Fault.NAME_TAKEN: 0.02,
}
"""Of a message, a call, a launch, a task's life, a chunk or an upload, whichever it strikes."""

BY_HAND = frozenset(
    {
        Fault.NOT_A_VIDEO,
        Fault.IMPOSSIBLE_SPEC,
        Fault.POISONED,
        Fault.CANCELLED,
        Fault.REPLAYED,
        Fault.SUPERSEDED,
        Fault.LATE_SIDECAR,
        Fault.NAME_TAKEN,
    }
)
"""Deeds, and what is in what people upload: they go with the scenario; no script governs them."""

Chances = tuple[tuple[Fault, float], ...]
"""Faults that exclude each other at one call, each with how much more often than usual it strikes.
One lot decides for all, so that a call costs one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """One fault that happened: its name in this history, and the state of its render then."""

    id: str
    fault: Fault
    state: str
    at: float

    def __str__(self) -> str:
        where = self.id.removesuffix(f" · {self.fault}")
        return f"{self.fault}: {where}, state {self.state}"


@dataclass(slots=True, kw_only=True)
class Fate:
    """Decides what strikes. With `script`, only the faults that it names: so a history shrinks."""

    seed: str
    odds: Mapping[Fault, float] = field(default_factory=lambda: dict(ODDS))
    script: frozenset[str] | None = None
    is_over: bool = False
    """From then on nothing goes wrong any more, and everything must come to rest."""
    struck: list[Struck] = field(default_factory=list)
    clock: Callable[[], float] = lambda: 0.0
    state_of: Callable[[str | None], str] = lambda render: "none"
    log: Callable[[str], None] = lambda line: None
    _counts: Counter[str] = field(default_factory=Counter)

    def stream(self, name: str) -> Random:
        """The draws of that name: leaving out one fault shifts nobody else's."""
        return Random(f"{self.seed}/{name}")

    def strikes(
        self, name: str, draw: Random, fault: Fault, render: Callable[[], str | None]
    ) -> bool:
        """Whether this one strikes here."""
        return draw.random() < self.odds.get(fault, 0.0) and self.happens(name, fault, render)

    def foresees(self, name: str, draw: Random, fault: Fault, share: float = 1.0) -> str | None:
        """The id of what is drawn now and strikes later, by `befalls`; None for nothing.

        `share` is how much more often than usual.
        """
        odds = self.odds.get(fault, 0.0) * share
        # Left out or not, it has a name: so what is drawn after it is drawn in every life.
        return self._named(name, fault) if draw.random() < odds and not self.is_over else None

    def befalls(self, id: str | None, fault: Fault, render: str | None) -> bool:
        """Whether what was foreseen strikes now: it may be too late for it, or left out."""
        if id is None or self.is_over or not self._may(id):
            return False
        self.note(id, fault, render)
        return True

    def risk(self, faults: Chances) -> float:
        """How likely it is that one of them strikes: a lot from there on strikes nobody."""
        return sum(self.odds.get(fault, 0.0) * share for fault, share in faults)

    def pick(
        self, lot: float, name: str, faults: Chances, render: Callable[[], str | None]
    ) -> Fault | None:
        """The one of these that a lot from 0 to 1 falls on, if it may strike."""
        for fault, share in faults:
            lot -= self.odds.get(fault, 0.0) * share
            if lot < 0:
                return fault if self.happens(name, fault, render) else None
        return None

    def happens(self, name: str, fault: Fault, render: Callable[[], str | None]) -> bool:
        """Whether it does, where something else than a lot wants it to."""
        if self.is_over:
            return False
        id = self._named(name, fault)
        if not self._may(id):
            return False
        self.note(id, fault, render())
        return True

    def _named(self, name: str, fault: Fault) -> str:
        """What it is called, the same in every life of this history."""
        self._counts[name] += 1
        return f"{name} · {self._counts[name]} · {fault}"

    def _may(self, id: str) -> bool:
        return self.script is None or id in self.script

    def note(self, id: str, fault: Fault, render: str | None) -> None:
        """It happened, here or by somebody's hand."""
        one = Struck(id=id, fault=fault, state=self.state_of(render), at=self.clock())
        self.struck.append(one)
        self.log(f"fault: {one}")
