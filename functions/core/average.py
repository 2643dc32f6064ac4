"""Averages of what was seen, with how far off they may be."""

from dataclasses import dataclass
from math import sqrt

LEAST = 1.5
"""Fewer values, in effect, say nothing about how they are spread."""


@dataclass(slots=True)
class Average:
    """A weighted average, with how far off it is, and how far the next value may be."""

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
        """The standard error of the mean; of one value alone, as much as it is."""
        effective = self._effective
        if effective < LEAST:
            return self.mean
        return sqrt(self._variance / (effective - 1))

    @property
    def off(self) -> float:
        """How far off the next single value may be: the spread of values, and the mean's own error.

        Of one value alone as much as it is: nobody knows better.
        """
        effective = self._effective
        if effective < LEAST:
            return self.mean
        unbiased = self._variance * effective / (effective - 1)
        return sqrt(unbiased + self._variance / (effective - 1))

    @property
    def _effective(self) -> float:
        """As many values of equal weight would say as much."""
        return self.weight * self.weight / self._weights_squared if self.weight else 0.0

    @property
    def _variance(self) -> float:
        return max(self._squares / self.weight - self.mean**2, 0.0)
