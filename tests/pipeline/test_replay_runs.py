"""How far an apply is, told and ended from another terminal."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_desk, laptop_ports
from infra.laptop.subscriptions import subscriptions
from ops.replay_file import read
from ops.replay_watch import Stopped
from tests.pipeline.desk import ROOMY, Place
from tests.pipeline.test_replay_apply import World, a_plan, asked, done, take, whats


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(Laptop(home=tmp_path / "home"))
    made.bus.declare(subscriptions())
    return made


@pytest.fixture
def parts(place: Place) -> Ports:
    return laptop_ports(place.home)


@dataclass
class Watched(World):
    """A run beside which somebody does something once, in its pause after the third renders."""

    deed: Callable[[], None] = lambda: None
    asked_then: int = -1

    def pause(self, seconds: float) -> None:
        if self.asked_then < 0 and len(asked(self.place)) >= 3:
            self.asked_then = len(asked(self.place))
            self.deed()
        self.pauses.append(seconds)


def statuses(place: Place, *words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in place.said("replay", "status", "--json", *words)]


def test_from_another_terminal_it_is_told_and_stopped_before_anything_more(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 8)
    seen: list[dict[str, object]] = []

    def stops() -> None:
        seen.extend(statuses(place))
        said = place.said("replay", "stop", str(path), "--reason", "the disk fills", "--by", "ben")
        assert said[0] == "Asked for: it stops before it asks for anything more."

    world = Watched(place, parts, done, deed=stops)
    with pytest.raises(Stopped, match="ben asked for it: the disk fills"):
        world.run(path, canary=0).go()
    (during,) = seen
    assert (during["state"], during["replays"]) == ("running", 8)
    assert during["through"] in (2, 3), "it says so every second"
    assert len(asked(place)) == world.asked_then == 3
    (after,) = statuses(place, str(path))
    assert (after["state"], after["through"]) == ("stopped", 3)
    assert whats(place)[:2] == [
        "stopped: ben asked for it: the disk fills",
        "stop asked for",
    ]
    again = place.clipline("replay", "stop", str(path), "--reason", "x")
    assert (again.returncode, again.stderr) == (4, "Refused: it is stopped already.\n")


def test_a_stopped_plan_is_applied_again_and_goes_on(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 6)

    def stops() -> None:
        place.said("replay", "stop", read(path).end.digest[:9], "--reason", "a moment")

    with pytest.raises(Stopped):
        Watched(place, parts, done, deed=stops).run(path, canary=0).go()
    take(place, parts, done)
    run = World(place, parts, done).run(path, canary=0)
    run.go()
    take(place, parts, done)
    assert run.asked == 3
    lines = place.said("replay", "status", str(path))
    assert "finished  6 of 6 behind it" in lines[0]
    assert lines[-1].split() == ["6", "done"]


def test_one_that_says_nothing_any_more_was_interrupted_and_can_be_stopped(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    path = a_plan(place, parts, tmp_path / "plan", 6)

    def dies() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Watched(place, parts, done, deed=dies).run(path, canary=0).go()
    letters = laptop_desk(place.home).letters
    (run,) = letters.runs(limit=9)
    assert statuses(place)[0]["state"] == "running", "it may only be slow"
    letters.note_run(replace(run, seen_at=run.seen_at - timedelta(seconds=16)))
    assert statuses(place)[0]["state"] == "interrupted"
    (stopped,) = place.told("clipline.replay-run.v1", "replay", "stop", str(path), "--reason", "x")
    assert stopped["state"] == "stopped"
    assert statuses(place) == [stopped]


def test_an_apply_tells_programs_how_it_ended_and_people_on_stderr(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    path, place = a_plan(place, parts, tmp_path / "plan", 2), replace(place, lanes=ROOMY)
    words = ("replay", "apply", str(path), "--canary", "0", "--reason", "x", "--json")
    ended = place.clipline(*words)
    assert ended.returncode == 0
    assert json.loads(ended.stdout) == statuses(place)[0]
    assert json.loads(ended.stdout)["state"] == "finished"
    assert ended.stderr.startswith("Asked for 2 of 2, 0 left out.\n")


def test_where_nothing_was_applied_that_is_said(place: Place, parts: Ports, tmp_path: Path) -> None:
    assert place.said("replay", "status") == ["No plan was applied."]
    path = a_plan(place, parts, tmp_path / "plan", 1)
    assert place.said("replay", "status", str(path))[0] == "That plan was not applied."
    assert place.clipline("replay", "stop", str(path), "--reason", "x").returncode == 3
