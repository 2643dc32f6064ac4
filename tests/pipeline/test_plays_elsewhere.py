"""Every preset in every kind, opened by readers that share nothing with what made and verified it.

`tests/readers` reads what is delivered from the standards' text, and MediaInfo, whose demuxer is
its own, says what it finds. Both are held to what was promised; what is damaged on purpose shows
that the readers would notice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

import pytest

from render_job.errors import Exit
from schemas.plan import SAMPLE_RATE, OutputPlan
from schemas.presets import PRESETS
from tests.absent import absent
from tests.pipeline.workshop import Workshop, workshop
from tests.readers import Broken
from tests.readers.avc import check_samples, read_avc
from tests.readers.cues import read_cues
from tests.readers.fragments import read_segments
from tests.readers.images import image_size
from tests.readers.movie import Track, read_movie
from tests.readers.playlist import read_playlist
from tests.sources import SAMPLE, Sources

SPEC = """{"clips": [{"name": "a", "start": 0.5, "end": END}], "outputs": [
    {"preset": "PRESET", "name": "film"},
    {"preset": "PRESET", "name": "stream", "kind": "hls"},
    {"preset": "PRESET", "name": "still", "kind": "poster"},
    {"preset": "PRESET", "name": "sheet", "kind": "thumbnails", "width": 160, "height": 90}]}"""
PNG = """{"outputs": [{"kind": "poster", "image": "png"}]}"""
HIGH = 100
"""The H.264 profile that players have known since 2008."""
MOST_LEVEL = 42
"""4.2: enough for 1920x1080 at 60 frames a second, and what phones decode."""
LEAD_IN = Fraction(1024, SAMPLE_RATE)
"""Of AAC, in seconds: its encoder begins with a frame that is not to be heard."""


@pytest.fixture(scope="module")
def preview(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The smallest, and two segments long: to be damaged."""
    return rendered(sources, tmp_path_factory.mktemp("preview"), "preview", end=7.2)


