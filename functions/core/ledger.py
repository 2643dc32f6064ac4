"""What launches have shown of a lane: entries that are only ever added, and what is known by them.

    entries, now ─► standing: the chance that it starts, seconds to start, when it is tried next

Theory of operation. A lane without machines cannot be asked whether it has some again: only a
launch tells. So a stock-out closes the lane for a pause, for all renders at once, and then one
launch at a time may try it; each that fails makes the pause twice as long.

    open ──stock-out──► closed ──pause over──► half open: 1 launch ──started──► 2, 4, 8 ──► open
                          ▲                        │
                          └───────stock-out────────┘

Launches that were under way together when it closed are one stock-out, however many there were. A
launch that hung while a later one started says nothing of the lane. A refusal by our own quota
closes the lane as well, for a shorter time, but is never counted as a stock-out: machines may be
there, and as soon as the pause is over as many may launch as want to.

What was seen fades, by half in `HALF_LIFE`, and is forgotten after `MEMORY`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from functions.core.average import Average
from functions.core.entries import HAD_MACHINES, STOCK_OUTS, Entry, Outcome

HALF_LIFE = timedelta(minutes=30)
"""Stretches with and without machines are typically half an hour long: the medians of the traces
to which `infra/simulator/capacity.py` is fitted."""
MEMORY = timedelta(hours=4)
"""Eight half-lives: what is older would count for less than half a percent."""
MOST_READ = 200
"""Entries of one lane that a decision reads, the newest: a busy lane is known by its last hour."""
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)
"""Of a lane without machines: a try costs a start deadline at worst, and the longest pause is what
a recovered lane may stand unused."""
FIRST_QUOTA_PAUSE = timedelta(seconds=15)
LONGEST_QUOTA_PAUSE = timedelta(minutes=5)
"""Of a lane that our own quota closes: a quota by the minute is free again within one."""
FREE_AGAIN = 4
"""Starts after a stock-out from which on nobody counts any more: 1, 2, 4 and 8 were tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a lane at a moment."""

    lane: str
    chance: float = 1.0
    """That a launch there starts: of the faded launches, and one more that is taken for granted."""
    starts: float = 0.0
    stock_outs: float = 0.0
    """How many are remembered, faded."""
    start: timedelta | None = None
    """From a launch to its first task, on average; None if none was seen."""
    start_error: timedelta = timedelta(0)
    """Standard error of that average."""
    speed: float | None = None
    """Output pixels a second of one machine, on average; None if none was seen."""
    speed_error: float = 0.0
    """How far off the speed of the next attempt may be: attempts differ, and the average errs."""
    preemptions_an_hour: float | None = None
    """None where nothing has run."""
    streak: int = 0
    """Stock-outs in a row, each after a pause of its own."""
    closed_until: datetime | None = None
    """Nobody launches there before; None if it is open or half open."""
    by_quota: bool = False
    """Whether it is our own quota that closes it."""
    room: int | None = None
    """How many launches may be under way there at once; None if nobody counts."""
    under_way: int = 0
    """How many are."""
    launches: tuple[datetime, ...] = ()
    """Of the last minute, the oldest first."""


@dataclass(slots=True)
class _Closing:
    """The pauses of a lane, one after another."""

    first: timedelta
    longest: timedelta
    streak: int = 0
    until: datetime | None = None

    def miss(self, entry: Entry) -> None:
        """A launch found nothing: a new pause, or one more of those that the last one answers."""
        if self.until is None or entry.launched_at >= self.until:
            self.streak += 1
        pause = min(self.first * 2 ** min(self.streak - 1, 16), self.longest)
        self.until = max(self.until or entry.at, entry.at + pause)


def standing(
    lane: str,
    entries: Iterable[Entry],
    *,
    now: datetime,
    start_within: timedelta,
    asker: str = "",
) -> Standing:
    """What the entries say of that lane. Their order and repetitions do not matter.

    `start_within` is the lane's start deadline: a launch without an outcome is under way no longer
    than that. `asker` is the render that wants to know: it has none under way.
    """
    known = _known(lane, entries, now)
    starts = _first_signs(known)
    last_start = max((one.launched_at for one in starts), default=None)
    stock_outs = [one for one in known if one.outcome in STOCK_OUTS]
    closing = _closing(stock_outs, last_start, FIRST_PAUSE, LONGEST_PAUSE)
    quotas = [one for one in known if one.outcome is Outcome.OWN_QUOTA]
    quota = _closing(quotas, last_start, FIRST_QUOTA_PAUSE, LONGEST_QUOTA_PAUSE)
    by_quota = quota.until is not None and (closing.until is None or quota.until > closing.until)
    until = quota.until if by_quota else closing.until
    weights = sum(_weight(one, now) for one in starts), sum(_weight(s, now) for s in stock_outs)
    seen = _seen(known, now)
    return Standing(
        lane=lane,
        chance=(weights[0] + 1) / (sum(weights) + 1),
        starts=weights[0],
        stock_outs=weights[1],
        start=timedelta(seconds=seen.waits.mean) if seen.waits.weight else None,
        start_error=timedelta(seconds=seen.waits.error),
        speed=seen.speeds.mean if seen.speeds.weight else None,
        speed_error=seen.speeds.off,
        preemptions_an_hour=seen.preemptions_an_hour,
        streak=closing.streak,
        closed_until=until if until is not None and until > now else None,
        by_quota=by_quota,
        room=_room(stock_outs, starts, closing.until),
        under_way=_under_way(known, asker, now - start_within),
        launches=_launches(known, now - timedelta(minutes=1)),
    )


def _known(lane: str, entries: Iterable[Entry], now: datetime) -> list[Entry]:
    """The lane's, each once, in the order of their launches."""
    own = {one.key: one for one in entries if one.lane == lane and one.at > now - MEMORY}
    return sorted(own.values(), key=lambda one: (one.launched_at, one.key))


