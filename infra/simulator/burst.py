"""`python -m infra.simulator.burst`: ten thousand ten-second clips at once, and who waits how long.

The real functions and tasks, as in every history, without a fault, in virtual time, against quotas
that lanes share: 60 launches a minute, 3 GPUs, 1,000 executions. Three tenants come together: a
back-catalogue, an ordinary one, and a few live clips that come in the middle of it. Each clip has
an execution of its own, or with `--packed` they share workers, whose starts the same quota limits.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from time import process_time

from functions.core.lanes import Lane
from functions.core.quotas import Quota
from functions.core.render import State
from functions.core.tenants import Tenant
from infra.simulator.fleet import CPU, CPU_PRICE, GPU, L4_PRICE, LaneKind
from infra.simulator.history import Outcome, Recipe, live
from infra.simulator.scenario import Deed, Scenario
from schemas.priority import Priority

SECONDS = 10
"""Of each clip."""
LIVE_EVERY = 300.0
"""Seconds between two live clips, once all others are there."""
REGION = Quota(id="us-east4", launches_a_minute=60, executions=1000)
L4 = Quota(id="us-east4 L4", gpus=3)
TENANTS = {
    "archive": Tenant(priority=Priority.BACKGROUND),
    "live": Tenant(priority=Priority.LIVE),
}
FLEET = (
    LaneKind(
        lane=Lane(
            id="cloud-run/us-east4/l4",
            encoder_class=GPU,
            tasks=1,
            executions=1000,
            start_within=timedelta(minutes=3),
            attempt_limit=timedelta(minutes=55),
            price=L4_PRICE,
            quotas=(REGION, L4),
        ),
        scarcity=0,
    ),
    LaneKind(
        lane=Lane(
            id="cloud-run/us-east4/cpu",
            encoder_class=CPU,
            tasks=1,
            executions=1000,
            start_within=timedelta(minutes=3),
            attempt_limit=timedelta(minutes=55),
            price=CPU_PRICE,
            quotas=(REGION,),
        ),
        scarcity=0,
    ),
)
PACKED_FLEET = tuple(
    LaneKind(
        lane=replace(
            kind.lane,
            id=kind.lane.id.replace("cloud-run/us-east4", "worker"),
            executions=renders,
            start_within=timedelta(minutes=10),
            is_shared=True,
            quotas=(),
        ),
        scarcity=0,
        spot=0,
        pool=kind.lane.id.rpartition("/")[2],
        workers=workers,
        packs=True,
        starts=REGION,
    )
    for kind, renders, workers in zip(FLEET, (60, 1000), (3, 1000), strict=True)
)
"""The same machines, started as seldom, as workers that small renders share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """How many come, and how many of them are live."""

    clips: int
    live: int
    seed: str = "burst"
    is_packed: bool = False

    @property
    def recipe(self) -> Recipe:
        """One in ten of an ordinary tenant, the others of a back-catalogue, and the live ones."""
        ordinary = (self.clips - self.live) // 10
        deeds = [
            Deed(at=1.0, verb="upload", name=f"archive/{number}.mp4", seconds=SECONDS)
            for number in range(self.clips - self.live - ordinary)
        ]
        deeds += [
            Deed(at=2.0, verb="upload", name=f"shop/{number}.mp4", seconds=SECONDS)
            for number in range(ordinary)
        ]
        deeds += [
            Deed(
                at=60 + LIVE_EVERY * number,
                verb="upload",
                name=f"live/{number}.mp4",
                seconds=SECONDS,
            )
            for number in range(self.live)
        ]
        return Recipe(
            seed=self.seed,
            scenario=Scenario(deeds=tuple(sorted(deeds, key=lambda deed: deed.at))),
            odds={},
            lanes=PACKED_FLEET if self.is_packed else FLEET,
            tenants=TENANTS,
        )


def report(outcome: Outcome) -> Iterator[str]:
    """What it came to, line by line."""
    counts = outcome.counts
    done = counts.ends[State.DONE.value]
    renders = counts.ends.total()
    yield f"{renders:,} clips of {SECONDS} s in {outcome.seconds / 3600:.1f} virtual hours"
    yield f"ends               {dict(counts.ends)}"
    yield f"violations         {len(outcome.violations)}"
    yield f"launches a success {counts.launches / max(1, done):.3f}"
    is_packed = bool(counts.machines)
    if is_packed:
        yield f"                   by {counts.machines_launched:,} launches of machines"
    billed = counts.machines if is_packed else counts.containers
    minutes = sum(ceil(micros / 60_000_000) for micros in billed)
    what = "executions of workers" if is_packed else "containers"
    yield f"billed             {minutes:,} machine minutes in {len(billed):,} {what}"
    worked = sum(counts.containers) / 60e6
    yield f"                   {worked:,.0f} of them worked; {minutes / max(1, done):.2f} a clip"
    lanes = Counter[str]()
    for (_, lane), micros in counts.spent.items():
        lanes[lane] += micros
    for lane, micros in sorted(lanes.items()):
        yield f"                   {micros / 60e6:,.0f} minutes on {lane}"
    yield from waited(counts.waits)


def waited(by_whom: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """How long each group and all together have waited for a start; in seconds."""
    yield f"waited for a start {'clips':>6} {'p50':>8} {'p95':>8} {'longest':>8}"
    everybody = [wait for waits in by_whom.values() for wait in waits]
    for name, waits in (*sorted(by_whom.items()), ("all", everybody)):
        low, high, most = (_minutes(waits, share) for share in (0.5, 0.95, 1.0))
        yield f"  {name:<16} {len(waits):>6,} {low:>8} {high:>8} {most:>8}"


def _minutes(waits: Sequence[float], share: float) -> str:
    ordered = sorted(waits)
    if not ordered:
        return "-"
    return f"{ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 60:.1f} min"


def main(arguments: Sequence[str] | None = None) -> int:
    """Live it and say what it came to; exits 1 if anything was lost or starved."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.simulator.burst", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--clips", type=int, default=10_000, help="all together")
    parser.add_argument("--live", type=int, default=20, help="of these, live ones in the middle")
    parser.add_argument("--seed", default="burst", help="any text")
    parser.add_argument("--packed", action="store_true", help="on workers that they share")
    told = parser.parse_args(arguments)
    if not 0 <= told.live < told.clips:
        print("Of the clips fewer must be live than come.", file=sys.stderr)
        return 2
    began = process_time()
    burst = Burst(clips=told.clips, live=told.live, seed=told.seed, is_packed=told.packed)
    outcome = live(burst.recipe)
    for line in report(outcome):
        print(line)
    print(f"took               {process_time() - began:.0f} CPU seconds, {outcome.calls:,} calls")
    for violation in outcome.violations:
        print(f"  {violation}")
    starved = outcome.counts.ends[State.DONE.value] != told.clips
    return 1 if outcome.violations or starved else 0


if __name__ == "__main__":
    sys.exit(main())
