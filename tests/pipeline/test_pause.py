"""The kill switch, as people use it: over a laptop's state."""

from dataclasses import replace
from pathlib import Path

import pytest

from functions.core.observations import Tick
from functions.core.render import State
from functions.handle import handle
from functions.settings import Laptop
from functions.sweep import sweep
from functions.wiring import laptop_ports
from tests.lanes import laptop_lane
from tests.pipeline.desk import Place
from tests.unit.makers import requested, upload


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Laptop(home=tmp_path / "home"))


def test_a_pause_holds_what_is_uploaded_and_a_resumption_lets_it_go(place: Place) -> None:
    lane = replace(laptop_lane("libx264/9.0/t1", 1), executions=9)
    ports = laptop_ports(place.home, lane)
    said = place.said("pause", "--all", "--reason", "the bill", "--by", "ada")
    assert said[0].startswith("Paused: everything.")
    assert said[1] == "To go on: clipline resume --all --reason '…'"
    renders = [handle(requested(upload=upload(name=f"t/{n}.mp4")), ports) for n in range(3)]
    for render in renders:
        assert render is not None
        assert render.state is State.WAITING
        assert "everything is paused by ada since" in render.why
        assert render.why.endswith(": the bill")
    sweep(ports)
    assert ports.renders.running(lane.id) == 0
    assert "everything is paused by ada" in place.said("lanes")[0]
    assert any("is paused by ada" in line for line in place.said("why", renders[0].id))  # type: ignore[union-attr]  # asserted above
    (told,) = place.told("clipline.lane-state.v1", "lanes")
    assert (told["id"], told["opening"], told["running"]) == (lane.id, "open", 0)
    assert told["paused"].startswith("everything is paused by ada")
    (why,) = place.told("clipline.render-why.v1", "why", renders[0].id)  # type: ignore[union-attr]  # asserted above
    assert (why["state"], why["now"]["lane"], why["now"]["weighed"]) == ("waiting", None, [])
    assert "is paused by ada" in why["now"]["why"]
    assert place.said("resume", "--all", "--reason", "paid") == ["Resumed: everything."]
    for render in renders:
        assert render is not None
        handle(Tick(render=render.id), ports)
    assert ports.renders.running(lane.id) == 3
    log = place.said("pauses")
    assert log[0] == "Nothing is paused."
    assert log[1].endswith("resumed all: paid")
    assert log[2].endswith("ada paused all: the bill")


def test_what_makes_no_sense_is_refused_with_what_would(place: Place) -> None:
    place.home.state.mkdir(parents=True)
    assert place.clipline("pause", "--reason", "x").returncode == 2
    assert place.clipline("pause", "--all", "--tenant", "acme", "--reason", "x").returncode == 2
    unknown = place.clipline("pause", "--lane", "laptop/gpu", "--reason", "x")
    assert unknown.returncode == 4
    assert unknown.stderr == "There is no lane 'laptop/gpu': there are laptop/cpu.\n"
    place.said("pause", "--lane", "laptop/cpu", "--reason", "x")
    other = place.clipline("resume", "--tenant", "acme", "--reason", "x")
    assert other.returncode == 4
    assert other.stderr == (
        "tenant acme is not paused. What is: clipline resume --lane laptop/cpu.\n"
    )


def test_programs_are_told_which_pauses_hold(place: Place) -> None:
    place.home.state.mkdir(parents=True)
    kind = "clipline.switching.v1"
    assert place.told(kind, "pauses") == []
    (paused,) = place.told(kind, "pause", "--all", "--reason", "the bill", "--by", "ada")
    assert (paused["reach"], paused["paused"], paused["holds"]) == ("all", True, True)
    (resumed,) = place.told(kind, "resume", "--all", "--reason", "paid", "--by", "ben")
    assert (resumed["reach"], resumed["paused"], resumed["holds"]) == ("all", False, False)
    place.said("pause", "--tenant", "acme", "--reason", "a flood", "--by", "ada")
    told = [
        (one["reach"], one["name"], one["paused"], one["by"], one["reason"], one["holds"])
        for one in place.told(kind, "pauses")
    ]
    assert told == [
        ("tenant", "acme", True, "ada", "a flood", True),
        ("all", "", False, "ben", "paid", False),
        ("all", "", True, "ada", "the bill", False),
    ]
