"""Averages say how far off they are, and how far off the next value may be."""

from math import sqrt
from random import Random

import pytest

from functions.core.average import Average
from functions.core.weigh import SURE

DRAWS = 400


def average(*values: float, weight: float = 1.0) -> Average:
    made = Average()
    for value in values:
        made.add(value, weight)
    return made


def test_of_nothing_nothing_is_known_and_of_one_value_as_much_as_it_is() -> None:
    assert (average().mean, average().error, average().off) == (0, 0, 0)
    assert (average(7).mean, average(7).error, average(7).off) == (7, 7, 7)


def test_the_mean_gets_surer_with_every_value_and_the_next_value_does_not() -> None:
    few, many = average(*(9, 11) * 2), average(*(9, 11) * 200)
    assert many.error < few.error / 9
    assert few.off > many.off == pytest.approx(1, rel=0.01)
    assert average(5, 5, 5).off == 0
    assert average(9, 11, weight=0.01).off == pytest.approx(average(9, 11).off)
    assert average(9, 11).off == pytest.approx(sqrt(2 + 1))


@pytest.mark.parametrize("seen", [3, 5, 20])
@pytest.mark.parametrize("spread", [0.05, 0.2, 0.5])
def test_the_next_one_is_mostly_within_the_error_bar(seen: int, spread: float) -> None:
    """Speeds of attempts, as lots of a skewed distribution.

    With twice the mean's own error, which stood here before, it was a third of them after 20.
    """
    draw, within, surely = Random(f"{seen}/{spread}"), 0, 0
    for _ in range(DRAWS):
        known = average(*(draw.lognormvariate(0, spread) for _ in range(seen)))
        off = abs(draw.lognormvariate(0, spread) - known.mean)
        within += off <= known.off
        surely += off <= SURE * known.off
    assert within >= 0.5 * DRAWS
    assert surely >= 0.75 * DRAWS
