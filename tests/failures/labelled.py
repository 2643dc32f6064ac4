"""What a labelled failure is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schemas.failures import Failure, FailureClass
from tests.hostile.kitchen import Kitchen


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where a failure is brought about."""

    folder: Path
    kitchen: Kitchen

    def file(self, name: str, data: bytes) -> Path:
        """A file of these bytes."""
        path = self.folder / name
        path.write_bytes(data)
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One failure: what happened, of which class that is, and how to have it happen."""

    what: str
    label: FailureClass
    happen: Callable[[Room], Failure]
