"""When a kind of machine can be had: a generator fitted to real traces, or a trace itself."""

import json
import lzma
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

UP = (7.75, 1.41)
DOWN = (7.61, 1.34)
"""Logarithms of seconds, mean and deviation: log-normal lengths of 2,574 runs with and 2,577
without machines, in 30 spot series of several zones and clouds (skypilot-org/spot-traces,
221da1a; the first 60 % of each). Half an hour is typical, and the tail is heavy."""


@dataclass(slots=True)
class Capacity:
    """Stretches with and without machines by turns; one that is not scarce is always with."""

    draw: Random
    scarce: bool = True
    _edges: list[float] = field(default_factory=list)
    """When it changes, the first time from there to gone."""

    def is_there(self, at: float) -> bool:
        """Whether a machine could be had at that second."""
        if not self.scarce:
            return True
        if not self._edges:
            # Somewhere in the middle of a stretch: the world began before the history did.
            self._edges.append(self._length(UP) * self.draw.random() - self._length(DOWN) / 2)
        while self._edges[-1] <= at:
            gone = len(self._edges) % 2 == 1
            self._edges.append(self._edges[-1] + self._length(DOWN if gone else UP))
        return bisect_right(self._edges, at) % 2 == 0

    def _length(self, of: tuple[float, float]) -> float:
        return self.draw.lognormvariate(*of)


@dataclass(slots=True, kw_only=True)
class Outage:
    """None from the beginning on, then always some."""

    until: float

    def is_there(self, at: float) -> bool:
        """Whether it is over."""
        return at >= self.until


@dataclass(slots=True, kw_only=True)
class Traced:
    """A trace: machines at each tick, from an offset on, round and round."""

    seconds_a_tick: float
    available: tuple[int, ...]
    offset: int = 0
    name: str = ""
    """What its file calls it."""

    def is_there(self, at: float) -> bool:
        """Whether the trace has a machine then."""
        return self._has(int(at / self.seconds_a_tick))

    def gone_at(self, at: float) -> float | None:
        """The second from which on it has none any more; None if it always has one."""
        first = int(at / self.seconds_a_tick)
        ticks = range(first, first + len(self.available))
        gone = next((tick for tick in ticks if not self._has(tick)), None)
        return None if gone is None else max(at, gone * self.seconds_a_tick)

    def _has(self, tick: int) -> bool:
        return self.available[(self.offset + tick) % len(self.available)] > 0


def read_traces(path: Path) -> Sequence[Traced]:
    """All series of a file: JSON, perhaps packed by xz: `{name: {gap_seconds, available: […]}}`.

    Raises ValueError with a sentence for anything else.
    """
    try:
        data = path.read_bytes()
        series = json.loads(lzma.decompress(data) if path.suffix == ".xz" else data)
        if not series:
            raise ValueError("it holds no series")
        return [_traced(name, one) for name, one in sorted(series.items())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, lzma.LZMAError) as error:
        raise ValueError(f"'{path}' is no file of traces: {error}") from error


def _traced(name: str, series: Mapping[str, Any]) -> Traced:
    traced = Traced(
        seconds_a_tick=float(series["gap_seconds"]),
        available=tuple(map(int, series["available"])),
        name=name,
    )
    if traced.seconds_a_tick <= 0 or not traced.available:
        raise ValueError("a series has no ticks, or they take no time")
    return traced
