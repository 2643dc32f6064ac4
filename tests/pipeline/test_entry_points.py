"""Every entry point, served by the real functions-framework, gets real requests and bad ones."""

import base64
import http.client
import io
import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions import wiring
from functions.adapters.sqlite_bus import SqliteBus
from functions.core.render import State
from functions.desk import Wanted
from functions.logs import JsonLines
from functions.ports import Ports
from infra.laptop.server import CALLED, TARGETS, Server
from infra.laptop.subscriptions import subscriptions
from schemas import examples
from schemas.events import (
    AttemptStarted,
    CancelRender,
    Event,
    ExecutionEnded,
    ObjectFinalized,
    RenderRequested,
)
from schemas.failures import Failure, FailureClass
from schemas.ids import render_id
from schemas.topics import Topic
from schemas.wire import MESSAGE_PUBLISHED, Message, event_of, message_of
from tests.pipeline.kept import kept
from tests.unit.makers import requested

SAMPLE = Path(__file__).parents[2] / "infra" / "laptop" / "sample" / "sample.mp4"
DATA = Path(__file__).parents[1] / "data"
FINALIZED = DATA / "storage_finalized.json"
"""As Eventarc tells of an object, after google-events' StorageObjectData and the CloudEvents it is
documented to send; not taken from a live project."""
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Served:
    """The functions over empty adapters; nothing delivers what they publish."""

    port: int
    ports: Ports

    def post(self, target: str, body: bytes, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", f"/{target}/", body, names)
            return connection.getresponse().status
        finally:
            connection.close()

    def push(self, target: str, event: Event) -> int:
        """As a push subscription without wrapper does."""
        message = message_of(event, "//clipline/tests")
        headers = {name.replace("-", "_"): value for name, value in message.attributes.items()}
        return self.post(target, message.data, **headers)

    def push_wrapped(self, target: str, event: Event) -> int:
        """As an ordinary push subscription does."""
        message = message_of(event, "//clipline/tests")
        return self.push_raw(target, message.data, **message.attributes)

    def push_raw(self, target: str, data: bytes, **attributes: str) -> int:
        """The same of a message that is no CloudEvent of ours."""
        inner = {
            "attributes": attributes,
            "data": base64.b64encode(data).decode(),
            "messageId": "1",
            "publishTime": NOW.isoformat(),
        }
        body = {"message": inner, "subscription": "projects/p/subscriptions/s"}
        return self.post(target, json.dumps(body).encode(), content_type="application/json")

    def push_by_eventarc(self, target: str, event: Event) -> int:
        """As an Eventarc trigger on a topic does."""
        message = message_of(event, "//clipline/tests")
        inner = {
            "attributes": dict(message.attributes),
            "data": base64.b64encode(message.data).decode(),
            "messageId": "1",
            "publishTime": NOW.isoformat(),
        }
        body = {"message": inner, "subscription": "projects/p/subscriptions/eventarc-1"}
        return self.post(
            target,
            json.dumps(body).encode(),
            content_type="application/json",
            ce_id="1",
            ce_source="//pubsub.googleapis.com/projects/p/topics/t",
            ce_specversion="1.0",
            ce_type=MESSAGE_PUBLISHED,
        )

    def requests(self) -> list[Event]:
        """What was published for start_render."""
        bus = self.ports.publisher
        assert isinstance(bus, SqliteBus)
        return [
            event_of({k.removeprefix("ce-"): v for k, v in m.attributes.items()}, m.data)
            for m in bus.peek("start-render")
        ]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("CLIPLINE_HOME", str(tmp_path / "laptop"))
    monkeypatch.setenv("CLIPLINE_ENCODER_CLASS", "libx264/9.0/t1")
    monkeypatch.setenv("CLIPLINE_TASKS", "2")
    wiring.ports.cache_clear()
    wiring.desk.cache_clear()
    server = Server()
    ports = wiring.ports()
    assert isinstance(ports.publisher, SqliteBus)
    ports.publisher.declare(subscriptions())
    yield Served(port=server.port, ports=ports)
    server.close()
    wiring.ports.cache_clear()
    wiring.desk.cache_clear()


def uploaded(served: Served) -> ObjectFinalized:
    info = served.ports.uploads.upload("acme/a b ü.mp4", SAMPLE)
    return ObjectFinalized(bucket="uploads", name=info.name, generation=info.generation, at=NOW)


def test_an_upload_event_is_taken_wrapped_and_unwrapped(served: Served) -> None:
    event = uploaded(served)
    message = message_of(event, "//storage.googleapis.com/projects/_/buckets/uploads")
    headers = {k: v for k, v in message.attributes.items() if k != "ce-subject"}
    plain = {name.replace("-", "_"): value for name, value in headers.items()}
    assert served.post("on_upload", message.data, **plain) == 200
    assert served.push_wrapped("on_upload", event) == 200
    assert served.push_by_eventarc("on_upload", event) == 200
    first, *others = served.requests()
    assert isinstance(first, RenderRequested)
    assert others == [first, first]


def test_an_upload_event_is_taken_as_eventarc_sends_it(served: Served) -> None:
    info = served.ports.uploads.upload("acme/a b ü.mp4", SAMPLE)
    sample = json.loads(FINALIZED.read_text())
    headers = {name.replace("-", "_"): value for name, value in sample["headers"].items()}
    # The sample's own generation is not the one that stands there: nobody's wish any more.
    assert served.post("on_upload", json.dumps(sample["body"]).encode(), **headers) == 200
    assert served.requests() == []
    body = sample["body"] | {"generation": str(info.generation)}
    assert served.post("on_upload", json.dumps(body).encode(), **headers) == 200
    assert served.post("on_upload", json.dumps(body, indent=1).encode(), **headers) == 200
    (asked, again) = served.requests()
    assert isinstance(asked, RenderRequested)
    assert asked.upload.name == "acme/a b ü.mp4"
    assert asked.upload.generation == info.generation
    assert again == asked


def test_a_request_opens_one_render_however_often_it_comes(served: Served) -> None:
    event = requested()
    assert isinstance(event, RenderRequested)
    assert [served.push("start_render", event) for _ in range(3)] == [200, 200, 200]
    assert served.push_wrapped("start_render", event) == 200
    assert served.push_by_eventarc("start_render", event) == 200
    render = served.ports.renders.newest(limit=5)
    assert [r.id for r in render] == [render_id(event.upload)]
    assert render[0].state is State.STARTING
    assert render[0].attempt == 1


def test_the_clock_has_the_desk_store_what_has_landed(served: Served) -> None:
    bus = served.ports.publisher
    assert isinstance(bus, SqliteBus)
    bus.publish(Topic.RENDER_DEAD_LETTER, examples.LETTER)
    bus.publish_message("on-result-undeliverable", Message(attributes={"a": "ü"}, data=b"\xff"))
    assert served.post("collect", b"", user_agent="Google-Cloud-Scheduler") == 200
    found = {one.subscription: one for one in wiring.desk().letters.find(Wanted())}
    assert found["render-dead-letter-desk"].letter == examples.LETTER
    original = found["on-result-undeliverable"].original
    assert original is not None
    assert (original.data, original.attributes) == (b"\xff", {"a": "ü"})
    assert bus.peek("render-dead-letter-desk") == bus.peek("on-result-undeliverable") == ()


@pytest.mark.parametrize("target", [t for t in TARGETS if t not in CALLED])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"garbage", {"content_type": "text/plain"}),
        (b"{}", {"content_type": "application/json"}),
        (b"[1, 2]", {"content_type": "application/json"}),
        (b'{"message": {"data": "!!"}}', {"content_type": "application/json"}),
        (
            b'{"render": "r-1"}',
            {
                "content_type": "application/json",
                "ce_id": "1",
                "ce_source": "//x",
                "ce_specversion": "1.0",
                "ce_type": "clipline.no.such.v1",
            },
        ),
    ],
)
def test_garbage_is_refused_and_never_acknowledged(
    served: Served, target: str, body: bytes, headers: dict[str, str]
) -> None:
    assert 400 <= served.post(target, body, **headers) < 600


