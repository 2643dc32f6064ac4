"""The composition: everything that runs while the laptop's cloud is up, in one process.

uploads/ ─► watcher ─► bus ─► pusher ─► functions (HTTP) ─► bus, renders, executions
                        ▲                                             │
                        └──────── tasks (child processes) ◄─ supervisor
"""

import http.client
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from functions.adapters.child_process import Supervisor
from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.sqlite_bus import SqliteBus
from functions.settings import Laptop
from functions.wiring import laptop_desk
from infra.laptop.incarnation import Incarnation
from infra.laptop.loop import Loop
from infra.laptop.program import Program, this_python
from infra.laptop.pusher import Pusher
from infra.laptop.server import Server
from infra.laptop.subscriptions import PUSH_PATHS, subscriptions
from infra.laptop.watcher import Watcher
from infra.laptop.weather import Weather
from schemas.events import ExecutionEnded, ObjectFinalized
from schemas.failures import Failure
from schemas.plan import Order
from schemas.topics import Topic

SOURCE = "//clipline/laptop"
SWEEP_EVERY = timedelta(seconds=1)
LOOK_EVERY = timedelta(milliseconds=200)
DELIVER_EVERY = timedelta(milliseconds=25)
SUPERVISE_EVERY = timedelta(milliseconds=50)
COLLECT_EVERY = timedelta(milliseconds=500)


class Pipeline:
    """The laptop's cloud over one home. Made means running; `close` stops it and every child."""

    def __init__(self, place: Laptop, weather: Weather, program: Program | None = None) -> None:
        """Its tasks are run by this Python, or by that `program`.

        Raises RunningAlready, and RenderFault where there is no ffmpeg to render with.
        """
        self._incarnation = Incarnation(place.state)
        try:
            self._begin(place, weather, program or this_python())
        except BaseException:
            self._incarnation.leave()
            raise

    def _begin(self, place: Laptop, weather: Weather, program: Program) -> None:
        told = environment(place, program)
        os.environ.update(told)
        self._bus = SqliteBus(place.bus, source=SOURCE)
        self._bus.declare(subscriptions())
        self._desk = laptop_desk(place)
        self._server = Server()
        self._supervisor = Supervisor(
            place.executions,
            argv=program.argv,
            environment={**told, **program.environment, "PATH": os.environ.get("PATH", "")},
            on_end=self._tell_end,
            max_retries=weather.retries,
            log_folder=place.logs,
            inherited=(self._incarnation.inherited,),
        )
        self._pusher = Pusher(weather.over(self._bus), self._server.port, PUSH_PATHS)
        watcher = Watcher(DirectoryObjects(place.uploads, "uploads"), self._tell_upload)
        self._loops = (
            Loop("watcher", watcher.step, LOOK_EVERY),
            Loop("sweeper", self._sweep, SWEEP_EVERY),
            Loop("supervisor", self._supervisor.step, SUPERVISE_EVERY),
            Loop("desk", self._collect, COLLECT_EVERY),
            *weather.loops(),
        )
        self._pushing = Loop("pusher", self._pusher.step, DELIVER_EVERY)

    def close(self) -> None:
        """Stop taking in, let the tasks commit what is whole, stop answering."""
        for loop in self._loops:
            loop.stop()
        self._supervisor.shutdown()
        self._pushing.stop()
        self._pusher.rest()
        self._server.close()
        self._pusher.close()
        self._incarnation.leave()

    def _tell_upload(self, event: ObjectFinalized) -> None:
        self._bus.publish(Topic.UPLOADS, event)

    def _tell_end(self, order: Order, execution: str, failure: Failure | None) -> None:
        ended = ExecutionEnded(
            render=order.render,
            attempt=order.attempt,
            execution=execution,
            failure=failure,
            at=datetime.now(UTC),
        )
        self._bus.publish(Topic.EXECUTION_EVENTS, ended)

    def _collect(self) -> bool:
        """One look for dead letters; False, for it took all there were."""
        self._desk.collect(datetime.now(UTC))
        return False

    def _sweep(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
        try:
            connection.request("POST", "/sweep/")
            answer = connection.getresponse()
            if answer.status != 200:
                logging.getLogger("clipline.laptop").warning("the sweep answered %s", answer.status)
        finally:
            connection.close()
        return False


def environment(place: Laptop, program: Program | None = None) -> Mapping[str, str]:
    """What functions and tasks are told through their environment."""
    program = program or this_python()
    return {
        "CLIPLINE_PLACE": "laptop",
        "CLIPLINE_HOME": str(place.home),
        "CLIPLINE_ENCODER_CLASS": program.encoder_class,
        "CLIPLINE_TASKS": os.environ.get("CLIPLINE_TASKS") or str(cores()),
    }


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