@pytest.fixture(scope="module", params=PRESETS)
def made(
    preview: Workshop,
    sources: Sources,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Workshop:
    """One clip, from within the source, in all four kinds of the preset; a large one is short."""
    if request.param == "preview":
        return preview
    return rendered(sources, tmp_path_factory.mktemp("elsewhere"), request.param, end=2.9)


def rendered(sources: Sources, folder: Path, preset: str, *, end: float) -> Workshop:
    """Of a source as high as `web-720`, or of a small one at a rate that is no integer."""
    source = SAMPLE if preset.startswith("web-") else sources.path("ntsc")
    it = workshop(source, folder, SPEC.replace("PRESET", preset).replace("END", str(end)))
    assert it.run() is Exit.REPORTED
    assert it.failures() == []
    return it


def planned(made: Workshop, output: str) -> OutputPlan:
    return next(plan for plan in made.task.plan.outputs if plan.output == output)


def files(made: Workshop) -> Mapping[str, bytes]:
    """All that was delivered of the clip, by the name from its folder on."""
    at = made.fetched() / "team/a/a"
    return {str(p.relative_to(at)): p.read_bytes() for p in at.rglob("*") if p.is_file()}


def check_pictures(track: Track, plan: OutputPlan) -> None:
    """The planned frames, evenly, a key frame wherever the grid says and nowhere else."""
    avc = read_avc(track.entry)
    assert (avc.width, avc.height) == track.size == (plan.width, plan.height)
    assert (avc.profile, avc.level <= MOST_LEVEL) == (HIGH, True)
    assert len(track.samples) == plan.frames
    assert track.seconds == plan.frames / plan.frame_rate
    keys = [number for number, sample in enumerate(track.samples) if sample.sync]
    assert keys == list(range(0, plan.frames, plan.gop))
    assert {b - a for a, b in pairwise(track.times)} == {1 / plan.frame_rate}
    check_samples(track.samples, avc)


def check_film(data: bytes, plan: OutputPlan) -> None:
    """Pictures and sound begin and end together, to the sample."""
    movie = read_movie(data)
    assert movie.faststart
    assert set(movie.tracks) == {"vide", "soun"}
    pictures, sound = movie.tracks["vide"], movie.tracks["soun"]
    check_pictures(pictures, plan)
    assert pictures.times[0] == 0
    assert pictures.played == plan.frames / plan.frame_rate
    assert (sound.coding, sound.timescale) == ("mp4a", SAMPLE_RATE)
    samples = round(plan.frames / plan.frame_rate * SAMPLE_RATE)
    assert sound.played == Fraction(samples, SAMPLE_RATE)
    assert sound.times[0] == -LEAD_IN
    assert sound.times[0] + sound.seconds >= sound.played
    assert abs(movie.seconds - pictures.played) <= Fraction(1, SAMPLE_RATE)


def check_stream(found: Mapping[str, bytes], plan: OutputPlan) -> Sequence[bytes]:
    """Segments as long as is said, each of which begins with a key frame; the sound's samples."""
    told = read_playlist(found["stream.m3u8"])
    segments = read_segments(found[told.init], [found[name] for _, name in told.segments])
    for (seconds, _), tracks in zip(told.segments, segments, strict=True):
        assert tracks["vide"].samples[0].sync
        assert abs(tracks["vide"].seconds - seconds) < Fraction(1, 10**6)
    pictures, sound = (joined([part[kind] for part in segments]) for kind in ("vide", "soun"))
    check_pictures(pictures, plan)
    assert pictures.edits == sound.edits == ()
    lead = pictures.times[0] - sound.times[0]
    assert abs(lead - LEAD_IN) < Fraction(1, SAMPLE_RATE)
    return [sample.data for sample in sound.samples]


def joined(parts: Sequence[Track]) -> Track:
    """The track with the samples of all its segments."""
    return replace(parts[0], samples=[sample for part in parts for sample in part.samples])


def test_an_mp4_is_what_was_promised_to_the_last_byte(made: Workshop) -> None:
    check_film(files(made)["film.mp4"], planned(made, "film"))


def test_hls_is_the_same_by_the_rules_of_its_rfc(made: Workshop) -> None:
    found, plan = files(made), planned(made, "stream")
    assert found["stream.m3u8"].count(b"#EXTINF") == ceil(plan.frames / plan.segment_frames)
    sound = check_stream(found, plan)
    film = read_movie(found["film.mp4"]).tracks["soun"]
    assert sound == [sample.data for sample in film.samples]


def test_a_poster_is_one_image_of_its_size(made: Workshop) -> None:
    plan = planned(made, "still")
    assert image_size(files(made)["still.jpg"]) == (plan.width, plan.height)


def test_the_cues_of_thumbnails_tile_the_clip_and_lie_in_their_sheet(made: Workshop) -> None:
    found, film = files(made), planned(made, "film")
    cues = read_cues(found["sheet.vtt"])
    assert len(cues) == planned(made, "sheet").frames
    assert cues[0].start == 0
    assert all(one.end == other.start for one, other in pairwise(cues))
    assert abs(cues[-1].end - film.frames / film.frame_rate) <= Fraction(1, 2000)
    assert len({(cue.x, cue.y) for cue in cues}) == len(cues)
    (image,) = {cue.image for cue in cues}
    width, height = image_size(found[image])
    assert {(cue.width, cue.height) for cue in cues} == {(160, 90)}
    assert all(cue.x % 160 == cue.y % 90 == 0 for cue in cues)
    assert all(cue.x + 160 <= width and cue.y + 90 <= height for cue in cues)


def test_a_poster_as_png_is_whole_as_well(sources: Sources, tmp_path: Path) -> None:
    it = workshop(sources.path("ntsc"), tmp_path, PNG)
    assert it.run() is Exit.REPORTED
    (name,) = it.names()
    assert image_size((it.fetched() / name).read_bytes()) == (160, 90)


@pytest.mark.parametrize("output", ["film", "stream"])
def test_mediainfo_finds_what_was_promised(output: str, made: Workshop, tmp_path: Path) -> None:
    try:
        from pymediainfo import MediaInfo
    except ImportError as error:
        absent(error)
    found, plan, path = files(made), planned(made, output), tmp_path / "it.mp4"
    if output == "stream":  # as a player reads it: the init segment, then one after the other
        told = read_playlist(found["stream.m3u8"])
        path.write_bytes(b"".join(found[n] for n in (told.init, *(n for _, n in told.segments))))
    else:
        path.write_bytes(found["film.mp4"])
    media = MediaInfo.parse(path)
    (pictures,), (sound,) = media.video_tracks, media.audio_tracks
    assert (pictures.format, sound.format) == ("AVC", "AAC")
    assert (pictures.width, pictures.height) == (plan.width, plan.height)
    assert int(pictures.frame_count) == plan.frames
    assert pictures.frame_rate_mode == "CFR"
    assert abs(pictures.duration - 1000 * plan.frames / plan.frame_rate) <= 1
    assert sound.sampling_rate == SAMPLE_RATE
    assert abs(sound.duration - pictures.duration) <= 1 + 2000 * LEAD_IN


def patched(
    kind: str, at: int, by: int, *, size: int = 4, nth: int = 0
) -> Callable[[bytes], bytes]:
    """Adds to a number `at` bytes behind the letters of the nth box of that kind."""

    def patch(data: bytes) -> bytes:
        place = -1
        for _ in range(nth + 1):
            place = data.index(kind.encode(), place + 1)
        place += 4 + at
        number = int.from_bytes(data[place : place + size], "big") + by
        return data[:place] + number.to_bytes(size, "big") + data[place + size :]

    return patch


FILM_DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "a chunk begins 4 bytes later": patched("stco", 8, 4),
    "a chunk begins after the end": patched("stco", 8, 1 << 30),
    "a sample is a byte longer": patched("stsz", 12, 1),
    "one sample fewer": patched("stts", 8, -1),
    "samples last longer": patched("stts", 12, 1),
    "a picture is shown a tick later": patched("ctts", 12, 1),
    "a key frame is another": patched("stss", 12, 1),
    "the pictures begin later": patched("elst", 12, 512),
    "the sound begins later": patched("elst", 12, 1, nth=1),
    "the sound is played longer": patched("elst", 8, 1000, nth=1),
    "the header says another size": patched("tkhd", 76, 2 << 16),
    "the header says another length": patched("mvhd", 16, 9000),
    "the coding is for another size": patched("avc1", 24, 2, size=2, nth=1),
    "the level is another": patched("avcC", 3, 1, size=1),
    "a unit is a byte longer": patched("mdat", 0, 1),
    "a box is longer than the file": lambda data: data[:-1],
    "bytes belong to nobody": lambda data: data + b"\0\0\0\x0cmdatabcd",
    "the index comes last": lambda data: moved_last(data),
}


