"""`make smoke` as a process of its own, over emulators or not."""

import os
import subprocess
import sys
from pathlib import Path

from infra.deployment.exits import Status
from infra.emulators.sdk import component, program
from tests.emulators import required
from tests.pipeline.laptop import CHECKOUT
from tests.pipeline.test_emulated_cloud import COMPONENTS

PATIENCE = 300.0
"""Seconds for one trial; on two idle cores the longest takes about a minute."""


def emulators_are_here() -> None:
    """Skips where they are not, and fails there in CI."""
    with required():
        for name in COMPONENTS:
            component(name)
        program("java", of="Java 17")


def smoke(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "infra.smoke", *words],
        cwd=CHECKOUT,
        env={**os.environ, "CLIPLINE_HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def names_the_one_that_is_missing(function: str, folder: Path) -> None:
    """Fails unless it does."""
    done = smoke(folder, "--cloud=emulators", f"--without={function}")
    assert done.returncode == Status.FAILED, done.stdout + done.stderr
    assert done.stderr.startswith(f"{function} is missing: ")
    assert "Traceback" not in done.stderr
