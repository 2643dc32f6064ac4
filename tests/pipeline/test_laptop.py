"""The whole pipeline on one machine: told twice, told late, told nothing, and still right."""

import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from functions.core.render import Render, State
from infra.laptop.encodings import encoder_runs
from infra.laptop.exits import Status
from infra.laptop.subscriptions import PUSH_PATHS, subscriptions
from schemas.events import ObjectFinalized, SpecSource
from schemas.flows import FLOWS, undeliverable
from schemas.ids import SIDECAR_SUFFIX
from schemas.subscriptions import Subscription
from schemas.topics import Topic
from schemas.wire import Message, to_json
from tests.pipeline.laptop import CHECKOUT, Home, a_home, small_video, until
from tests.pipeline.whole import NAME, rendered
from tests.sources import frame_md5s, media_of

QUICK = '{"outputs": [{"height": 90}]}'


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_video(tmp_path_factory.mktemp("videos") / "quick.mp4", seconds=12)


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


def test_one_task_or_two_make_the_same_pieces_and_pictures(tmp_path: Path, quick: Path) -> None:
    with a_home(tmp_path / "one", tasks=1) as one, a_home(tmp_path / "two", tasks=2) as two:
        alone = rendered(one, quick, QUICK)
        assert rendered(two, quick, QUICK) == alone
    assert len(alone.chunks) == 3
    assert sorted(alone.pieces) == list(alone.chunks)
    assert len(alone.pictures) == 12 * 24


def test_a_second_pipeline_over_the_same_home_is_refused(running: Home) -> None:
    process = running.start("up")
    said, _ = process.communicate(timeout=20)
    assert process.returncode == Status.UNSUITABLE
    assert re.fullmatch(r"[^\n]*is running here already, process \d+\.\n", said), said


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


def test_a_pipeline_that_is_up_is_left_in_peace(running: Home) -> None:
    status, said = running.run("--chaos", "1")
    assert (status, "left in peace" in said) == (Status.UNSUITABLE, True), said
