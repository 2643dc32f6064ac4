"""A replay with another spec: what a plan says of it, what is opened, and what stays as it was."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from functions.core.render import Render, State
from functions.handle import handle
from functions.pool_workers import PoolWorkers
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_desk, laptop_ports
from infra.laptop.subscriptions import subscriptions
from ops.replay_apply import Run
from ops.replay_file import PlanRefused, read
from ops.replay_instead import patch_of, patched
from ops.replay_watch import Stopped
from schemas import examples
from schemas.events import InsteadOf, OutputVerified, RenderRequested, SpecSource
from schemas.failures import Failure, FailureClass
from schemas.ids import render_id
from schemas.replay_plan import PlanItem, Refusal
from schemas.spec_fields import SpecFault
from schemas.wire import from_json
from tests.pipeline.desk import ROOMY, Place
from tests.pipeline.laptop import Home, a_home, small_video, until
from tests.pipeline.test_replay import BAD_INPUT, NAME, a_failure, plan
from tests.unit.makers import LANE

TALL = '{"outputs": [{"height": 2000}], "priority": "live"}'
LOWER = '{"outputs": [{"height": 240}]}'
VERIFIED = OutputVerified(
    render=examples.RENDER,
    at=examples.AT,
    attempt=1,
    output_id="full/web-720",
    delivered=examples.DELIVERED,
    certificate=examples.CERTIFICATE,
)
TOO_TALL = Failure(failure=FailureClass.SPEC, reason="spec_fault", message="outputs[0].height")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(Laptop(home=tmp_path / "home"))
    made.bus.declare(subscriptions())
    return made


@pytest.fixture
def parts(place: Place) -> Ports:
    return laptop_ports(place.home)


@pytest.fixture
def patch(tmp_path: Path) -> Path:
    path = tmp_path / "lower.json"
    path.write_text(LOWER)
    return path


def a_spec_failure(place: Place, parts: Ports, name: str = NAME, **changes: object) -> Render:
    """Settled, of a spec that asks for too much; 96 frames were committed before."""
    said = {"spec_text": TALL, "settled": True, "failure": TOO_TALL} | changes
    return a_failure(place, parts, name, **said)


def planned(place: Place, tmp_path: Path, patch: Path, *words: str) -> list[PlanItem]:
    return plan(place, tmp_path / "plan", "--with-spec-patch", str(patch), *words)[1]


# ── the patch ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("spec", "patch", "result"),
    [
        ('{"a":"b"}', '{"a":"c"}', {"a": "c"}),
        ('{"a":"b"}', '{"b":"c"}', {"a": "b", "b": "c"}),
        ('{"a":"b"}', '{"a":null}', {}),
        ('{"a":"b","b":"c"}', '{"a":null}', {"b": "c"}),
        ('{"a":["b"]}', '{"a":"c"}', {"a": "c"}),
        ('{"a":"c"}', '{"a":["b"]}', {"a": ["b"]}),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', {"a": {"b": "d"}}),
        ('{"a":[{"b":"c"}]}', '{"a":[1]}', {"a": [1]}),
        ('{"e":null}', '{"a":1}', {"e": None, "a": 1}),
        ("{}", '{"a":{"bb":{"ccc":null}}}', {"a": {"bb": {}}}),
        (None, '{"a":0.1}', {"a": 0.1}),
        (" ", '{"a":1}', {"a": 1}),
    ],
)
def test_it_is_a_merge_patch(spec: str | None, patch: str, result: object) -> None:
    """By the examples of RFC 7396, appendix A, whose results are objects."""
    assert json.loads(patched(spec, patch_of(patch))) == result


@pytest.mark.parametrize("text", ["", "{}", "[]", "1", "null", "{", '{"a":NaN}', "[" * 100_000])
def test_what_is_no_patch_is_refused(place: Place, parts: Ports, tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecFault):
        patch_of(text)
    path = tmp_path / "patch.json"
    path.write_text(text)
    done = place.clipline("replay", "plan", "--with-spec-patch", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"'{path}' is no patch of a spec: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("spec", ["no JSON", "[]", "7", '{"a":' * 100_000])
def test_a_spec_that_is_no_object_has_no_patch(spec: str) -> None:
    with pytest.raises(SpecFault):
        patched(spec, '{"b":1}')


@pytest.mark.parametrize("depth", [400, 950, 20_000])
def test_what_is_nested_deeply_is_at_most_a_fault(depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    with suppress(SpecFault):
        patched(deep, deep.replace("1", "2"))


# ── the plan ─────────────────────────────────────────────────────────────────────────────────


def test_a_plan_says_what_is_opened_and_what_is_lost(
    place: Place, parts: Ports, tmp_path: Path, patch: Path
) -> None:
    render = a_spec_failure(place, parts)
    (item,) = planned(place, tmp_path, patch)
    assert (item.render, item.refused) == (render.id, None)
    assert item.becomes == render_id(replace(render.upload, revision=1))
    assert item.frames_to_render == examples.MEDIA.video.frames
    assert item.why == (
        f"{item.frames_to_render} frames to render, 0 are committed already; "
        "96 of the old spec can not be used"
    )
    assert item.outputs_to_make == ("full/web-240",)
    _, (plain,), end = plan(place, tmp_path / "plain")
    assert plain.refused is Refusal.SAME_FAULT, "as it is, it would fail again"
    _, _, one = plan(place, tmp_path / "one", "--with-spec-patch", str(patch))
    _, _, two = plan(place, tmp_path / "two", "--with-spec-patch", str(patch))
    patch.write_text('{"outputs": [{"height": 120}]}')
    _, _, other = plan(place, tmp_path / "other", "--with-spec-patch", str(patch))
    assert one.digest == two.digest
    assert len({end.digest, one.digest, other.digest}) == 3, "the patch is part of the digest"


@pytest.mark.parametrize(
    ("changes", "text", "refusal"),
    [
        ({"failure": BAD_INPUT}, LOWER, Refusal.SAME_FAULT),
        ({"media": None}, LOWER, Refusal.SAME_FAULT),
        ({"outputs": (VERIFIED,)}, LOWER, Refusal.PARTLY_DONE),
        ({"settled": False}, LOWER, Refusal.UNDER_WAY),
        ({"state": State.RENDERING, "failure": None}, LOWER, Refusal.UNDER_WAY),
        ({"spec_text": "no JSON"}, LOWER, Refusal.SPEC_FAULT),
        ({}, '{"priority": "never"}', Refusal.SPEC_FAULT),
        ({}, '{"outputs": [{"watermark": {"image": "new.png"}}]}', Refusal.SPEC_FAULT),
        ({}, '{"clips": [{"start": 999}]}', Refusal.SPEC_FAULT),
    ],
)
def test_it_refuses_what_no_patch_helps(
    place: Place, parts: Ports, tmp_path: Path, changes: dict[str, object], text: str, refusal: str
) -> None:
    a_spec_failure(place, parts)
    (render,) = parts.renders.newest(limit=1)
    parts.renders.save(replace(render, **changes), version=1)  # type: ignore[arg-type]  # by name
    path = tmp_path / "patch.json"
    path.write_text(text)
    (item,) = planned(place, tmp_path, path)
    assert (item.refused, item.becomes, item.frames_to_render) == (refusal, None, 0)
    assert item.why


# ── what is done ─────────────────────────────────────────────────────────────────────────────


def take(place: Place, parts: Ports) -> list[RenderRequested]:
    """Every request that waits opens its render, as the function does; none is ever worked at."""
    pool = PoolWorkers("nobody", parts.work)
    ports = replace(parts, lanes=(LANE,), backends={LANE.id: pool})
    told = [
        (one.message_id, from_json(one.data, RenderRequested))
        for one in place.bus.peek("start-render")
    ]
    for id, request in told:
        handle(request, ports)
        place.bus.ack(f"{id}/1/start-render")
    return [request for _, request in told]


def a_run(place: Place, parts: Ports, path: Path, pause: object = None) -> Run:
    return Run(
        plan=read(path),
        ports=parts,
        desk=laptop_desk(place.home),
        by="ana",
        reason="2000 is too much",
        canary=1,
        per_minute=1e6,
        tell=lambda line: None,
        pause=pause or (lambda seconds: None),  # type: ignore[arg-type]  # a test's own
    )


def end(parts: Ports, state: State, failure: Failure | None = None) -> None:
    """Every render that was opened in another's place comes to that end."""
    for one in parts.renders.newest(limit=99):
        if one.instead_of is not None and one.state is not state:
            stored = parts.renders.load(one.id)
            assert stored is not None
            ended = replace(one, state=state, failure=failure, pending=(), revisit_at=None)
            parts.renders.save(ended, version=stored.version)


