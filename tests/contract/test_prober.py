"""The prober over real uploads: honest ones against the truth, odd and hostile ones."""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any

import av
import pytest

from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.probe_verdict import judge, judge_size
from functions.adapters.pyav_probe import ProberBroken, PyavProber
from functions.ports import NotRenderable
from schemas.failures import Failure, FailureClass
from schemas.media import AudioStream, Media
from schemas.ports import ObjectMissing
from schemas.uploads import LIMITS
from tests.sources import SAMPLE, Sources, media_of

if TYPE_CHECKING:
    import subprocess

MOVIE = SAMPLE.read_bytes()


@dataclass(frozen=True, slots=True)
class Desk:
    """Uploads a file and has it looked at."""

    store: DirectoryObjects
    folder: Path

    def probe(self, source: Path | bytes, name: str = "film.mp4", **prober: Any) -> Media:
        if isinstance(source, bytes):
            path = self.folder / "source"
            path.write_bytes(source)
            source = path
        info = self.store.upload(name, source, if_generation_match=None)
        return PyavProber(**prober).probe(self.store, name, generation=info.generation)

    def refusal(self, source: Path | bytes, **prober: Any) -> Failure:
        with pytest.raises(NotRenderable) as refused:
            self.probe(source, **prober)
        failure = refused.value.failure
        assert failure.failure is FailureClass.INPUT
        assert failure.message.startswith("'film.mp4' ")
        assert failure.message.endswith(".")
        assert failure.field
        assert failure.value
        assert failure.limit
        return failure


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(DirectoryObjects(tmp_path / "uploads", "uploads"), tmp_path)


def remuxed(
    path: Path,
    options: dict[str, str] | None = None,
    shift: Callable[[int, "av.Packet[av.VideoStream]"], None] = lambda number, packet: None,
) -> Path:
    """The sample's packets in another container, each after `shift` had its way with it."""
    with av.open(str(SAMPLE)) as movie, av.open(str(path), "w", options=options) as copy:
        source = movie.streams.video[0]
        target = copy.add_stream_from_template(source)
        for number, packet in enumerate(movie.demux(source)):
            if packet.size:
                shift(number, packet)
                packet.stream = target
                copy.mux(packet)
    return path


def test_the_sample_is_what_it_is_said_to_be(desk: Desk) -> None:
    media = desk.probe(SAMPLE)
    assert media.size_bytes == SAMPLE.stat().st_size
    assert media.seekable
    assert media.audio is not None
    assert media.audio.codec == "aac"
    video = media.video
    assert (video.codec, video.width, video.height, video.rotation) == ("h264", 1280, 720, 0)
    assert (video.frames, video.frame_rate, video.duration) == (720, Fraction(24), Fraction(30))
    assert video.largest_gap * video.time_base == Fraction(1, 24)


@pytest.mark.parametrize(
    "name",
    [
        "edited",
        "hole",
        "interlaced",
        "late_picture",
        "rotated",
        "transport",
        "hdr",
        "hlg",
        "open_gop",
        "open_gop_hevc",
        "fragmented",
        "wrapped",
        "even_matroska",
        "webm",
        "avi",
    ],
)
def test_what_it_says_is_what_all_packets_say(desk: Desk, sources: Sources, name: str) -> None:
    path = sources.path(name)
    assert desk.probe(path, path.name) == media_of(path)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("mp4", {}),
        ("mp4", {"movflags": "faststart"}),
        ("mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("mkv", {}),
        ("ts", {}),
    ],
)
def test_it_says_the_same_of_every_container(
    desk: Desk, tmp_path: Path, suffix: str, options: dict[str, str]
) -> None:
    path = remuxed(tmp_path / f"copy.{suffix}", options)
    media = desk.probe(path)
    assert media == media_of(path)
    assert media.seekable is (suffix != "ts")
    assert media.video.frames == 720


def test_the_cost_does_not_grow_with_an_upload_that_has_an_index(
    sources: Sources, tmp_path: Path
) -> None:
    class Counted(DirectoryObjects):
        read_bytes = 0

        def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
            self.read_bytes += length
            return super().read_range(name, start, length, generation=generation)

    store = Counted(tmp_path, "uploads")
    padded = bytearray(MOVIE)
    padded += (40 << 20).to_bytes(4, "big") + b"free" + bytes((40 << 20) - 8)
    path = tmp_path.with_suffix(".mp4")
    path.write_bytes(padded)
    info = store.upload("film.mp4", path)
    media = PyavProber().probe(store, "film.mp4", generation=info.generation)
    assert media.video.frames == 720
    assert store.read_bytes < 2 * len(MOVIE)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "empty_file"),
        (b"Dear diary, today I have made no film.\n" * 99, "not_a_video"),
        (bytes(5000), "not_a_video"),
        (b"#EXTM3U\n#EXTINF:2,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", "not_a_video"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "not_a_video"),
        (b"v=0\nm=video 5004 RTP/AVP 96\n", "not_a_video"),
        (MOVIE[:40], "truncated"),
        (MOVIE[: len(MOVIE) // 2], "truncated"),
    ],
    ids=["empty", "text", "zeros", "playlist", "list", "session", "stub", "half"],
)
def test_what_is_no_whole_video_is_refused(desk: Desk, source: bytes, reason: str) -> None:
    assert desk.refusal(source).reason == reason


