"""Dead letters as a file, to be carried elsewhere and taken in there.

A file of JSON lines: a head, a record a line as `clipline.dead-letter-record.v1` has it, and an end
with a digest over the records' lines, without which the file is not whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from schemas.tagged import Tagged


class LettersLine(Tagged):
    """The first or the last line of such a file."""

    TYPE: ClassVar = "clipline.dead-letter-file.v1"
    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersHead(LettersLine):
    """The first line: when it was written, and of what."""

    made_at: datetime
    filters: Mapping[str, str] = field(default_factory=dict)
    """The words of the command line, by option."""
    version: int = 1
    kind: str = "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersEnd(LettersLine):
    """The last line."""

    records: int
    digest: str
    """SHA-256 over the records' lines, each with its line's end."""
    kind: str = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersTaken:
    """What an import did, as `clipline import --json` says it."""

    TYPE: ClassVar = "clipline.dead-letter-import.v1"
    records: int
    """In the file."""
    new: int
    """Of those, not known here before; the others stay as they were, or disposed of."""
    digest: str
    version: int = 1
