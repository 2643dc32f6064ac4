"""The ledger in memory: the simulator's."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from functions.core.admission import MINUTE, Gate
from functions.core.entries import Entry, Outcome


class MemoryLedger:
    """A Ledger for one thread."""

    def __init__(self) -> None:
        self._lanes: defaultdict[str, dict[str, Entry]] = defaultdict(dict)
        self._told: set[str] = set()
        """Launches of which more is known than that they were."""

    def append(self, entries: Sequence[Entry]) -> None:
        """What is there already stays as it is."""
        for one in entries:
            self._lanes[one.lane].setdefault(one.key, one)
            if one.outcome is not Outcome.LAUNCHED:
                self._told.add(one.launch)

    def recent(self, lanes: Sequence[str], since: datetime, *, limit: int) -> Sequence[Entry]:
        """Of each lane the newest."""
        found: list[Entry] = []
        for lane in lanes:
            own = [one for one in self._lanes[lane].values() if one.at > since]
            found += sorted(own, key=lambda one: (one.at, one.key), reverse=True)[:limit]
        return tuple(found)

    def spent(self, since: datetime) -> int:
        """All lanes together."""
        everything = (one for own in self._lanes.values() for one in own.values())
        return sum(one.nanodollars for one in everything if one.at >= since)

    def admit(self, launch: Entry, gate: Gate) -> bool:
        """Written down if the gate lets it pass."""
        own = self._lanes[launch.lane]
        if launch.key in own:
            return True
        others = [one for one in own.values() if one.outcome is Outcome.LAUNCHED]
        lately = sum(one.at > launch.at - MINUTE for one in others)
        under_way = sum(
            one.launch not in self._told
            and one.at > launch.at - gate.patience
            and one.render != launch.render
            for one in others
        )
        if gate.a_minute is not None and lately >= gate.a_minute:
            return False
        for limit in gate.shared:
            counts = {lane: self._lately(lane, launch.at) for lane in limit.weights}
            if not limit.has_room(launch.lane, counts):
                return False
        if gate.under_way is not None and under_way >= gate.under_way:
            return False
        self.append([launch])
        return True

    def _lately(self, lane: str, at: datetime) -> int:
        """Launches there within a minute."""
        launches = (one for one in self._lanes[lane].values() if one.outcome is Outcome.LAUNCHED)
        return sum(one.at > at - MINUTE for one in launches)
