"""What the cloud's publisher promises beyond every bus: errors, patience, attributes."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest
from google.pubsub_v1 import types
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from functions.adapters.pubsub_events import LONGEST_VALUE, PubSubEvents
from infra.emulators.topics import declare
from schemas.events import CancelRender, ObjectFinalized
from schemas.ports import NotPublished
from schemas.subscriptions import SUBSCRIPTIONS, Subscription
from schemas.wire import Message
from tests.contract.buses import SOURCE, EmulatedPlace

if TYPE_CHECKING:
    from subprocess import Popen

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
EVENT = CancelRender(render="r-1", by="ana", reason="a secret reason", at=NOW)
SHORT = timedelta(seconds=1)
METHOD = "Publish"


@dataclass
class Service:
    """Pub/Sub's Publish over real gRPC: answers as it is told, then as it should."""

    answers: list[grpc.StatusCode] = field(default_factory=list)
    silent_for: float = 0.0
    """Seconds before each answer, unless the caller has gone by then."""
    requests: list[bytes] = field(default_factory=list)

    def publish(self, request: bytes, context: grpc.ServicerContext) -> types.PublishResponse:
        self.requests.append(request)
        if self.silent_for:
            gone = threading.Event()
            context.add_callback(gone.set)
            gone.wait(self.silent_for)
        if self.answers:
            context.abort(self.answers.pop(0), "as it was told")
        return types.PublishResponse(message_ids=["1"])


@contextmanager
def served(service: Service) -> Iterator[str]:
    handler = grpc.unary_unary_rpc_method_handler(
        service.publish, response_serializer=types.PublishResponse.serialize
    )
    handlers = grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {METHOD: handler})
    with ThreadPoolExecutor(4) as pool:
        server: Any = grpc.server(pool)
        server.add_generic_rpc_handlers((handlers,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(None).wait()


def publish(host: str, patience: timedelta = SHORT) -> None:
    with PubSubEvents("p", source=SOURCE, emulator=host, patience=patience) as events:
        events.publish("results", EVENT)


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED],
)
def test_what_passes_is_waited_out_and_every_try_says_the_same(code: grpc.StatusCode) -> None:
    service = Service(answers=[code, code])
    with served(service) as host:
        publish(host, timedelta(seconds=20))
    assert len(service.requests) == 3
    assert len(set(service.requests)) == 1


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
    ],
)
def test_what_does_not_pass_is_told_at_once_and_without_the_payload(code: grpc.StatusCode) -> None:
    service = Service(answers=[code])
    with served(service) as host, pytest.raises(NotPublished, match="as it was told") as caught:
        publish(host, timedelta(seconds=20))
    assert len(service.requests) == 1
    assert "projects/p/topics/results" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_outage_ends_the_patience_and_says_the_last_answer() -> None:
    service = Service(answers=[grpc.StatusCode.UNAVAILABLE] * 1000)
    start = time.monotonic()
    with served(service) as host, pytest.raises(NotPublished, match=r"503.*as it was told"):
        publish(host)
    assert len(service.requests) > 1
    assert time.monotonic() - start < 5


def test_a_connection_that_says_nothing_ends_the_patience_too() -> None:
    service = Service(silent_for=60)
    start = time.monotonic()
    with served(service) as host, pytest.raises(NotPublished, match="504"):
        publish(host)
    assert time.monotonic() - start < 10


def test_where_nobody_listens_nothing_is_published() -> None:
    with served(Service()) as host:
        pass
    with pytest.raises(NotPublished, match="503"):
        publish(host)


def test_a_missing_topic_is_told(pubsub: str) -> None:
    with (
        PubSubEvents(f"test-{uuid4().hex[:12]}", source=SOURCE, emulator=pubsub) as events,
        pytest.raises(NotPublished, match=r"topics/nosuch: 404"),
    ):
        events.publish("nosuch", EVENT)


LISTENER = Subscription(name="listener", topic="results", ack_deadline=timedelta(seconds=60))
AND_DIES = """
    import os, sys
    from functions.adapters.pubsub_events import PubSubEvents
    from schemas.wire import Message
    bus = PubSubEvents(sys.argv[1], source="child", emulator=sys.argv[2])
    for number in range(20):
        bus.publish_message("results", Message(attributes={}, data=b"%d" % number))
    os._exit(9)
"""


def test_a_process_that_dies_right_after_loses_nothing(
    pubsub: str, start_python: "Callable[..., Popen[str]]"
) -> None:
    place = EmulatedPlace(pubsub, f"test-{uuid4().hex[:12]}")
    place.declare([LISTENER])
    child = start_python(AND_DIES, place.project, pubsub)
    assert child.wait(60) == 9
    heard = place.receive("listener", 20)
    place.close()
    assert sorted(int(received.data) for received in heard) == list(range(20))


def test_an_odd_name_arrives_as_a_header_may_hold_it(pubsub: str) -> None:
    place = EmulatedPlace(pubsub, f"test-{uuid4().hex[:12]}")
    place.declare([LISTENER])
    name = f"acme/ü\n%{'x' * 1100}.mp4"
    event = ObjectFinalized(bucket="uploads", name=name, generation=1, at=NOW)
    place.publish("results", event)
    place.publish_message("results", Message(attributes={}, data=b"\0\xff"))
    first, second = place.receive("listener", 2)
    place.close()
    told, bare = (first, second) if first.attributes else (second, first)
    assert all(len(value) <= LONGEST_VALUE for value in told.attributes.values())
    assert told.attributes["ce-subject"].startswith("objects/acme/%C3%BC%0A%25xxx")
    assert (bare.data, bare.attributes) == (b"\0\xff", {})


def test_the_emulator_has_what_the_flows_say(pubsub: str) -> None:
    project = f"test-{uuid4().hex[:12]}"
    endpoints = {one.name: f"http://127.0.0.1:9/{one.name}" for one in SUBSCRIPTIONS if one.push}
    declare(pubsub, project, SUBSCRIPTIONS, endpoints)
    declare(pubsub, project, SUBSCRIPTIONS, endpoints)
    with grpc.insecure_channel(pubsub) as channel:
        client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        found = {
            one.name.rpartition("/")[2]: one
            for one in client.list_subscriptions(project=f"projects/{project}")
        }
    declare(pubsub, project, [])
    assert set(found) == {one.name for one in SUBSCRIPTIONS}
    for one in SUBSCRIPTIONS:
        made = found[one.name]
        assert made.topic == f"projects/{project}/topics/{one.topic}"
        assert made.ack_deadline_seconds == one.ack_deadline.total_seconds()
        assert made.dead_letter_policy.max_delivery_attempts == (one.max_delivery_attempts or 0)
        assert made.dead_letter_policy.dead_letter_topic == (
            f"projects/{project}/topics/{one.dead_letter_topic}" if one.dead_letter_topic else ""
        )
        assert made.push_config.push_endpoint == endpoints.get(one.name, "")
        unwrapped = one.push and one.name != "on-execution"
        assert made.push_config.no_wrapper.write_metadata is unwrapped
        assert "expiration_policy" in made
        assert not made.expiration_policy.ttl
