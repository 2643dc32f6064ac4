"""The planted bugs fit the code as it is today."""

import pytest

from infra.simulator.mutants import CHECKOUT, MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_words_of_every_mutant_stand_once_in_its_file(mutant: Mutant) -> None:
    assert (CHECKOUT / mutant.file).read_text(encoding="utf-8").count(mutant.of) == 1
    assert mutant.instead != mutant.of
