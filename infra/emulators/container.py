"""One task of an execution as a child process: its runs one after the other, as its place has them.

wanted ──► runs ──► exited ─────────────┬─ 0: over, well
├──► timed out             ├─ again, if the place allows another run
├──► out of memory         └─ over, badly
├──► taken away (SIGTERM, grace, SIGKILL; or SIGKILL alone)
└──► stopped: over at once, whatever the place allows
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from functions.adapters.child_run import ChildRun


class Cause(StrEnum):
    """Why a run is over."""

    EXITED = "exited"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    TAKEN_AWAY = "taken away"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a container image brings along, here as a program of this machine."""

    command: Sequence[str] = ()
    """Its entry point; a job may have its own."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended: its exit code, negative for a signal, and what that came from."""

    code: int
    cause: Cause
    at: datetime

    @property
    def is_well(self) -> bool:
        """A run that was killed ended badly, whatever code it managed to leave with."""
        return self.code == 0 and self.cause in (Cause.EXITED, Cause.STOPPED, Cause.TAKEN_AWAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What is run, and how patiently."""

    argv: Sequence[str]
    environment: Callable[[int], Mapping[str, str]]
    """By the number of retries before the run."""
    timeout: timedelta
    """For each run; then SIGTERM, grace, SIGKILL."""
    grace: timedelta
    output: Path
    """Takes the words of all runs."""
    another: Callable[[RunEnd, int], bool]
    """Whether there is another run after one that failed so, with so many retries before."""


class ContainerTask:
    """Its runs. Moves only in `step`; for one thread at a time."""

    def __init__(self, index: int, container: Container) -> None:
        self.index = index
        self.retries = 0
        self.started_at: datetime | None = None
        """When its first run began."""
        self.end: RunEnd | None = None
        """Of its last run, also while another one is wanted."""
        self.is_over = False
        self._container = container
        self._run: ChildRun | None = None
        self._cause = Cause.EXITED
        self._is_stopped = False
        self._times_out_at = 0.0
        self._grace = container.grace

    @property
    def is_running(self) -> bool:
        """Whether a process of it is there."""
        return self._run is not None

    def stop(self) -> None:
        """SIGTERM, grace, SIGKILL, and no further run."""
        self._is_stopped = True

    def take_away(self, notice: timedelta) -> None:
        """The machine goes: SIGTERM, and SIGKILL when the notice is over. Without a run, nothing.

        The place may give it another one.
        """
        if self._run is not None and self._cause is Cause.EXITED:
            self._cause, self._grace = Cause.TAKEN_AWAY, notice
            if not notice:
                self._run.kill()

    def burst(self) -> None:
        """The kernel kills it for its memory. Without a run, nothing."""
        if self._run is not None and self._cause is Cause.EXITED:
            self._cause = Cause.OUT_OF_MEMORY
            self._run.kill()

    def step(self) -> None:
        """Start, stop or collect what is due, without waiting."""
        if self.is_over:
            return
        if self._run is None:
            if self._is_stopped:
                self.is_over = True
            else:
                self._start()
            return
        code = self._run.ended()
        if code is not None:
            self._collect(code)
        else:
            self._end_if_due(self._run)

    def kill(self) -> None:
        """At once, with nothing written down: the place itself goes."""
        if self._run is not None:
            self._run.kill()
            while self._run.ended() is None:
                time.sleep(0.001)
            self._run = None
        self.is_over = True

    def _start(self) -> None:
        self._cause, self._grace = Cause.EXITED, self._container.grace
        self._times_out_at = time.monotonic() + self._container.timeout.total_seconds()
        self.started_at = self.started_at or datetime.now(UTC)
        try:
            self._run = ChildRun(
                self._container.argv,
                environment=self._container.environment(self.retries),
                output=self._container.output,
                inherited=(),
                attempt=self.retries,
            )
        except OSError:
            self._collect(NOT_STARTED)

    def _end_if_due(self, run: ChildRun) -> None:
        if self._cause is Cause.EXITED and self._is_stopped:
            self._cause = Cause.STOPPED
        if self._cause is Cause.EXITED and time.monotonic() >= self._times_out_at:
            self._cause = Cause.TIMED_OUT
        if self._cause in (Cause.STOPPED, Cause.TIMED_OUT, Cause.TAKEN_AWAY):
            run.stop(self._grace)

    def _collect(self, code: int) -> None:
        self._run = None
        self.end = RunEnd(code=code, cause=self._cause, at=datetime.now(UTC))
        if (
            self.end.is_well
            or self._is_stopped
            or not self._container.another(self.end, self.retries)
        ):
            self.is_over = True
        else:
            self.retries += 1


NOT_STARTED = 127
"""What a shell says of a program that could not be started."""
