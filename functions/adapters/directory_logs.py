"""The logs of the laptop's tasks: one file a task of an attempt, as its Supervisor names it."""

import re
from collections.abc import Sequence
from pathlib import Path

from functions.task_logs import TaskLog

_NAME = re.compile(r"(.+)-(\d{4,})-(\d+)\.log", re.ASCII)


class DirectoryLogs:
    """TaskLogs over the folder that a Supervisor writes to; it need not be there."""

    kept = "for a week after an attempt's end"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of_render(self, render: str) -> Sequence[TaskLog]:
        """Those that are left, by attempt and task."""
        found = []
        for path in self._folder.glob("*.log"):
            match = _NAME.fullmatch(path.name)
            if match is not None and match[1] == render:
                size = path.stat().st_size
                found.append(TaskLog(attempt=int(match[2]), task=int(match[3]), size_bytes=size))
        return sorted(found, key=lambda log: (log.attempt, log.task))

    def files(self, render: str) -> str:
        """The path of all of them, with a `*` for attempt and task."""
        return str(self._folder / f"{render}-*.log")

    def read(self, render: str, log: TaskLog, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`; nothing at its end, or where it is gone."""
        path = self._folder / f"{render}-{log.attempt:04}-{log.task}.log"
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(length)
        except FileNotFoundError:
            return b""
