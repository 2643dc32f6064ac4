"""Putting a worker together from its environment: who it is, what it may take, how tasks run here.

Beside `wiring.py` the only file of the render job that knows adapters.
"""

import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import FrameType

from functions.adapters.child_run import ChildRun
from functions.errors import NotConfigured
from functions.settings import Place, laptop, place
from render_job.clock import SystemClock
from render_job.encoder import THREADS, encoder_class, find_ffmpeg
from render_job.errors import NotSetUp, RenderFault
from render_job.gpu import find_gpu
from render_job.seat import Belongings, Sitting
from render_job.spot import SpotNotice
from render_job.term import WIND_UP, Term
from render_job.wiring import shared
from render_job.worker import PoolWorker
from schemas import names
from schemas.plan import Order

log = logging.getLogger("clipline.worker")


class Drain:
    """Whether to take nothing more and to leave: SIGTERM, Ctrl-C, or the notice of `also`."""

    def __init__(self, also: Callable[[], bool] = lambda: False) -> None:
        self._also = also
        self._told = False
        signal.signal(signal.SIGTERM, self._tell)
        signal.signal(signal.SIGINT, self._tell)

    def __call__(self) -> bool:
        """Once true it stays."""
        return self._told or self._also()

    def _tell(self, number: int, frame: FrameType | None) -> None:
        self._told = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Starts the tasks of seats: each in a process and a session of its own.

    A task notices at its lifeline when this process is gone, commits what is whole and leaves.
    """

    argv: Callable[[Order], Sequence[str]]
    environment: Mapping[str, str]
    logs: Path | None = None
    """Takes a file a task; without one its words go where this process's go."""
    _lifeline: tuple[int, int] = field(default_factory=os.pipe)

    def __call__(self, sitting: Sitting) -> ChildRun:
        """Raises OSError."""
        order, seat = sitting.order, sitting.seat
        told = {
            "CLOUD_RUN_EXECUTION": sitting.execution,
            "CLOUD_RUN_TASK_INDEX": str(seat.index),
            "CLOUD_RUN_TASK_COUNT": str(order.tasks),
            "CLOUD_RUN_TASK_ATTEMPT": str(seat.runs - 1),
            "CLIPLINE_LANE": order.lane,
            "CLIPLINE_LIFELINE_FD": str(self._lifeline[0]),
        }
        name = f"{sitting.execution}-{seat.index}.log"
        return ChildRun(
            self.argv(order),
            environment={**self.environment, **told},
            output=self.logs / name if self.logs else None,
            inherited=(self._lifeline[0],),
            attempt=seat.runs - 1,
        )


def worker(
    pool: str,
    *,
    tasks: int = 1,
    tenants: Sequence[str] = (),
    leave_when_idle: timedelta | None = None,
    leave_within: timedelta | None = None,
    environment: Mapping[str, str] = os.environ,
) -> PoolWorker:
    """The worker that the environment describes.

    Raises RenderFault (dependency) where there is no ffmpeg to render with, and NotSetUp.
    """
    if not names.POOL.fullmatch(pool):
        raise NotSetUp(f"a pool is named by a-z, 0-9 and -, at most 63 of them; not {pool[:100]!r}")
    if tasks < 1:
        raise NotSetUp(f"--tasks is {tasks}, but must be 1 at least")
    if leave_within is not None and leave_within <= WIND_UP:
        least = f"{WIND_UP.total_seconds():.0f} s"
        raise NotSetUp(
            f"--leave-within must be more than {least}, which it takes to leave in order"
        )
    clock = SystemClock()
    term = None if leave_within is None else Term(clock=clock, length=leave_within)
    try:
        logs = _logs(environment)
        work, publisher = shared(environment)
    except NotConfigured as error:
        raise NotSetUp(str(error)) from error
    mine = Belongings(
        pool=pool,
        encoder_classes=frozenset(_encoder_classes()),
        tenants=frozenset(tenants),
    )
    return PoolWorker(
        name=_name(environment),
        mine=mine,
        work=work,
        publisher=publisher,
        clock=clock,
        begin=Runs(argv=_argv, environment=environment, logs=logs),
        tasks=tasks,
        leave_when_idle=leave_when_idle,
        term=term,
    )


def _encoder_classes() -> Iterator[str]:
    """Of the processor, and of the GPU if one is there that encodes."""
    plain = find_ffmpeg()
    yield encoder_class(plain, THREADS)
    try:
        yield encoder_class(replace(plain, gpu=find_gpu(plain.path)), THREADS)
    except RenderFault as fault:
        log.info("no GPU: %s", fault.failure.message, extra={"action": "no_gpu"})


def _name(environment: Mapping[str, str]) -> str:
    """The machine, and what tells this process from all others that ever ran there.

    `CLIPLINE_MACHINE` is the machine's name where it has another one within, as in a container.
    """
    machine = environment.get("CLIPLINE_MACHINE") or socket.gethostname()
    return f"{machine[:64]}-{os.getpid()}-{secrets.token_hex(3)}"


def _logs(environment: Mapping[str, str]) -> Path | None:
    """Where `clipline logs` finds them. Raises NotSetUp where no pipeline has ever been."""
    if place(environment) is Place.CLOUD:
        return None
    home = laptop(environment)
    if not home.state.is_dir():
        raise NotSetUp(f"no pipeline is in {home.home}: set CLIPLINE_HOME, or `make up` first")
    return home.logs


def drain(environment: Mapping[str, str] = os.environ) -> Drain:
    """What tells this worker to leave; `CLIPLINE_METADATA` is the server that knows of Spot."""
    server = environment.get("CLIPLINE_METADATA")
    return Drain(SpotNotice(server)) if server else Drain()


def _argv(order: Order) -> Sequence[str]:
    """The task, as every lane runs it; this interpreter is isolated or not, and so is that."""
    isolated = ("-I",) if sys.flags.isolated else ()
    words = ("--render", order.render, "--attempt", str(order.attempt))
    return (sys.executable, *isolated, "-m", "render_job", *words)
