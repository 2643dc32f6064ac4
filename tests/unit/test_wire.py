import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.core.effects import (
    AnnounceDeadLetter,
    AnnounceDone,
    Effect,
    Launch,
    Look,
    RemoveOutput,
    StopExecution,
    SupersedeOlder,
    WakeNext,
    Withdraw,
)
from functions.core.render import Pending, Render
from schemas.certificate import Certificate
from schemas.events import Event, ExecutionEnded, ObjectFinalized, RenderDeadLetter, RenderDone
from schemas.examples import EVENTS
from schemas.times import NaiveTime
from schemas.wire import (
    MESSAGE_PUBLISHED,
    Message,
    Unreadable,
    event_of,
    from_json,
    message_of,
    to_json,
)
from tests.unit.makers import NOW, UPLOAD, certificate, failure, order, rendering, verified

SOURCE = "//clipline/tests"
OURS = [event for event in EVENTS if not isinstance(event, ObjectFinalized)]
STORAGE = ObjectFinalized.TYPE
KOLKATA = timezone(timedelta(hours=5, minutes=30))
every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
every_own = pytest.mark.parametrize("event", OURS, ids=lambda event: type(event).__name__)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["launch", "1/0", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "7"])
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=10,
)


def headers(message: Message) -> dict[str, object]:
    """The attributes of the CloudEvent that an unwrapped push arrives as."""
    return {k[3:]: v for k, v in message.attributes.items() if k.startswith("ce-")}


def pushed(message: Message) -> dict[str, Any]:
    """The body of Pub/Sub's own event, as Eventarc delivers it."""
    return {
        "message": {
            "attributes": dict(message.attributes),
            "data": base64.b64encode(message.data).decode(),
            "messageId": "12345",
            "publishTime": "2026-03-01T12:00:00.123Z",
        },
        "subscription": "projects/p/subscriptions/s",
    }


def elsewhere(event: Event) -> Event:
    """The same event, its time told in another zone."""
    return replace(event, at=event.at.astimezone(KOLKATA))


@every_event
def test_an_event_comes_back_from_an_unwrapped_push(event: Event) -> None:
    message = message_of(event, SOURCE)
    assert event_of(headers(message), message.data) == event
    assert event_of(headers(message), json.loads(message.data)) == event


@every_event
def test_an_event_comes_back_from_inside_a_pubsub_event(event: Event) -> None:
    body = pushed(message_of(event, SOURCE))
    outer = {"type": MESSAGE_PUBLISHED, "id": "12345", "source": "//pubsub"}
    assert event_of(outer, body) == event
    assert event_of(outer, json.dumps(body).encode()) == event


@every_event
def test_equal_events_make_equal_bytes(event: Event) -> None:
    assert elsewhere(event) == event
    assert message_of(elsewhere(event), SOURCE) == message_of(event, SOURCE)
    message = message_of(event, SOURCE)
    assert message_of(event_of(headers(message), message.data), SOURCE) == message


@every_event
def test_a_message_says_what_it_is_in_strings(event: Event) -> None:
    attributes = message_of(event, SOURCE).attributes
    assert attributes["ce-id"] == event.id
    assert attributes["ce-type"] == event.TYPE
    assert attributes["ce-subject"] == event.subject
    assert attributes["ce-source"] == SOURCE
    assert attributes["ce-time"].endswith("Z")
    assert attributes["content-type"] == "application/json"
    assert all(isinstance(value, str) for value in attributes.values())


@every_event
def test_a_time_without_a_zone_is_never_sent(event: Event) -> None:
    naive = replace(event, at=event.at.replace(tzinfo=None))
    with pytest.raises(NaiveTime):
        message_of(naive, SOURCE)
    with pytest.raises(NaiveTime):
        to_json({"deep": [naive]})


def with_one_time_naive(value: Any) -> Iterator[Any]:
    """The value as often as there are times in it, each time with another one without its zone."""
    if isinstance(value, datetime):
        yield value.replace(tzinfo=None)
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            for naive in with_one_time_naive(item):
                yield (*value[:place], naive, *value[place + 1 :])
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for naive in with_one_time_naive(getattr(value, field.name)):
                yield replace(value, **{field.name: naive})


def test_a_time_without_a_zone_is_found_wherever_it_stands() -> None:
    pending = tuple(Pending(effect=e, others_after=NOW) for e in effects_of_every_kind())
    render = replace(rendering(), pending=pending, replayed_at=NOW, not_before=NOW)
    render = replace(render, outputs=(verified(render),))
    naives = [naive for value in (*EVENTS, render) for naive in with_one_time_naive(value)]
    assert len(naives) > 40
    for naive in naives:
        with pytest.raises(NaiveTime):
            to_json(naive)
        with pytest.raises(NaiveTime):
            to_json({"deep": [naive]})


