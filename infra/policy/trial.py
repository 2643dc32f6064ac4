"""A trial: every policy through the same skies, cell by cell, and what each came to.

A cell is a kind of market, a width and a job. Its draws are paired: draw 7 is one sky, through
which each policy flies the same job from the same minute on.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from functions.core.lanes import Lane
from infra.policy.flight import Flight, Item, flown
from infra.policy.market import Market, Part
from infra.policy.optimum import Optimum
from infra.policy.pilot import Pilot, others
from infra.policy.rivals import RIVALS
from infra.policy.sky import Job, Sky

OPTIMUM, CLIPLINE, COLD = "optimum", "Clipline", "Clipline, nothing known"
JOBS = (Job(work=240, minutes=300), Job(work=240, minutes=480), Job(work=60, minutes=1440))
"""Four hours of one machine within five and within eight, as in the literature; and one hour of it
within a day, the deadline that a render has where nobody says another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Skies of one kind."""

    name: str
    lanes: Sequence[Lane]
    markets: Sequence[Market]
    """By turns."""
    job: Job

    def skies(self, draws: int, part: Part, seed: str) -> Iterator[Sky]:
        """So many draws, without those for which a trace is too short."""
        for number in range(draws):
            market = self.markets[number % len(self.markets)]
            sky = market.sky(self.lanes, self.job, part, f"{seed}/{self.name}/{number}")
            if sky is not None:
                yield sky


@dataclass(slots=True)
class Score:
    """What a policy came to in several flights."""

    ratios: list[float] = field(default_factory=list)
    """Cost by that of the optimum, of the flights that were in time."""
    missed: int = 0
    paid: int = 0
    bill: Counter[Item] = field(default_factory=Counter)
    launches: int = 0
    refused: int = 0
    optimum: int = 0
    """What the optimum has paid in all of these flights."""

    @property
    def flights(self) -> int:
        """In time or not."""
        return len(self.ratios) + self.missed

    def add(self, flight: Flight, optimum: int) -> None:
        """One more."""
        if flight.is_missed:
            self.missed += 1
        else:
            self.ratios.append(flight.paid / optimum)
        self.paid += flight.paid
        self.bill += flight.bill
        self.launches += flight.launches
        self.refused += flight.refused
        self.optimum += optimum

    def quantile(self, share: float) -> float:
        """Of the ratios; 0 of none."""
        ordered = sorted(self.ratios)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    @property
    def mean(self) -> float:
        """Of the ratios; 0 of none."""
        return sum(self.ratios) / len(self.ratios) if self.ratios else 0.0


def merged(scores: Sequence[Score]) -> Score:
    """All of them together."""
    whole = Score()
    for one in scores:
        whole.ratios += one.ratios
        whole.missed += one.missed
        whole.paid += one.paid
        whole.bill += one.bill
        whole.launches += one.launches
        whole.refused += one.refused
        whole.optimum += one.optimum
    return whole


def flights(sky: Sky) -> tuple[int, dict[str, Flight]]:
    """What the optimum costs there, and every policy's flight; it is the first."""
    optimum = Optimum(sky)
    policies: dict[str, Callable[[Flight], None]] = {
        OPTIMUM: optimum.fly,
        CLIPLINE: Pilot(sky, others(sky)).fly,
        COLD: Pilot(sky).fly,
        **RIVALS,
    }
    return optimum.cost, {name: flown(sky, fly) for name, fly in policies.items()}


def tried(cell: Cell, draws: int, part: Part, seed: str) -> dict[str, Score]:
    """Every policy's score in that cell; none where no trace is long enough."""
    scores: dict[str, Score] = {}
    for sky in cell.skies(draws, part, seed):
        cost, several = flights(sky)
        for name, flight in several.items():
            scores.setdefault(name, Score()).add(flight, cost)
    return scores
