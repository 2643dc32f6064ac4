"""A render in a few words, as `clipline renders --json` says it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from schemas.failures import Failure
from schemas.ids import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderLine:
    """One render of the list, as it was read then."""

    TYPE: ClassVar = "clipline.render-line.v1"
    id: str
    state: str
    """`accepted`, `planned`, `waiting`, `starting`, `rendering`, `stitching`, and at its end
    `done`, `failed` or `cancelled`."""
    why: str
    """The last decision in words: why this lane, or what is waited for."""
    upload: Upload
    created_at: datetime
    updated_at: datetime
    deadline_at: datetime
    attempt: int
    """The current or last one's number; 0 before the first."""
    lane: str | None
    """Where that runs, or ran."""
    frames: int
    """Made, as last heard; `clipline watch` counts them anew."""
    frames_planned: int | None
    """None while there is no plan."""
    failure: Failure | None
    """Why it ended failed or cancelled."""
    nanodollars: int
    """What its ended attempts have cost, as far as their lanes have prices."""
    version: int = 1