def moved_last(data: bytes) -> bytes:
    """The index behind the pictures, its offsets mended."""
    size = int.from_bytes(data[data.index(b"moov") - 4 :][:4], "big")
    at = data.index(b"moov") - 4
    moov, rest = data[at : at + size], data[:at] + data[at + size :]
    for nth in range(2):
        place = -1
        for _ in range(nth + 1):
            place = moov.index(b"stco", place + 1)
        count = int.from_bytes(moov[place + 8 : place + 12], "big")
        for n in range(count):
            moov = patched("stco", 8 + 4 * n, -size, nth=nth)(moov)
    return rest + moov


@pytest.mark.parametrize("damage", FILM_DAMAGES)
def test_what_is_wrong_in_an_mp4_is_noticed(damage: str, preview: Workshop) -> None:
    data, plan = files(preview)["film.mp4"], planned(preview, "film")
    check_film(data, plan)
    with pytest.raises((Broken, AssertionError)):
        check_film(FILM_DAMAGES[damage](data), plan)


STREAM_DAMAGES: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a fragment is later": ("00001", patched("tfdt", 11, 1, size=1)),
    "a fragment begins elsewhere": ("00001", patched("trun", 8, 1)),
    "a sample is a byte longer": ("00000", patched("trun", 16, 1)),
    "a fragment has another number": ("00001", patched("mfhd", 4, 1)),
    "a byte is missing": ("00000", lambda data: data[:-1]),
    "a segment has no key frame": ("00001", patched("trun", 12, 0x010000)),
    "an init segment of another size": ("init", patched("tkhd", 76, 2 << 16)),
    "a length that is not true": ("m3u8", lambda data: data.replace(b"#EXTINF:6", b"#EXTINF:5")),
    "no end": ("m3u8", lambda data: data.replace(b"#EXT-X-ENDLIST\n", b"")),
    "too short a target": ("m3u8", lambda data: data.replace(b"DURATION:7", b"DURATION:5")),
    "no init segment": ("m3u8", lambda data: data.replace(b"#EXT-X-MAP:URI=", b"#EXT-X-MAP:")),
}


@pytest.mark.parametrize("damage", STREAM_DAMAGES)
def test_what_is_wrong_in_hls_is_noticed(damage: str, preview: Workshop) -> None:
    found, plan = files(preview), planned(preview, "stream")
    word, change = STREAM_DAMAGES[damage]
    (name,) = (name for name in found if name.startswith("stream") and word in name)
    assert change(found[name]) != found[name]
    check_stream(found, plan)
    with pytest.raises((Broken, AssertionError)):
        check_stream({**found, name: change(found[name])}, plan)
