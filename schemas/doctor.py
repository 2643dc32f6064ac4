"""What was found of a machine and its place, as `clipline doctor --json` says it."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorFinding:
    """One thing that was looked at."""

    TYPE: ClassVar = "clipline.doctor-finding.v1"
    what: str
    """`python`, `ffmpeg`, `pyav`, `cores`, `place`, `home`, `room`, `lanes`, `emulator`, `pipeline`
    or `clock`; others may come."""
    well: bool
    text: str
    mend: str = ""
    """The command or the change after which it is well; empty where it is."""
    version: int = 1
