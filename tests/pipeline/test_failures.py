"""Failures are called what they are: at least 95 % of a labelled corpus of real ones."""

import pytest

from schemas.failures import Failure, FailureClass
from tests.failures.__main__ import ALL, WANTED, happened
from tests.failures.labelled import Labelled
from tests.failures.piped import piped, shares

PURE = 0.8
"""What ffmpeg says of an unreadable input is one sentence, whatever is wrong with it."""


@pytest.fixture(scope="module")
def found() -> list[tuple[Labelled, Failure]]:
    return list(happened())


def test_failures_are_called_what_they_are(found: list[tuple[Labelled, Failure]]) -> None:
    wrong = [(one.what, failure.failure) for one, failure in found if failure.failure != one.label]
    assert len(wrong) <= (1 - WANTED) * len(found), wrong


def test_a_fingerprint_has_all_of_a_cause_and_not_many_causes(
    found: list[tuple[Labelled, Failure]],
) -> None:
    """`python -m tests.failures` says which causes are one group; docs/failures.md keeps it."""
    purity, completeness = shares([*((one.what, failure) for one, failure in found), *piped()])
    assert completeness == 1
    assert purity >= PURE


def test_what_the_pipeline_tells_of_itself_is_one_group_each() -> None:
    assert shares(list(piped())) == (1, 1)


def test_there_are_enough_of_them_of_every_class_that_can_be_met() -> None:
    assert len(ALL) >= 60
    assert len({one.what for one in ALL}) == len(ALL)
    assert {one.label for one in ALL} == {*FailureClass}