def test_news_of_an_attempt_never_ordered_is_acknowledged_and_changes_nothing(
    served: Served,
) -> None:
    event = requested()
    served.push("start_render", event)
    (before,) = served.ports.renders.newest(limit=5)
    news = AttemptStarted(render=before.id, attempt=7, execution="nobody's", at=NOW)
    assert served.push("on_result", news) == 200
    (after,) = served.ports.renders.newest(limit=5)
    assert after == before


def test_a_place_s_own_notice_of_an_end_is_taken_and_others_are_refused(served: Served) -> None:
    entries = json.loads((DATA / "cloud_run_log_entries.json").read_text())
    assert served.push_raw("on_execution", json.dumps(entries["timeout"]).encode()) == 200
    assert served.push_raw("on_result", json.dumps(entries["timeout"]).encode()) == 400
    del entries["timeout"]["protoPayload"]["response"]["spec"]
    assert served.push_raw("on_execution", json.dumps(entries["timeout"]).encode()) == 400


def test_a_place_s_own_notice_is_taken_without_a_wrapper_as_well(served: Served) -> None:
    entries = json.loads((DATA / "cloud_run_log_entries.json").read_text())
    pushed = {
        "x_goog_pubsub_subscription_name": "projects/p/subscriptions/on-execution",
        "x_goog_pubsub_publish_time": NOW.isoformat(),
    }
    entry = json.dumps(entries["timeout"]).encode()
    assert served.post("on_execution", entry, **pushed) == 200
    job = "projects/1/locations/us-central1/jobs/r-0123456789abcdef0123-0001"
    batch = {"JobName": job, "NewJobState": "FAILED", **pushed}
    assert served.post("on_execution", b"", **batch) == 200
    assert served.post("on_execution", b"", **{**batch, "JobName": "another's"}) == 400
    assert served.post("on_execution", b"neither", **pushed) == 400


