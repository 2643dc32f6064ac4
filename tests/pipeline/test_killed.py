"""The whole pipeline on one machine: killed, stopped, lied to, and still right in the end."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from functions.core.render import Render, State
from infra.laptop.encodings import encoded_again
from infra.laptop.exits import Status
from schemas.failures import FailureClass
from tests.pipeline.laptop import CHECKOUT, Home, Pipeline, Process, a_home, small_video, until
from tests.pipeline.whole import NAME, Whole, rendered, started

SLOW = '{"outputs": [{"height": 360, "quality": "lossless"}]}'
"""Lossless: a stop ends a piece early, and an encoder that begins there decides anew."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four chunks, each so long in its encoder that it is met there."""
    return small_video(tmp_path_factory.mktemp("videos") / "slow.mp4", seconds=20, height=360)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, slow: Path) -> Whole:
    with a_home(tmp_path_factory.mktemp("whole")) as home:
        return rendered(home, slow, SLOW)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with a_home(tmp_path) as one:
        yield one


def in_the_middle(home: Home, video: Path) -> Pipeline:
    """A pipeline with the slow video half done."""
    pipeline = started(home, video, SLOW)
    home.wait_for_mid_render()
    return pipeline


def assert_nothing_was_lost_or_doubled(home: Home, whole: Whole) -> Render:
    """The slow video is done as if nothing had happened, and no committed frame was made twice."""
    render = home.finished(NAME)
    assert home.pictures(render) == whole.pictures
    assert len({told.id for told in home.done()}) == len(set(home.told_bodies())) == 1
    assert encoded_again(home.place.logs) == []
    return render


def test_killed_with_all_its_children_it_goes_on_where_it_was(
    home: Home, slow: Path, whole: Whole
) -> None:
    pipeline = in_the_middle(home, slow)
    pipeline.kill_all()
    assert home.processes() == []
    committed = home.pieces(home.renders()[0])
    assert committed
    home.up()
    render = assert_nothing_was_lost_or_doubled(home, whole)
    assert committed.items() <= home.pieces(render).items()
    assert home.pieces(render) == whole.pieces


def test_the_children_of_a_killed_pipeline_leave_before_the_next_one_renders(
    home: Home, slow: Path, whole: Whole
) -> None:
    lock = home.place.state / "up.lock"
    pipeline = in_the_middle(home, slow)
    orphans = pipeline.kill_parent()
    assert any("render_job" in orphan.command for orphan in orphans)
    second = home.up()
    until(lambda: str(second.itself.pid) == lock.read_text(), "the second has its turn")
    held_until = time.monotonic() + 1
    while time.monotonic() < held_until:
        assert second.family() == [second.itself]
    for orphan in orphans:
        orphan.send(signal.SIGCONT)
    freed_at = time.monotonic()
    while any(orphan.alive for orphan in orphans):
        assert time.monotonic() - freed_at < 5
    second.wait_until_up()
    assert second.process.poll() is None
    assert_nothing_was_lost_or_doubled(home, whole)


def test_a_killed_task_comes_back_and_the_others_go_on(
    home: Home, slow: Path, whole: Whole
) -> None:
    pipeline = in_the_middle(home, slow)
    victim, *others = tasks_of(pipeline)
    victim.send(signal.SIGKILL)
    until(lambda: len(tasks_of(pipeline)) == 2 and not victim.alive, "another takes its place")
    assert all(other.alive for other in others)
    render = assert_nothing_was_lost_or_doubled(home, whole)
    assert render.attempt == 1
    assert home.pieces(render) == whole.pieces


def tasks_of(pipeline: Pipeline) -> Sequence[Process]:
    return [one for one in pipeline.itself.children if "render_job" in one.command]


def test_a_killed_ffmpeg_is_a_typed_failure_and_the_next_attempt_finishes(
    home: Home, slow: Path, whole: Whole
) -> None:
    in_the_middle(home, slow)
    home.kill_an_encoder()
    render = assert_nothing_was_lost_or_doubled(home, whole)
    assert render.attempt == 2
    cause = render.attempts[0].cause
    assert cause is not None
    assert (cause.failure, cause.reason) == (FailureClass.CRASH, "ffmpeg_killed")


@pytest.mark.long
def test_stopped_politely_it_leaves_nobody_behind_and_goes_on_later(
    home: Home, slow: Path, whole: Whole
) -> None:
    pipeline = in_the_middle(home, slow)
    for number in (signal.SIGTERM, signal.SIGINT):
        family = pipeline.family()
        began = time.monotonic()
        assert pipeline.stop(number) == Status.OK
        assert time.monotonic() - began < 15
        assert not any(one.alive for one in family)
        assert home.processes() == []
        assert home.renders()[0].state is not State.DONE
        pipeline = home.up()
        if number is signal.SIGTERM:
            until(lambda: bool(home.encoders()), "it goes on")
    assert_nothing_was_lost_or_doubled(home, whole)


@pytest.mark.long
def test_under_chaos_by_seed_a_run_ends_as_it_does_when_calm(
    home: Home, tmp_path: Path, slow: Path, whole: Whole
) -> None:
    video, spec = tmp_path / "film.mp4", tmp_path / "spec.json"
    shutil.copy(slow, video)
    spec.write_text(SLOW)
    words = ("--chaos", "2,every=0.5,notice=0,ffmpeg=0", "--video", str(video), "--spec", str(spec))
    status, said = home.run(*words)
    assert status == Status.OK, said
    render = assert_nothing_was_lost_or_doubled(home, whole)
    assert home.pieces(render) == whole.pieces
    assert home.dead_letters() == []
    assert sum(map(int, re.findall(r"(\d+) x [a-z ]+ without notice", said))) >= 2, said
    assert re.search(r"\d+ messages, \d+ of them twice, \d+ late", said), said
    assert home.processes() == []


@pytest.mark.long
def test_chaos_loses_and_doubles_nothing() -> None:
    words = ("--kills", "6", "--uploads", "3", "--seed", "7")
    done = subprocess.run(
        [sys.executable, "-m", "infra.laptop.chaos", *words],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "0 lost, 0 doubled" in done.stdout
