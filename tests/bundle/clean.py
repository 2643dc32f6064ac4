"""A Python that holds what the bundle asks for, and nothing else.

Installing takes most of a minute, so it is kept in `build/` under a digest of the lock's part and
of this Python; a stamp is written last.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL = (
    *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
    *("--require-hashes", "--only-binary", ":all:", "--requirement"),
)


def clean_python(requirements: Path, build: Path) -> Path:
    """The interpreter; for one maker at a time. Raises CalledProcessError where there is no net."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    home = build / f"python-{digest[:16]}"
    stamp, python = home / "installed.txt", home / "bin" / "python"
    if not stamp.exists():
        shutil.rmtree(home, ignore_errors=True)
        for argv in (
            [sys.executable, "-m", "venv", str(home)],
            [str(python), *INSTALL, str(requirements)],
            [str(python), "-m", "pip", "check"],
        ):
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=_environment())
        stamp.write_text(digest)
    return python


def python_with(python: Path, home: Path) -> Path:
    """A Python that has all of the other's packages; more may be put into `packages_of` it."""
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(home)], check=True)
    (packages_of(home) / "others.pth").write_text(str(packages_of(python.parents[1])))
    return home / "bin" / "python"


def packages_of(home: Path) -> Path:
    """Where that Python looks for what is installed."""
    (found,) = (home / "lib").glob("python3.*/site-packages")
    return found


def _environment() -> dict[str, str]:
    """As it is, but for what would let the checkout in."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
