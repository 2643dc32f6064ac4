"""What a plan of replays says before, and what a replay does then."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.adapters.sqlite_bus import SqliteBus
from functions.adapters.sqlite_dead_letters import SqliteDeadLetters
from functions.core.render import Render, State
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_ports
from infra.laptop.encodings import encoded_again, runs
from infra.laptop.subscriptions import subscriptions
from schemas import examples, names
from schemas.events import CancelRender, Event, ReplayRender
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload, render_id
from schemas.pieces import Span
from schemas.plan import OutputPlan, RenderPlan
from schemas.replay_plan import PlanEnd, PlanHead, PlanItem, PlanLine, Refusal
from schemas.topics import Topic
from schemas.wire import Message, event_of, from_json
from tests.pipeline.desk import ALL, NOW, ROOMY, Place, failed, letter
from tests.pipeline.laptop import Home, a_home, small_video, until
from tests.pipeline.test_spec_verbs import PRICED, finished

NAME = "acme/holiday.mp4"
SPEC = '{"outputs": [{"height": 90, "quality": "best"}]}'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(Laptop(home=tmp_path / "home"))
    made.bus.declare(subscriptions())
    return made


@pytest.fixture
def parts(place: Place) -> Ports:
    return laptop_ports(place.home)


def an_output(name: str) -> OutputPlan:
    """480 frames in two chunks."""
    return OutputPlan(
        clip="full",
        output="web-720",
        start_pts=0,
        frame_rate=examples.MEDIA.video.frame_rate,
        frames=480,
        gop=48,
        chunks=(Span(0, 240), Span(240, 480)),
        width=1280,
        height=720,
        crf=23,
        preset="medium",
        lossless=False,
        object_name=f"{name}/full/web-720.mp4",
    )


def a_failure(place: Place, parts: Ports, name: str = NAME, **changes: object) -> Render:
    """A failed render of an upload that stands, 96 of its 480 frames committed."""
    info = parts.uploads.write(name, b"a video")
    upload = Upload(bucket="uploads", name=name, generation=info.generation)
    output = an_output(name)
    id = render_id(upload)
    plan = RenderPlan(render=id, upload=upload, media=examples.MEDIA, outputs=(output,), audio=())
    plain = replace(failed(id), upload=upload, media=examples.MEDIA, plan=plan)
    render: Render = replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name
    parts.renders.save(render, version=0)
    parts.work.write(names.piece(id, output.id, "k" * 16, Span(0, 96)), b"piece")
    if render.failure is not None:
        place.bus.publish(
            Topic.RENDER_DEAD_LETTER, letter(id, upload=upload, failure=render.failure)
        )
    return render


def plan(place: Place, path: Path, *words: str) -> tuple[PlanHead, list[PlanItem], PlanEnd]:
    place.said("dead-letters")
    place.said("replay", "plan", "--out", str(path), *words)
    head, *items, end = (from_json(line, PlanLine) for line in path.read_bytes().splitlines())
    assert isinstance(head, PlanHead)
    assert isinstance(end, PlanEnd)
    return head, [item for item in items if isinstance(item, PlanItem)], end


def test_it_says_what_is_committed_and_what_will_be_rendered(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    render = a_failure(place, parts)
    head, (item,), end = plan(place, tmp_path / "plan", "--class", "crash")
    assert head.filters == {"class": "crash"}
    assert (item.render, item.refused, item.failures) == (render.id, None, 1)
    assert (item.frames_committed, item.frames_to_render) == (96, 384)
    assert item.outputs_to_make == ("full/web-720",)
    assert (end.items, end.replays, end.refusals) == (1, 1, {})
    assert (end.frames_committed, end.frames_to_render) == (96, 384)


Change = Callable[[Ports, Render], None]


def _resave(**changes: object) -> Change:
    def change(parts: Ports, render: Render) -> None:
        changed: Render = replace(render, **changes)  # type: ignore[arg-type]  # by name
        parts.renders.save(changed, version=1)

    return change


def _upload_again(parts: Ports, render: Render) -> None:
    parts.uploads.write(NAME, b"another video")


def _render_again(parts: Ports, render: Render) -> None:
    upload = replace(render.upload, revision=7)
    parts.renders.save(replace(render, id=render_id(upload), upload=upload, plan=None), version=0)


def _delete(parts: Ports, render: Render) -> None:
    parts.uploads.delete(NAME)


BAD_INPUT = Failure(failure=FailureClass.INPUT, reason="corrupt", message="frame 7 is broken")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (_resave(state=State.DONE, failure=None), Refusal.ALREADY_DONE),
        (_resave(state=State.CANCELLED), Refusal.CANCELLED),
        (_resave(state=State.RENDERING, failure=None), Refusal.UNDER_WAY),
        (_upload_again, Refusal.NEWER_GENERATION),
        (_render_again, Refusal.NEWER_GENERATION),
        (_delete, Refusal.INPUT_GONE),
        (_resave(media=None), Refusal.SAME_FAULT),
        (_resave(failure=BAD_INPUT), Refusal.SAME_FAULT),
    ],
)
def test_it_refuses_what_would_be_in_vain(
    place: Place, parts: Ports, tmp_path: Path, change: Change, refusal: Refusal
) -> None:
    render = a_failure(place, parts)
    change(parts, render)
    _, (item,), end = plan(place, tmp_path / "plan")
    assert (item.refused, item.frames_to_render) == (refusal, 0)
    assert item.why
    assert (end.replays, end.refusals) == (0, {refusal.value: 1})
    done = place.clipline("replay", render.id, "--reason", "why not")
    assert (done.returncode, done.stdout) == (4, "")
    assert refusal.value in done.stderr
    assert place.bus.peek("start-render") == ()


LANES = f"""\
{ROOMY}
[[lanes]]
id = "worker/gpu"
pool = "gpu"
encoder_class = "h264_nvenc/ada/470"
executions = 4
start_within_seconds = 60
attempt_limit_seconds = 43200

