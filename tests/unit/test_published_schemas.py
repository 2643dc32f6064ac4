import json
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from jsonschema import Draft202012Validator

from schemas import examples, publish
from schemas.certificate import Certificate
from schemas.dead_letters import DeadLetterGroup, DeadLetterRecord, Original
from schemas.events import AttemptRecord, Event, ObjectFinalized
from schemas.presets import PRESETS
from schemas.replay_plan import AuditRecord, PlanHead, PlanLine
from schemas.said_examples import SAID
from schemas.spec import MOST_CLIPS, MOST_OUTPUTS, parse_spec
from schemas.spec_fields import SpecFault
from schemas.spec_schema import spec_schema
from schemas.wire import from_json, message_of, to_json

OURS = [event for event in examples.EVENTS if not isinstance(event, ObjectFinalized)]
SPEC = Draft202012Validator(spec_schema())


def _read(name: str) -> Any:
    return json.loads((publish.ROOT / publish.JSON / name).read_text())


def test_nothing_published_has_drifted_from_the_code() -> None:
    assert publish.drifted() == [], "run `make schemas`"


def test_what_is_stale_missing_or_too_much_is_named_and_mended(tmp_path: Path) -> None:
    publish.write(tmp_path)
    assert publish.drifted(tmp_path) == []
    gone, stale, extra = (publish.JSON / name for name in ("asyncapi.json", "b.json", "c.json"))
    (tmp_path / gone).unlink()
    (tmp_path / publish.PAGE).write_text("")
    for path in (stale, extra):
        (tmp_path / path).write_text("{}")
    assert publish.drifted(tmp_path) == sorted([gone, publish.PAGE, stale, extra])
    publish.write(tmp_path)
    assert publish.drifted(tmp_path) == []


def test_every_file_ends_with_a_newline() -> None:
    assert all(text.endswith("\n") for text in publish.published().values())


@pytest.mark.parametrize("event", OURS, ids=lambda e: e.TYPE)
def test_an_event_is_what_its_schema_says(event: Event) -> None:
    schema = _read(f"{event.TYPE}.schema.json")
    Draft202012Validator.check_schema(schema)
    told = json.loads(message_of(event, "//clipline/tests").data)
    Draft202012Validator(schema).validate(told)
    assert schema["examples"] == [told]


@pytest.mark.parametrize("event", OURS, ids=lambda e: e.TYPE)
def test_an_event_without_a_field_it_needs_is_not(event: Event) -> None:
    schema = publish.event_schema(type(event))
    told = json.loads(to_json(event))
    for field in schema["$defs"][type(event).__name__]["required"]:
        less = {k: v for k, v in told.items() if k != field}
        assert not Draft202012Validator(schema).is_valid(less), field


@pytest.mark.parametrize("event", OURS, ids=lambda e: e.TYPE)
def test_a_reader_ignores_what_it_does_not_know(event: Event) -> None:
    more = {**json.loads(to_json(event)), "added_later": 1}
    assert Draft202012Validator(publish.event_schema(type(event))).is_valid(more)


@pytest.mark.parametrize(
    "kind",
    [
        *(type(e) for e in OURS),
        *(AttemptRecord, AuditRecord, DeadLetterGroup, DeadLetterRecord, Original, PlanHead),
    ],
)
def test_every_time_is_published_as_a_time(kind: type) -> None:
    times = {n for n, hint in get_type_hints(kind).items() if hint in (datetime, datetime | None)}
    named = {field.name for field in fields(kind)}
    assert times == {n for n in named if n == "at" or n.endswith("_at")}


def test_a_certificate_is_what_its_schema_says() -> None:
    schema = _read("clipline.certificate.v1.schema.json")
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(to_json(examples.CERTIFICATE)))
    assert isinstance(examples.CERTIFICATE, Certificate)


def test_a_record_of_the_desk_is_what_its_schema_says_and_comes_back() -> None:
    schema = _read("clipline.dead-letter-record.v1.schema.json")
    Draft202012Validator.check_schema(schema)
    for record in examples.RECORDS:
        Draft202012Validator(schema).validate(json.loads(to_json(record)))
        assert from_json(to_json(record), DeadLetterRecord) == record
    for value in (examples.GROUP, examples.AUDIT):
        schema = _read(f"{value.TYPE}.schema.json")
        Draft202012Validator(schema).validate(json.loads(to_json(value)))


@pytest.mark.parametrize("value", SAID, ids=lambda one: one.TYPE)
def test_what_a_command_says_is_what_its_schema_says_and_comes_back(value: Any) -> None:
    schema = _read(f"{value.TYPE}.schema.json")
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(to_json(value)))
    assert from_json(to_json(value), type(value)) == value