def test_apply_opens_another_render_once_and_leaves_the_failed_one(
    place: Place, parts: Ports, tmp_path: Path, patch: Path
) -> None:
    failed = [a_spec_failure(place, parts, f"acme/{number}.mp4") for number in range(3)]
    planned(place, tmp_path, patch)
    told: list[RenderRequested] = []

    def world(seconds: float) -> None:
        told.extend(take(place, parts))
        end(parts, State.DONE)

    a_run(place, parts, tmp_path / "plan", world).go()
    world(0)
    assert {one.instead_of.render for one in told if one.instead_of} == {one.id for one in failed}
    for one in told:
        assert one.spec_source is SpecSource.REPLAY
        assert json.loads(one.spec_text or "") == {"outputs": [{"height": 240}], "priority": "live"}
        stored = parts.renders.load(one.subject)
        assert stored is not None
        assert stored.render.instead_of == InsteadOf(
            render=render_id(replace(one.upload, revision=0)), by="ana", reason="2000 is too much"
        )
    for render in failed:
        stored = parts.renders.load(render.id)
        assert stored is not None
        assert stored.render == render, "the failed one stays"
    again = a_run(place, parts, tmp_path / "plan")
    again.go()
    assert (again.asked, again.left_out) == (0, 0), "given again, it finds all done"
    assert place.said("replay", "status", str(tmp_path / "plan"))[-1].split() == ["3", "done"]
    (of,) = [one.id for one in failed if one.upload.name == told[0].upload.name]
    said = f"instead  of {of}, asked for by ana: 2000 is too much"
    assert said in place.said("show", told[0].subject)
    later = planned(place, tmp_path, patch)
    assert {one.refused for one in later if one.render} == {Refusal.NEWER_GENERATION}
    disposed = place.said("dispose", "--done", "--reason", "mended")[0]
    assert disposed == "Disposed of 3 dead letters.", "what took their place is done"