@every_event
def test_a_time_without_a_zone_is_never_taken(event: Event) -> None:
    message = message_of(event, SOURCE)
    key = "timeCreated" if isinstance(event, ObjectFinalized) else "at"
    data = json.loads(message.data) | {key: "2026-03-01T12:00:00"}
    with pytest.raises(Unreadable, match="no time zone"):
        event_of(headers(message), data)


def test_a_time_is_taken_in_utc() -> None:
    moment = from_json(b'"2026-03-01T17:30:00+05:30"', datetime)
    assert (moment, moment.utcoffset()) == (NOW, timedelta(0))


@every_event
def test_unknown_fields_are_ignored(event: Event) -> None:
    message = message_of(event, SOURCE)
    data = json.loads(message.data) | {"invented_later": {"deep": [1, 2]}}
    assert event_of(headers(message), data) == event


@every_own
def test_a_missing_field_is_unreadable(event: Event) -> None:
    message = message_of(event, SOURCE)
    data = json.loads(message.data)
    del data["at"]
    with pytest.raises(Unreadable, match="at"):
        event_of(headers(message), data)


def test_the_finalized_event_is_read_as_cloud_storage_sends_it() -> None:
    """https://github.com/googleapis/google-cloudevents, StorageObjectData in JSON."""
    data = {
        "kind": "storage#object",
        "id": "uploads/acme/trip/beach.mp4/1700000000000001",
        "selfLink": "https://www.googleapis.com/storage/v1/b/uploads/o/acme%2Ftrip%2Fbeach.mp4",
        "name": "acme/trip/beach.mp4",
        "bucket": "uploads",
        "generation": "1700000000000001",
        "metageneration": "1",
        "contentType": "video/mp4",
        "timeCreated": "2026-03-01T12:00:00.000Z",
        "updated": "2026-03-01T12:00:00.000Z",
        "storageClass": "STANDARD",
        "size": "352",
        "md5Hash": "nvDdLTuDFpbEBpVOHNFvhw==",
        "crc32c": "rKvHVw==",
        "etag": "CPr5kP7f",
    }
    attributes = {"type": STORAGE, "subject": "objects/acme/trip/beach.mp4"}
    finalized = ObjectFinalized(
        bucket="uploads", name=UPLOAD.name, generation=UPLOAD.generation, at=NOW
    )
    assert event_of(attributes, data) == finalized
    assert event_of(attributes, json.dumps(data).encode()) == finalized
    sent = json.loads(message_of(finalized, SOURCE).data)
    assert sent["generation"] == "1700000000000001"


@pytest.mark.parametrize(
    "change",
    [
        {"bucket": 7},
        {"bucket": ""},
        {"name": None},
        {"name": ""},
        {"name": "half a pair \ud800.mp4"},
        {"generation": None},
        {"generation": "soon"},
        {"generation": 1.5},
        {"generation": True},
        {"generation": float("inf")},
        {"generation": "9" * 5000},
        {"timeCreated": "today"},
        {"timeCreated": 1700000000},
        {"timeCreated": "0001-01-01T00:00:00+23:59"},
    ],
    ids=str,
)
def test_a_storage_event_with_a_wrong_field_is_unreadable(change: dict[str, object]) -> None:
    good = {"bucket": "b", "name": "n", "generation": "1", "timeCreated": "2026-03-01T12:00:00Z"}
    with pytest.raises(Unreadable):
        event_of({"type": STORAGE}, good | change)


