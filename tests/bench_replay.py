"""What a replay of very many dead letters loses and doubles, how fast it goes, and where it stops.

Run as `python -m tests.bench_replay kills|rates|pace|memory [--letters N] [--folder DIR]`.
The bus, the stores and the state machine are the real ones; nothing is rendered: who takes a
command here is `functions.handle`, over a laptop's lane whose executions nobody runs.

`kills` gives an `apply` of all letters SIGKILL at random moments and the same command again, with
the commands taken in between, some of them twice. `rates` says how many a second are collected,
planned, looked over and asked for. `memory` says the most that the command's own process has
resident in each of these steps: as much for ten times as many. `pace` says what rate a healthy
thousand has against its limit, and how many of a poisoned thousand are asked for before it stops.
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from functions.core.render import State
from functions.desk import Wanted
from functions.handle import handle
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_desk, laptop_ports
from infra.laptop.subscriptions import subscriptions
from ops.rate import Rate
from ops.replay_apply import Run
from ops.replay_file import read, write
from ops.replay_moved import moved
from ops.replay_watch import Stopped
from schemas.events import ReplayRender
from schemas.replay_plan import PlanHead
from schemas.wire import from_json
from tests.lanes import laptop_lane
from tests.pipeline import forked
from tests.pipeline.desk import ROOMY, Place
from tests.pipeline.laptop import until
from tests.pipeline.test_replay import a_failure

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

T = TypeVar("T")
COMMANDS = "start-render"
LONGEST_LIFE = 1.0
"""Seconds that an apply lives on after it asked for something."""
KILLED_EARLY = 0.1
"""Of all kills: before it has asked for anything, in its first seconds."""
A_MINUTE = 6000
"""The rate of the applies that are killed, so that a life asks for some dozens."""


@dataclass(kw_only=True)
class Desk:
    """A laptop's state with that many dead letters, and who takes its commands."""

    folder: Path
    letters: int
    place: Place = field(init=False)
    parts: Ports = field(init=False)
    heard: dict[str, set[bytes]] = field(default_factory=dict)
    """Every command that was ever on the bus: its bodies by event id."""
    taken: Counter[str] = field(default_factory=Counter)
    """How often each render was replayed: its state moved on."""

    def __post_init__(self) -> None:
        # With room for all of them: it is the rate that is measured, not how apply is held back.
        self.place = Place(Laptop(home=self.folder), lanes=ROOMY)
        self.place.bus.declare(subscriptions())
        lane = replace(laptop_lane("libx264/0/t1", 1), executions=2 * self.letters)
        self.parts = laptop_ports(self.place.home, lane)
        for number in range(self.letters):
            a_failure(self.place, self.parts, f"acme/{number}.mp4")

    def collected(self) -> float:
        """Seconds until the desk has all of them."""
        began = time.monotonic()
        laptop_desk(self.place.home).collect(datetime.now(UTC))
        return time.monotonic() - began

    def planned(self) -> Path:
        """The plan's file."""
        path = self.folder / "plan"
        head = PlanHead(made_at=datetime.now(UTC))
        _, end = write(head, Wanted(), laptop_desk(self.place.home), self.parts, path)
        assert end.replays == self.letters, end
        return path

    def waiting(self) -> int:
        """How many commands are on the bus."""
        held = self.place.bus.backlogs(datetime.now(UTC))
        return sum(one.depth for one in held if one.subscription == COMMANDS)

    def take(self, draw: random.Random | None = None) -> None:
        """Every command on the bus is taken, by the real machine; some twice."""
        while received := self.place.bus.pull(COMMANDS, 500, datetime.now(UTC)):
            for one in received:
                command = from_json(one.data, ReplayRender)
                self.heard.setdefault(one.attributes["ce-id"], set()).add(one.data)
                for _ in range(2 if draw and draw.random() < 0.1 else 1):
                    before = self._version(command.render)
                    handle(command, self.parts)
                    self.taken[command.render] += self._version(command.render) != before
                self.place.bus.ack(one.ack_id)

    def _version(self, render: str) -> int:
        stored = self.parts.renders.load(render)
        return stored.version if stored else 0

    def apply(self, path: Path, *words: str) -> "ForkServerProcess":
        """`clipline replay apply`, in a process of its own."""
        given = ("replay", "apply", str(path), "--canary", "0", "--reason", "the disk was full")
        said = [self.folder / name for name in ("stdout", "stderr")]
        return forked.started((*given, *words), said=said, **self.place.around())


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of a plan whose apply was killed so often."""

    letters: int
    kills: int
    early: int
    """Kills before anything was asked for in that life."""
    lost: int
    """Renders that were not replayed."""
    doubled: int
    """Renders that were replayed more than once, or commands that came in two wordings."""
    seconds: float


def kills(desk: Desk, path: Path, count: int, seed: int) -> Tally:
    """Kill it that often; then let it go to its end."""
    draw, early, began = random.Random(seed), 0, time.monotonic()
    for _ in range(count):
        before, asks = desk.waiting(), draw.random() >= KILLED_EARLY
        process = desk.apply(path, "--rate", str(A_MINUTE))
        if asks:
            until(_asked_more(desk, process, before), "it asked for more, or ended", 600)
        time.sleep(draw.uniform(0, LONGEST_LIFE))
        process.kill()
        process.join()
        early += desk.waiting() == before
        if draw.random() < 0.5:
            desk.take(draw)
    process = desk.apply(path, "--rate", "1000000")
    process.join()
    assert process.exitcode == 0, (desk.folder / "stderr").read_text()
    desk.take(draw)
    took = desk.taken
    worded_twice = sum(len(bodies) > 1 for bodies in desk.heard.values())
    return Tally(
        letters=desk.letters,
        kills=count,
        early=early,
        lost=desk.letters - len(took),
        doubled=sum(times > 1 for times in took.values()) + worded_twice,
        seconds=time.monotonic() - began,
    )


def _asked_more(desk: Desk, process: "ForkServerProcess", before: int) -> Callable[[], bool]:
    return lambda: desk.waiting() > before or not process.is_alive()


# ── how fast ─────────────────────────────────────────────────────────────────────────────────


def rates(desk: Desk) -> None:
    """Each step alone, in one process, by wall clock and by the CPU time of this process."""
    print(f"{'':12} {'a second':>10} {'a CPU second':>13}")
    place = laptop_desk(desk.place.home)
    _timed("collected", desk.letters, lambda: place.collect(datetime.now(UTC)))
    path = _timed("planned", desk.letters, desk.planned)
    plan = read(path)
    _timed("looked over", desk.letters, lambda: list(moved(plan, desk.parts)))
    run = _run(desk, path, rate=1e9)
    _timed("applied", desk.letters, run.go)
    assert run.asked == desk.letters


def _timed(what: str, count: int, step: Callable[[], T]) -> T:
    wall, cpu = time.monotonic(), time.process_time()
    value = step()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(f"{what:12} {count / wall:10.0f} {count / cpu:13.0f}")
    return value


def _run(desk: Desk, path: Path, *, rate: float, canary: int = 0) -> Run:
    return Run(
        plan=read(path),
        ports=desk.parts,
        desk=laptop_desk(desk.place.home),
        by="bench",
        reason="to see how fast it goes",
        canary=canary,
        per_minute=rate,
        tell=lambda line: None,
    )


# ── how much memory ──────────────────────────────────────────────────────────────────────────


def memory(desk: Desk) -> None:
    """The largest resident set of each command's own process, as the kernel counted it."""
    path = str(desk.folder / "plan")
    _resident(desk, "nothing", ("--version",))
    _resident(desk, "collected", ("dead-letters", "--limit", "1"))
    _resident(desk, "planned", ("replay", "plan", "--out", path))
    many = ("--canary", "0", "--rate", "1e9", "--reason", "to see how much it needs")
    _resident(desk, "applied", ("replay", "apply", path, *many))
    assert desk.waiting() == desk.letters
    _resident(desk, "told", ("replay", "status", path))


