"""Two real releases side by side: this checkout, and an earlier one out of the history.

There is no published release yet, so the one before is a commit: from before lanes could be pools,
specs could ask for 100 clips and every attempt was logged with its cost. Take a tag when there is
one.
"""

import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PREVIOUS = "738c427"
"""The commit of the release before."""
PARTS = ("functions", "infra", "ops", "render_job", "schemas", "tests", "pyproject.toml")


def previous(folder: Path) -> Path:
    """Its tree in that folder. Without a history that reaches so far the test is skipped.

    In CI as well: what a clone brings along is not CI's to install.
    """
    git = shutil.which("git")
    if git is None or not (CHECKOUT / ".git").exists():
        pytest.skip(f"without git and a history there is no release {PREVIOUS} to come from")
    packed = subprocess.run(
        [git, "archive", PREVIOUS, *PARTS], cwd=CHECKOUT, capture_output=True, check=False
    )
    if packed.returncode:
        pytest.skip(
            f"the history is too short for the release {PREVIOUS} (git fetch --unshallow): "
            f"{packed.stderr.decode().strip()}"
        )
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder
