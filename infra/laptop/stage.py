"""Where `make run` plays: a pipeline to put a video into, and what comes of it."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from rich.console import Console

from functions.adapters.sqlite_bus import SqliteBus
from functions.core.render import Render, State
from functions.desk import Wanted
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import SOURCE, laptop_desk, ports
from infra.laptop.incarnation import RunningAlready
from infra.laptop.loop import Loop
from infra.laptop.pipeline import LOOK_EVERY, Pipeline, environment
from infra.laptop.program import Program
from infra.laptop.subscriptions import DEAD_LETTERS, DONE
from infra.laptop.weather import Weather
from schemas.events import OutputVerified


class Stage(Protocol):
    """A pipeline of whatever kind, for one person who runs one video through it."""

    @property
    def logs(self) -> Path:
        """The folder for logs, away from the terminal."""

    def running(self, console: Console) -> AbstractContextManager[Ports]:
        """A pipeline runs inside the `with`; its parts, to upload and to look with."""

    def is_told(self, render: Render) -> bool:
        """Whether everybody who subscribed has been told how that render ended."""

    def clip(self, output: OutputVerified) -> Path:
        """The delivered file, where a person finds it."""


class LaptopStage:
    """The laptop's cloud: a pipeline of our own for as long as it takes, or the one that is up."""

    def __init__(self, home: Laptop, weather: Weather, program: Program | None = None) -> None:
        """A pipeline of our own runs its tasks by that `program`; without one, by this Python."""
        self._home = home
        self._program = program
        self._weather = weather

    @property
    def logs(self) -> Path:
        """Beside the laptop's state."""
        return self._home.logs

    @contextmanager
    def running(self, console: Console) -> Iterator[Ports]:
        """Should the one that is up end before us, ours takes its place: nobody waits in vain."""
        own: list[Pipeline] = []

        def lead() -> bool:
            if not own:
                with suppress(RunningAlready):
                    own.append(Pipeline(self._home, self._weather, self._program))
            return False

        lead()
        if not own:
            os.environ.update(environment(self._home))
            console.print("A pipeline is up here already: it does the work.")
        heir = Loop("heir", lead, LOOK_EVERY)
        try:
            yield ports()
        finally:
            heir.stop()
            for pipeline in own:
                pipeline.close()

    def is_told(self, render: Render) -> bool:
        """By the subscriptions of the local bus."""
        if render.pending:
            return False
        bus = SqliteBus(self._home.bus, source=SOURCE)
        if render.state is State.DONE:
            wanted = {f"{render.id}/{output.output_id}" for output in render.outputs}
            return wanted <= {m.attributes.get("ce-id") for m in bus.peek(DONE)}
        if render.state is State.FAILED:
            letters = laptop_desk(self._home).letters
            return any(
                m.attributes.get("ce-subject") == render.id for m in bus.peek(DEAD_LETTERS)
            ) or bool(letters.count(Wanted(id=render.id)))
        return True

    def clip(self, output: OutputVerified) -> Path:
        """In the outputs folder."""
        return self._home.outputs / output.delivered.name
