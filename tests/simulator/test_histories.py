"""Histories are the same whenever and wherever they are lived, and what is promised holds."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import schemas
from functions.core.render import State
from infra.simulator.course import Course
from infra.simulator.faults import Fault
from infra.simulator.history import Outcome, live
from infra.simulator.many import simulate
from infra.simulator.odds import parse_odds
from infra.simulator.rules import nothing_is_lost

CHECKOUT = Path(schemas.__file__).parents[1]
NOTHING: Mapping[Fault, float] = parse_odds("none")
TELL = """
from infra.simulator.course import Course
from infra.simulator.history import live
for number in range(5):
    one = live(Course(seed="twice").recipe(number))
    print(one.struck, one.violations, one.counts, one.calls, one.seconds)
"""


def what_came(one: Outcome) -> tuple[object, ...]:
    return one.violations, one.struck, one.counts, one.calls, one.seconds


@pytest.mark.parametrize("number", range(8))
def test_a_history_lived_twice_is_the_same(number: int) -> None:
    course = Course(seed="twice")
    once = live(course.recipe(number))
    assert what_came(live(course.recipe(number))) == what_came(once)


def test_a_history_is_the_same_in_processes_that_hash_otherwise() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", TELL],
            env=os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    assert told != {b""}


@pytest.mark.parametrize("number", range(0, 40, 3))
def test_the_faults_that_struck_are_all_that_a_history_needs(number: int) -> None:
    once = live(Course(seed="script").recipe(number))
    script = frozenset(one.id for one in once.struck)
    assert what_came(live(replace(once.recipe, script=script))) == what_came(once)


def test_a_fault_of_a_lot_left_out_does_not_strike() -> None:
    once = live(Course(seed="script").recipe(0))
    assert once.struck
    assert not live(replace(once.recipe, script=frozenset())).struck


def test_two_cores_come_to_the_sum_of_one() -> None:
    course = Course(seed="cores")
    assert simulate(course, 40, cores=2) == simulate(course, 40, cores=1)


def test_what_is_promised_holds_in_sixty_histories() -> None:
    course = Course(seed="sixty")
    broken = [
        (number, str(violation))
        for number in range(60)
        for violation in live(course.recipe(number)).violations
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("seed", "number"),
    [("million-1", 832), ("million-1", 2630), ("million-1", 3349), ("million-3", 12)],
)
def test_what_broke_in_a_long_run_holds(seed: str, number: int) -> None:
    """A worker that died with its seat taken and no task begun: its machine had come all the same.
    A piece that held frames after its source's end; work left between two looks at the stop; a
    machine that is refused when nobody waits for it any more."""
    assert live(Course(seed=seed).recipe(number)).violations == ()


def test_what_no_lane_can_make_is_the_specs_failure_and_no_lack_of_machines() -> None:
    """Lossless, where nothing but GPUs encode: no waiting would have helped."""
    assert live(Course(seed="mutants").recipe(3)).violations == ()


@pytest.mark.parametrize("number", range(10))
def test_without_a_fault_every_frame_is_made_once_and_all_is_done(number: int) -> None:
    outcome = live(Course(seed="calm", odds=NOTHING).recipe(number))
    assert outcome.violations == ()
    assert outcome.struck == ()
    assert nothing_is_lost(outcome) is None
    counts = outcome.counts
    assert counts.frames_encoded == counts.frames_committed == counts.frames_delivered > 0
    assert counts.ends == {State.DONE: outcome.recipe.scenario.uploads}
