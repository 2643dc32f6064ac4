"""Attempts as child processes: the laptop's Backend, and the supervisor that runs what it noted.

    launch, stop ──► executions (SQLite) ◄── results ── Supervisor ──► on_end, at least once
                                                            └──► tasks 0 … N-1, child processes

`ChildProcesses` only writes down what is wanted, so it works from any process. Each step of the
Supervisor compares that with the children it has: an unfinished task without a child is started.
After a kill -9 a new Supervisor has no children, so the same comparison resumes everything.

One run of a task, as on Cloud Run (https://cloud.google.com/run/docs/configuring/max-retries):

    started ──► exit 0: it has succeeded
            ──► anything else: again with the same index and the next attempt, `max_retries` times
            ──► stop or deadline: SIGTERM ── grace ──► SIGKILL to its whole group; never again
"""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.adapters.child_outcome import NOT_STARTED, cause_to_stop, failure_of
from functions.adapters.child_run import ChildRun
from functions.adapters.sqlite_executions import Execution, Executions, TaskRecord
from functions.outcomes.exit_codes import REPORTED
from functions.ports import ExecutionState
from schemas.failures import Failure
from schemas.ids import execution_id
from schemas.plan import Order

GRACE = timedelta(seconds=10)
"""What Cloud Run gives a task between SIGTERM and SIGKILL."""
KEEP = timedelta(days=7)
"""How long an ended execution and its logs can still be looked up."""
FIRST_PAUSE = timedelta(milliseconds=250)
"""Before an end that was not taken is told again; it doubles each time, up to LONGEST_PAUSE."""
LONGEST_PAUSE = timedelta(seconds=30)

_DETAIL_BYTES = 2000
_LOOK_EVERY = 0.01

log = logging.getLogger("clipline.supervisor")


class ChildProcesses:
    """A Backend whose attempts run once a Supervisor steps over the same path, and not before."""

    def __init__(self, path: Path) -> None:
        self._table = Executions(path)

    def launch(self, order: Order) -> str:
        """Note the attempt and return its execution's name; the same attempt is noted once.

        Never raises LaunchRefused: a laptop has one lane, which takes everything.
        """
        name = execution_id(order.render, order.attempt)
        self._table.add(name, order)
        return name

    def stop(self, execution: str) -> None:
        """Note that it is to stop. One that has ended or never was is no error."""
        self._table.request_stop(execution)

    def state(self, execution: str) -> ExecutionState | None:
        """Whether it still runs or waits for its Supervisor; None if unknown or KEEP has passed."""
        return self._table.state(execution)