def test_a_video_cut_off_before_its_index_is_refused(desk: Desk, tmp_path: Path) -> None:
    movie = remuxed(tmp_path / "late.mp4").read_bytes()
    assert desk.refusal(movie[: len(movie) * 9 // 10]).reason == "truncated"


def test_sound_alone_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(SAMPLE)) as movie, av.open(str(path), "w") as copy:
        target = copy.add_stream_from_template(movie.streams.audio[0])
        for packet in movie.demux(movie.streams.audio[0]):
            if packet.size:
                packet.stream = target
                copy.mux(packet)
    assert desk.refusal(path).reason == "no_video_stream"


def test_a_codec_that_is_not_rendered_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "bomb.mov"
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("png", 1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        movie.mux(stream.encode(av.VideoFrame(64, 64, "rgb24")))
        movie.mux(stream.encode(None))
    failure = desk.refusal(path)
    assert failure.reason == "codec"
    assert "png" in failure.message


def test_an_encrypted_video_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = remuxed(
        tmp_path / "locked.mp4",
        {
            "encryption_scheme": "cenc-aes-ctr",
            "encryption_key": "00112233445566778899aabbccddeeff",
            "encryption_kid": "0123456789abcdef0123456789abcdef",
        },
    )
    assert desk.refusal(path).reason == "encrypted"


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_long_hole_is_refused_and_told_in_seconds(
    desk: Desk, tmp_path: Path, suffix: str
) -> None:
    def later(number: int, packet: "av.Packet[av.VideoStream]") -> None:
        if number >= 400 and packet.pts is not None and packet.dts is not None:
            packet.pts += 61 * 12288
            packet.dts += 61 * 12288

    failure = desk.refusal(remuxed(tmp_path / f"hole.{suffix}", shift=later))
    assert failure.reason == "gap"
    assert "61 seconds" in failure.message


def test_too_many_streams_are_refused_with_their_number(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "many.mkv"
    with av.open(str(SAMPLE)) as movie, av.open(str(path), "w") as copy:
        source = movie.streams.video[0]
        targets = [copy.add_stream_from_template(source) for _ in range(33)]
        packet = next(movie.demux(source))
        packet.stream = targets[0]
        copy.mux(packet)
    failure = desk.refusal(path)
    assert failure.reason == "too_many_streams"
    assert "33 streams" in failure.message


def changed(media: Media, change: dict[str, Any]) -> Media:
    if "audio" in change:
        return replace(media, **change)
    return replace(media, video=replace(media.video, **change))


def test_a_file_of_too_many_bytes_is_not_even_opened() -> None:
    judge_size("film.mp4", LIMITS.size_bytes)
    with pytest.raises(NotRenderable) as refused:
        judge_size("film.mp4", LIMITS.size_bytes + 1)
    failure = refused.value.failure
    assert (failure.field, failure.value) == ("size", f"{LIMITS.size_bytes + 1} bytes")
    assert failure.limit == f"{LIMITS.size_bytes} bytes"


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("too_fast", {"frame_rate": Fraction(241)}),
        ("too_fast", {"frames": 100_000}),
        ("too_large", {"width": 8193, "height": 4320}),
        ("too_long", {"end_pts": 12288 * 43201}),
        ("zero_duration", {"end_pts": 0}),
        ("gap", {"largest_gap": 12288 * 61}),
        ("codec", {"codec": "theora"}),
        ("sound_codec", {"audio": AudioStream(codec="ape", sample_rate=48000, channels=2)}),
        ("sound_shape", {"audio": AudioStream(codec="aac", sample_rate=1, channels=2)}),
        ("sound_shape", {"audio": AudioStream(codec="aac", sample_rate=48000, channels=64)}),
        ("unreadable_container", {"rotation": 45}),
        ("unreadable_container", {"pixel_format": "a b"}),
        ("unreadable_container", {"time_base": Fraction(-1, 5)}),
        ("unreadable_container", {"time_base": Fraction(0)}),
        ("unreadable_container", {"sample_aspect": Fraction(1000)}),
        ("unreadable_container", {"first_pts": -(1 << 63)}),
    ],
)
def test_each_limit_has_its_word(reason: str, change: dict[str, Any]) -> None:
    media = media_of(SAMPLE)
    judge("film.mp4", media)
    with pytest.raises(NotRenderable) as refused:
        judge("film.mp4", changed(media, change))
    failure = refused.value.failure
    assert failure.reason == reason
    assert failure.field
    assert failure.value
    assert failure.limit


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("os.kill(os.getpid(), 11)", "unreadable_container"),
        ("os.kill(os.getpid(), 9)", "too_costly"),
        ("print('no JSON')", "unreadable_container"),
        ("print('x' * 10_000_000)", "unreadable_container"),
        ("""print('{"media": {"size_bytes": 1}}')""", "unreadable_container"),
        ("""print('{"media": {"video": {"time_base": "1e999999999"}}}')""", "unreadable_container"),
        ("""print('{"refused": "a_word_of_its_own"}')""", "unreadable_container"),
        ("""print('{"read": [0, 99999999]}')""", "unreadable_container"),
        ("""print('{"read": [-1, 5]}')""", "unreadable_container"),
        ("""[print('{"read": [0, 4194304]}') for _ in range(99)]""", "too_costly"),
        ("while True: pass", "too_costly"),
        ("sys.stdin.read()", "too_costly"),
    ],
)
def test_a_child_that_was_taken_over_is_a_refusal(
    desk: Desk, tmp_path: Path, words: str, reason: str
) -> None:
    child = tmp_path / "child.py"
    child.write_text(f"import os, sys\nprint('{{\"ready\": true}}', flush=True)\n{words}\n")
    began = monotonic()
    assert desk.refusal(MOVIE, child=child, wall=timedelta(seconds=0.6)).reason == reason
    assert monotonic() - began < 5