[[lanes]]
id = "worker/small"
pool = "small"
memory_gib = 1
executions = 4
start_within_seconds = 60
attempt_limit_seconds = 43200
"""


def test_a_plan_for_one_lane_foresees_it_there_and_nowhere_else(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    render, place = a_failure(place, parts), replace(place, lanes=LANES)
    _, (free,), end = plan(place, tmp_path / "free")
    assert free.lane == "laptop/cpu"
    head, (item,), asked = plan(place, tmp_path / "gpu", "--to-lane", "worker/gpu")
    assert (head.to_lane, item.refused, item.lane) == ("worker/gpu", None, "worker/gpu")
    assert (item.frames_committed, item.frames_to_render) == (0, 480)
    assert item.why == (
        "480 frames to render, 0 are committed already; worker/gpu can not use 96 more, which "
        "another encoder has made"
    )
    output = an_output(NAME)
    key = output.key(render.upload, "h264_nvenc/ada/470")
    parts.work.write(names.piece(render.id, output.id, key, Span(0, 48)), b"piece")
    _, (some,), _ = plan(place, tmp_path / "some", "--to-lane", "worker/gpu")
    assert (some.frames_committed, some.frames_to_render) == (48, 432)
    _, (here,), same = plan(place, tmp_path / "here", "--to-lane", "laptop/cpu")
    assert (here.lane, here.frames_committed) == ("laptop/cpu", 96)
    assert here == free, "nobody has looked which encoder is there: what was made counts"
    assert len({end.digest, asked.digest, same.digest}) == 3, "the lane is part of the digest"


def test_a_lane_that_can_never_take_a_render_is_refused_with_the_number(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    mark = Span(0, 480)
    large = replace(an_output(NAME), width=7680, height=4320, chunks=(mark,))
    render = a_failure(place, parts)
    assert render.plan is not None
    _resave(plan=replace(render.plan, outputs=(large,)))(parts, render)
    place = replace(place, lanes=LANES)
    _, (item,), end = plan(place, tmp_path / "plan", "--to-lane", "worker/small")
    assert (item.refused, item.frames_to_render) == (Refusal.LANE_UNFIT, 0)
    assert item.why.startswith("worker/small has 1.0 GiB of memory, and a task needs about ")
    assert end.refusals == {"lane_unfit": 1}
    _, (free,), _ = plan(place, tmp_path / "free")
    assert (free.refused, free.lane) == (None, "laptop/cpu")


def test_what_is_far_larger_than_all_that_has_run_is_called_a_guess(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    a_failure(place, parts)
    place = replace(place, lanes=PRICED)
    parts.ledger.append([finished(1, 1280 * 720 * 10, timedelta(seconds=10))])
    _, (item,), end = plan(place, tmp_path / "plan")
    assert (item.is_guess, end.guesses, end.takes_unknown) == (True, 1, 0)
    said = place.said("replay", "plan", "--out", str(tmp_path / "again"))
    assert "  guessed  1 of these, far larger than what has run there of late" in said
    parts.ledger.append([finished(2, 1280 * 720 * 200, timedelta(seconds=200))])
    _, (item,), end = plan(place, tmp_path / "known")
    assert (item.is_guess, end.guesses) == (False, 0)


def test_a_lane_that_nobody_knows_is_a_wrong_option(
    place: Place, parts: Ports, tmp_path: Path
) -> None:
    a_failure(place, parts)
    place, path = replace(place, lanes=LANES), tmp_path / "plan"
    done = place.clipline("replay", "plan", "--to-lane", "moon", "--out", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    sentence = "There is no lane 'moon': there are laptop/cpu, worker/gpu, worker/small.\n"
    assert done.stderr == sentence
    assert not path.exists()


def test_what_nobody_knows_and_what_is_no_render_is_refused(place: Place, tmp_path: Path) -> None:
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-gone"))
    place.bus.publish_message("on-result-undeliverable", Message(attributes={}, data=b"\xff"))
    _, items, end = plan(place, tmp_path / "plan")
    assert {item.refused for item in items} == {Refusal.UNKNOWN_RENDER, Refusal.NOT_A_RENDER}
    assert end.replays == 0


def test_it_only_reads_and_says_the_same_again(place: Place, parts: Ports, tmp_path: Path) -> None:
    for number in range(3):
        a_failure(place, parts, f"acme/{number}.mp4")
    place.said("dead-letters")
    before = everything(place.home)
    _, first, end = plan(place, tmp_path / "one")
    _, second, again = plan(place, tmp_path / "two")
    assert (first, end.digest) == (second, again.digest)
    assert everything(place.home) == before
    parts.uploads.delete("acme/1.mp4")
    _, _, moved = plan(place, tmp_path / "three")
    assert moved.digest != end.digest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "one", "three", "two"]


def everything(home: Laptop) -> list[object]:
    """All that a plan could have changed."""
    parts = laptop_ports(home)
    bus = SqliteBus(home.bus, source="//clipline/tests")
    letters = SqliteDeadLetters(home.dead_letters)
    asked = list(letters.find(ALL))
    objects = [[*bucket.list()] for bucket in (parts.uploads, parts.work, parts.outputs)]
    messages = [bus.peek(one.name) for one in subscriptions()]
    return [parts.renders.newest(limit=99), objects, messages, asked]


def test_a_render_that_failed_twice_is_one_item(place: Place, parts: Ports, tmp_path: Path) -> None:
    render = a_failure(place, parts, failures=2)
    place.bus.publish(
        Topic.RENDER_DEAD_LETTER,
        letter(render.id, upload=render.upload, number=2, at=NOW - timedelta(minutes=1)),
    )
    _, (item,), _ = plan(place, tmp_path / "plan")
    assert item.failures == 2


def test_a_command_is_published_under_a_name_with_a_reason(place: Place, parts: Ports) -> None:
    render = a_failure(place, parts)
    place.said("replay", render.id, "--reason", "the disk  was full", "--by", "ana")
    waiting = a_failure(place, parts, "acme/b.mp4", state=State.WAITING, failure=None)
    place.said("cancel", waiting.id, "--reason", "wrong file", "--by", "ben")
    told = [said(place, number) for number in (0, 1)]
    assert told == [
        ReplayRender(render=render.id, by="ana", reason="the disk was full", at=told[0].at),
        CancelRender(render=waiting.id, by="ben", reason="wrong file", at=told[1].at),
    ]


def test_programs_are_told_what_was_asked_for(place: Place, parts: Ports) -> None:
    render = a_failure(place, parts)
    kind = "clipline.acknowledgement.v1"
    (one,) = place.told(kind, "replay", render.id, "--reason", "the disk was full")
    assert (one["deed"], one["id"]) == ("replay", render.id)
    assert one["next"] == f"clipline watch {render.id}"
    waiting = a_failure(place, parts, "acme/b.mp4", state=State.WAITING, failure=None)
    (other,) = place.told(kind, "cancel", waiting.id[:9], "--reason", "wrong file")
    assert (other["deed"], other["id"]) == ("cancel", waiting.id)
    assert len(place.bus.peek("start-render")) == 2


def said(place: Place, number: int) -> Event:
    message = place.bus.peek("start-render")[number]
    return event_of({k[3:]: v for k, v in message.attributes.items()}, message.data)


@pytest.mark.parametrize("words", [(), ("--reason", " "), ("--reason", "x" * 501)])
def test_without_a_reason_nothing_is_asked_for(
    place: Place, parts: Ports, words: tuple[str, ...]
) -> None:
    render = a_failure(place, parts)
    for verb in ("cancel", "replay"):
        assert place.clipline(verb, render.id, *words).returncode == 2
    assert place.bus.peek("start-render") == ()


# ── with its pipeline ────────────────────────────────────────────────────────────────────────


TWO = f"{ROOMY}\n{ROOMY}".replace("laptop/cpu", "laptop/other", 1)
"""The first choice, and the lane that is asked for: both in processes of this machine."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    lanes = tmp_path / "lanes.toml"
    lanes.write_text(TWO)
    with a_home(tmp_path, environment={"CLIPLINE_LANES_FILE": str(lanes)}) as one:
        yield one


