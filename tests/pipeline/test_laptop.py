"""The whole pipeline on one machine: killed, stopped, lied to, and still right in the end."""

import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.core.render import Render, State
from infra.laptop.encodings import encoded_again, encoder_runs
from infra.laptop.exits import Status
from infra.laptop.subscriptions import PUSH_PATHS, subscriptions
from schemas.events import ObjectFinalized, SpecSource
from schemas.failures import FailureClass
from schemas.flows import FLOWS, undeliverable
from schemas.ids import SIDECAR_SUFFIX
from schemas.pieces import Span
from schemas.subscriptions import Subscription
from schemas.topics import Topic
from schemas.wire import Message, to_json
from tests.pipeline.laptop import CHECKOUT, Home, Pipeline, Process, a_home, small_video, until
from tests.sources import frame_md5s, media_of

QUICK = '{"outputs": [{"height": 90}]}'
SLOW = '{"outputs": [{"height": 540, "quality": "lossless"}]}'
"""Lossless: a stop ends a piece early, and an encoder that begins there decides anew."""
NAME = "default/film.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What came of the slow video when nothing disturbed it."""

    chunks: Sequence[Span]
    pieces: dict[Span, str]
    pictures: Sequence[str]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_video(tmp_path_factory.mktemp("videos") / "quick.mp4", seconds=12)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four chunks, each most of a second in its encoder."""
    return small_video(tmp_path_factory.mktemp("videos") / "slow.mp4", seconds=20, height=540)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, slow: Path) -> Whole:
    with a_home(tmp_path_factory.mktemp("whole")) as home:
        return rendered(home, slow, SLOW)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with a_home(tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, quick: Path) -> Iterator[Home]:
    """A pipeline that is up, over a bucket with an upload of which nobody will tell it."""
    with a_home(tmp_path_factory.mktemp("running")) as home:
        home.upload("default/forgotten.mp4", quick, QUICK)
        pipeline = home.up()
        pipeline.wait_until_up()
        yield home
        assert pipeline.stop() == Status.OK


def rendered(home: Home, video: Path, spec: str) -> Whole:
    pipeline = started(home, video, spec)
    render = home.finished(NAME)
    assert pipeline.stop() == Status.OK
    assert render.plan is not None
    return Whole(
        chunks=render.plan.outputs[0].chunks,
        pieces=home.pieces(render),
        pictures=home.pictures(render),
    )


def started(home: Home, video: Path, spec: str) -> Pipeline:
    """A pipeline that is up, and the video uploaded to it."""
    pipeline = home.up()
    pipeline.wait_until_up()
    home.upload(NAME, video, spec)
    return pipeline


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


def test_one_task_or_two_make_the_same_pieces_and_pictures(tmp_path: Path, quick: Path) -> None:
    with a_home(tmp_path / "one", tasks=1) as one, a_home(tmp_path / "two", tasks=2) as two:
        alone = rendered(one, quick, QUICK)
        assert rendered(two, quick, QUICK) == alone
    assert len(alone.chunks) == 3
    assert sorted(alone.pieces) == list(alone.chunks)
    assert len(alone.pictures) == 12 * 24


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


def test_a_second_pipeline_over_the_same_home_is_refused(running: Home) -> None:
    process = running.start("up")
    said, _ = process.communicate(timeout=20)
    assert process.returncode == Status.UNSUITABLE
    assert re.fullmatch(r"[^\n]*is running here already, process \d+\.\n", said), said


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
    home.encoders()[0].send(signal.SIGKILL)
    render = assert_nothing_was_lost_or_doubled(home, whole)
    assert render.attempt == 2
    cause = render.attempts[0].cause
    assert cause is not None
    assert (cause.failure, cause.reason) == (FailureClass.CRASH, "ffmpeg_killed")


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


LISTENED = (Topic.UPLOADS, Topic.RENDER_REQUESTS, Topic.RENDER_RESULTS, Topic.EXECUTION_EVENTS)


def test_repeated_and_shuffled_events_make_one_render(home: Home, quick: Path) -> None:
    draw = random.Random(7)
    home.up().wait_until_up()
    ears = {topic: f"test-{topic}" for topic in LISTENED}
    heard = [Subscription(name=name, topic=topic) for topic, name in ears.items()]
    home.bus.declare([*subscriptions(), *heard])
    info = home.upload(NAME, quick, QUICK)
    event = ObjectFinalized(
        bucket="uploads", name=info.name, generation=info.generation, at=info.updated
    )
    for _ in range(5):
        home.bus.publish(Topic.UPLOADS, event)
    repeated: set[str] = set()
    while not (home.renders(NAME) and home.is_quiet()):
        repeated |= repeat(home, ears, draw, known=repeated)
    runs = encoder_runs(home.place.logs)
    clip = home.file(home.finished(NAME))
    before = (clip.stat().st_ino, clip.stat().st_mtime_ns)
    repeat(home, ears, draw, known=set())
    until(lambda: not any(map(home.told, PUSH_PATHS)), "all of it is delivered")
    render = home.finished(NAME)
    assert (render.attempt, encoder_runs(home.place.logs)) == (1, runs)
    assert (clip.stat().st_ino, clip.stat().st_mtime_ns) == before
    assert len({told.id for told in home.done()}) == len(set(home.told_bodies())) == 1
    assert home.dead_letters() == []
    assert home.desk() == []
    nets = [net.subscription for flow in FLOWS if (net := undeliverable(flow))]
    assert not any(map(home.told, nets))


def repeat(home: Home, ears: dict[Topic, str], draw: random.Random, known: set[str]) -> set[str]:
    """Say everything twice more that was said under an id that is not known; the ids of it."""
    said = {
        letter.attributes["ce-id"]: (topic, Message(attributes=letter.attributes, data=letter.data))
        for topic, ear in ears.items()
        for letter in home.told(ear)
    }
    again = [said[id] for id in said.keys() - known] * 2
    draw.shuffle(again)
    for topic, message in again:
        home.bus.publish_message(topic, message)
    return set(said)


def append(path: Path, source: Path, pauses: Sequence[float], *, reopen: bool) -> None:
    """Copy in as many steps as there are pauses, as a slow network or camera does."""
    data = source.read_bytes()
    step = len(data) // len(pauses) + 1
    file = path.open("wb")
    for number, pause in enumerate(pauses):
        file.write(data[number * step : (number + 1) * step])
        file.flush()
        time.sleep(pause)  # the pause is what is tested
        if reopen:
            file.close()
            file = path.open("ab")
    file.close()


def test_a_slow_copy_makes_one_render(running: Home, quick: Path) -> None:
    folder = running.place.uploads
    copies: dict[str, Callable[[], None]] = {
        "held.mp4": lambda: append(folder / "held.mp4", quick, [2.6, 2.6, 0], reopen=False),
        "again.mp4": lambda: append(
            folder / "again.mp4", quick, [0.4, 0.8, 1.2, 1.6, 1.6, 0], reopen=True
        ),
    }
    threads = [threading.Thread(target=copy) for copy in copies.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in copies:
        render = running.finished(name)
        assert media_of(running.file(render)).video.frames == 12 * 24
    assert running.dead_letters() == []


def test_an_upload_of_which_nobody_told_is_found_and_rendered(running: Home) -> None:
    running.finished("default/forgotten.mp4")


def drop(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)


def test_a_sidecar_says_what_is_made_of_its_video(running: Home, quick: Path) -> None:
    folder, video = running.place.uploads, quick.read_bytes()
    wish = b'{"clips": [{"end": 4}], "outputs": [{"name": "tiny", "height": 46}]}'
    drop(folder, f"before.mp4{SIDECAR_SUFFIX}", wish)
    drop(folder, "before.mp4", video)
    drop(folder, "after.mp4", video)
    drop(folder, f"after.mp4{SIDECAR_SUFFIX}", wish)
    for name in ("before.mp4", "after.mp4"):
        newest = of_sidecar(running, name)
        assert newest.plan is not None
        assert [output.id for output in newest.plan.outputs] == ["full/tiny"]
        assert media_of(running.file(newest)).video.frames == 4 * 24


def of_sidecar(home: Home, name: str) -> Render:
    """The newest render of that upload once it is done; its spec is the sidecar's."""

    def is_done() -> bool:
        newest = next(iter(home.renders(name)), None)
        return newest is not None and newest.upload.revision > 0 and newest.state is State.DONE

    until(is_done, f"{name} is done as its sidecar says")
    render = home.renders(name)[0]
    assert render.spec_source is SpecSource.SIDECAR
    return render


