"""Histories of one seed until the first violation: what a planted bug is looked for with."""

import json
import sys

from infra.simulator.history import Recipe, live
from infra.simulator.scenario import scenario


def first_violation(seed: str, histories: int) -> tuple[int | None, str]:
    """The number of the first history that breaks an invariant, from 1, and which one."""
    for number in range(1, histories + 1):
        name = f"{seed}/{number}"
        people = scenario(name, uploads=1 + number % 5, interference=number % 4 != 0)
        violations = live(Recipe(seed=name, scenario=people)).violations
        if violations:
            return number, violations[0].invariant
    return None, ""


if __name__ == "__main__":
    found, invariant = first_violation(sys.argv[1], int(sys.argv[2]))
    print(json.dumps({"histories": found, "invariant": invariant}))
