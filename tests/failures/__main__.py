"""`python -m tests.failures`: the confusion matrix of failure classes, and what was called wrong.

Exits 1 where less than 95 % are right.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from schemas.failures import Failure, FailureClass
from tests.failures.labelled import Labelled, Room
from tests.failures.made import MADE
from tests.failures.piped import piped, shares
from tests.failures.spent import SPENT
from tests.failures.told import TOLD
from tests.hostile.kitchen import Kitchen

ALL = (*MADE, *TOLD, *SPENT)
WANTED = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What one failure cost, its file made too."""

    seconds: float
    mib: int
    """Of the largest process that was started for it; 0 where none was."""


def happened() -> Iterator[tuple[Labelled, Failure]]:
    """Every failure, brought about in a room of its own."""
    with tempfile.TemporaryDirectory() as home:
        for number in range(len(ALL)):
            yield ALL[number], _brought_about(Path(home), number)


def measured(times: int) -> Iterator[tuple[Labelled, Failure, Took]]:
    """Every failure so many times, each in a process of its own, whose children are measured."""
    pool = multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1)
    with tempfile.TemporaryDirectory() as home, pool:
        met = pool.imap(partial(_took, Path(home)), range(len(ALL) * times))
        for number, (failure, took) in enumerate(met):
            yield ALL[number % len(ALL)], failure, took


def _took(home: Path, number: int) -> tuple[Failure, Took]:
    began = time.monotonic()
    failure = _brought_about(home, number)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    return failure, Took(seconds=time.monotonic() - began, mib=peak)


def _brought_about(home: Path, number: int) -> Failure:
    folder = home / str(number)
    folder.mkdir()
    return ALL[number % len(ALL)].happen(Room(folder=folder, kitchen=Kitchen(home)))


def matrix(found: Sequence[tuple[Labelled, Failure, Took]]) -> list[str]:
    """A line for each label, a column for each class that it was called, and the most it took."""
    counts = Counter((one.label, failure.failure) for one, failure, _ in found)
    used = [c for c in FailureClass if any(c in pair for pair in counts)]
    heads = ["really \\ called", *used, "longest", "most"]
    lines = [f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * (len(used) + 2)]
    for label in used:
        cells = [str(counts[label, called] or "·") for called in used]
        mine = [took for one, _, took in found if one.label is label]
        cells.append(f"{max((took.seconds for took in mine), default=0):.1f} s")
        cells.append(f"{max((took.mib for took in mine), default=0)} MiB")
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def main() -> int:
    """The matrix, the wrong ones, and with `--all` every one with its reason."""
    measures = list(measured(2))
    twice = [(one, failure) for one, failure, _ in measures]
    found = twice[: len(ALL)]
    wrong = [(one, failure) for one, failure in found if failure.failure is not one.label]
    print("\n".join(matrix(measures[len(ALL) :])))
    share = 1 - len(wrong) / len(found)
    print(f"\n{len(found)} failures, {share:.1%} called what they are")
    print(grouped([*((one.what, failure) for one, failure in twice), *piped()]))
    for one, failure in found if "--all" in sys.argv else wrong:
        print(f"  {one.what}: {one.label}, called {failure.failure} ({failure.reason})")
        if (one, failure) in wrong:
            print("    " + failure.detail.replace("\n", "\n    "))
    return 0 if share >= WANTED else 1


def grouped(found: list[tuple[str, Failure]]) -> str:
    """How well fingerprints group them, and which causes have one together or several each."""
    purity, completeness = shares(found)
    prints: dict[str, set[str]] = {}
    for cause, failure in found:
        prints.setdefault(failure.fingerprint, set()).add(cause)
    causes = Counter(cause for several in prints.values() for cause in several)
    lines = [
        f"{len(found)} failures of {len(causes)} causes in {len(prints)} groups: "
        f"purity {purity:.1%}, completeness {completeness:.1%}"
    ]
    lines += [f"  one group: {'; '.join(sorted(one))}" for one in prints.values() if len(one) > 1]
    lines += [f"  {count} groups: {cause}" for cause, count in causes.items() if count > 1]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
