"""HLS is the clip that an MP4 is: the same packets, cut at GOPs, whoever opens it."""

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import pytest

from render_job.errors import Exit
from schemas.kinds import Kind
from tests.pipeline.workshop import Workshop, workshop
from tests.sources import Sources, frame_md5s, tool

SPEC = """{"loudness": -20, "clips": [{"name": "a", "end": 9.3}],
           "outputs": [{"height": 90, "name": "film"}, {"kind": "hls", "height": 90}]}"""
RATE = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def made(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("hls")
    it = workshop(sources.path("ntsc"), folder, SPEC)
    assert it.run() is Exit.REPORTED
    assert it.failures() == []
    return it


@pytest.fixture(scope="module")
def copy(made: Workshop) -> Path:
    return made.fetched() / "team/a/a"


def test_its_playlist_stands_after_all_that_it_names(made: Workshop, copy: Path) -> None:
    last = max(made.outputs.list(), key=lambda info: info.generation)
    assert last.name == "team/a/a/hls-90.m3u8"
    names = [line for line in (copy / "hls-90.m3u8").read_text().splitlines() if line[0] != "#"]
    assert len(names) == 2
    assert all((copy / name).exists() for name in names)


def test_it_and_the_film_are_joined_of_pieces_that_were_made_once(
    made: Workshop, copy: Path
) -> None:
    home = f"renders/{made.task.plan.render}/pieces/"
    names = [info.name for info in made.task.tools.work.list(home)]
    assert len(names) == made.task.plan.chunks == len(made.task.plan.outputs[0].chunks)
    assert all(name.startswith(f"{home}a/film/") for name in names)
    assert made.certificate("a/film").pieces == made.certificate("a/hls-90").pieces == len(names)


def test_its_segments_are_as_long_as_it_says(copy: Path) -> None:
    text = (copy / "hls-90.m3u8").read_text()
    told = [Fraction(line[8:-1]) for line in text.splitlines() if line.startswith("#EXTINF:")]
    assert told[0] == pytest.approx(180 / RATE, abs=1e-6)
    assert float(sum(told)) == pytest.approx(float(279 / RATE), abs=2e-6)


def test_another_demuxer_plays_the_same_pictures_and_sound_at_the_same_times(copy: Path) -> None:
    film, playlist = copy / "film.mp4", copy / "hls-90.m3u8"
    assert frame_md5s(film) == frame_md5s(playlist)
    sound = [
        tool(
            "-nostdin",
            "-v",
            "error",
            "-i",
            str(path),
            "-map",
            "0:a",
            "-c",
            "copy",
            "-f",
            "md5",
            "-",
        )
        for path in (film, playlist)
    ]
    assert sound[0] == sound[1]
    times: dict[str, list[Fraction]] = {"video": [], "audio": []}
    with av.open(str(playlist)) as container:
        for packet in container.demux():
            if packet.size and packet.pts is not None and packet.time_base:
                times[packet.stream.type].append(packet.pts * packet.time_base)
    assert len(times["video"]) == 279
    lead = min(times["video"]) - min(times["audio"])
    assert abs(lead - Fraction(1024, 48_000)) < Fraction(1, 48_000)


def test_every_file_is_what_the_list_of_digests_says(made: Workshop, copy: Path) -> None:
    certificate = made.certificate("a/hls-90")
    companions = certificate.companions
    assert companions is not None
    sums = copy / companions.folder / "SHA256SUMS"
    assert hashlib.sha256(sums.read_bytes()).hexdigest() == companions.sums_sha256
    lines = [line.split("  ") for line in sums.read_text().splitlines()]
    assert len(lines) + 1 == companions.files == 4
    for sha256, name in lines:
        assert hashlib.sha256((copy / name).read_bytes()).hexdigest() == sha256
    playlist = (copy / "hls-90.m3u8").read_bytes()
    assert hashlib.sha256(playlist).hexdigest() == certificate.sha256
    assert (certificate.kind, certificate.drift_samples) == (Kind.HLS, 0)
    assert certificate.loudness == made.certificate("a/film").loudness


def test_made_again_after_a_death_in_the_middle_it_is_the_same(
    made: Workshop, tmp_path: Path
) -> None:
    for info in made.outputs.list():
        if info.name.endswith((".m3u8", "00001.m4s")):
            made.outputs.delete(info.name)
    for info in list(made.task.tools.work.list(f"renders/{made.task.plan.render}/delivered/")):
        made.task.tools.work.delete(info.name)
    before = {info.name: info.generation for info in made.outputs.list()}
    assert made.run() is Exit.REPORTED
    assert made.failures() == []
    after = {info.name: info.generation for info in made.outputs.list()}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 2
