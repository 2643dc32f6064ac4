"""`make smoke` over the emulators, each function missing in turn."""

from pathlib import Path

import pytest

from infra.laptop.server import TARGETS
from tests.pipeline.smoking import emulators_are_here, names_the_one_that_is_missing


@pytest.fixture(scope="module", autouse=True)
def emulators() -> None:
    emulators_are_here()


@pytest.mark.parametrize("function", TARGETS)
def test_any_function_that_is_missing_is_named(function: str, tmp_path: Path) -> None:
    names_the_one_that_is_missing(function, tmp_path)