def _first_signs(known: Sequence[Entry]) -> list[Entry]:
    """Of every launch that had machines one entry: a notice of the start may be lost."""
    signs: dict[str, Entry] = {}
    for one in known:
        if one.outcome in HAD_MACHINES:
            first = signs.get(one.launch)
            signs[one.launch] = one if first is None or one.at < first.at else first
    return list(signs.values())


def _closing(
    misses: Sequence[Entry], last_start: datetime | None, first: timedelta, longest: timedelta
) -> _Closing:
    closing = _Closing(first, longest)
    for one in misses:
        if last_start is None or one.launched_at > last_start:
            closing.miss(one)
    return closing


def _room(misses: Sequence[Entry], starts: Sequence[Entry], until: datetime | None) -> int | None:
    """One while it is tried, then twice as many with each that starts."""
    if until is not None:
        return 1
    if not misses:
        return None
    last_miss = max(one.launched_at for one in misses)
    regained = sum(one.launched_at >= last_miss for one in starts)
    return 2**regained if regained < FREE_AGAIN else None


def _under_way(known: Sequence[Entry], asker: str, since: datetime) -> int:
    told = {one.launch for one in known if one.outcome is not Outcome.LAUNCHED}
    return sum(
        one.launch not in told and one.launched_at > since and one.render != asker
        for one in known
        if one.outcome is Outcome.LAUNCHED
    )


def _launches(known: Sequence[Entry], since: datetime) -> tuple[datetime, ...]:
    moments = {one.launch: one.launched_at for one in known if one.launched_at > since}
    return tuple(sorted(moments.values()))


@dataclass(slots=True)
class _Seen:
    waits: Average = field(default_factory=Average)
    speeds: Average = field(default_factory=Average)
    preempted: float = 0.0
    hours: float = 0.0

    @property
    def preemptions_an_hour(self) -> float | None:
        return self.preempted / self.hours if self.hours else None


def _seen(known: Sequence[Entry], now: datetime) -> _Seen:
    seen = _Seen()
    for one in known:
        weight = _weight(one, now)
        if one.outcome is Outcome.STARTED:
            seen.waits.add((one.at - one.launched_at).total_seconds(), weight)
        if one.outcome in (Outcome.FINISHED, Outcome.PREEMPTED) and one.ran:
            seen.hours += weight * (one.ran / timedelta(hours=1))
            seen.preempted += weight * (one.outcome is Outcome.PREEMPTED)
            if one.pixels:
                seen.speeds.add(one.pixels / one.ran.total_seconds() / one.tasks, weight)
    return seen


def _weight(entry: Entry, now: datetime) -> float:
    age = max(now - entry.at, timedelta(0))
    return float(0.5 ** (age / HALF_LIFE))
