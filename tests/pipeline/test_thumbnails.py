"""Thumbnails: the cues tile the clip, and each picture is that of the middle of its cue."""

import re
from pathlib import Path

import av
import pytest

from render_job.errors import Exit
from schemas.kinds import Kind
from tests.pipeline.test_poster import picture, psnr
from tests.pipeline.workshop import Workshop, workshop
from tests.sources import Sources

SPEC = """{"clips": [{"name": "a", "start": 1, "end": 8.3}],
           "outputs": [{"height": 90, "quality": "lossless", "name": "film"},
                       {"kind": "thumbnails", "height": 90, "every": 1, "columns": 3}]}"""


@pytest.fixture(scope="module")
def made(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("sheet")
    it = workshop(sources.path("ntsc"), folder, SPEC)
    assert it.run() is Exit.REPORTED
    assert it.failures() == []
    return it


def test_its_cues_tile_the_clip(made: Workshop) -> None:
    text = (made.fetched() / "team/a/a/thumbnails.vtt").read_text()
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.001\nthumbnails/")
    times = re.findall(r"(\S+) --> (\S+)", text)
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]
    assert times[-1][1] == "00:00:07.307"
    assert len(times) == 7


def test_each_picture_is_the_middle_of_its_cue(made: Workshop) -> None:
    folder = made.fetched() / "team/a/a"
    text = (folder / "thumbnails.vtt").read_text()
    places = re.findall(r"(\S+)#xywh=(\d+),(\d+),160,90", text)
    sheet = picture(folder / places[0][0])
    assert (sheet.width, sheet.height) == (3 * 160, 3 * 90)
    for number in (0, 4, 6):
        x, y = int(places[number][1]), int(places[number][2])
        tile = cut_out(sheet, x, y)
        likeness = {n: psnr(tile, picture(folder / "film.mp4", n * 30 + 15)) for n in range(7)}
        assert max(likeness, key=lambda n: likeness[n]) == number, likeness


def cut_out(sheet: "av.VideoFrame", x: int, y: int) -> "av.VideoFrame":
    graph = av.filter.Graph()
    source = graph.add_buffer(width=sheet.width, height=sheet.height, format=sheet.format,
                              time_base=sheet.time_base)  # fmt: skip
    crop, sink = graph.add("crop", f"160:90:{x}:{y}"), graph.add("buffersink")
    source.link_to(crop)
    crop.link_to(sink)
    graph.configure()
    graph.push(sheet)
    tile = graph.pull()
    assert isinstance(tile, av.VideoFrame)
    return tile


def test_its_sheet_stands_before_it_is_named(made: Workshop) -> None:
    certificate = made.certificate("a/thumbnails")
    assert certificate.companions is not None
    assert (certificate.kind, certificate.frames) == (Kind.THUMBNAILS, 7)
    order = sorted(made.outputs.list("team/a/a/thumbnails"), key=lambda info: info.generation)
    assert [info.name.rpartition("/")[2] for info in order] == [
        "sheet.jpg",
        "SHA256SUMS",
        "thumbnails.vtt",
    ]


@pytest.mark.parametrize(
    ("end", "wish", "tiles"), [(0.05, "", 1), (2.5, "", 1), (3.1, "", 2), (9, ', "every": 0.2', 45)]
)
def test_clips_of_any_length_have_at_least_one(
    end: float, wish: str, tiles: int, sources: Sources, tmp_path: Path
) -> None:
    spec = f'{{"clips": [{{"end": {end}}}], "outputs": [{{"kind": "thumbnails"{wish}}}]}}'
    it = workshop(sources.path("ntsc"), tmp_path, spec)
    assert it.run() is Exit.REPORTED
    assert it.failures() == []
    assert it.certificate("full/thumbnails").frames == tiles
