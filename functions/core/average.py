"""Averages of what was seen, with how far off they may be."""

from dataclasses import dataclass
from math import sqrt


@dataclass(slots=True)
class Average:
    """A weighted average with its standard error."""

    weight: float = 0.0
    _weights_squared: float = 0.0
    _sum: float = 0.0
    _squares: float = 0.0

    def add(self, value: float, weight: float) -> None:
        """One more value."""
        self.weight += weight
        self._weights_squared += weight * weight
        self._sum += value * weight
        self._squares += value * value * weight

    @property
    def mean(self) -> float:
        """0 of nothing."""
        return self._sum / self.weight if self.weight else 0.0

    @property
    def error(self) -> float:
        """The standard error; of one value alone, as much as it is: nobody knows better."""
        if not self.weight:
            return 0.0
        effective = self.weight * self.weight / self._weights_squared
        if effective < 1.5:
            return self.mean
        spread = max(self._squares / self.weight - self.mean**2, 0.0)
        return sqrt(spread / (effective - 1))