def test_a_child_that_never_gets_ready_is_no_refusal(desk: Desk, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text("import nothing_of_that_name\n")
    with pytest.raises(ProberBroken, match="nothing_of_that_name"):
        desk.probe(MOVIE, child=child)
    with pytest.raises(ProberBroken):
        desk.probe(MOVIE, child=tmp_path / "absent.py")


def test_an_interpreter_that_cannot_be_started_is_no_refusal(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError):
        desk.probe(MOVIE)


def test_damaged_bytes_are_described_or_refused(desk: Desk) -> None:
    draw = Random(7)
    index = MOVIE.index(b"moov")
    for _ in range(8):
        damaged = bytearray(MOVIE)
        for _ in range(draw.choice([1, 8, 64])):
            damaged[index + draw.randrange(21_000)] = draw.randrange(256)
        with suppress(NotRenderable):
            assert desk.probe(bytes(damaged)).video.frames > 0


def test_an_upload_that_is_gone_is_missing(desk: Desk) -> None:
    with pytest.raises(ObjectMissing):
        PyavProber().probe(desk.store, "film.mp4", generation=1)
    info = desk.store.upload("film.mp4", SAMPLE)
    with pytest.raises(ObjectMissing):
        PyavProber().probe(desk.store, "film.mp4", generation=info.generation + 1)


def test_an_upload_replaced_while_it_is_looked_at_is_missing(tmp_path: Path) -> None:
    class Replaced(DirectoryObjects):
        def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
            data = super().read_range(name, start, length, generation=generation)
            self.write(name, b"another film")
            return data

    store = Replaced(tmp_path, "uploads")
    info = store.upload("film.mp4", SAMPLE)
    with pytest.raises(ObjectMissing):
        PyavProber().probe(store, "film.mp4", generation=info.generation)


def test_the_child_has_no_environment_and_three_pipes(desk: Desk, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import json, os\n"
        "print(json.dumps({'ready': True}), flush=True)\n"
        "said = f\"{os.environ.get('HOME')} {len(os.listdir('/proc/self/fd'))} {os.getcwd()}\"\n"
        "print(json.dumps({'refused': 'x', 'detail': said}))\n"
    )
    # The fourth is the listing itself.
    assert desk.refusal(MOVIE, child=child).detail == "None 4 /"


def test_the_child_ends_with_its_parent(
    start_python: Callable[..., "subprocess.Popen[str]"], until: Callable[..., None], tmp_path: Path
) -> None:
    killed = start_python(
        """
        import os, pathlib, signal, sys
        from functions.adapters.directory_objects import DirectoryObjects
        from functions.adapters.pyav_probe import PyavProber

        class Deadly(DirectoryObjects):
            def read_range(self, name, start, length, *, generation):
                children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
                print(children.read_text(), flush=True)
                os.kill(os.getpid(), signal.SIGKILL)

        store = Deadly(pathlib.Path(sys.argv[1]), "uploads")
        info = store.upload("film.mp4", pathlib.Path(sys.argv[2]))
        PyavProber().probe(store, "film.mp4", generation=info.generation)
        """,
        tmp_path,
        SAMPLE,
    )
    assert killed.stdout is not None
    child = Path("/proc", killed.stdout.readline().strip())
    assert child != Path("/proc")
    # Where nobody reaps orphans a dead one stays listed, without a command line.
    until(lambda: not child.exists() or not (child / "cmdline").read_bytes(), "the orphan is gone")