def test_every_line_of_a_plan_is_one_of_its_schemas_and_comes_back() -> None:
    schema = _read("clipline.replay-plan.v1.schema.json")
    Draft202012Validator.check_schema(schema)
    for line in examples.PLAN:
        Draft202012Validator(schema).validate(json.loads(to_json(line)))
        assert from_json(to_json(line), PlanLine) == line
    assert not Draft202012Validator(schema).is_valid({"kind": "item"})


def test_every_reference_of_the_asyncapi_page_leads_somewhere() -> None:
    document = _read("asyncapi.json")
    for ref in _references(document):
        if ref.startswith("./"):
            _read(ref.removeprefix("./"))
            continue
        at = document
        for step in ref.removeprefix("#/").split("/"):
            at = at[step]


def test_the_storage_event_is_what_the_asyncapi_page_says() -> None:
    message = _read("asyncapi.json")["components"]["messages"]["ObjectFinalized"]
    schema = message["payload"]["schema"]
    (event,) = (e for e in examples.EVENTS if isinstance(e, ObjectFinalized))
    Draft202012Validator(schema).validate(json.loads(message_of(event, "//clipline").data))


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        here = [value["$ref"]] if "$ref" in value else []
        return here + [ref for one in value.values() for ref in _references(one)]
    return [ref for one in value for ref in _references(one)] if isinstance(value, list) else []


