"""Every entry point of the staged bundle, from a clean Python, gets real requests and bad ones."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from functions.core.render import Render, State
from infra.laptop import server
from infra.laptop.server import TARGETS
from schemas.events import AttemptStarted, ObjectFinalized, RenderRequested
from schemas.failures import FailureClass
from schemas.ids import Upload, render_id
from schemas.wire import Message, message_of
from tests.bundle.conftest import Deployment
from tests.bundle.served import CALLED, SOURCE, headers_of
from tests.pipeline.laptop import until
from tests.sources import SAMPLE
from tests.unit.makers import requested

DATA = Path(__file__).parents[1] / "data"
JSON = {"content_type": "application/json"}
LARGEST_MESSAGE = 10_000_000
"""Bytes that Pub/Sub takes (https://cloud.google.com/pubsub/quotas, resource limits)."""


def uploaded(deployment: Deployment, name: str) -> ObjectFinalized:
    info = deployment.ports.uploads.upload(name, SAMPLE, if_generation_match=None)
    return ObjectFinalized(
        bucket="uploads", name=info.name, generation=info.generation, at=info.updated
    )


def asked_for(deployment: Deployment, upload: Upload) -> list[RenderRequested]:
    """The requests for that upload which were published so far."""
    return [
        event
        for event in deployment.mailbox.events("start-render")
        if isinstance(event, RenderRequested) and event.upload == upload
    ]


def wait_for_requests(deployment: Deployment, upload: Upload, count: int) -> None:
    until(lambda: len(asked_for(deployment, upload)) == count, f"{count} requests are there")


def a_request(name: str) -> RenderRequested:
    event = requested()
    assert isinstance(event, RenderRequested)
    upload = replace(event.upload, name=name, generation=time.time_ns())
    return replace(event, upload=upload)


def render(deployment: Deployment, id: str) -> Render:
    stored = deployment.ports.renders.load(id)
    assert stored is not None
    return stored.render


def launched_by(deployment: Deployment, name: str) -> tuple[Render, list[str]]:
    """A render that start_render has launched, and the executions that this came to."""
    known = set(deployment.run.launched())
    event = a_request(name)
    assert deployment.served["start_render"].push(event).status == 200
    made = render(deployment, render_id(event.upload))
    return made, [one for one in deployment.run.launched() if one not in known]


def test_an_upload_is_looked_at_however_it_is_told(deployment: Deployment) -> None:
    served, event = deployment.served["on_upload"], uploaded(deployment, "acme/told twice ü.mp4")
    upload = Upload(bucket=event.bucket, name=event.name, generation=event.generation)
    message = message_of(event, "//storage.googleapis.com/projects/_/buckets/uploads")
    assert served.push(event).status == 200
    assert served.push_wrapped(message).status == 200
    wait_for_requests(deployment, upload, 2)
    first, again = asked_for(deployment, upload)
    assert first == again
    assert first.media.video.codec == "h264"


def test_storages_own_event_is_taken_as_eventarc_sends_it(deployment: Deployment) -> None:
    event = uploaded(deployment, "acme/a b ü.mp4")
    sample = json.loads((DATA / "storage_finalized.json").read_text())
    body = sample["body"] | {"generation": str(event.generation)}
    headers = headers_of(Message(attributes=sample["headers"], data=b""))
    answer = deployment.served["on_upload"].post(json.dumps(body).encode(), **headers)
    assert answer.status == 200
    upload = Upload(bucket=event.bucket, name=event.name, generation=event.generation)
    wait_for_requests(deployment, upload, 1)


def test_a_replayed_request_launches_one_execution(deployment: Deployment) -> None:
    served, event = deployment.served["start_render"], a_request("acme/replayed.mp4")
    known = set(deployment.run.launched())
    answers = [served.push(event), served.push(event)]
    answers.append(served.push_wrapped(message_of(event, SOURCE)))
    assert [one.status for one in answers] == [200, 200, 200]
    assert len(set(deployment.run.launched()) - known) == 1
    assert render(deployment, render_id(event.upload)).attempt == 1


def test_news_of_a_task_moves_its_render(deployment: Deployment) -> None:
    made, (execution,) = launched_by(deployment, "acme/started.mp4")
    news = AttemptStarted(render=made.id, attempt=1, execution=execution, at=datetime.now(UTC))
    served = deployment.served["on_result"]
    assert served.push(news).status == 200
    assert served.push_wrapped(message_of(news, SOURCE)).status == 200
    assert render(deployment, made.id).state is State.RENDERING


def test_a_log_entry_of_an_end_is_taken(deployment: Deployment) -> None:
    made, (execution,) = launched_by(deployment, "acme/ended.mp4")

    def entry() -> dict[str, object] | None:
        return next((one for one in deployment.ends if one["insertId"] == execution), None)

    until(lambda: entry() is not None, "the log sink tells of the end")
    message = Message(attributes={}, data=json.dumps(entry()).encode())
    assert deployment.served["on_execution"].push_wrapped(message).status == 200
    first, *_ = render(deployment, made.id).attempts
    assert first.cause is not None
    assert first.cause.failure is FailureClass.INTERNAL


def test_a_notice_of_batch_is_taken_wrapped_and_unwrapped(deployment: Deployment) -> None:
    served = deployment.served["on_execution"]
    job = "projects/1/locations/us-central1/jobs/r-0123456789abcdef0123-0001"
    notice = Message(attributes={"JobName": job, "NewJobState": "FAILED"}, data=b"")
    assert served.push_wrapped(notice).status == 200
    published = {"x_goog_pubsub_publish_time": datetime.now(UTC).isoformat()}
    assert served.post(b"", **notice.attributes, **CALLED, **published).status == 200


def test_the_scheduler_has_everything_swept(deployment: Deployment) -> None:
    called = {"user_agent": "Google-Cloud-Scheduler", "x_cloudscheduler": "true"}
    answer = deployment.served["sweep"].post(b"", **called)
    assert answer.status == 200
    assert set(json.loads(answer.body)) == {"ticked", "woken", "found"}


def test_the_scheduler_has_the_desk_collect(deployment: Deployment) -> None:
    answer = deployment.served["collect"].post(b"", user_agent="Google-Cloud-Scheduler")
    assert answer.status == 200
    assert set(json.loads(answer.body)) == {"collected"}


BAD: dict[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
    "empty": lambda: (b"", {}),
    "garbage": lambda: (bytes(range(256)) * 4, CALLED),
    "no object": lambda: (b"[1, 2]", JSON),
    "deep": lambda: (b"[" * 100_000, JSON),
    "wrong content type": lambda: (b"<event/>", {"content_type": "text/xml", **CALLED}),
    "a form": lambda: (b"a=1&b=2", {"content_type": "application/x-www-form-urlencoded"}),
    "oversized": lambda: (b"x" * (LARGEST_MESSAGE + 1), CALLED),
    "oversized and wrapped": lambda: (
        json.dumps({"message": {"data": "eHh4" * (LARGEST_MESSAGE // 3)}}).encode(),
        JSON,
    ),
    "of nobody's kind": lambda: (
        b'{"render": "r-1"}',
        {**JSON, "ce_id": "1", "ce_source": "//x", "ce_specversion": "1.0", "ce_type": "no.such"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in server.CALLED])
@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_refused_quietly_and_the_service_stands(
    deployment: Deployment, target: str, kind: str
) -> None:
    body, headers = BAD[kind]()
    answer = deployment.served[target].post(body, **headers)
    assert 400 <= answer.status < 500
    assert len(answer.body) < 500
    assert body == b"" or body[:100] not in answer.body


def test_an_event_that_belongs_elsewhere_is_refused(deployment: Deployment) -> None:
    event = a_request("acme/elsewhere.mp4")
    pushes = {
        t: partial(deployment.served[t].push, event) for t in TARGETS if t not in server.CALLED
    }
    assert {target: push().status for target, push in pushes.items()} == {
        **dict.fromkeys(pushes, 400),
        "start_render": 200,
    }


def test_each_starts_quickly(deployment: Deployment) -> None:
    """Generous, for a busy machine; the figures are printed at the end of the run."""
    assert max(one.start_seconds for one in deployment.served.values()) < 30
