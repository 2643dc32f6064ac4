"""Where skies are drawn from: the shipped generator, or the series of a file, split in time.

a series: ├────────── first: constants are chosen here ──────────┤──── later: judged here ────┤
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from functions.core.lanes import Lane
from infra.policy.sky import MINUTE, Job, Place, Sky
from infra.simulator.capacity import Capacity, Traced

SPLIT = 0.6
"""The share of a series that is its first part."""


class Part(StrEnum):
    """Of time. The generator has no time: it draws other weather for each part."""

    FIRST = "first"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Zones whose machines a job may have at the same time."""

    zones: int
    """At most; as many of the Spot lanes are flown."""
    series: Sequence[Traced] = ()
    """Of the same days, one a zone; none for the generator."""

    def sky(self, lanes: Sequence[Lane], job: Job, part: Part, seed: str) -> Sky | None:
        """One draw, the same for the same seed; None where the part is shorter than the job."""
        draw = Random(f"{seed}/{part}")
        weather = self._traced(job, part, draw) if self.series else self._drawn(job, draw)
        if weather is None:
            return None
        spot = [lane for lane in lanes if lane.is_spot][: len(weather)]
        by_lane = dict(zip((lane.id for lane in spot), weather, strict=True))
        places = [
            Place(lane=lane, there=by_lane.get(lane.id, b"\1" * job.minutes))
            for lane in lanes
            if lane.id in by_lane or not lane.is_spot
        ]
        return Sky(places=places, job=job)

    def _drawn(self, job: Job, draw: Random) -> list[bytes]:
        zones = [Capacity(Random(draw.random())) for _ in range(self.zones)]
        return [_minutes(zone, job) for zone in zones]

    def _traced(self, job: Job, part: Part, draw: Random) -> list[bytes] | None:
        """So many of its series, all from one moment on."""
        series = draw.sample(self.series, self.zones)
        end = min(len(one.available) * one.seconds_a_tick for one in series) / MINUTE
        since, until = (0.0, end * SPLIT) if part is Part.FIRST else (end * SPLIT, end)
        if (latest := until - job.minutes) < since:
            return None
        start = MINUTE * draw.uniform(since, latest)
        return [_minutes(one, job, start) for one in series]


def _minutes(zone: Capacity | Traced, job: Job, start: float = 0.0) -> bytes:
    return bytes(zone.is_there(start + MINUTE * minute) for minute in range(job.minutes))


def generated(zones: int) -> Market:
    """The shipped generator's weather."""
    return Market(zones=zones)


def markets(series: Sequence[Traced], most: int) -> tuple[Sequence[Market], Sequence[Market]]:
    """Each series alone, and those of one folder and kind together, at most so many at once.

    A series is named `folder/zone_kind`. One that is the same as another is counted once.
    """
    known = list({(one.seconds_a_tick, one.available): one for one in series}.values())
    alone = [Market(zones=1, series=(one,)) for one in known]
    together: dict[tuple[str, str, float], list[Traced]] = {}
    for one in known:
        folder, _, leaf = one.name.rpartition("/")
        together.setdefault((folder, leaf.partition("_")[2], one.seconds_a_tick), []).append(one)
    several = [
        Market(zones=min(most, len(group)), series=tuple(group))
        for group in together.values()
        if min(most, len(group)) > 1
    ]
    return alone, several
