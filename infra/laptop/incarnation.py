"""One pipeline at a time: two locks, one for whoever leads and one for all who may still work.

up.lock     held by the pipeline's own process alone: taken means "a pipeline is running here"
work.lock   held by it and, by inheritance, by every task it started: after a kill -9 of the
            pipeline the next one waits here until the last orphan has noticed and gone
"""

import os
import time
from datetime import timedelta
from pathlib import Path

from functions.adapters.up_lock import NAME, take

ORPHANS_LEAVE_WITHIN = timedelta(seconds=30)
LOOK_EVERY = 0.05


class RunningAlready(Exception):
    """A pipeline runs over this state folder; the message says which process."""


class Incarnation:
    """The right to run the pipeline over a state folder, until `leave` or the process's end."""

    def __init__(self, state: Path) -> None:
        """Raises RunningAlready; waits for the orphans of a pipeline that was killed."""
        state.mkdir(parents=True, exist_ok=True)
        self._up = os.open(state / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not take(self._up):
            holder = os.read(self._up, 100).decode(errors="replace") or "unknown"
            os.close(self._up)
            raise RunningAlready(f"a pipeline is running here already, process {holder}")
        os.ftruncate(self._up, 0)
        os.pwrite(self._up, str(os.getpid()).encode(), 0)
        self.inherited = os.open(state / "work.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._wait_for_orphans()

    def leave(self) -> None:
        """Let the next pipeline begin."""
        os.close(self.inherited)
        os.close(self._up)

    def _wait_for_orphans(self) -> None:
        until = time.monotonic() + ORPHANS_LEAVE_WITHIN.total_seconds()
        while not take(self.inherited):
            if time.monotonic() > until:
                self.leave()
                raise RunningAlready("a task of a killed pipeline is still at work and stays")
            time.sleep(LOOK_EVERY)
