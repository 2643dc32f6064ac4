"""A video made in chunks is the video made in one go, in every case."""

from pathlib import Path

import pytest

from tests.exactness.cases import CASES
from tests.exactness.claim import chunks_joined_are_the_single_pass
from tests.sources import Sources


@pytest.mark.parametrize("case", CASES)
def test_chunks_joined_are_the_single_pass(case: str, sources: Sources, tmp_path: Path) -> None:
    chunks_joined_are_the_single_pass(case, sources, tmp_path)