@pytest.mark.parametrize(
    ("attributes", "data", "words"),
    [
        ({}, b"{}", "type is 'missing'"),
        ({"type": "clipline.render.done.v9"}, b"{}", "'clipline.render.done.v9', which is not"),
        ({"type": STORAGE}, b"not json", "not JSON"),
        ({"type": STORAGE}, b"[1]", "not a JSON object"),
        ({"type": STORAGE}, b"{}", "not a storage event"),
        ({"type": STORAGE}, b"[" * 100_000, "not JSON"),
        ({"type": RenderDone.TYPE}, b"[" * 100_000, "not a RenderDone"),
        ({"type": RenderDone.TYPE}, b'{"x": ' + b"[" * 100_000, "not a RenderDone"),
        ({"type": RenderDone.TYPE}, b"\xff\xfe", "not a RenderDone"),
        ({"type": RenderDone.TYPE}, object(), "not JSON"),
        ({"type": MESSAGE_PUBLISHED}, {}, "without a message"),
        ({"type": MESSAGE_PUBLISHED}, {"message": {"data": "%%%"}}, "not base64"),
        ({"type": MESSAGE_PUBLISHED}, {"message": {"data": 7}}, "wrong form"),
        ({"type": MESSAGE_PUBLISHED}, {"message": {"attributes": [1]}}, "wrong form"),
        (
            {"type": MESSAGE_PUBLISHED},
            {"message": {"attributes": {"ce-type": MESSAGE_PUBLISHED}}},
            "inside a Pub/Sub message",
        ),
    ],
    ids=range(15),
)
def test_what_cannot_be_read_says_why(
    attributes: Mapping[str, object], data: object, words: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        event_of(attributes, data)
    assert words in str(caught.value)


types = st.sampled_from([event.TYPE for event in EVENTS] + [MESSAGE_PUBLISHED])


@given(st.dictionaries(st.text(max_size=4), json_values) | st.builds(dict, type=types), json_values)
@example({"type": MESSAGE_PUBLISHED}, {"message": {"attributes": None, "data": None}})
@example({"type": MESSAGE_PUBLISHED}, {"message": {"data": "ü"}})
def test_garbage_is_unreadable_and_nothing_worse(
    attributes: dict[str, object], data: object
) -> None:
    with pytest.raises(Unreadable):
        event_of(attributes, data)
    with pytest.raises(Unreadable):
        event_of(attributes, json.dumps(data).encode())


@given(st.data(), st.sampled_from(OURS), json_values)
def test_an_event_with_anything_in_any_place_is_read_or_unreadable(
    data: st.DataObject, event: Event, odd: object
) -> None:
    message = message_of(event, SOURCE)
    body = json.loads(message.data)
    place = body
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = odd
    with contextlib.suppress(Unreadable):
        assert type(event_of(headers(message), body)) is type(event)


@given(st.fractions())
def test_fractions_stay_exact(value: Fraction) -> None:
    assert from_json(to_json(value), Fraction) == value


@pytest.mark.parametrize("written", ["1/0", "1e999999999", "0.5", "", "nan", "1/2/3", "9" * 5000])
def test_a_fraction_is_whole_numbers_and_bounded(written: str) -> None:
    with pytest.raises(Unreadable):
        from_json(json.dumps(written).encode(), Fraction)


def test_a_value_without_a_wire_form_is_a_bug_of_the_sender() -> None:
    with pytest.raises(TypeError, match="has no wire form"):
        to_json(cast("object", {"x": object()}))


def test_a_certificate_keeps_its_faults_and_says_whether_it_verifies() -> None:
    assert certificate().verified
    bad = from_json(to_json(certificate(faults=("17 frames are missing",))), Certificate)
    assert bad.faults == ("17 frames are missing",)
    assert not bad.verified


def effects_of_every_kind() -> list[Effect]:
    done = next(event for event in EVENTS if isinstance(event, RenderDone))
    letter = next(event for event in EVENTS if isinstance(event, RenderDeadLetter))
    ended = ExecutionEnded(render="r-1", attempt=2, execution="e", failure=failure(), at=NOW)
    return [
        Launch(order=order()),
        StopExecution(lane="a/b", execution="e"),
        Look(attempt=2, lane="a/b", execution=None, ended=None),
        Look(attempt=2, lane="a/b", execution="e", ended=ended),
        Withdraw(),
        RemoveOutput(name="a/b.mp4", generation=3),
        AnnounceDone(event=done),
        AnnounceDeadLetter(event=letter),
        SupersedeOlder(upload=UPLOAD),
        WakeNext(),
    ]


def test_a_stored_render_comes_back_with_every_kind_of_pending_effect() -> None:
    wanted = effects_of_every_kind()
    pending = tuple(Pending(effect=effect, others_after=NOW) for effect in wanted)
    render = rendering()
    render = replace(render, pending=pending, outputs=(verified(render),), failure=failure())
    assert from_json(to_json(render), Render) == render


def test_every_kind_of_effect_has_a_name_of_its_own() -> None:
    kinds = [next(f.default for f in fields(cast("Any", e)) if f.name == "kind")
             for e in effects_of_every_kind()]  # fmt: skip
    assert len(set(kinds)) == 9
    assert {Effect.member(kind) for kind in kinds} == {type(e) for e in effects_of_every_kind()}


def test_an_effect_of_an_unknown_kind_is_unreadable() -> None:
    text = to_json(rendering()).replace(b'"supersede-older"', b'"invented-later"')
    with pytest.raises(Unreadable, match="invented-later"):
        from_json(text, Render)
