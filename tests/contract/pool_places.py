"""A pool with one worker, for the contract suites: real processes over a real folder."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.adapters.directory_objects import DirectoryObjects
from functions.pool_workers import PoolWorkers
from functions.ports import Backend
from render_job.clock import SystemClock
from render_job.machine import Runs
from render_job.seat import Belongings
from render_job.worker import PoolWorker
from schemas.events import Event
from tests.contract.machine import task_argv

POOL = "desk"


class PoolPlace:
    """The worker is stepped by whoever waits for something; `said` is all that it published."""

    def __init__(self, folder: Path, until: Callable[..., None], code: str, tasks: int = 2) -> None:
        self.folder = folder
        self.work = DirectoryObjects(folder / "work", "work")
        self.said: list[Event] = []
        self._until = until
        self._backend = PoolWorkers(POOL, self.work)
        self.worker = PoolWorker(
            name="worker-1",
            mine=Belongings(pool=POOL, encoder_class="x264"),
            work=self.work,
            publisher=self,
            clock=SystemClock(),
            begin=Runs(
                argv=lambda order: task_argv(folder, code), environment={}, logs=folder / "logs"
            ),
            tasks=tasks,
            grace=timedelta(seconds=5),
            renew_every=timedelta(milliseconds=50),
        )

    @property
    def backend(self) -> Backend:
        return self._backend

    def now(self) -> datetime:
        return datetime.now(UTC)

    def publish(self, topic: str, event: Event) -> None:
        self.said.append(event)

    def let_begin(self, execution: str, tasks: int) -> None:
        self.drive(lambda: self.runs(execution) == tasks, f"{tasks} tasks run")

    def let_end(self, execution: str, code: int = 0) -> None:
        (self.folder / f"end-{execution}").write_text(str(code))

    def wait_for_end(self, execution: str) -> None:
        self.drive(lambda: self._has_ended(execution), "it has ended")

    def runs(self, execution: str) -> int:
        path = self.folder / f"begun-{execution}"
        return len(path.read_text().split()) if path.exists() else 0

    def drive(self, claim: Callable[[], bool], what: str) -> None:
        """Step until the claim holds."""

        def claim_after_a_step() -> bool:
            self.worker.step(draining=False)
            return claim()

        self._until(claim_after_a_step, what)

    def drain(self) -> None:
        """The worker leaves in order."""

        def has_left() -> bool:
            self.worker.step(draining=True)
            return not self.worker.is_busy

        self._until(has_left, "the worker has left")

    def close(self) -> None:
        self.drain()

    def _has_ended(self, execution: str) -> bool:
        state = self._backend.state(execution)
        return state is not None and state.ended
