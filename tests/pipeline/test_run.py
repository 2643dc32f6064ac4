"""`make run` as a newcomer sees it: what is said, what comes out, and the exit status."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.core.render import State
from infra.laptop.exits import Status
from schemas.failures import FailureClass
from schemas.ids import SIDECAR_SUFFIX
from tests.pipeline.laptop import PATIENCE, Home, a_home, small_video, until
from tests.sources import media_of

SMALL = '{"outputs": [{"height": 90}]}'
NAMES = (
    "two words and  two blanks.mp4",
    """it's "quoted" & 100% $HOME `x` [a] (b).mp4""",
    "Ünïcödé 日本語 🎬.mov",
)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_video(tmp_path_factory.mktemp("videos") / "small.mp4", seconds=4)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with a_home(tmp_path) as one:
        yield one


def spec(folder: Path, text: str) -> str:
    path = folder / "spec.json"
    path.write_text(text)
    return str(path)


def test_the_sample_becomes_a_verified_clip(home: Home, tmp_path: Path) -> None:
    status, said = home.run("--spec", spec(tmp_path, SMALL))
    assert status == Status.OK, said
    words = [line.split()[1] for line in said.splitlines() if re.match(r"\d\d\.\d ", line)]
    assert words == ["uploaded", "accepted", "started", "stitched", "verified", "done"]
    (told,) = home.done()
    assert told.certificate.verified
    path = home.place.outputs / told.delivered.name
    assert f"Clip: {path}" in said
    media = media_of(path)
    assert (media.video.frames, media.video.height) == (told.certificate.frames, 90)
    assert media.video.duration == told.certificate.duration_seconds
    assert f"{float(media.video.duration):.1f} s · 160x90 · {media.video.frames} frames" in said
    assert media.video.duration == 30
    assert media.audio is not None
    assert home.processes() == []


def test_what_is_not_there_is_refused_before_anything_is_started(
    home: Home, tmp_path: Path
) -> None:
    for path in (tmp_path / "nothing.mp4", tmp_path):
        status, said = home.run("--video", str(path))
        assert status == Status.NO_INPUT
        assert re.fullmatch(r"[^\n]*\.\n", said), said
        assert str(path) in said
    assert not home.place.home.exists()


@pytest.mark.parametrize("content", [b"", b"This is a letter and no video.\n" * 99])
def test_what_is_no_video_is_a_dead_letter(home: Home, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "holiday.mp4"
    path.write_bytes(content)
    status, said = home.run("--video", str(path))
    assert status == Status.BAD_INPUT
    (letter,) = home.dead_letters()
    assert letter.failure.failure is FailureClass.INPUT
    assert letter.attempts == ()
    assert f"input: {letter.failure.message}" in said
    assert letter.advice in said
    assert "Traceback" not in said
    assert home.done() == []


@pytest.mark.parametrize("text", ['{"outputs": [', '{"outputs": [{"height": 0}]}'])
def test_an_impossible_wish_is_a_dead_letter(
    home: Home, tmp_path: Path, video: Path, text: str
) -> None:
    status, said = home.run("--video", str(video), "--spec", spec(tmp_path, text))
    assert status == Status.BAD_SPEC
    (letter,) = home.dead_letters()
    assert letter.failure.failure is FailureClass.SPEC
    assert letter.failure.message.split()[0] in ("spec", "outputs[0].height")
    assert f"spec: {letter.failure.message}" in said
    assert "Traceback" not in said
    assert home.done() == []


def test_the_same_name_again_does_not_touch_the_first_clip(
    home: Home, tmp_path: Path, video: Path
) -> None:
    words = ("--video", str(video), "--spec", spec(tmp_path, SMALL))
    assert home.run(*words)[0] == Status.OK
    (first,) = home.renders()
    clip = home.file(first)
    before = (clip.stat().st_ino, clip.stat().st_mtime_ns, clip.read_bytes())
    assert home.run(*words)[0] == Status.OK
    second = home.renders()[0]
    assert second.id != first.id
    assert home.file(second).parents[1] == clip.parents[1].with_name(f"small.{second.id}")
    assert (clip.stat().st_ino, clip.stat().st_mtime_ns, clip.read_bytes()) == before
    assert len({told.id for told in home.done()}) == 2


def test_any_file_name_will_do_and_is_said_as_it_is(tmp_path: Path, video: Path) -> None:
    (tmp_path / "in").mkdir()
    asked = spec(tmp_path, SMALL)
    with (
        a_home(tmp_path / "a") as one,
        a_home(tmp_path / "b") as two,
        a_home(tmp_path / "c") as three,
    ):
        runs = []
        for home, name in zip((one, two, three), NAMES, strict=True):
            path = tmp_path / "in" / name
            path.write_bytes(video.read_bytes())
            runs.append((home, path, home.start("run", "--video", str(path), "--spec", asked)))
        for home, path, process in runs:
            said, _ = process.communicate(timeout=PATIENCE)
            assert process.returncode == Status.OK, said
            assert f"{path.stem}/full" in said, "brackets are no markup"
            (told,) = home.done()
            assert told.delivered.name == f"default/{path.stem}/full/web-90.mp4"
            assert media_of(home.place.outputs / told.delivered.name).video.frames == 96
            assert told.upload.name == f"default/{path.name}"


def test_it_goes_on_by_itself_when_the_pipeline_that_was_up_is_stopped(
    home: Home, tmp_path: Path
) -> None:
    pipeline = home.up()
    pipeline.wait_until_up()
    asked = spec(tmp_path, '{"outputs": [{"height": 240}]}')
    run = home.start("run", "--spec", asked)
    home.wait_for_mid_render()
    assert pipeline.stop() == Status.OK
    said, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == Status.OK, said
    assert "A pipeline is up here already" in said
    assert len(home.done()) == 1
    assert home.processes() == []


def test_a_name_that_leaves_no_room_for_a_sidecar_is_rendered(home: Home, video: Path) -> None:
    pipeline = home.up()
    pipeline.wait_until_up()
    (home.place.uploads / f"{'ü' * 120}.mp4").write_bytes(video.read_bytes())
    until(lambda: bool(home.renders()) and home.is_quiet(), "it is done")
    assert [render.state for render in home.renders()] == [State.DONE]


def test_a_sidecar_that_is_there_already_says_what_is_made(home: Home, video: Path) -> None:
    sidecar = home.place.uploads / "default" / f"{video.name}{SIDECAR_SUFFIX}"
    sidecar.parent.mkdir(parents=True)
    sidecar.write_text('{"outputs": [{"name": "tiny", "height": 32}]}')
    home.uploads().adopt(f"default/{sidecar.name}")
    status, said = home.run("--video", str(video))
    assert (status, "tiny.mp4" in said) == (Status.OK, True), said
