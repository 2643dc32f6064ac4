"""Watermarks and captions from the bucket to the picture, or to a refusal that costs no machine."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from functions.adapters.directory_objects import DirectoryObjects
from functions.core.render import State
from functions.forgotten import find_forgotten
from functions.handle import handle
from functions.intake import admit
from functions.settings import Laptop
from functions.spec_origin import SPEC_METADATA
from functions.wiring import laptop_ports
from render_job.errors import RenderFault
from render_job.overlays import MOST_KEPT, Overlays
from schemas.assets import LARGEST_CAPTIONS_BYTES, Asset
from schemas.events import ObjectFinalized, RenderRequested, UploadRefused
from schemas.failures import FailureClass
from schemas.ids import Upload, render_id
from schemas.plan import OutputPlan
from schemas.ports import ObjectInfo, ObjectMissing
from tests.lanes import laptop_lane
from tests.pipeline.test_cloud_stores import STUDIO, Cloud, Orders, Outbox
from tests.sources import Sources, frame_md5s, tool

SRT = b"1\n00:00:00,500 --> 00:00:02,000\nHello\n"
FILM = "acme/films/a.mp4"
WISH: dict[str, Any] = {
    "width": 90,
    "height": 160,
    "fit": "blur",
    "watermark": {"image": "brand/logo.png", "corner": "top-left", "width": 30},
    "captions": {"file": "films/a.srt"},
}


@pytest.fixture(scope="module")
def film(sources: Sources) -> Path:
    return sources.path("brief")


@pytest.fixture(scope="module")
def logo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("logo") / "logo.png"
    words = ["-f", "lavfi", "-i", "color=red:s=40x20", "-frames:v", "1"]
    tool("-nostdin", "-v", "error", *words, str(path))
    return path.read_bytes()


@pytest.fixture
def place(tmp_path: Path, logo: bytes) -> Cloud:
    """A laptop's stores with a logo and captions in them; attempts run in this process."""
    outbox, orders = Outbox(), Orders()
    lane = laptop_lane(STUDIO.encoder_class, 1)
    ports = laptop_ports(Laptop(home=tmp_path / "home"), lane)
    ports = replace(ports, publisher=outbox, backends={lane.id: orders})
    ports.uploads.write("acme/brand/logo.png", logo)
    ports.uploads.write("acme/films/a.srt", SRT)
    return Cloud(ports=ports, outbox=outbox, orders=orders, scratch=tmp_path / "scratch")


def uploaded(place: Cloud, film: Path, *outputs: dict[str, Any], name: str = FILM) -> Upload:
    spec = {SPEC_METADATA: json.dumps({"outputs": outputs})}
    info = place.ports.uploads.upload(name, film, if_generation_match=None, metadata=spec)
    return Upload(bucket="uploads", name=name, generation=info.generation)


def told_of(upload: Upload, place: Cloud) -> ObjectFinalized:
    info = place.ports.uploads.stat(upload.name)
    assert info is not None
    return ObjectFinalized(
        bucket="uploads", name=upload.name, generation=info.generation, at=info.updated
    )


def test_what_a_spec_names_is_drawn_on_the_output(place: Cloud, film: Path, tmp_path: Path) -> None:
    upload = uploaded(place, film, WISH, {**WISH, "name": "bare", "watermark": None})
    place.run(told_of(upload, place))
    stored = place.ports.renders.load(render_id(upload))
    assert stored is not None
    assert stored.render.state is State.DONE, stored.render.failure
    files = {}
    for done in stored.render.outputs:
        assert done.certificate.verified
        files[done.output_id] = tmp_path / f"{done.output_id.replace('/', '-')}.mp4"
        place.ports.outputs.download(done.delivered.name, files[done.output_id])
    marked, bare = files["full/90x160"], files["full/bare"]
    assert frame_md5s(marked) != frame_md5s(bare)
    corner = tmp_path / "corner.raw"
    inside = "crop=20:8:8:8,scale=1:1:flags=area,format=rgb24"
    words = ("-frames:v", "1", "-vf", inside, "-f", "rawvideo")
    tool("-nostdin", "-v", "error", "-i", str(marked), *words, str(corner))
    red, green, blue = corner.read_bytes()
    assert red > 200
    assert max(green, blue) < 60


def test_a_request_holds_the_generations_that_were_looked_at(place: Cloud, film: Path) -> None:
    upload = uploaded(place, film, WISH)
    admit(told_of(upload, place), place.ports)
    (told,) = place.outbox.told
    assert isinstance(told, RenderRequested)
    stats = [place.ports.uploads.stat(n) for n in ("acme/brand/logo.png", "acme/films/a.srt")]
    assert [a.generation for a in told.assets] == [info.generation for info in stats if info]
    assert (told.assets[0].width, told.assets[0].height) == (40, 20)


