"""The ledger in memory: the simulator's."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from functions.core.admission import MINUTE, Gate
from functions.core.entries import Entry, Outcome


@dataclass(slots=True)
class _Lane:
    """Of one lane, by moment."""

    known: dict[str, Entry] = field(default_factory=dict)
    order: list[tuple[datetime, str]] = field(default_factory=list)
    """Moments and keys of all entries."""
    launches: list[tuple[datetime, str]] = field(default_factory=list)
    """Those of launches alone."""

    def add(self, one: Entry) -> None:
        if one.key in self.known:
            return
        self.known[one.key] = one
        insort(self.order, (one.at, one.key))
        if one.outcome is Outcome.LAUNCHED:
            insort(self.launches, (one.at, one.key))

    def after(self, moments: list[tuple[datetime, str]], since: datetime) -> int:
        """The index of the first one after that moment."""
        return bisect_right(moments, since, key=lambda one: one[0])

    def lately(self, since: datetime) -> Iterator[Entry]:
        """Launches after that moment."""
        return (self.known[key] for _, key in self.launches[self.after(self.launches, since) :])


class MemoryLedger:
    """A Ledger for one thread."""

    def __init__(self) -> None:
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._told: set[str] = set()
        """Launches of which more is known than that they were."""

    def append(self, entries: Sequence[Entry]) -> None:
        """What is there already stays as it is."""
        for one in entries:
            self._lanes[one.lane].add(one)
            if one.outcome is not Outcome.LAUNCHED:
                self._told.add(one.launch)

    def recent(self, lanes: Sequence[str], since: datetime, *, limit: int) -> Sequence[Entry]:
        """Of each lane the newest."""
        found: list[Entry] = []
        for name in lanes:
            lane = self._lanes[name]
            first = max(lane.after(lane.order, since), len(lane.order) - limit)
            found += [lane.known[key] for _, key in reversed(lane.order[first:])]
        return tuple(found)

    def spent(self, since: datetime) -> int:
        """All lanes together."""
        everything = (one for lane in self._lanes.values() for one in lane.known.values())
        return sum(one.nanodollars for one in everything if one.at >= since)

    def admit(self, launch: Entry, gate: Gate) -> bool:
        """Written down if the gate lets it pass."""
        own = self._lanes[launch.lane]
        if launch.key in own.known:
            return True
        if gate.a_minute is not None and self._lately(launch.lane, launch.at) >= gate.a_minute:
            return False
        for limit in gate.shared:
            counts = {lane: self._lately(lane, launch.at) for lane in limit.weights}
            if not limit.has_room(launch.lane, counts):
                return False
        under_way = sum(
            one.launch not in self._told and one.render != launch.render
            for one in own.lately(launch.at - gate.patience)
        )
        if gate.under_way is not None and under_way >= gate.under_way:
            return False
        self.append([launch])
        return True

    def _lately(self, lane: str, at: datetime) -> int:
        """Launches there within a minute."""
        return sum(True for _ in self._lanes[lane].lately(at - MINUTE))
