"""What tasks wrote while they worked, for people who look."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLog:
    """All that one task of one attempt wrote, over all of its lives."""

    attempt: int
    task: int
    size_bytes: int
    """When it was looked at: it may grow."""


class TaskLogs(Protocol):
    """The words of every attempt, for as long as the place keeps them."""

    kept: str
    """For how long, in words."""

    def of_render(self, render: str) -> Sequence[TaskLog]:
        """Those that are left, by attempt and task."""

    def read(self, render: str, log: TaskLog, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`; nothing at its end, or where it is gone."""
