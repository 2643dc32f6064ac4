"""One thing that happens to a render, as `clipline watch --json` says it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Happening(StrEnum):
    """What happened."""

    ACCEPTED = "accepted"
    """It has a plan."""
    WAITING = "waiting"
    STARTED = "started"
    """An attempt's first task runs."""
    LOST = "lost"
    """An attempt ended without all that it was to make."""
    STITCHED = "stitched"
    VERIFIED = "verified"
    DONE = "done"
    """This and the next two are the last line."""
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLine:
    """Said once, as soon as it is seen; what happened before somebody looked is said first."""

    TYPE: ClassVar = "clipline.watch-line.v1"
    render: str
    at: datetime
    """When it happened, where the render tells; else when it was seen."""
    what: Happening
    text: str
    """More of it, for people."""
    attempt: int | None
    """Which one started, or was lost."""
    output_id: str | None
    """What was stitched and verified."""
    frames: int
    """Of the render, made when this was seen, as last heard."""
    frames_planned: int | None
    """None while there is no plan."""
    version: int = 1
