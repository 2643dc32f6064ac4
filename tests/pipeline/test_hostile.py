"""Whatever is uploaded ends as a verified output or as a typed failure, and reaches nothing else.

This is the quick part of `python -m tests.hostile`, in a process of its own.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.hostile.__main__ import CASES
from tests.hostile.fuzz import shots

PAGE = Path(__file__).parents[2] / "docs/security.md"
SEEN = 190
"""Uploads of that seed in which nothing was found."""


@pytest.fixture(scope="module")
def ends() -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile", "--quick", "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_one_ends_as_it_may_and_reaches_nothing_else(ends: list[dict[str, object]]) -> None:
    assert [end for end in ends if end["wrong"]] == []
    assert len(ends) == sum(case.quick for case in CASES)


def test_attacks_are_refused_at_the_door_and_behind_it(ends: list[dict[str, object]]) -> None:
    by = Counter(end["by"] for end in ends if end["of"] == "attack")
    assert by["prober"] > 10
    assert by["task"] > 10


def test_mutated_containers_end_as_faults_of_the_input_or_verified() -> None:
    """The first of one seed, all of which were seen: `make fuzz` has others, and more time.

    Others than yesterday, on a quicker machine too, would make it fail for no change of ours.
    """
    ends = shots(seed=1, seconds=10, most=SEEN)
    assert [(one.number, one.fault) for one in ends if one.fault] == []


def test_the_page_has_as_many_cases_as_there_are() -> None:
    page = PAGE.read_text()
    rows = re.findall(r"^\| ([a-z ]+) \| (\d+) \| \d+ \| \d+ \| \d+ \| [\d.]+ s \|", page, re.M)
    assert {of: int(cases) for of, cases in rows} == Counter(case.of for case in CASES)
    assert re.findall(r"sends (\d+) files the whole way", page) == [str(len(CASES))]


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({(case.of, case.name) for case in CASES}) == len(CASES)
