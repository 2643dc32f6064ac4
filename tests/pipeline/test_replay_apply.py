"""A plan that is applied: exactly what it says, once, and no further than is well."""

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from functions.core.render import Render, State
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_desk, laptop_ports
from infra.laptop.subscriptions import subscriptions
from ops.replay_apply import BEAT, LOOK_EVERY, Run
from ops.replay_file import PlanRefused, read
from ops.replay_watch import Stopped
from schemas.events import ReplayRender
from schemas.failures import Failure, FailureClass
from schemas.subscriptions import ReceivedMessage
from schemas.wire import from_json
from tests.pipeline import forked
from tests.pipeline.desk import KILLED, ROOMY, Place
from tests.pipeline.laptop import until
from tests.pipeline.test_replay import a_failure, plan

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

OTHER = Failure(failure=FailureClass.INTERNAL, reason="bug", message="a bug")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(Laptop(home=tmp_path / "home"))
    made.bus.declare(subscriptions())
    return made


@pytest.fixture
def parts(place: Place) -> Ports:
    return laptop_ports(place.home)


@dataclass
class World:
    """The pipeline, as far as a replay needs it: it moves while `apply` pauses."""

    place: Place
    parts: Ports
    becomes: Callable[[Render], Render]
    pauses: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        take(self.place, self.parts, self.becomes)

    def run(self, path: Path, canary: int = 2, **changes: object) -> Run:
        plain = Run(
            plan=read(path),
            ports=self.parts,
            desk=laptop_desk(self.place.home),
            by="ana",
            reason="the disk was full",
            canary=canary,
            per_minute=30,
            tell=self.lines.append,
            pause=self.pause,
            now=lambda: sum(self.pauses),
        )
        return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


def take(place: Place, parts: Ports, becomes: Callable[[Render], Render]) -> None:
    """Every command that waits is taken, as the machine takes it: once."""
    for message in asked(place):
        command = from_json(message.data, ReplayRender)
        stored = parts.renders.load(command.render)
        assert stored is not None
        if stored.render.replayed_at is None or command.at > stored.render.replayed_at:
            render = replace(stored.render, replayed_at=command.at, failure=None)
            parts.renders.save(becomes(render), version=stored.version)
        place.bus.ack(f"{message.message_id}/1/start-render")


def asked(place: Place) -> list[ReceivedMessage]:
    return list(place.bus.peek("start-render"))


def done(render: Render) -> Render:
    return replace(render, state=State.DONE)


def failed_with(cause: Failure) -> Callable[[Render], Render]:
    return lambda render: replace(render, state=State.FAILED, failure=cause, failures=2)


def _is_enough(place: Place, target: int, process: "ForkServerProcess") -> bool:
    return len(asked(place)) >= target or not process.is_alive()


def a_plan(place: Place, parts: Ports, path: Path, count: int) -> Path:
    for number in range(count):
        a_failure(place, parts, f"acme/{number}.mp4")
    plan(place, path)
    return path


def whats(place: Place) -> list[str]:
    return [one.what for one in laptop_desk(place.home).letters.audits(limit=99)]


def test_a_few_first_then_all_at_the_rate(place: Place, parts: Ports, tmp_path: Path) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 7)
    world = World(place, parts, done)
    run = world.run(path)
    run.go()
    take(place, parts, done)
    assert run.asked == 7
    assert {render.state for render in parts.renders.newest(limit=99)} == {State.DONE}
    at_the_rate = [pause for pause in world.pauses if pause != LOOK_EVERY]
    assert sum(at_the_rate) == pytest.approx(2 * 5)
    assert max(world.pauses) <= BEAT, "it says so every second that it is alive"
    assert whats(place) == ["finished", "begun"]
    (line,) = world.lines
    assert line == "Waiting for the first 2 to end."


def test_poison_stops_within_the_canary(place: Place, parts: Ports, tmp_path: Path) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 20)
    for cause in (KILLED, OTHER):
        run = World(place, parts, failed_with(cause)).run(path)
        with pytest.raises(Stopped, match="failed"):
            run.go()
        assert run.asked <= 2
    taken = [r for r in parts.renders.newest(limit=99) if r.replayed_at is not None]
    assert len(taken) + len(asked(place)) == 2
    assert whats(place)[0].startswith("stopped: ")


