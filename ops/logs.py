"""What the tasks of a render wrote: the last lines of an attempt, and what is added to them."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from functions.core.render import TERMINAL, Render
from functions.task_logs import TaskLog, TaskLogs
from schemas.task_logs import TaskLogLine

LONGEST_TAIL_BYTES = 1 << 18
"""Of one task's log that is looked at: its end, however long it is."""
LONGEST_LINE_BYTES = 1 << 14
"""A longer line is cut into lines."""
LOOK_EVERY = 0.2
"""Seconds between two looks for more."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", re.ASCII)


def last_lines(
    logs: TaskLogs, render: str, of: Sequence[TaskLog], limit: int, *, whole: bool = False
) -> Sequence[TaskLogLine]:
    """The last lines of these together, in the order of their times.

    A line without a time, such as a traceback's, stays behind the one before it. `whole` leaves out
    what has no end yet.
    """
    timed: list[tuple[str, TaskLogLine]] = []
    for log in of:
        moment = ""
        for line in _tail(logs, render, log, whole=whole):
            moment = line.text[:23] if _TIME.match(line.text) else moment
            timed.append((moment, line))
    return [line for _, line in sorted(timed, key=lambda one: one[0])[-limit:]]


@dataclass(slots=True, kw_only=True)
class Follow:
    """Somebody who reads on while the tasks write. `pause` waits for so many seconds.

    `find` looks at the render anew; `attempt` is the only one of interest, or None for all from
    `first` on.
    """

    logs: TaskLogs
    render: str
    first: int
    attempt: int | None
    find: Callable[[], Render | None]
    pause: Callable[[float], None] = time.sleep
    _read: dict[tuple[int, int], int] = field(default_factory=dict)
    _rest: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def skip(self, told: Sequence[TaskLog]) -> None:
        """What stands in those was told already, up to the last whole line."""
        for log in told:
            start = max(0, log.size_bytes - LONGEST_LINE_BYTES)
            tail = self.logs.read(self.render, log, start, log.size_bytes - start)
            whole = tail.rfind(b"\n") + 1
            self._read[log.attempt, log.task] = start + whole if whole else log.size_bytes

    def lines(self) -> Iterator[TaskLogLine]:
        """Every further line, until the render (or the one attempt) is over and all is read."""
        while True:
            # Asked first: what is written until then is read after it.
            over = self._is_over()
            added = False
            for line in self._added():
                added = True
                yield line
            if over and not added:
                yield from self._unfinished()
                return
            if not added:
                self.pause(LOOK_EVERY)

    def _is_over(self) -> bool:
        render = self.find()
        if render is None or (render.state in TERMINAL and not render.pending):
            return True
        mine = [one for one in render.attempts if one.number == self.attempt]
        return bool(mine and mine[0].ended_at) or bool(
            self.attempt is not None and render.attempt > self.attempt
        )

    def _added(self) -> Iterator[TaskLogLine]:
        for log in self.logs.of_render(self.render):
            if log.attempt < self.first or self.attempt not in (None, log.attempt):
                continue
            key = log.attempt, log.task
            start = self._read.get(key, 0)
            data = self.logs.read(self.render, log, start, LONGEST_TAIL_BYTES)
            self._read[key] = start + len(data)
            *whole, rest = (self._rest.get(key, b"") + data).split(b"\n")
            if len(rest) > LONGEST_LINE_BYTES:
                whole, rest = [*whole, rest], b""
            self._rest[key] = rest
            yield from _lines(self.render, log, whole)

    def _unfinished(self) -> Iterator[TaskLogLine]:
        """What was written without a line's end."""
        for (attempt, task), rest in sorted(self._rest.items()):
            log = TaskLog(attempt=attempt, task=task, size_bytes=len(rest))
            yield from _lines(self.render, log, [rest] if rest else [])


def attempts_left(logs: Sequence[TaskLog]) -> str:
    """The attempts of which there is a log, in words: `1 to 3, 5`."""
    numbers = [number for number, _ in groupby(logs, attrgetter("attempt"))]
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]} to {r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)


def _tail(logs: TaskLogs, render: str, log: TaskLog, *, whole: bool) -> Iterator[TaskLogLine]:
    start = max(0, log.size_bytes - LONGEST_TAIL_BYTES)
    data = logs.read(render, log, start, log.size_bytes - start)
    *lines, rest = data.split(b"\n")
    if rest and not whole:
        lines.append(rest)
    yield from _lines(render, log, lines[1 if start else 0 :])


def _lines(render: str, log: TaskLog, lines: Sequence[bytes]) -> Iterator[TaskLogLine]:
    for line in lines:
        for at in range(0, max(1, len(line)), LONGEST_LINE_BYTES):
            yield TaskLogLine(
                render=render,
                attempt=log.attempt,
                task=log.task,
                text=line[at : at + LONGEST_LINE_BYTES].decode(errors="replace").rstrip("\r"),
            )
