"""The whole path over Google's emulators, with Google's clients: what a laptop run shows."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.emulators.sdk import Absent, component, program
from infra.laptop.exits import Status
from tests.pipeline.laptop import Home, a_home, small_video
from tests.sources import media_of

SPEC = '{"outputs": [{"height": 90}]}'
COMPONENTS = ("pubsub-emulator", "cloud-firestore-emulator")


@pytest.fixture(scope="module", autouse=True)
def emulators() -> None:
    """Where they are not, the suite is skipped at home and fails in CI."""
    try:
        for name in COMPONENTS:
            component(name)
        program("java", of="Java 17")
    except Absent as reason:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have it: {reason}")
        pytest.skip(str(reason))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with a_home(tmp_path) as one:
        yield one


def words(said: str) -> list[str]:
    return [line.split()[1] for line in said.splitlines() if re.match(r"\d\d\.\d ", line)]


def test_a_video_becomes_a_clip_in_the_lines_of_a_laptop_run(home: Home, tmp_path: Path) -> None:
    video, spec = small_video(tmp_path / "small.mp4", seconds=4), tmp_path / "spec.json"
    spec.write_text(SPEC)
    status, said = home.run("--cloud", "emulators", "--video", str(video), "--spec", str(spec))
    assert status == Status.OK, said
    assert words(said) == ["uploaded", "accepted", "started", "stitched", "verified", "done"]
    path = home.place.outputs / "default" / "small" / "full" / "web-90.mp4"
    assert f"Clip: {path}" in said
    assert media_of(path).video.height == 90
    assert home.processes() == []


def test_what_is_no_video_is_a_dead_letter_there_too(home: Home, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video at all")
    status, said = home.run("--cloud", "emulators", "--video", str(text))
    assert status == Status.BAD_INPUT, said
    assert words(said) == ["uploaded", "failed"]
    assert home.processes() == []