class Supervisor:
    """Runs what was launched over a path. There may be one at a time: its caller sees to that.

    `argv` says what to run for an order, an execution and a task's index; `environment` is all
    that a task is told beside CLOUD_RUN_EXECUTION, CLOUD_RUN_TASK_INDEX, CLOUD_RUN_TASK_COUNT,
    CLOUD_RUN_TASK_ATTEMPT (the retries before this run) and CLIPLINE_LIFELINE_FD, a descriptor
    that reads end-of-file once this process is gone. `inherited` are descriptors that every task
    holds open as well. `log_folder` takes what a task says; without one it is thrown away.

    `on_end` is told the order, the execution and its failure, or None if all tasks exited with 0.
    It is told at least once, from within `step`. If it raises, it is told again, with pauses.
    """

    def __init__(
        self,
        path: Path,
        *,
        argv: Callable[[Order, str, int], Sequence[str]],
        environment: Mapping[str, str],
        on_end: Callable[[Order, str, Failure | None], None],
        max_retries: int = 3,
        grace: timedelta = GRACE,
        log_folder: Path | None = None,
        inherited: Sequence[int] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table = Executions(path)
        self._argv = argv
        self._environment = environment
        self._on_end = on_end
        self._max_retries = max_retries
        self._grace = grace
        self._logs = log_folder
        self._inherited = inherited
        self._clock = clock
        self._children: dict[tuple[str, int], ChildRun] = {}
        self._pauses: dict[str, _Pause] = {}
        self._is_shut = False
        # Both ends close on exec. Tasks are passed the first; nobody else ever holds the second.
        self._lifeline, self._held = os.pipe()
        self._prune()

    def step(self) -> bool:
        """Do what can be done without waiting; True if anything changed. For one thread only."""
        if self._is_shut:
            return False
        told_or_changed = [
            self._tell(execution) if execution.ended else self._advance(execution)
            for execution in self._table.untold()
        ]
        return any(told_or_changed)

    def shutdown(self) -> None:
        """SIGTERM to every task, SIGKILL to what is left after the grace; call it after `step`.

        What has not succeeded by then is resumed by the next Supervisor, without using a retry.
        """
        if self._is_shut:
            return
        self._is_shut = True
        while self._children:
            for (execution, index), child in list(self._children.items()):
                child.stop(self._grace)
                if (code := child.ended()) is not None:
                    del self._children[execution, index]
                    if code == REPORTED:
                        done = TaskRecord(index=index, retries=child.attempt, code=code)
                        self._table.save_task(execution, replace(done, ended_at=self._clock()))
            time.sleep(_LOOK_EVERY)
        os.close(self._held)
        os.close(self._lifeline)

    def _advance(self, before: Execution) -> bool:
        execution = self._with_results(before)
        mine = self._children_of(execution)
        cause = cause_to_stop(execution, self._clock())
        if all(task.ended_at for task in execution.tasks) or (cause and not mine):
            self._end(execution, cause)
            return True
        if cause:
            acted = [child.stop(self._grace) for child in mine.values()]
        else:
            acted = [
                self._start(execution, task)
                for task in execution.tasks
                if task.ended_at is None and task.index not in mine
            ]
        return any(acted) or execution != before

    def _with_results(self, execution: Execution) -> Execution:
        """The execution after the runs that have ended, which are written down and forgotten."""
        tasks = list(execution.tasks)
        for index, child in self._children_of(execution).items():
            if (code := child.ended()) is not None:
                tasks[index] = self._after(execution, tasks[index], code)
                self._table.save_task(execution.name, tasks[index])
                del self._children[execution.name, index]
        return replace(execution, tasks=tuple(tasks))

    def _after(self, execution: Execution, task: TaskRecord, code: int) -> TaskRecord:
        extra = {"execution": execution.name, "task": task.index, "code": code}
        log.info("a task ended with %s", code, extra=extra | {"action": "task_ended"})
        if code == REPORTED or task.retries >= self._max_retries:
            return replace(task, code=code, ended_at=self._clock())
        return replace(task, code=code, retries=task.retries + 1)

    def _start(self, execution: Execution, task: TaskRecord) -> bool:
        """Always True: also a program that cannot be started is a run that ended."""
        try:
            self._children[execution.name, task.index] = self._child(execution, task)
        except Exception:
            extra = {"action": "task_not_started", "execution": execution.name}
            log.exception("a task could not be started", extra=extra)
            self._table.save_task(execution.name, self._after(execution, task, NOT_STARTED))
        return True

    def _child(self, execution: Execution, task: TaskRecord) -> ChildRun:
        told = {
            "CLOUD_RUN_EXECUTION": execution.name,
            "CLOUD_RUN_TASK_INDEX": str(task.index),
            "CLOUD_RUN_TASK_COUNT": str(execution.order.tasks),
            "CLOUD_RUN_TASK_ATTEMPT": str(task.retries),
            "CLIPLINE_LIFELINE_FD": str(self._lifeline),
        }
        return ChildRun(
            self._argv(execution.order, execution.name, task.index),
            environment={**self._environment, **told},
            output=self._log_of(execution.name, task.index),
            inherited=(self._lifeline, *self._inherited),
            attempt=task.retries,
        )

    def _end(self, execution: Execution, cause: Failure | None) -> None:
        failure = self._failure(execution, cause)
        extra = {"action": "execution_ended", "execution": execution.name}
        outcome = failure.message if failure else "every task said all there is to say"
        log.info("an execution ended: %s", outcome, extra=extra)
        self._table.end(execution.name, failure, self._clock())

    def _failure(self, execution: Execution, cause: Failure | None) -> Failure | None:
        """None where every task succeeded, even if it was to stop in the end."""
        failed = [task for task in execution.tasks if not task.succeeded]
        if not failed or cause:
            return cause if failed else None
        last = max(failed, key=lambda task: (task.ended_at, task.index))
        return replace(failure_of(last), detail=self._last_words(execution.name, last.index))

    def _last_words(self, execution: str, task: int) -> str:
        with suppress(OSError), self._log_of(execution, task).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _DETAIL_BYTES))
            return file.read().decode(errors="replace")
        return ""

    def _log_of(self, execution: str, task: int) -> Path:
        return self._logs / f"{execution}-{task}.log" if self._logs else Path(os.devnull)

    def _tell(self, execution: Execution) -> bool:
        pause = self._pauses.get(execution.name, _Pause())
        if time.monotonic() < pause.until:
            return False
        try:
            self._on_end(execution.order, execution.name, execution.failure)
        except Exception:
            extra = {"action": "end_not_told", "execution": execution.name}
            log.exception("an execution's end is told again later", extra=extra)
            self._pauses[execution.name] = pause.longer()
            return False
        self._table.mark_told(execution.name)
        self._pauses.pop(execution.name, None)
        return True

    def _children_of(self, execution: Execution) -> dict[int, ChildRun]:
        return {i: child for (name, i), child in self._children.items() if name == execution.name}

    def _prune(self) -> None:
        for name, tasks in self._table.prune(self._clock() - KEEP):
            for task in range(tasks if self._logs else 0):
                self._log_of(name, task).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Pause:
    """Not before `until`, in the seconds of time.monotonic()."""

    seconds: float = 0
    until: float = 0

    def longer(self) -> "_Pause":
        doubled = max(FIRST_PAUSE.total_seconds(), self.seconds * 2)
        seconds = min(doubled, LONGEST_PAUSE.total_seconds())
        return _Pause(seconds, time.monotonic() + seconds)
