"""What is installed here: the Google Cloud SDK's emulators, and the Java that they run on."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


class Absent(Exception):
    """It is not on this machine; the message says what was looked for, and how to get it."""


def component(name: str) -> Path:
    """The folder of a component of the Google Cloud SDK. Raises Absent."""
    for root in _roots():
        if (folder := root / "platform" / name).is_dir():
            return folder
    raise Absent(f"there is no {name} (gcloud components install {name})")


def program(name: str, *, of: str) -> str:
    """The program on the PATH; `of` names what brings it along. Raises Absent."""
    if found := shutil.which(name):
        return found
    raise Absent(f"there is no {name} on the PATH: Google's emulators need {of}")


def _roots() -> Iterator[Path]:
    """Where the SDK may be: beside gcloud, or where that says, which takes it a second."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return
    yield Path(gcloud).resolve().parents[1]
    told = subprocess.run(
        [gcloud, "info", "--format=value(installation.sdk_root)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout.strip()
    if told:
        yield Path(told)
