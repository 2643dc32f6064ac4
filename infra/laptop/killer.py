"""The killer: does to the tasks of the pipeline it lives in what the plan says.

It does not strike again before something was committed, since no pipeline gets through that is
killed faster than it can make a chunk. A kill that comes too early for that is put off by its whole
pause, so that it does not fall on the moment of the commit, where there is least to lose.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from functions.adapters.child_process import GRACE
from infra.laptop import processes
from infra.laptop.misbehaviour import Kill, Target
from render_job.fragments import whole_gops

log = logging.getLogger("clipline.chaos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A task that was hit, and what it had in hand."""

    task: str
    """EXECUTION-INDEX, as its log and its scratch folder are named."""
    frames: int
    """In the whole GOPs of its unfinished piece."""
    written_at: datetime | None
    """When the last of them was written; None where there is no unfinished piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A kill that was done. Where an ffmpeg was killed, every task of its attempt is a victim."""

    kill: Kill
    at: datetime
    victims: tuple[Victim, ...]


class Killer:
    """Kills children of this process; `strikes` says what it did so far."""

    def __init__(
        self, kills: Iterator[Kill], *, scratch: Path, committed: Callable[[], int]
    ) -> None:
        """`committed` counts the pieces that stand."""
        self._kills = kills
        self._scratch = scratch
        self._committed = committed
        self._stood = -1
        self._dying: dict[int, float] = {}
        self._aim()
        self.strikes: list[Strike] = []

    def step(self) -> bool:
        """Strike if it is time and there is somebody to hit; there is never more to do at once."""
        self._end_grace()
        if time.monotonic() < self._due:
            return False
        if self._committed() <= self._stood:
            self._due += self._kill.after.total_seconds()
            return False
        tasks = _tasks()
        pids = _aimed_at(self._kill, tasks)
        if pids:
            hit = {name for name, pid in tasks.items() if pid in pids} or set(tasks)
            self._strike(pids, tuple(map(self._victim, sorted(hit))))
        return False

    def _strike(self, pids: Sequence[int], victims: tuple[Victim, ...]) -> None:
        kill, at = self._kill, datetime.now(UTC)
        for pid in pids:
            processes.send(pid, signal.SIGTERM if kill.notice else signal.SIGKILL)
            if kill.notice:
                self._dying[pid] = time.monotonic() + GRACE.total_seconds()
        self.strikes.append(Strike(kill=kill, at=at, victims=victims))
        words = f"killed {kill.target} with{'' if kill.notice else 'out'} notice"
        log.info(words, extra={"action": "killed", "tasks": [victim.task for victim in victims]})
        self._stood = self._committed()
        self._aim()

    def _aim(self) -> None:
        self._kill = next(self._kills)
        self._due = time.monotonic() + self._kill.after.total_seconds()

    def _end_grace(self) -> None:
        for pid, until in list(self._dying.items()):
            if pid not in processes.children(os.getpid()):
                del self._dying[pid]
            elif time.monotonic() > until:
                processes.send(pid)

    def _victim(self, task: str) -> Victim:
        piece = self._scratch / task / "piece.mp4"
        try:
            _, frames = whole_gops(piece, 1)  # every fragment is one GOP
            written = datetime.fromtimestamp(piece.stat().st_mtime, UTC)
        except OSError:
            return Victim(task=task, frames=0, written_at=None)
        return Victim(task=task, frames=frames, written_at=written)


def _tasks() -> Mapping[str, int]:
    """The tasks that run now, by EXECUTION-INDEX; all are children of this process."""
    found = {}
    for pid in processes.children(os.getpid()):
        told = processes.environment(pid)
        if "CLOUD_RUN_TASK_INDEX" in told:
            found[f"{told['CLOUD_RUN_EXECUTION']}-{told['CLOUD_RUN_TASK_INDEX']}"] = pid
    return found


def _aimed_at(kill: Kill, tasks: Mapping[str, int]) -> Sequence[int]:
    """Whom to signal; nobody if there is none of that kind at the moment."""
    pids = [tasks[name] for name in sorted(tasks)]
    if kill.target is Target.TASKS:
        return pids
    if kill.target is Target.ENCODER:
        pids = [pid for task in pids for pid in processes.children(task) if _is_encoder(pid)]
    return pids and [pids[int(kill.pick * len(pids))]]


def _is_encoder(pid: int) -> bool:
    return "libx264" in processes.words(pid)
