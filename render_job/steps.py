"""Numbers in a row, kept as runs of equal steps: those of a good track take the room of one."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Run:
    """`count` numbers from `first`, each `step` after the one before; `at` is the first's place."""

    at: int
    first: int
    step: int = 0
    count: int = 1

    @property
    def after(self) -> int:
        """What would continue it."""
        return self.first + self.step * self.count


@dataclass(slots=True)
class Steps:
    """Takes in numbers in any order, and forgets none."""

    runs: list[Run] = field(default_factory=list)

    def append(self, number: int) -> None:
        """One more, at the end."""
        last = self.runs[-1] if self.runs else None
        if last is not None and last.count == 1:
            last.step, last.count = number - last.first, 2
        elif last is not None and last.after == number:
            last.count += 1
        else:
            self.runs.append(Run(at=len(self), first=number))

    def __len__(self) -> int:
        return self.runs[-1].at + self.runs[-1].count if self.runs else 0

    def __iter__(self) -> Iterator[int]:
        for run in self.runs:
            yield from (run.first + n * run.step for n in range(run.count))

    def __getitem__(self, place: int) -> int:
        """Raises IndexError, also for a place below 0."""
        if not 0 <= place < len(self):
            raise IndexError(place)
        run = self.runs[bisect_right(self.runs, place, key=lambda one: one.at) - 1]
        return run.first + (place - run.at) * run.step

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and any(_holds(run, number) for run in self.runs)

    def moved(self, by: int) -> "Steps":
        """The same numbers, each so much larger."""
        return Steps([Run(run.at, run.first + by, run.step, run.count) for run in self.runs])


def _holds(run: Run, number: int) -> bool:
    if run.step == 0:
        return number == run.first
    place, rest = divmod(number - run.first, run.step)
    return rest == 0 and 0 <= place < run.count
