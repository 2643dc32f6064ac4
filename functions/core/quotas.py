"""Quotas that several lanes share: GPUs of a region, launches a minute, executions of a project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a place allows us on all lanes that name it, together; None where it does not count."""

    id: str
    executions: int | None = None
    """Renders that may run at the same time."""
    gpus: int | None = None
    """One for each task."""
    launches_a_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One of a quota's numbers, with the lanes that draw on it."""

    name: str
    """Unique, such as `us-east4 GPUs`: for people too."""
    weights: Mapping[str, int]
    """By lane, how much of it one launch there takes."""
    most: int

    def taken(self, counts: Mapping[str, int]) -> int:
        """What so many launches on each lane take of it."""
        return sum(weight * counts.get(lane, 0) for lane, weight in self.weights.items())

    def has_room(self, lane: str, counts: Mapping[str, int]) -> bool:
        """Whether one more on that lane fits."""
        return self.taken(counts) + self.weights.get(lane, 0) <= self.most


class Sharing(Protocol):
    """As much of a lane as is asked here."""

    @property
    def id(self) -> str:
        """Unique."""

    @property
    def tasks(self) -> int:
        """Each has a GPU, where GPUs are counted."""

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """Those that it draws on."""


def running_limits(lanes: Sequence[Sharing]) -> tuple[Limit, ...]:
    """Of what runs at the same time."""
    found = []
    for quota, sharing in _shared(lanes):
        if quota.executions is not None:
            ones = dict.fromkeys(sharing, 1)
            name = f"{quota.id} executions"
            found.append(Limit(name=name, weights=ones, most=quota.executions))
        if quota.gpus is not None:
            found.append(Limit(name=f"{quota.id} GPUs", weights=sharing, most=quota.gpus))
    return tuple(found)


def launch_limits(lanes: Sequence[Sharing]) -> tuple[Limit, ...]:
    """Of launches within a minute."""
    return tuple(
        Limit(
            name=f"{quota.id} launches a minute",
            weights=dict.fromkeys(sharing, 1),
            most=quota.launches_a_minute,
        )
        for quota, sharing in _shared(lanes)
        if quota.launches_a_minute is not None
    )


def _shared(lanes: Sequence[Sharing]) -> list[tuple[Quota, dict[str, int]]]:
    """Each quota with the tasks of the lanes that share it."""
    quotas: dict[str, tuple[Quota, dict[str, int]]] = {}
    for lane in lanes:
        for quota in lane.quotas:
            quotas.setdefault(quota.id, (quota, {}))[1][lane.id] = lane.tasks
    return list(quotas.values())
