"""Whether this machine can do the work: each finding in a sentence, with what to do."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from render_job.encoder import find_ffmpeg
from render_job.errors import RenderFault
from schemas.doctor import DoctorFinding

OLDEST, NEWEST = (3, 11), (3, 13)
"""Of the Pythons that are tested."""
ANEW = "rm -r .venv && make dev"
"""It installs an ffmpeg and PyAV."""


def of_machine() -> Iterator[DoctorFinding]:
    """Python, ffmpeg, PyAV and the cores."""
    yield _python()
    yield _ffmpeg()
    yield _pyav()
    yield DoctorFinding(what="cores", well=True, text=f"{os.cpu_count()} cores")


def _python() -> DoctorFinding:
    known = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    well = OLDEST <= sys.version_info[:2] <= NEWEST
    return DoctorFinding(
        what="python",
        well=well,
        text=f"Python {platform.python_version()} ({known} are tested)",
        mend="" if well else "rm -r .venv && make dev PYTHON=python3.12",
    )


def _ffmpeg() -> DoctorFinding:
    try:
        found = find_ffmpeg()
    except RenderFault as fault:
        return DoctorFinding(what="ffmpeg", well=False, text=str(fault), mend=ANEW)
    text = f"ffmpeg {found.version}, {found.source}: {found.path}"
    return DoctorFinding(what="ffmpeg", well=True, text=text)


def _pyav() -> DoctorFinding:
    try:
        return DoctorFinding(what="pyav", well=True, text=f"PyAV {version('av')}")
    except PackageNotFoundError:
        return DoctorFinding(what="pyav", well=False, text="PyAV is not installed", mend=ANEW)