@pytest.mark.parametrize(
    ("wish", "field", "value", "limit"),
    [
        (
            {"watermark": {"image": "gone.png"}},
            *("outputs[1].watermark.image", "gone.png", "put acme/gone.png there first"),
        ),
        (
            {"watermark": {"image": "films/text.png"}},
            *("outputs[1].watermark.image", "no PNG, JPEG or WebP", "a PNG, JPEG or WebP of at"),
        ),
        (
            {"captions": {"file": "films/bad.srt"}},
            *("outputs[1].captions.file films/bad.srt", "line 2: 00:00:09", "ends after it starts"),
        ),
        (
            {"captions": {"file": "films/long.vtt"}},
            *("outputs[1].captions.file", f"{LARGEST_CAPTIONS_BYTES + 1} bytes", "at most 512 KiB"),
        ),
    ],
    ids=["missing", "no image", "bad captions", "too long"],
)
def test_a_file_that_will_not_do_is_a_fault_of_the_spec_and_costs_no_machine(
    wish: dict[str, Any], field: str, value: str, limit: str, place: Cloud, film: Path
) -> None:
    uploads = place.ports.uploads
    uploads.write("acme/films/text.png", b"a text")
    uploads.write("acme/films/bad.srt", b"1\n00:00:09,000 --> 00:00:01,000\nx")
    uploads.write("acme/films/long.vtt", b"x" * (LARGEST_CAPTIONS_BYTES + 1))
    upload = uploaded(place, film, {"name": "plain"}, {"name": "b", **wish})
    place.run(told_of(upload, place))
    refused = next(e for e in place.outbox.told if isinstance(e, UploadRefused))
    assert refused.failure.failure is FailureClass.SPEC
    assert refused.failure.message.startswith(f"{field} is ")
    assert value in refused.failure.message
    assert limit in refused.failure.message
    stored = place.ports.renders.load(render_id(upload))
    assert stored is not None
    assert stored.render.state is State.FAILED
    assert stored.render.attempt == 0


def test_no_other_tenants_file_can_be_named(place: Cloud, film: Path) -> None:
    upload = uploaded(place, film, WISH, name="rival/a.mp4")
    place.run(told_of(upload, place))
    refused = next(e for e in place.outbox.told if isinstance(e, UploadRefused))
    assert "put rival/brand/logo.png there first" in refused.failure.message


def test_a_file_that_specs_name_is_no_upload_itself(place: Cloud) -> None:
    for name in ("acme/brand/logo.png", "acme/films/a.srt"):
        admit(told_of(Upload(bucket="uploads", name=name, generation=0), place), place.ports)
    find_forgotten(place.ports)
    assert place.outbox.told == []


@dataclass
class Counted:
    """Uploads that count what is read."""

    store: DirectoryObjects
    reads: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        self.reads[name] += 1
        return self.store.read_range(name, start, length, generation=generation)


def planned(place: Cloud, film: Path) -> OutputPlan:
    upload = uploaded(place, film, WISH)
    place.orders.orders.clear()
    admit(told_of(upload, place), place.ports)
    (told,) = place.outbox.told
    assert isinstance(told, RenderRequested)
    render = handle(told, place.ports)
    assert render is not None
    assert render.plan is not None
    return render.plan.outputs[0]


def test_a_task_fetches_each_file_once(place: Cloud, film: Path, tmp_path: Path) -> None:
    output = planned(place, film)
    store = place.ports.uploads
    assert isinstance(store, DirectoryObjects)
    counted = Counted(store)
    overlays = Overlays(uploads=counted, images=place.ports.images)
    drawn = [overlays.drawn(output, tmp_path) for _ in range(3)]
    assert len({*drawn}) == 1
    assert drawn[0].mark is not None
    assert drawn[0].mark.stat().st_size == 40 * 20 * 4
    assert counted.reads == {"acme/brand/logo.png": 1, "acme/films/a.srt": 1}


def test_a_task_keeps_a_few_files_and_fetches_others_again(
    place: Cloud, film: Path, logo: bytes, tmp_path: Path
) -> None:
    output, store = planned(place, film), place.ports.uploads
    assert isinstance(store, DirectoryObjects)
    assert output.watermark is not None
    many = []
    for number in range(MOST_KEPT + 1):
        info = store.write(f"acme/{number}.png", logo)
        asset = replace(output.watermark.asset, name=info.name, generation=info.generation)
        many.append(replace(output, watermark=replace(output.watermark, asset=asset)))
    counted = Counted(store)
    overlays = Overlays(uploads=counted, images=place.ports.images)
    for one in (*many, many[-1], many[0]):
        overlays.drawn(one, tmp_path)
    reads = [counted.reads[f"acme/{number}.png"] for number in range(MOST_KEPT + 1)]
    assert reads == [2, *[1] * MOST_KEPT]


def test_a_later_chunk_never_has_other_bytes_on_it(
    place: Cloud, film: Path, tmp_path: Path
) -> None:
    output = planned(place, film)
    newer: ObjectInfo = place.ports.uploads.write("acme/brand/logo.png", b"another image")
    overlays = Overlays(uploads=place.ports.uploads, images=place.ports.images)
    with pytest.raises(ObjectMissing):
        overlays.drawn(output, tmp_path)
    asset = Asset(name=newer.name, generation=newer.generation, size_bytes=newer.size_bytes)
    assert output.watermark is not None
    other = replace(output, watermark=replace(output.watermark, asset=asset))
    with pytest.raises(RenderFault) as caught:
        overlays.drawn(other, tmp_path)
    assert caught.value.failure.reason == "asset_unreadable"
