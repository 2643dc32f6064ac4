"""What a look at a project found: each with its fix, for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a finding means for a deployment."""

    WELL = "ok"
    LATER = "later"
    """`make deploy` does it itself."""
    UNKNOWN = "unknown"
    """It could not be asked; a deployment tries all the same."""
    LEFT_OUT = "left out"
    """A lane that is not deployed for now; the others are."""
    MISSING = "missing"
    """Nothing is deployed until it is mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    fix: str = ""
    """A sentence or a command; empty where all is well."""
    lane: str = ""
    """The lane that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All findings of one look."""

    findings: Sequence[Finding]

    @property
    def is_ready(self) -> bool:
        """Whether a deployment may begin."""
        return all(one.level is not Level.MISSING for one in self.findings)

    @property
    def omitted(self) -> list[str]:
        """Ids of lanes that are left out."""
        return [one.lane for one in self.findings if one.level is Level.LEFT_OUT]

    def lines(self) -> list[str]:
        """As people read it: what was looked at, and below what is not well its fix."""
        said = []
        for one in self.findings:
            said.append(f"{one.level:<9} {one.what}")
            if one.fix:
                said.append(f"{'':<9} → {one.fix}")
        return said
