"""Numbered histories: history i of seed s is the same today and tomorrow, on any machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from functions.core.tenants import FolderDefault, Tenant
from infra.simulator.capacity import Traced, read_traces
from infra.simulator.faults import ODDS, Fault
from infra.simulator.fleet import LANES, NARROW, PACKED, POOLS, SCARCE, SPOT
from infra.simulator.history import Recipe
from infra.simulator.scenario import TWO_OUTPUTS, scenario

MOST_UPLOADS = 5
CROWD = 60
"""Uploads of a history in which everybody comes at once."""
CROWD_EVERY, CROWD_AT = 200, 77
CALM_EVERY = 4
"""Every so many histories nobody interferes."""


SWARM_AT = (1, 6)
"""The last digits of histories in which every fault is off, as usual, or far more frequent, by lot:
what is always on hides what happens without it (Groce and others, Swarm Testing, 2012)."""
SWARM = (0.0, 1.0, 5.0, 25.0)
"""Times the usual odds."""
LIKELIEST = 0.6
"""Odds beyond which nothing would ever be finished."""
SWEEP_EVERY, HASTY = 60.0, 4.0
"""Seconds between two sweeps, and where faults swarm: who comes by sooner than expected meets more
that is half done."""
FLEETS = {2: POOLS, 3: SCARCE, 5: SPOT, 8: NARROW}
"""The fleet of every history whose number ends so; all others have the usual one."""
PACKED_AT = 12
"""Of twenty histories the one whose pools are packed."""
AWAITING_AT = 17
"""And the one in which folders await sidecars."""
AWAITING = {
    tenant: Tenant(
        defaults={f"{tenant}/": FolderDefault(spec=TWO_OUTPUTS, await_sidecar_seconds=120)}
    )
    for tenant in ("acme", "calm", "zeta")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A row of histories without end, as a small value that another process can be sent."""

    seed: str
    odds: Mapping[Fault, float] = field(default_factory=lambda: dict(ODDS))
    traces: Path | None = None
    """A file of capacity traces, which the scarce lanes follow; None to draw their capacity."""

    @property
    def is_usual(self) -> bool:
        """Whether every fault has its usual odds."""
        return self.odds == ODDS

    @property
    def is_faultless(self) -> bool:
        """Whether nothing can go wrong, so that nothing may be lost either."""
        return not any(self.odds.values())

    def recipe(self, number: int) -> Recipe:
        """The history of that number, from 0. Raises ValueError for a bad file of traces."""
        seed = f"{self.seed}/{number}"
        crowd = number % CROWD_EVERY == CROWD_AT
        odds = self._swarm(seed) if number % 10 in SWARM_AT else self.odds
        lanes = PACKED if number % 20 == PACKED_AT else FLEETS.get(number % 10, LANES)
        return Recipe(
            seed=seed,
            scenario=scenario(
                seed,
                uploads=CROWD if crowd else 1 + number % MOST_UPLOADS,
                interference=number % CALM_EVERY != 0,
                odds=odds,
            ),
            odds=odds,
            lanes=lanes,
            tenants=AWAITING if number % 20 == AWAITING_AT else {},
            sweep_every=HASTY if number % 10 in SWARM_AT else SWEEP_EVERY,
            traces=_read(self.traces) if self.traces else (),
        )

    def _swarm(self, seed: str) -> Mapping[Fault, float]:
        draw = Random(f"{seed}/swarm")
        return {
            fault: min(odds * draw.choice(SWARM), LIKELIEST) for fault, odds in self.odds.items()
        }


@cache
def _read(path: Path) -> tuple[Traced, ...]:
    """Once a process."""
    return tuple(read_traces(path))
