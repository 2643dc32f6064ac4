"""`python -m infra.simulator`: live through many histories, and say what held and what it cost.

With `--replay FILE`: live one history again, which an earlier run wrote because it broke.

Exit status: 0 with 0 violations, 1 with any, 2 for an argument that cannot be.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from infra.simulator.aftermath import replay, show
from infra.simulator.course import Course
from infra.simulator.exhibit import read_exhibit
from infra.simulator.faults import ODDS
from infra.simulator.many import simulate
from infra.simulator.odds import parse_odds
from infra.simulator.picture import draw
from infra.simulator.report import missed, report
from infra.simulator.rules import Rule, nothing_is_lost
from infra.simulator.tally import Tally

WIDTH = 110
"""Columns that the report needs, also where nobody's terminal says how many there are."""
PICTURE = Path("build/simulator/report.svg")
"""Where the report lies as a picture, from the current folder."""
HELD, BROKEN, UNSUITABLE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked."""
    told = _parser().parse_args(arguments)
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, WIDTH)
    try:
        exhibit = read_exhibit(told.replay) if told.replay else None
        course = Course(
            seed=told.seed,
            odds=parse_odds(told.faults) if told.faults else dict(ODDS),
            traces=told.traces,
        )
        course.recipe(0)
    except ValueError as error:
        print(error, file=sys.stderr)
        return UNSUITABLE
    try:
        if exhibit:
            return BROKEN if replay(exhibit, print) else HELD
        return _simulate(course, told.renders, told.cores, console)
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.simulator", description=__doc__)
    parser.add_argument("--renders", type=_count, default=2000, help="how many, at least")
    parser.add_argument("--seed", default="1", help="any text")
    parser.add_argument("--faults", help="the only ones: preempted,silent=0.3; all; none")
    parser.add_argument("--traces", type=Path, help="a file of capacity traces")
    parser.add_argument("--replay", type=Path, help="a history that broke; nothing else is lived")
    parser.add_argument("--cores", type=_count, default=os.cpu_count() or 1, help="all without it")
    return parser


def _count(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("say a number from 1 on")
    return number


def _simulate(course: Course, renders: int, cores: int, console: Console) -> int:
    rules: tuple[Rule, ...] = (nothing_is_lost,) if course.is_faultless else ()
    began = monotonic()
    with _progress(console, renders) as told:
        tally = simulate(course, renders, rules=rules, cores=cores, told=told)
    page = report(tally, course, wall=monotonic() - began)
    console.print(page)
    try:
        draw(page, PICTURE, title="make simulate", width=WIDTH)
        console.print(f"as a picture: {PICTURE}")
    except OSError as error:
        console.print(f"there is no picture of it: {error}")
    show(course, tally.broken, partial(console.print, soft_wrap=True))
    return BROKEN if tally.violations or missed(tally, course) else HELD


@contextmanager
def _progress(console: Console, renders: int) -> Iterator[Callable[[Tally], None]]:
    """A line that moves, on a terminal only."""
    columns = (BarColumn(), MofNCompleteColumn(), "renders,", "{task.fields[broken]} violations,")
    bar = Progress(
        *columns,
        TimeRemainingColumn(),
        "left",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=renders, broken=0)
        yield lambda tally: bar.update(
            task, completed=min(tally.renders, renders), broken=tally.violations
        )


if __name__ == "__main__":
    sys.exit(main())
