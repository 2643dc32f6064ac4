"""`clipline doctor`, over places of which one thing is wrong."""

import json
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.adapters.sqlite_renders import SqliteRenders
from functions.core.render import State
from functions.settings import Laptop
from infra.laptop.incarnation import Incarnation
from tests.pipeline import forked
from tests.pipeline.desk import NOW, ROOMY, Place, failed

KIND = "clipline.doctor-finding.v1"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Laptop(home=tmp_path / "home"))


def found(place: Place, what: str, **more: str) -> dict[str, Any]:
    """The one finding about that; the status says whether all is well."""
    around = place.around()
    env = {**around["env"], **more}
    done = forked.clipline(("doctor", "--json"), cwd=around["cwd"], env=env)
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert done.returncode == (0 if all(one["well"] for one in findings) else 1)
    assert all(bool(one["mend"]) is not one["well"] for one in findings)
    (one,) = (one for one in findings if one["what"] == what)
    return dict(one)


def test_where_all_is_well_it_says_so_of_each_thing(place: Place) -> None:
    whats = [one["what"] for one in place.told(KIND, "doctor")]
    assert whats == ["python", "ffmpeg", "pyav", "cores", "room", "pipeline", "lanes"]
    said = place.said("doctor")
    assert all(line.startswith("ok   ") for line in said)
    assert said[-1] == "ok   1 lane: laptop/cpu"


def test_a_file_of_lanes_that_does_not_load_is_told_with_its_fault(place: Place) -> None:
    broken = replace(place, lanes=ROOMY.replace("executions", "exeuctions"))
    done = broken.clipline("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    said, mend = done.stdout.splitlines()[-2:]
    assert said.startswith("BAD  ")
    assert "exeuctions" in said
    assert mend == "     mend: correct the file that CLIPLINE_LANES_FILE names, or name another"
    assert not found(place, "lanes", CLIPLINE_LANES_FILE="/no/such/file")["well"]
    many = "".join(ROOMY.replace("laptop/cpu", f"laptop/{name}") for name in "abcde")
    assert found(replace(place, lanes=many), "lanes")["text"] == (
        "5 lanes: laptop/a, laptop/b, laptop/c, laptop/d and 1 more"
    )


def test_no_pipeline_is_wrong_only_where_a_render_waits_for_one(place: Place) -> None:
    place.home.state.mkdir(parents=True)
    renders = SqliteRenders(place.home.renders)
    renders.save(failed("r-1"), version=0)
    assert found(place, "pipeline")["well"]
    renders.save(replace(failed("r-2"), state=State.WAITING), version=0)
    down = found(place, "pipeline")
    assert (down["well"], down["mend"]) == (False, "make up")
    assert down["text"].endswith("and 1 render is not at its end")
    leading = Incarnation(place.home.state)
    assert found(place, "pipeline")["text"] == f"a pipeline is up in {place.home.home}"
    leading.leave()
    assert not found(place, "pipeline")["well"]


def test_a_clock_behind_what_has_happened_is_wrong(place: Place) -> None:
    renders = SqliteRenders(place.home.renders)
    renders.save(failed("r-1"), version=0)
    assert found(place, "clock")["well"]
    renders.save(replace(failed("r-2"), updated_at=NOW + timedelta(days=1)), version=0)
    assert not found(place, "clock")["well"]


def test_an_emulator_that_is_named_must_answer(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert found(place, "emulator", CLIPLINE_BATCH_EMULATOR=address)["well"]
    gone = found(place, "emulator", PUBSUB_EMULATOR_HOST=address)
    assert gone["text"] == f"PUBSUB_EMULATOR_HOST is {address}, where nobody answers"
    assert gone["mend"].endswith("unset PUBSUB_EMULATOR_HOST")
    for wrong in ("8085", "localhost:", "localhost:http", "localhost:65536"):
        assert "is no HOST:PORT" in found(place, "emulator", PUBSUB_EMULATOR_HOST=wrong)["text"]


def test_a_place_that_is_none_is_told(place: Place) -> None:
    assert "CLIPLINE_PLACE" in found(place, "place", CLIPLINE_PLACE="moon")["text"]
    cloud = found(place, "place", CLIPLINE_PLACE="cloud")
    assert cloud["text"].startswith("CLIPLINE_PROJECT is not set")
    assert not found(place, "lanes", CLIPLINE_PLACE="cloud")["well"]
    place.home.home.write_text("no folder")
    assert found(place, "home")["text"].startswith(f"{place.home.home} is no folder")


def test_a_deployment_is_told_by_its_settings_alone(place: Place) -> None:
    around = place.around()
    told = forked.clipline(("--project", "acme-video", "doctor"), **around).stdout
    assert "ok   project acme-video, database clipline, buckets acme-video-clipline-uploads" in told


def test_state_that_cannot_be_opened_is_told_and_the_rest_is_looked_at_all_the_same(
    place: Place,
) -> None:
    place.home.state.mkdir(parents=True)
    place.home.renders.write_text("no database\n" * 1000)
    told = found(place, "state")
    assert str(place.home.renders) in told["text"]
    assert "make reset" in told["mend"]
    assert found(place, "lanes")["well"]
    listed = place.clipline("renders")
    assert (listed.returncode, listed.stdout) == (74, "")
    assert listed.stderr.startswith(f"{place.home.renders} cannot be opened (")
    assert listed.stderr.count("\n") == 1
