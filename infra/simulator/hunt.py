"""Histories of one seed until the first violation: what a planted bug is looked for with."""

import json
import sys

from infra.simulator.course import Course
from infra.simulator.history import live


def first_violation(course: Course, histories: int) -> tuple[int | None, str]:
    """How many histories it took to break an invariant, and which one; None for none of them."""
    for number in range(histories):
        violations = live(course.recipe(number)).violations
        if violations:
            return number + 1, violations[0].invariant
    return None, ""


if __name__ == "__main__":
    found, invariant = first_violation(Course(seed=sys.argv[1]), int(sys.argv[2]))
    print(json.dumps({"histories": found, "invariant": invariant}))
