"""What is made of broken histories: each is shrunk, shown, written down, and lived again."""

from collections.abc import Callable, Iterable
from pathlib import Path
from shlex import quote

from infra.simulator.course import Course
from infra.simulator.exhibit import FOLDER, Exhibit, timeline, write_exhibit
from infra.simulator.history import Outcome, Recipe, live
from infra.simulator.rules import judged, rules_of
from infra.simulator.shrink import shrink
from infra.simulator.tally import Broken

SHRUNK = 3
"""Histories of one run that are shrunk: a bug breaks many, and one is looked at first."""


def lived(recipe: Recipe, log: Callable[[str], None] | None = None) -> Outcome:
    """Its life, judged by the rules for its kind."""
    return judged(live(recipe, log=log), rules_of(recipe))


def show(
    course: Course,
    broken: Iterable[Broken],
    say: Callable[[str], None],
    *,
    lived: Callable[[Recipe], Outcome] = lived,
    folder: Path = FOLDER,
) -> None:
    """Shrink, say and write the first history of each invariant, as far as SHRUNK goes.

    Raises ValueError if `lived` does not see broken what is said to be.
    """
    firsts: dict[str, Broken] = {}
    for one in broken:
        firsts.setdefault(one.violation.invariant, one)
    for one in list(firsts.values())[:SHRUNK]:
        _show(course, one, say, lived, folder)


def replay(exhibit: Exhibit, say: Callable[[str], None]) -> bool:
    """Live it again and say every line of it; whether anything broke, the same or not."""
    outcome = lived(exhibit.recipe, say)
    for violation in outcome.violations:
        say(f"broken: {violation}")
    wanted = exhibit.violation.invariant
    if all(violation.invariant != wanted for violation in outcome.violations):
        say(f"This held: {wanted}.")
    return bool(outcome.violations)


def _show(
    course: Course,
    broken: Broken,
    say: Callable[[str], None],
    lived: Callable[[Recipe], Outcome],
    folder: Path,
) -> None:
    violation = broken.violation
    say(f"\nHistory {broken.number} of seed {course.seed}: {violation.invariant}")
    say(f"  seen at {violation.at:.1f} s: {violation.seen}")
    shrunk = shrink(course.recipe(broken.number), violation.invariant, lived)
    least = "The least" if shrunk.is_minimal else "Not surely the least"
    say(f"  {least} of it that breaks the same, found in {shrunk.lives} lives:")
    for line in timeline(shrunk):
        say(f"  {line}")
    exhibit = Exhibit(
        seed=course.seed,
        number=broken.number,
        violation=shrunk.violation,
        recipe=shrunk.outcome.recipe,
    )
    path = write_exhibit(exhibit, folder)
    say(f"  Live it again: python -m infra.simulator --replay {quote(str(path))}")
    say(f"             or: make simulate REPLAY={quote(str(path))}")