# Of its own image: what `wait4` counts begins with that of the process it was forked from.
_COUNTED = """
import sys
from pathlib import Path
out = Path(sys.argv.pop(1))
from ops.cli import main
try:
    main()
finally:
    out.write_text(Path("/proc/self/status").read_text())
"""


def _resident(desk: Desk, what: str, words: tuple[str, ...]) -> None:
    out = desk.folder / "status"
    subprocess.run(
        [sys.executable, "-c", _COUNTED, str(out), *words],
        check=True,
        stdout=subprocess.DEVNULL,
        **desk.place.around(),
    )
    found = re.search(r"VmHWM:\s+(\d+) kB", out.read_text())
    assert found is not None
    print(f"{what:12} {int(found[1]) / 1024:8.1f} MiB", flush=True)


# ── at what rate, and how far ────────────────────────────────────────────────────────────────


def pace(healthy: Desk, poisoned: Desk, per_minute: float) -> None:
    """A healthy batch against its limit, and a poisoned one that stops."""
    run = _run(healthy, healthy.planned(), rate=per_minute)
    run.go()
    told = [one.publish_time for one in healthy.place.bus.peek(COMMANDS)]
    # What came after the first group came at the rate.
    first = Rate(per_minute=per_minute).size
    got = (len(told) - first) / (told[-1] - told[0]).total_seconds() * 60
    print(f"healthy: {run.asked} asked for, {got:.0f} a minute where {per_minute:.0f} were allowed")

    def fails(seconds: float) -> None:
        """All that was asked for fails as before, while the run waits."""
        for one in poisoned.place.bus.pull(COMMANDS, 500, datetime.now(UTC)):
            command = from_json(one.data, ReplayRender)
            stored = poisoned.parts.renders.load(command.render)
            assert stored is not None
            again = replace(stored.render, state=State.FAILED, replayed_at=command.at, failures=2)
            poisoned.parts.renders.save(again, version=stored.version)
            poisoned.place.bus.ack(one.ack_id)

    run = replace(_run(poisoned, poisoned.planned(), rate=per_minute, canary=3), pause=fails)
    try:
        run.go()
    except Stopped as stop:
        print(f"poison:  {run.asked} of {poisoned.letters} asked for, then stopped: {stop}")


def main() -> None:
    """Measure what is asked for, and say it."""
    parser = argparse.ArgumentParser(prog="tests.bench_replay", description=__doc__)
    parser.add_argument("what", choices=("kills", "rates", "pace", "memory"))
    parser.add_argument("--letters", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1200, help="renders a minute, for `pace`")
    parser.add_argument("--folder", type=Path, help="where to work, such as /dev/shm")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=told.folder) as folder:
        desk = Desk(folder=Path(folder) / "home", letters=told.letters)
        print(f"{told.letters} failed renders and their dead letters stand.", flush=True)
        if told.what == "rates":
            rates(desk)
            return
        if told.what == "memory":
            memory(desk)
            return
        desk.collected()
        if told.what == "kills":
            print(kills(desk, desk.planned(), told.kills, told.seed))
            return
        poisoned = Desk(folder=Path(folder) / "poisoned", letters=told.letters)
        poisoned.collected()
        pace(desk, poisoned, told.rate)


if __name__ == "__main__":
    main()
