"""`make run IMAGE=1`: the laptop's cloud, whose tasks are containers."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.laptop.exits import Status
from tests.image.conftest import IMAGE
from tests.pipeline.laptop import Home, a_home, small_video, until
from tests.sources import media_of

SPEC = '{"outputs": [{"height": 90}]}'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with a_home(tmp_path) as one:
        yield one


def containers(docker: Any, home: Home) -> list[Any]:
    """Those that hold this home, and still run; one that goes while it is looked at is gone."""
    return [
        one
        for one in docker.containers.list(ignore_removed=True)
        if any(str(home.place.home) in bind for bind in one.attrs["HostConfig"]["Binds"] or ())
    ]


def test_a_video_is_rendered_in_containers(
    docker: Any, encoder_class: str, home: Home, tmp_path: Path
) -> None:
    video, spec = small_video(tmp_path / "small.mp4", seconds=4), tmp_path / "spec.json"
    spec.write_text(SPEC)
    status, said = home.run("--image", IMAGE, "--video", str(video), "--spec", str(spec))
    assert status == Status.OK, said
    (render,) = home.renders()
    (output,) = render.outputs
    assert output.certificate.encoder_class == encoder_class
    assert media_of(home.file(render)).video.height == 90
    assert home.file(render).owner() == tmp_path.owner()
    assert containers(docker, home) == []


def test_a_pipeline_that_is_killed_leaves_no_container_behind(
    docker: Any, home: Home, tmp_path: Path
) -> None:
    video = small_video(tmp_path / "long.mp4", seconds=24, height=360)
    process = home.start("run", "--image", IMAGE, "--video", str(video))
    until(lambda: bool(containers(docker, home)), "a container is at work")
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not containers(docker, home), "the lifeline has ended them")


def test_an_image_that_is_not_there_is_named(docker: Any, home: Home) -> None:
    status, said = home.run("--image", "clipline-nobody-built-this")
    assert status == Status.UNSUITABLE
    assert "clipline-nobody-built-this cannot be run (make image)" in said


def test_an_image_goes_with_no_misbehaviour(home: Home) -> None:
    status, said = home.run("--image", IMAGE, "--chaos", "7")
    assert (status, said.strip()) == (
        Status.UNSUITABLE,
        "IMAGE= goes with neither CLOUD= nor CHAOS=.",
    )
