"""Attempts as child processes, with the manners of a Cloud Run job.

    launch ─► executions (SQLite) ─► Supervisor.step ─► a process for each task
                  ▲                    │  exit 0: the task is done; else it is tried again
                  └── stop             └─ all done: write the outcome, tell it, mark it told

A task is told what Cloud Run tells (CLOUD_RUN_EXECUTION, _TASK_INDEX, _TASK_COUNT, _TASK_ATTEMPT;
https://cloud.google.com/run/docs/container-contract#jobs-env-vars) and, in CLIPLINE_LIFELINE_FD,
the number of a file descriptor that reaches its end when the supervisor is dead.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.adapters.sqlite_executions import Execution, SqliteExecutions, Tried
from functions.ports import ExecutionState
from schemas.failures import Failure, FailureClass
from schemas.plan import Order

GRACE = timedelta(seconds=10)
"""From SIGTERM to SIGKILL (https://cloud.google.com/run/docs/container-contract)."""

MAX_RETRIES = 3
"""Cloud Run's default: a task is started at most once more than that."""

BUG, TRY_AGAIN, NOT_STARTED = 70, 75, 127
"""Exit codes; the first two are render_job's, the last is the shell's for a missing program."""


class ChildProcesses:
    """The Backend over the supervisor's table; a launch never fails, it waits for a supervisor."""

    def __init__(self, path: Path) -> None:
        self._table = SqliteExecutions(path)

    def launch(self, order: Order) -> str:
        """Ask for the attempt; the same attempt has the same name, and runs once."""
        name = f"{order.render}-{order.attempt:04}"
        self._table.launch(name, order)
        return name

    def stop(self, execution: str) -> None:
        """Ask for its end: SIGTERM, grace, SIGKILL."""
        self._table.stop(execution)

    def state(self, execution: str) -> ExecutionState | None:
        """What the supervisor last wrote down."""
        found = self._table.find(execution)
        return ExecutionState(ended=found.ended, failure=found.failure) if found else None


@dataclass(slots=True)
class _Child:
    """A task's process, the leader of its own session; `asked_at` is when it was told to end."""

    process: "subprocess.Popen[bytes]"
    tried: Tried
    asked_at: float | None = None

    def ask_to_end(self, grace: timedelta) -> None:
        """SIGTERM at the first call, SIGKILL for all its descendants when the grace is over."""
        if self.asked_at is None:
            self.asked_at = time.monotonic()
            os.kill(self.process.pid, signal.SIGTERM)
        elif time.monotonic() - self.asked_at > grace.total_seconds():
            self.kill()

    def kill(self) -> None:
        """SIGKILL for the process and all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def ended(self) -> int | None:
        """The exit code once it has ended; what it left running is killed before."""
        waitid = getattr(os, "waitid", None)  # on macOS since Python 3.13
        if waitid is None:
            code = self.process.poll()
            if code is not None:
                self.kill()
            return code
        # Until it is reaped, the number of its process group cannot be anybody else's.
        if waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self.kill()
        return self.process.wait()


class Supervisor:
    """Runs what was launched; one at a time over a table, and its `step` called by one thread.

    After a kill -9 the next one starts the unfinished tasks again, which costs them no retry:
    the machine was restarted.
    """

    def __init__(
        self,
        path: Path,
        *,
        argv: Callable[[Order, str, int], Sequence[str]],
        environment: Mapping[str, str],
        on_end: Callable[[Order, str, Failure | None], None],
        log_folder: Path,
        inherited: Sequence[int] = (),
        grace: timedelta = GRACE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`argv` makes a task's command from order, execution and task number.

        `environment` is all that tasks see beside Cloud Run's variables, `inherited` are file
        descriptors that they keep open. `on_end` is called at least once for every execution.
        """
        log_folder.mkdir(parents=True, exist_ok=True)
        self._table = SqliteExecutions(path)
        self._argv = argv
        self._environment = environment
        self._on_end = on_end
        self._log_folder = log_folder
        self._inherited = inherited
        self._grace = grace
        self._clock = clock
        self._children: dict[tuple[str, int], _Child] = {}
        self._lifeline, self._held = os.pipe()

    def step(self) -> bool:
        """Start, reap, end and tell what there is; True if anything happened. Never waits."""
        happened = self._reap()
        for execution in self._table.untold():
            if not execution.ended:
                happened |= self._drive(execution)
        for execution in self._table.untold():
            if execution.ended:
                self._on_end(execution.order, execution.name, execution.failure)
                self._table.mark_told(execution.name)
                happened = True
        return happened

    def shutdown(self) -> None:
        """End all processes and nothing else: the next supervisor goes on with their tasks."""
        while self._children:
            for child in self._children.values():
                child.ask_to_end(self._grace)
            self._reap()
            time.sleep(0.01)
        if self._held >= 0:
            os.close(self._held)
            os.close(self._lifeline)
            self._held = self._lifeline = -1

    def _reap(self) -> bool:
        happened = False
        for (name, number), child in list(self._children.items()):
            code = child.ended()
            if code is not None:
                happened = True
                self._note(name, child, code)
                del self._children[name, number]
        return happened

    def _note(self, name: str, child: _Child, code: int) -> None:
        tried = child.tried
        if code == 0:
            self._table.keep(name, replace(tried, code=0, over=True))
        elif child.asked_at is None:
            failures = tried.failures + 1
            over = failures > MAX_RETRIES
            self._table.keep(name, replace(tried, failures=failures, code=code, over=over))

    def _drive(self, execution: Execution) -> bool:
        """One execution a step on: end it, start its tasks, or ask them to end."""
        tasks = self._table.tasks(execution)
        if all(tried.over for tried in tasks):
            self._table.end(execution.name, self._outcome(execution, tasks))
            return True
        running = [child for (name, _), child in self._children.items() if name == execution.name]
        unwanted = _unwanted(execution, self._clock())
        if unwanted is None:
            return any([self._start(execution, tried) for tried in tasks if not tried.over])
        for child in running:
            child.ask_to_end(self._grace)
        if not running:
            self._table.end(execution.name, unwanted)
        return not running

    def _start(self, execution: Execution, tried: Tried) -> bool:
        """Start the task's process unless it has one."""
        key = (execution.name, tried.number)
        if key in self._children:
            return False
        environment = {
            **self._environment,
            "CLOUD_RUN_EXECUTION": execution.name,
            "CLOUD_RUN_TASK_INDEX": str(tried.number),
            "CLOUD_RUN_TASK_COUNT": str(execution.order.tasks),
            "CLOUD_RUN_TASK_ATTEMPT": str(tried.failures),
            "CLIPLINE_LIFELINE_FD": str(self._lifeline),
        }
        with self._log(*key).open("ab") as log:
            try:
                process = subprocess.Popen(
                    self._argv(execution.order, execution.name, tried.number),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    pass_fds=(self._lifeline, *self._inherited),
                    start_new_session=True,
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                over = tried.failures >= MAX_RETRIES
                failed = replace(tried, failures=tried.failures + 1, code=NOT_STARTED, over=over)
                self._table.keep(execution.name, failed)
                return True
        self._children[key] = _Child(process=process, tried=tried)
        return True

    def _outcome(self, execution: Execution, tasks: Sequence[Tried]) -> Failure | None:
        """None if every task exited 0; else the failure that tells most."""
        failed = sorted((tried for tried in tasks if tried.code), key=_rank)
        if not failed:
            return None
        worst = failed[0]
        failure, reason, what = _diagnosed(worst.code)
        return Failure(
            failure=failure,
            reason=reason,
            message=f"task {worst.number} {what}, in all of its {worst.failures} runs",
            detail=_tail(self._log(execution.name, worst.number)),
        )

    def _log(self, name: str, number: int) -> Path:
        return self._log_folder / f"{name}-{number}.log"


def _unwanted(execution: Execution, now: datetime) -> Failure | None:
    """Why the execution must not go on, if so."""
    if execution.stop:
        return Failure(
            failure=FailureClass.CANCELLED, reason="stopped", message="the attempt was stopped"
        )
    if now >= execution.order.deadline:
        return Failure(
            failure=FailureClass.TIMEOUT,
            reason="deadline",
            message="the attempt ran past its deadline and was ended",
        )
    return None


def _rank(tried: Tried) -> tuple[int, int]:
    """A bug tells more than a crash, and a crash more than a preemption."""
    ranks = {BUG: 0, TRY_AGAIN: 2}
    return (ranks.get(tried.code, 1), tried.number)


def _diagnosed(code: int) -> tuple[FailureClass, str, str]:
    if code == TRY_AGAIN:
        return FailureClass.PREEMPTED, "preempted", "was cut short and asked to be tried again"
    if code == BUG:
        return FailureClass.INTERNAL, "bug", "met something that nobody foresaw"
    if code == -signal.SIGKILL:
        return FailureClass.CRASH, "killed", "was killed, perhaps for the machine's memory"
    if code == NOT_STARTED:
        return FailureClass.CRASH, "not_started", "could not be started"
    if code < 0:
        return FailureClass.CRASH, "signal", f"died of signal {-code}"
    return FailureClass.CRASH, "exit_code", f"ended with exit code {code}"


def _tail(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2000))
        return file.read().decode(errors="replace")
    return ""