GOOD: tuple[Any, ...] = (
    {},
    {"version": 1},
    {"version": 1.0},
    {"clips": [{}]},
    {"outputs": [{}]},
    {"clips": [{"name": "intro", "start": 0, "end": 12.5}]},
    {"clips": [{"end": None}]},
    {"clips": [{"start": "1:02:03.5", "end": "99:00"}]},
    {"clips": [{"start": "0:07"}]},
    {"clips": [{"start": 999_999.5}]},
    {"clips": [{"start_frame": 0, "end_frame": 1}]},
    {"clips": [{"name": "a", "end_frame": None}, {"name": "b", "start": 3}]},
    {"clips": [{"name": f"c{i}"} for i in range(MOST_CLIPS)]},
    {"outputs": [{"name": f"o{i}"} for i in range(MOST_OUTPUTS)]},
    {"outputs": [{"height": 16}]},
    {"outputs": [{"height": 4320, "quality": "lossless"}]},
    {"outputs": [{"name": "a"}, {"name": "b", "quality": "small"}]},
    {"outputs": [{"name": "a" * 40}]},
    *({"outputs": [{"preset": name}]} for name in PRESETS),
    {"outputs": [{"width": 640, "height": 360, "fit": "contain", "frame_rate": 29.97}]},
    {"outputs": [{"frame_rate": "30000/1001", "deinterlace": "never", "width": None}]},
    {"outputs": [{"watermark": None, "captions": None}]},
    {"outputs": [{"watermark": {"image": "a/Logo.PNG", "width": 100, "margin": 0}}]},
    {"outputs": [{"captions": {"file": "x.vtt", "size": "large", "position": "top"}}]},
    {"loudness": -14.5, "clips": [{"loudness": None}]},
    {"outputs": [{"kind": "hls", "quality": "best"}, {"kind": "mp4"}]},
    {"outputs": [{"kind": "poster", "at": "0:03", "image": "png", "height": 180}]},
    {"outputs": [{"kind": "poster", "at": None, "preset": "square"}]},
    {"outputs": [{"kind": "thumbnails", "every": 0.5, "columns": 5}]},
    {"outputs": [{"kind": "thumbnails", "every": None}]},
    *spec_schema()["examples"],
)
BAD: tuple[Any, ...] = (
    [],
    "web-720",
    None,
    {"version": 2},
    {"version": "1"},
    {"version": None},
    {"clip": []},
    {"clips": []},
    {"clips": None},
    {"clips": {}},
    {"clips": [[]]},
    {"clips": [{"name": f"c{i}"} for i in range(MOST_CLIPS + 1)]},
    {"outputs": [{"name": f"o{i}"} for i in range(MOST_OUTPUTS + 1)]},
    {"clips": [{"from": 1}]},
    {"clips": [{"start": None}]},
    {"clips": [{"start": -1}]},
    {"clips": [{"start": 1_000_000}]},
    {"clips": [{"start": True}]},
    {"clips": [{"start": "12.5"}]},
    {"clips": [{"start": "1:2:3:4"}]},
    {"clips": [{"start": "0:01."}]},
    {"clips": [{"start_frame": -1}]},
    {"clips": [{"start_frame": None}]},
    {"clips": [{"start_frame": 1.5}]},
    {"clips": [{"end_frame": 240_000_001}]},
    {"clips": [{"end_frame": "1"}]},
    {"clips": [{"start": 0, "end_frame": 1}]},
    {"clips": [{"end": None, "start_frame": 1}]},
    {"clips": [{"start": 0, "start_frame": 0}]},
    {"clips": [{"name": "Intro"}]},
    {"clips": [{"name": ""}]},
    {"clips": [{"name": "../x"}]},
    {"clips": [{"name": None}]},
    {"outputs": [{"name": "a" * 41}]},
    {"outputs": [{"height": 15}]},
    {"outputs": [{"height": 4321}]},
    {"outputs": [{"height": "720"}]},
    {"outputs": [{"height": 720.5}]},
    {"outputs": [{"height": True}]},
    {"outputs": [{"height": None}]},
    {"outputs": [{"quality": "good"}]},
    {"outputs": [{"quality": 1}]},
    {"outputs": [{"quality": None}]},
    {"outputs": [{"codec": "av1"}]},
    {"outputs": [{"preset": "tall"}]},
    {"outputs": [{"preset": None}]},
    {"outputs": [{"width": 8}]},
    {"outputs": [{"width": 7682}]},
    {"outputs": [{"width": 640, "fit": "stretch"}]},
    {"outputs": [{"frame_rate": 0}]},
    {"outputs": [{"frame_rate": 61}]},
    {"outputs": [{"frame_rate": "30/0"}]},
    {"outputs": [{"frame_rate": "30"}]},
    {"outputs": [{"deinterlace": True}]},
    {"outputs": [{"watermark": "logo.png"}]},
    {"outputs": [{"watermark": {}}]},
    {"outputs": [{"watermark": {"image": "logo.gif"}}]},
    {"outputs": [{"watermark": {"image": "/logo.png"}}]},
    {"outputs": [{"watermark": {"image": "x" * 200 + ".png"}}]},
    {"outputs": [{"watermark": {"image": "a.png", "width": 0}}]},
    {"outputs": [{"watermark": {"image": "a.png", "opacity": 101}}]},
    {"outputs": [{"watermark": {"image": "a.png", "margin": 2.5}}]},
    {"outputs": [{"watermark": {"image": "a.png", "corner": "left"}}]},
    {"outputs": [{"watermark": {"image": "a.png", "x": 3}}]},
    {"outputs": [{"captions": {"file": "x.ass"}}]},
    {"outputs": [{"captions": {"file": "a\nb.srt"}}]},
    {"outputs": [{"captions": {"file": None}}]},
    {"outputs": [{"captions": {"file": "x.srt", "size": 12}}]},
    {"outputs": [{"captions": {"file": "x.srt", "font": "Arial"}}]},
    {"loudness": -41},
    {"clips": [{"loudness": "-14"}]},
    {"outputs": [{"kind": "dash"}]},
    {"outputs": [{"kind": None}]},
    {"outputs": [{"kind": "poster", "at": -1}]},
    {"outputs": [{"kind": "poster", "image": "gif"}]},
    {"outputs": [{"kind": "thumbnails", "every": 0}]},
    {"outputs": [{"kind": "thumbnails", "columns": 0}]},
    {"outputs": [{"kind": "thumbnails", "columns": 51}]},
)
BEYOND_SCHEMAS: tuple[Any, ...] = (
    {"clips": [{"start": 5, "end": 5}]},
    {"clips": [{"start_frame": 5, "end_frame": 5}]},
    {"clips": [{"start_frame": 5.0}]},
    {"clips": [{"name": "a"}, {"name": "a"}]},
    {"outputs": [{"height": 720}, {"height": 720}]},
    {"outputs": [{"height": 720.0}]},
    {"outputs": [{"fit": "cover"}]},
    {"outputs": [{"width": 641, "height": 360}]},
    {"outputs": [{"frame_rate": "1/2"}]},
    {"outputs": [{"watermark": {"image": "../acme/logo.png"}}]},
    {"outputs": [{"watermark": {"image": "a//logo.png"}}]},
    {"outputs": [{"at": 3}]},
    {"outputs": [{"kind": "hls", "every": 3}]},
    {"outputs": [{"kind": "poster", "quality": "best"}]},
    {"outputs": [{"kind": "thumbnails", "image": "png"}]},
)


@pytest.mark.parametrize("spec", GOOD, ids=json.dumps)
def test_a_good_spec_is_good_to_both(spec: Any) -> None:
    parse_spec(json.dumps(spec))
    SPEC.validate(spec)


@pytest.mark.parametrize("spec", BAD, ids=json.dumps)
def test_a_bad_spec_is_bad_to_both(spec: Any) -> None:
    assert not SPEC.is_valid(spec)
    with pytest.raises(SpecFault):
        parse_spec(json.dumps(spec))


@pytest.mark.parametrize("spec", BEYOND_SCHEMAS, ids=json.dumps)
def test_what_no_schema_can_say_the_parser_refuses(spec: Any) -> None:
    assert SPEC.is_valid(spec)
    with pytest.raises(SpecFault):
        parse_spec(json.dumps(spec))


def test_the_spec_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(_read("clipline.render-spec.v1.schema.json"))
