"""Child processes for the contract suites: what tasks run is Python code given by the test."""

import os
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.adapters.child_process import ChildProcesses, Supervisor
from functions.adapters.sqlite_executions import Executions
from schemas.failures import Failure
from schemas.plan import Order

PREAMBLE = """
import fcntl, os, select, signal, sys, time
os.chdir(sys.argv[1])
E = os.environ
TASK, ATTEMPT = int(E['CLOUD_RUN_TASK_INDEX']), int(E['CLOUD_RUN_TASK_ATTEMPT'])
PARENT = os.getppid()
def say(word):
    with open(word, 'a') as file:
        file.write(f'{TASK}.{ATTEMPT}\\n')
def heard(word):
    return os.path.exists(word) and open(word).read() != ''
with open('pids', 'a') as file:
    file.write(f'{os.getpid()}\\n')
"""

ENDS_WHEN_TOLD = """
end = f"end-{E['CLOUD_RUN_EXECUTION']}"
while not heard(end):
    if os.getppid() != PARENT:
        sys.exit(137)
    time.sleep(0.001)
sys.exit(int(open(end).read()))
"""
"""The end of a task's code: it works until its test says with which exit code to leave, and no
longer than its place lets it, or than that is there."""


def order(tasks: int = 1, attempt: int = 1, seconds: float = 60) -> Order:
    return Order(
        render="r",
        attempt=attempt,
        lane="laptop/cpu",
        encoder_class="x264",
        tasks=tasks,
        deadline=datetime.now(UTC) + timedelta(seconds=seconds),
    )


def task_argv(folder: Path, code: str) -> list[str]:
    """Isolated and without site packages: such a Python starts in 15 ms."""
    return [sys.executable, "-IS", "-c", PREAMBLE + textwrap.dedent(code), str(folder)]


@dataclass(kw_only=True)
class Machine:
    """A backend, its supervisors one after the other, and what the tasks said in `folder`."""

    folder: Path
    until: Callable[..., None]
    told: list[tuple[str, Failure | None]] = field(default_factory=list)
    refusals: int = 0
    supervisor: Supervisor | None = None

    def __post_init__(self) -> None:
        self.backend = ChildProcesses(self.folder / "executions.db")

    def start(self, code: str = "", **options: object) -> Supervisor:
        """From now on tasks run that code; the supervisor before this one is shut down."""
        self.close()
        settings = {
            "argv": lambda order, execution, task: task_argv(self.folder, code),
            "environment": {},
            "log_folder": self.folder / "logs",
            "grace": timedelta(seconds=5),
        }
        self.supervisor = Supervisor(
            self.folder / "executions.db",
            on_end=self._hear,
            **(settings | options),  # type: ignore[arg-type]  # settings come by name
        )
        return self.supervisor

    def close(self) -> None:
        if self.supervisor:
            self.supervisor.shutdown()

    def drive(self, claim: Callable[[], bool], what: str) -> None:
        """Step until the claim holds."""
        supervisor = self.supervisor
        assert supervisor

        def claim_after_a_step() -> bool:
            supervisor.step()
            return claim()

        self.until(claim_after_a_step, what)

    def outcome(self, execution: str) -> Failure | None:
        """Step until it has ended and that was told; a failure that was told is the state's."""
        self.drive(lambda: execution in (name for name, _ in self.told), "the end was told")
        state = self.backend.state(execution)
        assert state is not None
        assert state.ended
        assert (execution, state.failure) in self.told
        return state.failure

    def said(self, word: str) -> list[str]:
        """TASK.ATTEMPT of each run that said the word, sorted."""
        path = self.folder / word
        return sorted(path.read_text().split()) if path.exists() else []

    def over(self) -> list[int]:
        """The tasks of executions not yet told that will not run again."""
        executions = Executions(self.folder / "executions.db").untold()
        return [task.index for one in executions for task in one.tasks if task.ended_at]

    def alive(self) -> list[int]:
        """The processes of the tasks that are still there."""
        pids = map(int, (self.folder / "pids").read_text().split())
        return list(filter(is_there, pids))

    def _hear(self, order: Order, execution: str, failure: Failure | None) -> None:
        assert execution == f"{order.render}-{order.attempt:04}"
        if self.refusals:
            self.refusals -= 1
            raise ConnectionError("the bus is away")
        self.told.append((execution, failure))


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
