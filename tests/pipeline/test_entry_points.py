"""Every entry point, served by the real functions-framework, gets real requests and bad ones."""

import base64
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions import wiring
from functions.core.render import State
from functions.ports import Ports
from infra.laptop.server import TARGETS, Server
from schemas.events import (
    AttemptStarted,
    Event,
    ExecutionEnded,
    ObjectFinalized,
    RenderRequested,
)
from schemas.failures import Failure, FailureClass
from schemas.ids import render_id
from schemas.wire import message_of
from tests.unit.makers import requested

SAMPLE = Path(__file__).parents[2] / "infra" / "laptop" / "sample" / "sample.mp4"
DATA = Path(__file__).parents[1] / "data"
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


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("CLIPLINE_HOME", str(tmp_path / "laptop"))
    monkeypatch.setenv("CLIPLINE_ENCODER_CLASS", "libx264/9.0/t1")
    monkeypatch.setenv("CLIPLINE_TASKS", "2")
    wiring.ports.cache_clear()
    server = Server()
    yield Served(port=server.port, ports=wiring.ports())
    server.close()
    wiring.ports.cache_clear()


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


def test_a_request_opens_one_render_however_often_it_comes(served: Served) -> None:
    event = requested()
    assert isinstance(event, RenderRequested)
    assert [served.push("start_render", event) for _ in range(3)] == [200, 200, 200]
    assert served.push_wrapped("start_render", event) == 200
    render = served.ports.renders.newest(limit=5)
    assert [r.id for r in render] == [render_id(event.upload)]
    assert render[0].state is State.STARTING
    assert render[0].attempt == 1


@pytest.mark.parametrize("target", [t for t in TARGETS if t != "sweep"])
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


def test_an_event_that_belongs_elsewhere_is_refused(served: Served) -> None:
    failure = Failure(failure=FailureClass.CRASH, reason="r", message="m")
    ended = ExecutionEnded(render="r-1", attempt=1, execution="e", failure=failure, at=NOW)
    assert served.push("on_result", ended) == 400
    assert served.push("on_execution", ended) == 200
