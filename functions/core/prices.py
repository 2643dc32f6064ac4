"""What a lane costs, in whole nano-dollars: parts with the date and the source of each figure."""

from dataclasses import dataclass
from datetime import timedelta

DOLLAR = 10**9
MINIMUM = timedelta(minutes=1)
"""Cloud Run's jobs and Compute Engine bill a minute at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePart:
    """One figure that somebody read somewhere."""

    what: str
    """Such as `L4 without zonal redundancy` or `vCPU`."""
    nanodollars_a_second: int
    """For one of it."""
    count: int = 1
    """How many of it one task has."""
    read_on: str
    """The day: 2026-08-31. Prices change."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Of one task for a second."""

    parts: tuple[PricePart, ...]

    @property
    def nanodollars_a_second(self) -> int:
        """All parts together."""
        return sum(part.nanodollars_a_second * part.count for part in self.parts)


def dollars(nanodollars: float) -> str:
    """As people read it: two figures at least, as $1.05 or $0.0032."""
    value = nanodollars / DOLLAR
    return f"${value:.2f}" if value >= 0.1 else f"${value:.4f}"
