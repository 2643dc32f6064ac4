"""A rule that is no invariant, so that histories break it."""

from collections.abc import Iterable

from infra.simulator.course import Course
from infra.simulator.evidence import Counts, Violation
from infra.simulator.faults import Fault, Struck
from infra.simulator.history import Outcome, Recipe, live
from infra.simulator.odds import parse_odds
from infra.simulator.rules import judged

COURSE = Course(
    seed="shrink",
    odds=parse_odds("preempted=0.9,message-duplicated=0.2,clock-skew=0.2,cancelled,superseded"),
)
TWICE = "No render loses two tasks"


def taken_twice(outcome: Outcome) -> str | None:
    """No render loses two tasks."""
    taken = [one.id.split("-")[1] for one in outcome.struck if one.fault is Fault.PREEMPTED]
    return next((f"{render} did" for render in taken if taken.count(render) > 1), None)


def planted(recipe: Recipe) -> Outcome:
    return judged(live(recipe), [taken_twice])


def outcome_of(
    recipe: Recipe, struck: Iterable[Struck], violations: Iterable[Violation]
) -> Outcome:
    return Outcome(
        recipe=recipe,
        violations=tuple(violations),
        struck=tuple(struck),
        counts=Counts(),
        calls=0,
        seconds=0.0,
        said=frozenset(),
    )
