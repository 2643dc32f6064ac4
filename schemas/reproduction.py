"""Whether a failure comes back when its work is done once more, and who fetched the upload."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from schemas.failures import Failure
from schemas.ids import Upload
from schemas.pieces import Span


class Outcome(StrEnum):
    """What became of the failing work when it was done once more."""

    SAME = "same"
    """It failed with the same fingerprint."""
    OTHER = "other"
    """It failed, but otherwise."""
    SUCCESS = "success"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """One piece of work that was done once more, here, with the commands that a task would use."""

    TYPE: ClassVar = "clipline.reproduction.v1"
    render: str
    what: str
    """In words: frames of an output, the sound of a clip, or the look at the upload."""
    output_id: str | None = None
    span: Span | None = None
    outcome: Outcome
    fingerprint: str
    """Of the failure that was to be reproduced."""
    failure: Failure | None
    """What went wrong now; None where it went well."""
    found: str | None
    """The fingerprint of that."""
    encoder_class: str | None
    """That this machine encodes as; None where nothing was encoded."""
    ordered_class: str | None
    """That the task encoded as: another ffmpeg may behave otherwise."""
    commands: tuple[tuple[str, ...], ...]
    """Every ffmpeg that was run, word by word."""
    seconds: float
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRecord:
    """Who fetched an upload out of its bucket to look at it, when and why."""

    TYPE: ClassVar = "clipline.fetch-audit.v1"
    at: datetime
    by: str
    reason: str
    render: str
    upload: Upload
    size_bytes: int
    version: int = 1
