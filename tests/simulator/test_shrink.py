"""A broken history shrinks to what broke it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.simulator.evidence import Violation
from infra.simulator.faults import Fault, Struck
from infra.simulator.history import Outcome, Recipe
from infra.simulator.scenario import Deed, Scenario
from infra.simulator.shrink import Shrunk, lots, shrink
from tests.simulator.planted import TWICE, outcome_of

TOY = "no toy breaks"


def toy(deeds: Iterable[int], faults: Iterable[int]) -> Callable[[Recipe], Outcome]:
    """A life in which all of 40 faults strike, and which breaks by these deeds and faults alone."""

    def live(recipe: Recipe) -> Outcome:
        done = {int(deed.at) for deed in recipe.scenario.deeds}
        struck = [
            Struck(id=str(number), fault=Fault.FROZEN, state="none", at=number)
            for number in range(40)
            if recipe.script is None or str(number) in recipe.script
        ]
        breaks = done >= set(deeds) and {int(one.id) for one in struck} >= set(faults)
        violation = Violation(invariant=TOY, seen="it", at=1.0)
        return outcome_of(recipe, struck, [violation] if breaks else [])

    return live


def recipe_of(deeds: int) -> Recipe:
    scenario = Scenario(
        deeds=tuple(Deed(at=float(at), verb="upload", name="a.mp4") for at in range(deeds))
    )
    return Recipe(seed="toy", scenario=scenario)


numbers = st.sets(st.integers(0, 39), max_size=5)


@given(st.sets(st.integers(0, 9), max_size=3), numbers)
def test_nothing_is_left_but_what_is_needed(deeds: set[int], faults: set[int]) -> None:
    shrunk = shrink(recipe_of(10), TOY, toy(deeds, faults))
    assert shrunk.is_minimal
    assert {int(deed.at) for deed in shrunk.outcome.recipe.scenario.deeds} == deeds
    assert {int(one.id) for one in lots(shrunk.outcome)} == faults
    assert shrunk.violation.invariant == TOY


@given(st.integers(1, 60), numbers)
def test_no_more_is_lived_than_allowed_and_what_comes_out_still_breaks(
    lives: int, faults: set[int]
) -> None:
    lived = []
    planted = toy({1, 8}, faults)

    def counted(recipe: Recipe) -> Outcome:
        lived.append(recipe)
        return planted(recipe)

    shrunk = shrink(recipe_of(10), TOY, counted, lives=lives)
    assert len(lived) == shrunk.lives <= lives
    assert planted(shrunk.outcome.recipe).violations


def test_another_invariant_is_not_what_is_looked_for() -> None:
    """Without deed 1 it breaks as well, but something else."""
    planted = toy({1}, {2})

    def live(recipe: Recipe) -> Outcome:
        outcome = planted(recipe)
        other = Violation(invariant="another", seen="it", at=1.0)
        return outcome if outcome.violations else replace(outcome, violations=(other,))

    shrunk = shrink(recipe_of(3), TOY, live)
    assert [deed.at for deed in shrunk.outcome.recipe.scenario.deeds] == [1.0]
    assert [one.id for one in lots(shrunk.outcome)] == ["2"]


def test_a_history_that_does_not_break_is_not_shrunk() -> None:
    with pytest.raises(ValueError, match="does not break"):
        shrink(recipe_of(1), TOY, toy({1}, ()))


def test_a_planted_rule_shrinks_to_the_one_upload_and_two_faults_that_break_it(
    shrunk: Shrunk,
) -> None:
    assert shrunk.is_minimal
    assert shrunk.invariant == TWICE
    assert [deed.verb for deed in shrunk.outcome.recipe.scenario.deeds] == ["upload"]
    assert [one.fault for one in shrunk.outcome.struck] == [Fault.PREEMPTED, Fault.PREEMPTED]
