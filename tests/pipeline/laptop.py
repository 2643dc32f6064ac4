"""The laptop's cloud in processes of its own: to start, to stop, to kill and to ask.

Whatever still runs over a home when its test is over is killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.sqlite_bus import SqliteBus
from functions.adapters.sqlite_renders import SqliteRenders
from functions.core.render import TERMINAL, Render, State
from functions.desk import Wanted
from functions.settings import Laptop
from functions.spec_origin import SPEC_METADATA
from functions.wiring import laptop_desk
from infra.laptop.subscriptions import DEAD_LETTERS, DONE
from schemas import names
from schemas.dead_letters import DeadLetterRecord
from schemas.events import RenderDeadLetter, RenderDone
from schemas.pieces import Span
from schemas.ports import ObjectInfo
from schemas.subscriptions import ReceivedMessage
from schemas.wire import from_json
from tests.sources import SAMPLE, frame_md5s, tool

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds that a test waits for what ought to come by itself."""
BLINK = 0.025
"""Seconds between two looks: some read all of /proc, and others are at work on the same cores."""


def until(claim: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Returns as soon as the claim holds; fails the test when it does not in time."""
    give_up = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < give_up, f"waited {seconds} s in vain until {what}"
        time.sleep(BLINK)


def small_video(path: Path, *, seconds: int = 24, height: int = 90) -> Path:
    """The beginning of the sample, with its sound, as large as asked for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = f"-vf scale={height * 16 // 9}:{height}"
    then = f"-t {seconds} -c:a copy -c:v libx264 -preset ultrafast -g 250 {size}"
    tool("-nostdin", "-v", "error", "-i", str(SAMPLE), *then.split(), str(path))
    return path


@dataclass(frozen=True, slots=True)
class Process:
    """A process that somebody else started; its birth tells it from a later one of its number."""

    pid: int
    born: str

    @staticmethod
    def of(pid: int) -> "Process":
        """Whatever has that number now; `born` is empty if nothing has."""
        return Process(pid, _birth(pid))

    @property
    def environment(self) -> str:
        """What it was told, or nothing if it is gone."""
        return _read(f"/proc/{self.pid}/environ").replace("\0", "\n")

    @property
    def alive(self) -> bool:
        """Whether it runs; a zombie that nobody reaps does not."""
        return _birth(self.pid) == self.born

    @property
    def command(self) -> str:
        """Its words, or nothing if it is gone."""
        return _read(f"/proc/{self.pid}/cmdline").replace("\0", " ")

    @property
    def children(self) -> "Sequence[Process]":
        """Those that it started itself and that run."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        return _processes(pid for path in tasks for pid in _read(str(path)).split())

    def send(self, number: int) -> None:
        """The signal, unless it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


@dataclass(frozen=True, slots=True)
class Home:
    """One laptop's cloud, by its folders; `tasks` is how many a render gets."""

    place: Laptop
    tasks: int = 2
    environment: Mapping[str, str] = field(default_factory=dict)
    """What all that is started there is told beside."""
    _started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """`python -m infra.laptop WORDS…`; standard error comes with the output."""
        return self._python("infra.laptop", *words)

    def worker(self, *words: str) -> "Pipeline":
        """`python -m render_job worker WORDS…`, just started."""
        process = self._python("render_job", "worker", *words)
        return Pipeline(process, Process(process.pid, _birth(process.pid)))

    def _python(self, *words: str) -> "subprocess.Popen[str]":
        home = {"CLIPLINE_HOME": str(self.place.home), "CLIPLINE_TASKS": str(self.tasks)}
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=CHECKOUT,
            env={**os.environ, **home, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *words: str) -> tuple[int, str]:
        """`run WORDS…` to its end: the exit status and all that was said."""
        process = self.start("run", *words)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def up(self) -> "Pipeline":
        """A pipeline that has just been started."""
        process = self.start("up")
        return Pipeline(process, Process(process.pid, _birth(process.pid)))

    def end(self) -> None:
        """Kill what is left."""
        for process in self._started:
            process.kill()
            process.communicate()
        for one in self.processes():
            one.send(signal.SIGKILL)

    # ── what runs ──

    def processes(self) -> Sequence[Process]:
        """All that run over this home and say so, in their words or their environment."""
        home = str(self.place.home)
        everybody = _processes(path.name for path in Path("/proc").glob("[0-9]*"))
        return [
            one
            for one in everybody
            if one.pid != os.getpid()
            and any(home in _read(f"/proc/{one.pid}/{it}") for it in ("cmdline", "environ"))
        ]

    def encoders(self) -> Sequence[Process]:
        """Every ffmpeg that makes pictures."""
        return [one for one in self.processes() if "libx264" in one.command]

    def kill_an_encoder(self) -> None:
        """SIGKILL for one that was stopped before: it cannot end by itself meanwhile."""
        until(self._strikes_an_encoder, "an encoder is at work")

    def _strikes_an_encoder(self) -> bool:
        for one in self.encoders():
            one.send(signal.SIGSTOP)
            if one.alive:
                one.send(signal.SIGKILL)
                return True
        return False

    def wait_for_mid_render(self) -> None:
        """Until something is committed, something is being made, and much is still missing."""
        until(self._is_in_the_middle, "a render is in its middle")

    def _is_in_the_middle(self) -> bool:
        rendering = [r for r in self.renders() if r.state is State.RENDERING]
        return any(map(self.committed, rendering)) and bool(self.encoders())

    # ── what became of it ──

    def uploads(self) -> DirectoryObjects:
        """The bucket itself: what goes in through it is an object at once."""
        return DirectoryObjects(self.place.uploads, "uploads")

    def upload(self, name: str, video: Path, spec: str | None = None) -> ObjectInfo:
        """As a client of the bucket would, not by dropping a file."""
        metadata = {SPEC_METADATA: spec} if spec else {}
        return self.uploads().upload(name, video, if_generation_match=None, metadata=metadata)

    def renders(self, name: str | None = None) -> Sequence[Render]:
        """All of them, or those of one upload name, newest first."""
        if not self.place.renders.exists():
            return ()
        store = SqliteRenders(self.place.renders)
        return store.newest(limit=1000) if name is None else store.of_upload("uploads", name)

    def finished(self, name: str, seconds: float = PATIENCE) -> Render:
        """The only render of that upload, once it is at its end and all is told; it is done."""
        until(lambda: bool(self.renders(name)) and self.is_quiet(), f"{name} is done", seconds)
        (render,) = self.renders(name)
        assert render.state is State.DONE, render.failure
        return render

    def is_quiet(self) -> bool:
        """Whether every render is at its end and nothing is left to be performed."""
        return all(r.state in TERMINAL and not r.pending for r in self.renders())

    def file(self, render: Render) -> Path:
        """The file of its only output."""
        (output,) = render.outputs
        return self.place.outputs / output.delivered.name

    def pictures(self, render: Render) -> Sequence[str]:
        """A digest of every picture of its only output."""
        return frame_md5s(self.file(render))

    def committed(self, render: Render) -> Sequence[tuple[Span, str]]:
        """The frames and names of its pieces."""
        infos = self.work().list(f"{names.home(render.id)}pieces/")
        found = ((names.span_of(info.name), info.name) for info in infos)
        return [(span, name) for span, name in found if span is not None]

    def pieces(self, render: Render) -> dict[Span, str]:
        """A digest of each of its pieces, by frames."""
        committed = self.committed(render)
        return {span: sha256(self.work().read(name)).hexdigest() for span, name in committed}

    def work(self) -> DirectoryObjects:
        """The work bucket itself."""
        return DirectoryObjects(self.place.work, "work")

    @property
    def bus(self) -> SqliteBus:
        """The pipeline's own bus."""
        return SqliteBus(self.place.bus, source="//clipline/tests")

    def done(self) -> Sequence[RenderDone]:
        """What downstream was told, repeats and all."""
        return [from_json(letter.data, RenderDone) for letter in self.told(DONE)]

    def told_bodies(self) -> Sequence[bytes]:
        """The same, byte for byte."""
        return [letter.data for letter in self.told(DONE)]

    def dead_letters(self) -> Sequence[RenderDeadLetter]:
        """What lies on the desk, repeats and all."""
        waiting = [from_json(letter.data, RenderDeadLetter) for letter in self.told(DEAD_LETTERS)]
        kept = [one.letter for one in self.desk() if one.letter and one.letter not in waiting]
        return sorted((*kept, *waiting), key=lambda letter: letter.at)

    def desk(self) -> list[DeadLetterRecord]:
        """What the desk keeps, the last failure first."""
        return list(laptop_desk(self.place).letters.find(Wanted()))

    def told(self, subscription: str) -> Sequence[ReceivedMessage]:
        """The messages of one subscription that nobody has taken yet."""
        return self.bus.peek(subscription)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`python -m infra.laptop up`, or a worker, as its parent sees it."""

    process: "subprocess.Popen[str]"
    itself: Process

    def wait_until_up(self) -> None:
        """Until it says so; fails the test if it ends instead."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("Up."), said

    def family(self) -> Sequence[Process]:
        """It and all that descend from it."""
        found = [self.itself]
        for one in found:
            found.extend(one.children)
        return found

    def freeze(self) -> set[Process]:
        """SIGSTOP for the whole family, so that nobody starts another meanwhile; returns it."""
        stopped: set[Process] = set()
        while more := set(self.family()) - stopped:
            for one in more:
                one.send(signal.SIGSTOP)
            stopped |= more
        return stopped

    def kill_all(self) -> None:
        """SIGKILL for the whole family."""
        family = self.freeze()
        for one in family:
            one.send(signal.SIGKILL)
        self.process.wait()
        until(lambda: not any(one.alive for one in family), "all of them are gone", 5)

    def kill_parent(self) -> set[Process]:
        """SIGKILL for the pipeline's own process alone; returns its orphans, who are frozen."""
        orphans = self.freeze() - {self.itself}
        self.itself.send(signal.SIGKILL)
        self.process.wait()
        return orphans

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and return its exit status."""
        self.itself.send(number)
        return self.process.wait(PATIENCE)


@contextmanager
def a_home(
    folder: Path, tasks: int = 2, environment: Mapping[str, str] | None = None
) -> Iterator[Home]:
    """A home in that folder; nothing runs there yet, and nothing afterwards."""
    home = Home(Laptop(home=folder / "laptop"), tasks, environment or {})
    try:
        yield home
    finally:
        home.end()


def _processes(pids: Iterable[str]) -> Sequence[Process]:
    found = ((int(pid), _birth(int(pid))) for pid in pids)
    return [Process(pid, born) for pid, born in found if born]


def _birth(pid: int) -> str:
    """When it was started (proc(5), stat, field 22); nothing for one that is gone or a zombie."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if fields and fields[0] not in "ZX" else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_bytes().decode(errors="replace")
    except OSError:
        return ""
