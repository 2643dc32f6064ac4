"""Failures are called what they are: at least 95 % of a labelled corpus of real ones."""

from collections import Counter

from tests.failures.__main__ import ALL, WANTED, happened


def test_failures_are_called_what_they_are() -> None:
    found = list(happened())
    wrong = [(one.what, failure.failure) for one, failure in found if failure.failure != one.label]
    assert len(wrong) <= (1 - WANTED) * len(found), wrong


def test_there_are_enough_of_them_of_every_class_that_can_be_met() -> None:
    assert len(ALL) >= 60
    assert len({one.what for one in ALL}) == len(ALL)
    # Nothing raises `budget` yet.
    assert len(Counter(one.label for one in ALL)) == 10