def test_what_a_plan_predicts_a_replay_renders(home: Home, tmp_path: Path) -> None:
    """Its ffmpegs are killed until it fails, in its middle; nothing committed is made again.

    It goes on, on a lane where it has never been and would not go by itself.
    """
    video = small_video(tmp_path / "slow.mp4", seconds=24, height=720)
    home.up().wait_until_up()
    home.upload(NAME, video, SPEC)
    home.wait_for_mid_render()
    until(lambda: killed(home), "it failed")
    until(home.is_quiet, "its dead letter is told")
    place = Place(home.place, lanes=TWO)
    until(lambda: bool(home.desk()), "the desk has it")
    assert {one.lane for one in home.renders()[0].attempts} == {"laptop/other"}
    _, (item,), _ = plan(place, tmp_path / "plan", "--to-lane", "laptop/cpu")
    assert item.render is not None
    assert item.frames_committed > 0
    assert any(f" encode {item.render} " in line for line in place.said("logs", item.render))
    before = len(runs(home.place.logs, item.render))
    group = json.loads(place.said("dead-letters", "--json")[0])
    assert (group["failure"], group["count"]) == ("crash", 1)
    done = place.said("replay", "apply", str(tmp_path / "plan"), "--reason", "no more kills")
    assert done[-2] == "Asked for 1 of 1, 0 left out."
    home.finished(NAME)
    last = home.renders()[0].attempts[-1]
    assert (last.lane, last.why) == ("laptop/cpu", "the replay asked for laptop/cpu")
    after = runs(home.place.logs, item.render)
    committed = sum(run.kept.end - run.kept.start for run in after if run.kept)
    assert committed == item.frames_committed + item.frames_to_render
    assert len(after) > before
    assert encoded_again(home.place.logs) == []
    _, (now,), _ = plan(place, tmp_path / "later")
    assert now.refused is Refusal.ALREADY_DONE


def killed(home: Home) -> bool:
    """Whether it has failed; until then every ffmpeg is killed that makes pictures."""
    for one in home.encoders():
        one.send(9)
    return home.renders()[0].state is State.FAILED