def test_an_event_that_belongs_elsewhere_is_refused(served: Served) -> None:
    failure = Failure(failure=FailureClass.CRASH, reason="r", message="m")
    ended = ExecutionEnded(render="r-1", attempt=1, execution="e", failure=failure, at=NOW)
    assert served.push("on_result", ended) == 400
    assert served.push("on_execution", ended) == 200


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    with kept("clipline.main") as records:
        yield records


PUSHED = {
    "x_goog_pubsub_subscription_name": "projects/p/subscriptions/on-result",
    "x_goog_pubsub_message_id": "1234",
    "authorization": "Bearer not.for.logs",
}


@pytest.mark.parametrize(
    ("body", "headers", "words", "subscription"),
    [
        (b"secret", PUSHED, "not JSON", "projects/p/subscriptions/on-result"),
        (
            b'{"secret": 1}',
            PUSHED | {"ce_id": "1", "ce_source": "//x", "ce_type": "clipline.no.such.v1"},
            "not a CloudEvent (MissingRequiredFields)",
            "projects/p/subscriptions/on-result",
        ),
        (
            b'{"secret": 1}',
            {"ce_id": "1", "ce_source": "//x", "ce_specversion": "1.0", "ce_type": "secretary"},
            "the CloudEvent's type is 'secretary', which is not known",
            "//x",
        ),
        (
            b'{"message": {"data": "c2VjcmV0"}, "subscription": "s-1", "deliveryAttempt": 7}',
            {"content_type": "application/json"},
            "the CloudEvent's type is 'missing', which is not known",
            "s-1",
        ),
        (
            b'{"specversion": "1.0", "secret": 1}',
            {"content_type": "application/cloudevents+json"},
            "not a CloudEvent (MissingRequiredFields)",
            "none that it names",
        ),
    ],
)
def test_the_log_of_a_refusal_names_the_subscription_and_what_is_wrong_and_no_payload(
    served: Served,
    records: list[logging.LogRecord],
    body: bytes,
    headers: dict[str, str],
    words: str,
    subscription: str,
) -> None:
    assert served.post("on_result", body, **headers) == 400
    (record,) = records
    assert record.getMessage() == f"refused a request of {subscription}: {words}" or (
        words == "not JSON" and words in record.getMessage()
    )
    said = vars(record)
    assert said["subscription"] == subscription
    assert said["reason"] == "NotAnEvent"
    assert said.get("message_id") == headers.get("x_goog_pubsub_message_id")
    assert said.get("delivery_attempt") == ("7" if b"deliveryAttempt" in body else None)
    told = json.dumps({key: str(value) for key, value in said.items() if key != "event_type"})
    assert "secret" not in told.replace("secretary", "")
    assert "not.for.logs" not in told


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        ("0af7651916cd43dd8448eb211c80319c/7;o=1", "0af7651916cd43dd8448eb211c80319c"),
        ("0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319c"),
        ("../../another/1", None),
        ("0af7651916cd43dd8448eb211c80319c0/1", None),
        ("", None),
    ],
)
def test_what_is_logged_of_a_request_belongs_to_its_trace(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    header: str,
    trace: str | None,
) -> None:
    monkeypatch.setenv("CLIPLINE_PROJECT", "p")
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(JsonLines())
    source = logging.getLogger("clipline")
    source.addHandler(handler)
    try:
        assert served.post("on_result", b"no event", X_Cloud_Trace_Context=header) == 400
        assert served.post("on_result", b"no event") == 400
    finally:
        source.removeHandler(handler)
    first, second = map(json.loads, said.getvalue().splitlines())
    wanted = trace and f"projects/p/traces/{trace}"
    assert first.get("logging.googleapis.com/trace") == wanted
    assert "logging.googleapis.com/trace" not in second


