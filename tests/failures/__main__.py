"""`python -m tests.failures`: the confusion matrix of failure classes, and what was called wrong.

Exits 1 where less than 95 % are right.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from schemas.failures import Failure, FailureClass
from tests.failures.labelled import Labelled, Room
from tests.failures.made import MADE
from tests.failures.piped import piped, shares
from tests.failures.told import TOLD
from tests.hostile.kitchen import Kitchen

ALL = (*MADE, *TOLD)
WANTED = 0.95


def happened(times: int = 1) -> Iterator[tuple[Labelled, Failure]]:
    """Every failure, brought about in a room of its own each time."""
    with tempfile.TemporaryDirectory() as home:
        kitchen = Kitchen(Path(home))
        for number, one in enumerate(ALL * times):
            folder = Path(home) / str(number)
            folder.mkdir()
            yield one, one.happen(Room(folder=folder, kitchen=kitchen))


def matrix(found: list[tuple[Labelled, Failure]]) -> list[str]:
    """A line for each label, a column for each class that it was called."""
    counts = Counter((one.label, failure.failure) for one, failure in found)
    used = [c for c in FailureClass if any(c in pair for pair in counts)]
    lines = ["| really \\ called | " + " | ".join(used) + " |", "| --- |" + " ---: |" * len(used)]
    for label in used:
        cells = (str(counts[label, called] or "·") for called in used)
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return lines


def main() -> int:
    """The matrix, the wrong ones, and with `--all` every one with its reason."""
    twice = list(happened(2))
    found = twice[: len(ALL)]
    wrong = [(one, failure) for one, failure in found if failure.failure is not one.label]
    print("\n".join(matrix(found)))
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
