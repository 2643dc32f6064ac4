"""What a render's tasks wrote, line by line, as `clipline logs --json` says it."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLogLine:
    """One line of one task, as the task wrote it; its own words begin with the time, mostly."""

    TYPE: ClassVar = "clipline.task-log-line.v1"
    render: str
    attempt: int
    task: int
    text: str
    """Without its end. What is no UTF-8 stands as `\N{REPLACEMENT CHARACTER}`."""
    version: int = 1
