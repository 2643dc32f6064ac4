"""Where a simulated task sits down to work: what `render_job/wiring.py` is to a real one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec

from infra.simulator.faults import Fault
from infra.simulator.memory_files import MemoryFile
from infra.simulator.prober import NoImages
from infra.simulator.studio import SimulatedStudio
from infra.simulator.witness import Witness
from infra.simulator.world import Doing, Process
from render_job.choose import Worker
from render_job.clock import Spent
from render_job.overlays import Overlays
from render_job.tools import Task, Tools
from render_job.work import work
from schemas import names
from schemas.plan import Order, RenderPlan
from schemas.ports import ObjectStore, Publisher
from schemas.wire import from_json

OTHER_ENCODER = "libx264/9.0/t1"
"""What no lane orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The stores and the way to report of all tasks of one world."""

    uploads: ObjectStore
    work_store: ObjectStore
    outputs: ObjectStore
    publisher: Publisher
    sources: ObjectStore
    """The uploads again, for the truth about them: to look there is no step."""
    witness: Witness
    frames_a_second: float | None = None
    """Of every machine; None for what is drawn."""

    def work(
        self,
        process: Process,
        order: Order,
        worker: Worker,
        encoder_class: str,
        stop: Callable[[], bool],
    ) -> int:
        """What `render_job/__main__.py` does; returns its exit code."""
        order = from_json(self.work_store.read(names.order(order.render, order.attempt)), Order)
        task = Task(
            plan=_plan(self.work_store.read(names.plan(order.render))),
            order=order,
            worker=worker,
            tools=self._tools(process, encoder_class, stop),
        )
        self.witness.works(process, task)
        return work(task)

    def _tools(self, process: Process, encoder_class: str, stop: Callable[[], bool]) -> Tools:
        fate, scratch = process.world.fate, MemoryFile.folder(process.name)
        if fate.strikes(process.name, process.draw, Fault.WRONG_ENCODER, process.render):
            encoder_class = OTHER_ENCODER
        drawn = 240 / 24 ** process.draw.random() ** 2
        return Tools(
            uploads=self.uploads,
            work=self.work_store,
            outputs=self.outputs,
            publisher=self.publisher,
            studio=SimulatedStudio(
                process=process,
                witness=self.witness,
                encoder_class=encoder_class,
                frames_a_second=self.frames_a_second or drawn,
                poisoned=self._is_poisoned,
            ),
            overlays=Overlays(uploads=self.uploads, images=NoImages()),
            clock=ProcessClock(process),
            scratch=scratch,
            empty=lambda folder: scratch.clear(),
            stop=stop,
        )

    def _is_poisoned(self, plan: RenderPlan) -> bool:
        upload = plan.upload
        info = self.sources.stat(upload.name)
        if info is None or info.generation != upload.generation:
            return False  # a newer one has taken its place: nothing is read of that
        return bool(msgspec.json.decode(self.sources.read(upload.name))[2])


@lru_cache(maxsize=64)
def _plan(data: bytes) -> RenderPlan:
    """Read once for all tasks of a render: it is a value."""
    return from_json(data, RenderPlan)


@dataclass(frozen=True, slots=True)
class ProcessClock:
    """A process's clock: its machine may be wrong about the time of day."""

    process: Process

    def now(self) -> datetime:
        """As that machine has it."""
        return self.process.world.local()

    def monotonic(self) -> float:
        """Of the world."""
        return self.process.world.time

    def rest(self, seconds: float, *, until: Callable[[], bool]) -> None:
        """In steps of half a second."""
        end = self.process.world.time + seconds
        while self.process.world.time < end and not until():
            self.process.wait(min(0.5, end - self.process.world.time), Doing.RESTING)

    def spent(self) -> Spent:
        """Nothing: no processor is simulated."""
        return Spent(own=0.0, children=0.0)