def test_a_later_sidecar_opens_a_render_of_its_own(running: Home, quick: Path) -> None:
    shutil.copy(quick, running.place.uploads / "later.mp4")
    first = running.finished("later.mp4")
    clip = running.file(first)
    before = (clip.stat().st_ino, clip.stat().st_mtime_ns, frame_md5s(clip))
    drop(running.place.uploads, f"later.mp4{SIDECAR_SUFFIX}", QUICK.encode())
    second = of_sidecar(running, "later.mp4")
    assert second.id != first.id
    assert running.file(second).parents[1] != clip.parents[1]
    assert (clip.stat().st_ino, clip.stat().st_mtime_ns, frame_md5s(clip)) == before
    assert [render.id for render in running.renders("later.mp4")] == [second.id, first.id]


MEETING = """
import sys, threading
from functions.core.render import Render
from schemas.wire import from_json

sys.setswitchinterval(1e-6)
gate = threading.Barrier(8)
threads = [
    threading.Thread(target=lambda: gate.wait() >= 0 and from_json(sys.argv[1].encode(), Render))
    for _ in range(8)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_many_threads_may_read_their_first_render_at_once(running: Home) -> None:
    document = to_json(running.finished("default/forgotten.mp4")).decode()
    words = [sys.executable, "-c", MEETING, document]
    for _ in range(4):
        assert subprocess.run(words, cwd=CHECKOUT, check=False).returncode == 0


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


def test_a_pipeline_that_is_up_is_left_in_peace(running: Home) -> None:
    status, said = running.run("--chaos", "1")
    assert (status, "left in peace" in said) == (Status.UNSUITABLE, True), said


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
