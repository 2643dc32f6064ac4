"""`make smoke` over the emulators, whole; with a function missing: `tests/long/test_smoke.py`.

The same code is for Google Cloud, where it was not run.
"""

import re
from pathlib import Path

import pytest

from infra.deployment.exits import Status
from infra.smoke.evidence import questions
from tests.pipeline.smoking import emulators_are_here, smoke


@pytest.fixture(scope="module", autouse=True)
def emulators() -> None:
    emulators_are_here()


def steps(said: str) -> list[str]:
    return [line[10:].split("  ")[0] for line in said.splitlines() if line[6:8] == " s"]


def test_with_all_functions_every_step_is_seen(tmp_path: Path) -> None:
    done = smoke(tmp_path, "--cloud=emulators")
    assert done.returncode == Status.OK, done.stdout + done.stderr
    assert steps(done.stdout) == [
        *("paused", "uploaded", "asked for", "waits", "resumed", "launched", "rendering"),
        *("broken", "dead letter", "on the desk", "replayed", "done", "heard of", "cleared"),
    ]
    assert "not run against Google Cloud" in done.stdout
    assert all(question in done.stdout for question, _ in questions(None))
    assert "of a stopped one, yes" in done.stdout
    assert re.search(r" replayed +[1-9]\d* frames are committed already", done.stdout)
    assert "the one that succeeded was told as well" in done.stdout
    assert "Traceback" not in done.stderr


def test_without_a_project_one_is_asked_for(tmp_path: Path) -> None:
    done = smoke(tmp_path)
    assert done.returncode == Status.UNSUITABLE
    assert done.stderr.startswith("PROJECT= is missing")
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_taken_out_of_a_deployment(tmp_path: Path) -> None:
    done = smoke(tmp_path, "--project=demo-project", "--without=sweep")
    assert done.returncode == Status.UNSUITABLE
    assert done.stderr.startswith("--without is for emulators")