def test_the_old_fingerprint_stops_it_later_too(place: Place, parts: Ports, tmp_path: Path) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 30)
    good = iter([True] * 10)

    def turns(render: Render) -> Render:
        return done(render) if next(good, False) else failed_with(KILLED)(render)

    run = World(place, parts, turns).run(path)
    with pytest.raises(Stopped, match=KILLED.fingerprint):
        run.go()
    assert 10 < run.asked < 20


def test_a_world_that_moved_is_refused_with_what_moved_and_nothing_is_done(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 4)
    parts.uploads.delete("acme/1.mp4")
    (first,) = parts.renders.of_upload("uploads", "acme/2.mp4")
    parts.renders.save(replace(first, failures=2), version=1)
    said = place.clipline("replay", "apply", str(path), "--reason", "x")
    assert said.returncode == 4
    assert "'acme/1.mp4' was deleted." in said.stderr
    assert "has failed again meanwhile." in said.stderr
    assert asked(place) == []
    assert whats(place) == []


def test_what_moves_while_it_runs_is_left_out_and_said(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 4)

    def deletes(render: Render) -> Render:
        parts.uploads.delete("acme/0.mp4")
        parts.uploads.delete("acme/3.mp4")
        return done(render)

    world = World(place, parts, deletes)
    run = world.run(path, canary=1)
    run.go()
    assert run.asked + run.left_out == 4
    assert run.left_out in (1, 2)
    assert sum("was deleted" in line for line in world.lines) == run.left_out


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "longer", "foreign", "swapped"])
def test_a_file_that_is_not_the_plan_is_refused(
    place: Place, parts: Ports, tmp_path: Path, harm: str
) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 2)
    lines = path.read_bytes().splitlines(keepends=True)
    read(path)
    harmed = {
        "cut": lines[:-1],
        "changed": [lines[0], lines[1].replace(b'"failures":1', b'"failures":2'), *lines[2:]],
        "empty": [],
        "longer": [*lines, lines[1]],
        "foreign": [b"no plan\n"],
        "swapped": [lines[0], lines[2], lines[1], lines[3]],
    }
    path.write_bytes(b"".join(harmed[harm]))
    with pytest.raises(PlanRefused):
        read(path)


def test_killed_at_random_and_given_again_it_loses_and_doubles_nothing(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    """Between two kills some of what was asked for is taken, and some still waits."""
    draw, roomy = random.Random(8), replace(place, lanes=ROOMY)
    path = a_plan(place, parts, tmp_path / "plan", 60)
    words = ["replay", "apply", str(path), "--canary", "0", "--rate", "1000000"]
    commands: dict[str, set[bytes]] = {}
    taken: list[str] = []

    def taking(render: Render) -> Render:
        taken.append(render.id)
        return replace(render, state=State.RENDERING)

    def hear() -> None:
        for message in asked(place):
            commands.setdefault(message.attributes["ce-id"], set()).add(message.data)

    for _ in range(8):
        before = len(asked(place))
        target = before + draw.randint(0, 9)
        one = (*words, "--reason", f"try {draw.random()}")
        process = forked.started(one, said=(os.devnull, os.devnull), **roomy.around())
        until(partial(_is_enough, place, target, process), "some are asked for")
        process.kill()
        process.join()
        process.close()
        hear()
        if draw.random() < 0.5:
            take(place, parts, taking)
    roomy.said(*words, "--reason", "the last time")
    hear()
    take(place, parts, taking)
    assert len(commands) == 60
    assert all(len(bodies) == 1 for bodies in commands.values())
    assert (len(taken), len(set(taken))) == (60, 60)
    noted = laptop_desk(place.home).letters.audits(limit=99)
    assert noted[0].what == "finished"
    assert noted[-1].what == "begun"
    assert len({one.reason for one in noted}) == 1
    told = [json.loads(line) for line in place.said("replay", "audit", "--json")]
    assert [one["what"] for one in told] == [one.what for one in noted]