def test_a_structured_event_is_taken(served: Served) -> None:
    event = CancelRender(render="r-1", by="ana", reason="wrong film", at=NOW)
    message = message_of(event, "//clipline/tests")
    body = {
        **{k.removeprefix("ce-"): v for k, v in message.attributes.items() if k[:3] == "ce-"},
        "datacontenttype": "application/json",
        "data": json.loads(message.data),
    }
    headers = {"content_type": "application/cloudevents+json; charset=utf-8"}
    assert served.post("start_render", json.dumps(body).encode(), **headers) == 200
    del body["data"]
    body["data_base64"] = base64.b64encode(message.data).decode()
    assert served.post("start_render", json.dumps(body).encode(), **headers) == 200


@pytest.mark.parametrize("target", TARGETS)
def test_in_the_cloud_nobody_calls_without_a_token(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    records: list[logging.LogRecord],
    target: str,
) -> None:
    monkeypatch.setenv("CLIPLINE_PLACE", "cloud")
    monkeypatch.setenv("CLIPLINE_PUSH_ACCOUNTS", "pusher@p.iam.gserviceaccount.com")
    monkeypatch.setenv("CLIPLINE_PUSH_AUDIENCES", "clipline")
    wiring.doorkeeper.cache_clear()
    try:
        assert served.post(target, b"{}") == 401
        assert served.post(target, b"{}", authorization="Bearer a.b.c") == 401
    finally:
        monkeypatch.undo()
        wiring.doorkeeper.cache_clear()
    assert [vars(record)["reason"] for record in records] == ["NotAdmitted", "NotAdmitted"]


def test_what_cannot_be_published_now_is_asked_for_again(
    served: Served, tmp_path: Path, records: list[logging.LogRecord]
) -> None:
    event = uploaded(served)
    with closing(sqlite3.connect(tmp_path / "laptop" / ".state" / "bus.db")) as db:
        db.execute("DROP TABLE messages")
        db.commit()
    assert served.push_wrapped("on_upload", event) == 503
    (record,) = records
    assert record.getMessage().startswith("later: render-requests: no such table")
    assert vars(record)["subscription"] == "projects/p/subscriptions/s"