def test_a_run_that_was_killed_asks_with_the_same_words(
    place: Place, parts: Ports, tmp_path: Path, patch: Path
) -> None:
    """What was asked for, and not taken yet, is asked for once more: the bytes are the same."""
    for number in range(2):
        a_spec_failure(place, parts, f"acme/{number}.mp4")
    planned(place, tmp_path, patch)

    class Killed(BaseException):
        pass

    def kill(seconds: float) -> None:
        raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            a_run(place, parts, tmp_path / "plan", kill).go()
    first, second = place.bus.peek("start-render")
    assert first.data == second.data
    assert first.attributes["ce-id"] == second.attributes["ce-id"]
    take(place, parts)
    assert len(parts.renders.newest(limit=99)) == 3


def test_the_lane_that_is_asked_for_is_the_new_render_s_only_one(
    place: Place, parts: Ports, tmp_path: Path, patch: Path
) -> None:
    a_spec_failure(place, parts)
    place, parts = replace(place, lanes=ROOMY), replace(parts, lanes=(LANE,))
    (item,) = planned(place, tmp_path, patch, "--to-lane", LANE.id)
    assert item.lane == LANE.id

    def world(seconds: float) -> None:
        take(place, parts)
        end(parts, State.DONE)

    a_run(place, parts, tmp_path / "plan", world).go()
    (new,) = [one for one in parts.renders.newest(limit=9) if one.instead_of is not None]
    assert (new.only_lane, new.state) == (LANE.id, State.DONE)


def test_it_stops_where_the_new_render_fails(
    place: Place, parts: Ports, tmp_path: Path, patch: Path
) -> None:
    for number in range(4):
        a_spec_failure(place, parts, f"acme/{number}.mp4")
    planned(place, tmp_path, patch)

    def world(seconds: float) -> None:
        take(place, parts)
        end(parts, State.FAILED, examples.KILLED)

    run = a_run(place, parts, tmp_path / "plan", world)
    with pytest.raises(Stopped, match="failed again as before"):
        run.go()
    assert run.asked == 1


def test_a_newer_request_of_the_name_is_a_world_that_moved(
    place: Place, parts: Ports, tmp_path: Path, patch: Path
) -> None:
    render = a_spec_failure(place, parts)
    planned(place, tmp_path, patch)
    newer = replace(render.upload, revision=1)
    other = replace(render, id=render_id(newer), upload=newer, spec_text=LOWER, plan=None)
    parts.renders.save(other, version=0)
    with pytest.raises(PlanRefused, match="is a newer render of"):
        a_run(place, parts, tmp_path / "plan").go()
    assert place.bus.peek("start-render") == ()


# ── with its pipeline ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with a_home(tmp_path) as one:
        yield one


def test_a_clip_that_begins_too_late_is_mended_and_delivered(home: Home, tmp_path: Path) -> None:
    """A real one, from the upload to the file; a sidecar that comes later is newer still."""
    video = small_video(tmp_path / "short.mp4", seconds=4)
    home.up().wait_until_up()
    late = '{"clips": [{"name": "end", "start": 9}], "outputs": [{"height": 90}]}'
    home.upload(NAME, video, late)
    until(lambda: bool(home.desk()), "its dead letter is on the desk")
    patch, path = tmp_path / "patch.json", tmp_path / "plan"
    patch.write_text('{"clips": [{"name": "end", "start": 2}]}')
    place = Place(home.place)
    said = place.said("replay", "plan", "--with-spec-patch", str(patch), "--out", str(path))
    assert said[0] == f"{path}: 1 of 1 would be asked for anew with the patched spec."
    said = place.said("replay", "apply", str(path), "--reason", "a typing error", "--by", "ana")
    assert "Asked for 1 of 1, 0 left out." in said
    until(home.is_quiet, "all is told")
    new, old = sorted(home.renders(NAME), key=lambda one: -one.upload.revision)
    assert (old.state, new.state) == (State.FAILED, State.DONE)
    assert [(one.output_id, one.certificate.frames) for one in new.outputs] == [("end/web-90", 48)]
    assert [one.render for one in home.done()] == [new.id]
    home.uploads().write(f"{NAME}.render.json", b'{"outputs": [{"height": 90}]}')
    until(lambda: len(home.renders(NAME)) == 3, "the sidecar opens another")
    until(home.is_quiet, "it is done as well")
    (last,) = [one for one in home.renders(NAME) if one.id not in (new.id, old.id)]
    assert (last.state, last.spec_source) == (State.DONE, SpecSource.SIDECAR)
