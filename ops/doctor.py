"""Whether this machine can do the work: each finding in a sentence, with what to do."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from functions.settings import laptop
from render_job.encoder import find_ffmpeg
from render_job.errors import RenderFault

LEAST_FREE_BYTES = 2_000_000_000
"""A render needs its pieces, its output and a copy of it on disk at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    well: bool
    text: str


def examine() -> tuple[Finding, ...]:
    """Look at Python, ffmpeg, PyAV, the disk and the cores."""
    return tuple(_findings())


def _findings() -> Iterator[Finding]:
    yield Finding(
        well=(3, 11) <= sys.version_info[:2] <= (3, 13),
        text=f"Python {platform.python_version()} (3.11 to 3.13 are tested)",
    )
    try:
        ffmpeg = find_ffmpeg()
        yield Finding(well=True, text=f"ffmpeg {ffmpeg.version}, {ffmpeg.source}: {ffmpeg.path}")
    except RenderFault as fault:
        yield Finding(well=False, text=str(fault))
    try:
        yield Finding(well=True, text=f"PyAV {version('av')}")
    except PackageNotFoundError:
        yield Finding(well=False, text="PyAV is not installed: run make run")
    place = laptop()
    there = next(folder for folder in (place.home, *place.home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    yield Finding(
        well=free >= LEAST_FREE_BYTES and os.access(there, os.W_OK),
        text=f"{free / 1e9:.1f} GB free in {there}, which must be writable and have 2 GB",
    )
    yield Finding(well=True, text=f"{os.cpu_count()} cores")
