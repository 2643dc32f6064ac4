"""A failure looked for once more, with the task's own code and nothing of it left behind."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from functions.core.plan import make_plan
from functions.core.render import Render
from functions.ports import NotRenderable
from functions.settings import Laptop
from functions.wiring import laptop_desk, laptop_ports
from infra.laptop.subscriptions import subscriptions
from schemas import names
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload, render_id
from schemas.plan import Order
from schemas.spec import parse_spec
from schemas.wire import to_json
from tests.pipeline.desk import KILLED, NOW, Place, failed
from tests.pipeline.laptop import small_video
from tests.pipeline.test_replay import everything

NAME = "acme/holiday.mp4"
SPEC = '{"outputs": [{"height": 32, "quality": "small"}]}'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(Laptop(home=tmp_path / "home"))
    made.bus.declare(subscriptions())
    return made


@dataclass(frozen=True)
class Videos:
    """One of 8 s, and one that its plan says so of but that ends after 5 s."""

    whole: Path
    short: Path


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    folder = tmp_path_factory.mktemp("videos")
    whole, short = (small_video(folder / f"{s}.mp4", seconds=s, height=90) for s in (8, 5))
    return Videos(whole, short)


def a_failure(place: Place, whole: Path, stands: Path, cause: Failure) -> Render:
    """A render that was planned for the whole video, and whose upload is the one that stands."""
    parts = laptop_ports(place.home)
    info = parts.uploads.upload(NAME, whole, if_generation_match=None)
    media = parts.prober.probe(parts.uploads, NAME, generation=info.generation)
    info = parts.uploads.upload(NAME, stands, if_generation_match=None)
    upload = Upload(bucket="uploads", name=NAME, generation=info.generation)
    plan = make_plan(upload, media, parse_spec(SPEC), folder=names.output_folder(upload))
    id = render_id(upload)
    render = replace(failed(id, cause), upload=upload, media=media, plan=plan, attempt=3)
    parts.renders.save(render, version=0)
    order = Order(
        render=id, attempt=3, lane="laptop/cpu", encoder_class="x/1/t1", tasks=2, deadline=NOW
    )
    parts.work.write(names.order(id, 3), to_json(order))
    return render


def logged(place: Place, render: Render, *lines: str) -> None:
    place.home.logs.mkdir(parents=True, exist_ok=True)
    path = place.home.logs / f"{render.id}-0003-0.log"
    path.write_text("".join(f"2026-11-24 09:30:0{n},000 {one}\n" for n, one in enumerate(lines)))


def test_only_the_same_failure_exits_0_and_who_fetched_is_on_record(
    place: Place, videos: Videos
) -> None:
    render = a_failure(place, videos.whole, videos.short, KILLED)
    before = everything(place.home)
    done = place.clipline("reproduce", render.id, "--by", "ana", "--json")
    assert done.returncode == 1, done
    first, second, third = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["what"], first["outcome"]) == ("the sound of full", "success")
    assert (second["outcome"], third["outcome"]) == ("success", "other")
    assert third["failure"]["failure"] == "input"
    assert len(third["commands"]) == 2, "once by seeking, and once from the beginning"
    assert third["ordered_class"] == "x/1/t1"
    assert everything(place.home) == before
    (fetch,) = laptop_desk(place.home).letters.fetches(limit=9)
    assert (fetch.by, fetch.render, fetch.upload) == ("ana", render.id, render.upload)
    (line,) = place.said("fetches")
    assert "ana  uploads/acme/holiday.mp4" in line

    cause = Failure(**{**third["failure"], "failure": FailureClass.INPUT})
    laptop_ports(place.home).renders.save(replace(render, failure=cause), version=1)
    done = place.clipline("reproduce", render.id)
    assert done.returncode == 0, done
    assert done.stderr.splitlines()[1:] == [f"Making {third['what']}."], "its own words tell it"
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"The same failure ({cause.fingerprint}): {third['what']}")


def test_what_goes_well_now_exits_1(place: Place, videos: Videos) -> None:
    render = a_failure(place, videos.whole, videos.whole, KILLED)
    parts = laptop_ports(place.home)
    assert render.plan is not None
    (output,), (first, second) = render.plan.outputs, render.plan.outputs[0].chunks
    parts.work.write(names.piece(render.id, output.id, "k" * 16, first), b"piece")
    lines = [f"{first.start}-{first.end}", f"{second.start}-{second.end}"]
    begun = [f"encode {render.id} {output.id} {span}" for span in lines]
    logged(place, render, f"sound {render.id} full", *begun)
    done = place.clipline("reproduce", render.id)
    assert done.returncode == 1, done
    assert done.stderr.splitlines()[-1] == f"Making frames {second} of {output.id}."
    assert done.stdout.splitlines()[0].startswith("$ /")
    assert "another ffmpeg may behave otherwise" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"It went well: frames {second} of {output.id}")


def test_a_refused_upload_is_looked_at_again(place: Place) -> None:
    parts = laptop_ports(place.home)
    info = parts.uploads.write(NAME, b"no video at all")
    upload = Upload(bucket="uploads", name=NAME, generation=info.generation)
    with pytest.raises(NotRenderable) as refused:
        parts.prober.probe(parts.uploads, NAME, generation=info.generation)
    id = render_id(upload)
    render = replace(failed(id, refused.value.failure), upload=upload, media=None, attempts=())
    parts.renders.save(render, version=0)
    said = place.clipline("reproduce", id)
    assert said.returncode == 0
    assert said.stdout.splitlines()[-1].startswith("The same failure (")


def test_what_cannot_be_done_again_is_refused(place: Place, videos: Videos) -> None:
    render = a_failure(place, videos.whole, videos.whole, KILLED)
    parts = laptop_ports(place.home)
    parts.uploads.delete(NAME)
    done = place.clipline("reproduce", render.id)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == f"Not reproduced: '{NAME}' was deleted.\n"
    assert laptop_desk(place.home).letters.fetches(limit=9) == ()
    joined = Failure(
        failure=FailureClass.INTERNAL, reason="output_not_verified", message="a seam is broken"
    )
    parts.renders.save(replace(render, failure=joined), version=1)
    assert "made none itself" in place.clipline("reproduce", render.id).stderr
    parts.renders.save(replace(render, failure=None), version=2)
    done = place.clipline("reproduce", render.id)
    assert (done.returncode, "never failed" in done.stderr) == (4, True)


def test_upload_and_pieces_stay_where_they_are_wanted(
    place: Place, videos: Videos, tmp_path: Path
) -> None:
    render = a_failure(place, videos.whole, videos.whole, KILLED)
    kept = tmp_path / "kept"
    assert place.clipline("reproduce", render.id, "--keep", str(kept)).returncode == 1
    assert (kept / "uploads" / NAME).stat().st_size == videos.whole.stat().st_size
    assert list((kept / "work").rglob("*.mp4"))
    assert place.clipline("reproduce", render.id, "--keep", str(kept)).returncode == 2
