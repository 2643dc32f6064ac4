"""A render's way, as programs follow it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from functions.adapters.sqlite_renders import SqliteRenders
from functions.core.render import Render, State
from functions.settings import Laptop
from functions.wiring import laptop_ports
from ops.paper import Paper
from ops.watch import Watch
from tests.pipeline.desk import KILLED, Place, failed
from tests.unit.makers import NOW, accepted, after, rendering, started, verified
from tests.unit.tellers import PREEMPTED, TWO_LANES, done, next_attempt

KIND = "clipline.watch-line.v1"


def test_each_thing_that_happens_is_one_line_and_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = rendering()
    waits = replace(first, state=State.WAITING, why="every lane is full")
    launched = next_attempt(first, PREEMPTED, frames=120)
    second = after(launched, accepted(launched), started(launched), now=NOW, facts=TWO_LANES)
    last = after(second, verified(second), now=NOW, facts=TWO_LANES)
    seen: list[Render | None] = [None, first, first, waits, waits, launched, second, last, last]
    view = Watch(
        console=Paper(), ports=laptop_ports(Laptop(home=tmp_path)), since=NOW, as_json=True
    )
    assert view.follow(lambda: seen.pop(0), lambda _: not seen) == last
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["what"], one["attempt"]) for one in lines] == [
        ("accepted", None),
        ("started", 1),
        ("waiting", None),
        ("lost", 1),
        ("started", 2),
        ("stitched", None),
        ("verified", None),
    ]
    assert lines[2]["text"] == "every lane is full"
    assert lines[3]["text"] == PREEMPTED.message
    assert lines[-1]["output_id"] == last.outputs[0].output_id


def test_the_last_line_is_its_end_and_the_status_says_it_too(tmp_path: Path) -> None:
    place = Place(Laptop(home=tmp_path / "home"))
    place.home.state.mkdir(parents=True)
    whole = replace(done(), pending=())
    store = SqliteRenders(place.home.renders)
    store.save(whole, version=0)
    store.save(failed("r-7f"), version=0)
    told = place.told(KIND, "watch", whole.id)
    assert [one["what"] for one in told] == ["accepted", "started", "stitched", "verified", "done"]
    assert {one["render"] for one in told} == {whole.id}
    lost = place.clipline("watch", "r-7f", "--json")
    assert (lost.returncode, lost.stderr) == (1, "")
    (*_, last) = map(json.loads, lost.stdout.splitlines())
    assert (last["what"], last["text"]) == ("failed", KILLED.message)
