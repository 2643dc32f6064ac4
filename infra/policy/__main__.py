"""`python -m infra.policy`: fly the real routing over capacity traces, beside its rivals.

Without a trace the shipped generator's weather. Exit status: 0, or 2 for an argument that cannot
be.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from functions.core.lanes import Lane
from functions.lane_file.text import LaneFault
from infra.policy.fleet import ZONES, lanes_of, usual_lanes
from infra.policy.market import Market, Part, generated, markets
from infra.policy.report import page
from infra.policy.trial import JOBS, Cell, tried
from infra.simulator.capacity import read_traces
from infra.simulator.picture import draw

WIDTH = 132
"""Columns that the report needs."""
DRAWS = 8
"""Flights of a policy in a cell."""
MACHINES = (1, 4)
"""Of an attempt at most, where no file of lanes says so."""
PICTURE = Path("build/policy/report.svg")
"""Where the report lies as a picture, from the current folder."""
HELD, UNSUITABLE, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked."""
    told = _parser().parse_args(arguments)
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, WIDTH)
    try:
        fleets = [lanes_of(told.lanes)] if told.lanes else [usual_lanes(n) for n in MACHINES]
        cells = [cell for lanes in fleets for cell in _cells(lanes, told.trace)]
        return _fly(cells, told, console)
    except (LaneFault, ValueError) as error:
        print(error, file=sys.stderr)
        return UNSUITABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.policy", description=__doc__)
    parser.add_argument("--trace", type=Path, help="a file of capacity traces")
    parser.add_argument("--lanes", type=Path, help="a file of lanes, as the product reads it")
    parser.add_argument(
        "--draws", type=_count, default=DRAWS, help="flights a cell; series by turns"
    )
    parser.add_argument("--seed", default="1", help="any text")
    parser.add_argument(
        "--part",
        type=Part,
        choices=[*Part],
        default=Part.LATER,
        help="constants are chosen on the first part alone, and judged on the later one",
    )
    return parser


def _count(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("say a number from 1 on")
    return number


def _cells(lanes: Sequence[Lane], trace: Path | None) -> Iterator[Cell]:
    zones = min(ZONES, sum(lane.is_spot for lane in lanes))
    kinds: dict[str, Sequence[Market]]
    if trace is None:
        kinds = {f"zones: {n}": [generated(n)] for n in sorted({1, zones})}
    else:
        alone, several = markets(read_traces(trace), zones)
        kinds = {"zones: 1": alone, f"zones: up to {zones}": several}
    machines = max(lane.tasks for lane in lanes)
    for kind, found in kinds.items():
        for job in JOBS:
            name = f"{kind}, machines: {machines}, {job.work / 60:g} h in {job.minutes / 60:g} h"
            if found:
                yield Cell(name=name, lanes=lanes, markets=found, job=job)


def _fly(cells: Sequence[Cell], told: argparse.Namespace, console: Console) -> int:
    scores = {}
    for cell in track(
        cells,
        "flying",
        console=Console(stderr=True),
        transient=True,
        disable=not console.is_terminal,
    ):
        if found := tried(cell, told.draws, told.part, told.seed):
            scores[cell.name] = found
    if not scores:
        raise ValueError(f"'{told.trace}' has no series that is long enough for any job")
    weather = told.trace.name if told.trace else "the shipped generator"
    report = page(scores, f"cost by the optimum's, {told.part} part of {weather}, simulated")
    console.print(report)
    try:
        draw(report, PICTURE, title="make policy", width=WIDTH)
        console.print(f"as a picture: {PICTURE}")
    except OSError as error:
        console.print(f"there is no picture of it: {error}")
    return HELD


if __name__ == "__main__":
    sys.exit(main())
