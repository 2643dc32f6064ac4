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

from tests.absent import absent

CHECKOUT = Path(__file__).parents[2]
PREVIOUS = "738c427"
"""The commit of the release before."""
RETURN = "248afd7"
"""The commit of one that a deployment may also go back to. An older one than `c7da1ec` knows of no
lines, and wakes who waits in one only when something else ends: `docs/deploy.md`."""
PARTS = (
    *("functions", "infra", "ops", "render_job", "schemas", "tests"),
    *("pyproject.toml", "requirements.txt"),
)


def previous(folder: Path, commit: str = PREVIOUS) -> Path:
    """The tree of that commit in that folder.

    A history that does not reach so far skips at home and fails in CI. A shallow clone skips there
    as well: git says of it that what is missing is missing on purpose.
    """
    git = shutil.which("git")
    if git is None or not (CHECKOUT / ".git").exists():
        absent(f"without git and a history there is no release {commit} to come from")
    packed = _run(git, "archive", commit, *PARTS)
    if packed.returncode:
        words = f"the history is too short for the release {commit} (git fetch --unshallow)"
        if _run(git, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
            pytest.skip(words)
        absent(f"{words}: {packed.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _run(*words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(words, cwd=CHECKOUT, capture_output=True, check=False)
