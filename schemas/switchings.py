"""A pause or a resumption of launches, as `clipline pauses --json` says it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchingLine:
    """One entry of the record of who paused and resumed what; none is ever changed."""

    TYPE: ClassVar = "clipline.switching.v1"
    at: datetime
    reach: str
    """`all`, `lane` or `tenant`."""
    name: str
    """Of the lane or the tenant; empty for all."""
    paused: bool
    """Whether it was a pause; else a resumption."""
    by: str
    reason: str
    holds: bool
    """Whether it is a pause that nobody has taken back: it keeps launches back now."""
    version: int = 1
