"""What a command has done or asked for, as it says itself with `--json`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Deed(StrEnum):
    """What was wanted."""

    CANCEL = "cancel"
    """Asked for: the render's end is told by its own events."""
    REPLAY = "replay"
    """Asked for."""
    DISPOSE = "dispose"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """It is written down, and survives whoever asked for it."""

    TYPE: ClassVar = "clipline.acknowledgement.v1"
    deed: Deed
    id: str | None
    """The whole id of the render or dead letter; None of dead letters that filters chose."""
    count: int = 1
    """How many it was done to."""
    next: str
    """The command that looks at what became of it, or takes it back."""
    version: int = 1
