"""`python -m infra.simulator.stockouts`: how soon a render runs elsewhere when its lane is out.

The real functions and tasks in virtual time, over three lanes of which the first ones have no
machines, or have some again after a while: a refusal is said or hangs, by lot. For each cell: how
long it takes from the refusal, or from the start deadline of one that hangs, to the first machine
elsewhere, also divided by what that lane took to start; and launches for each success.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from time import process_time

from functions.core.render import State
from infra.simulator.evidence import Moved
from infra.simulator.faults import Fault
from infra.simulator.fleet import LANES, LaneKind
from infra.simulator.history import Recipe, live
from infra.simulator.scenario import Deed, Scenario

ODDS = {Fault.STOCK_OUT: 1.0}
"""Nothing else goes wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One history: so many of three lanes are out for so long, and so many renders come."""

    out: int
    minutes: int
    renders: int
    apart: float
    """Seconds from one render to the next."""

    @property
    def recipe(self) -> Recipe:
        """The first lanes are out; the others always have machines."""
        deeds = (
            Deed(at=1 + number * self.apart, verb="upload", name=f"a/{number}.mp4", seconds=16)
            for number in range(self.renders)
        )
        return Recipe(
            seed=f"stock-out/{self.out}/{self.minutes}/{self.renders}/{self.apart}",
            scenario=Scenario(deeds=tuple(deeds)),
            odds=ODDS,
            lanes=tuple(_kind(n, 60.0 * self.minutes * (n < self.out)) for n in range(3)),
        )


def _kind(number: int, out_for: float) -> LaneKind:
    """Three places of one kind, with room for all."""
    plain = LANES[0]
    lane = replace(plain.lane, id=f"cloud-run/{'abc'[number]}/l4", executions=200, quotas=())
    return replace(plain, lane=lane, scarcity=0.0, out_for=out_for)


GRID = [
    Cell(out=out, minutes=minutes, renders=renders, apart=apart)
    for out, minutes, (renders, apart) in product(
        (1, 2), (10, 120), ((1, 0.0), (20, 60.0), (60, 1.0))
    )
]


def report(cells: Sequence[Cell]) -> Iterator[str]:
    """A line a cell, and one for all of them."""
    heads = ("refused", "hung")
    yield f"{'lanes out':10} {'for':>8} {'renders':>12} {_columns(heads)} {'launches':>9}"
    everything: list[Moved] = []
    launches, done = 0, 0
    for cell in cells:
        outcome = live(cell.recipe)
        assert not outcome.violations, outcome.violations
        counts = outcome.counts
        everything += counts.moved
        launches += counts.launches
        done += counts.ends[State.DONE.value]
        each = counts.launches / max(1, counts.ends[State.DONE.value])
        renders = f"{cell.renders} / {cell.apart:.0f} s"
        what = f"{cell.out} of 3     {cell.minutes:>4} min {renders:>12}"
        yield f"{what} {_columns(_both(counts.moved))} {each:9.2f}"
    yield f"{'all':32} {_columns(_both(everything))} {launches / done:9.2f}"


def _columns(words: Sequence[str]) -> str:
    return " ".join(f"{word:>22}" for word in words)


def _both(moved: Sequence[Moved]) -> Sequence[str]:
    """After refusals, and after launches that hung."""
    return [_said(moved, hung=hung) for hung in (False, True)]


def _said(moved: Sequence[Moved], *, hung: bool) -> str:
    """From the refusal or the start deadline to the first machine, and divided by its lane's start.

    The quotient is of sums, so that a start of no time does not count for more.
    """
    some = [one for one in moved if one.hung is hung]
    if not some:
        return "-"
    after, start = sum(one.after for one in some), sum(one.start for one in some)
    return f"n={len(some)} {after / len(some):.1f} s {after / start:.3f}x"


def main(arguments: Sequence[str] | None = None) -> int:
    """Live every cell of the grid and print what came of it."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.simulator.stockouts", description=__doc__.partition("\n")[0]
    )
    parser.parse_args(arguments)
    began = process_time()
    for line in report(GRID):
        print(line, flush=True)
    print(f"took {process_time() - began:.0f} CPU seconds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
