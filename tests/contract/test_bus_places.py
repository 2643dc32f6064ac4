"""What a bus promises wherever Clipline runs: SQLite, memory, and Pub/Sub's emulator."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from schemas.events import CancelRender
from schemas.subscriptions import Subscription
from schemas.wire import Message, event_of
from tests.contract.buses import SOURCE, EmulatedPlace, Place, local

SECOND = timedelta(seconds=1)
PUSHED = Subscription(
    name="on-result",
    topic="results",
    ack_deadline=60 * SECOND,
    max_delivery_attempts=5,
    min_backoff=timedelta(0),
    max_backoff=timedelta(0),
    dead_letter_topic="on-result-undeliverable",
)
NET = Subscription(
    name="on-result-undeliverable",
    topic="on-result-undeliverable",
    ack_deadline=600 * SECOND,
    retention=timedelta(days=31),
)
DONE = Subscription(name="render-done", topic="done", ack_deadline=60 * SECOND)
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite", "pubsub-emulator"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "pubsub-emulator":
        emulator = request.getfixturevalue("pubsub")
        one: Place = EmulatedPlace(emulator, f"test-{uuid4().hex[:12]}")
    else:
        one = local(request.param, tmp_path)
    one.declare([PUSHED, NET, DONE])
    yield one
    one.close()


def say(place: Place, text: str, topic: str = "results") -> None:
    place.publish_message(topic, Message(attributes={"text": text}, data=text.encode()))


def test_an_event_arrives_as_it_was_published(place: Place) -> None:
    event = CancelRender(render="r-1", by="ana", reason="wrong film", at=NOW)
    place.publish("results", event)
    (received,) = place.receive("on-result")
    assert received.attributes == {
        "ce-specversion": "1.0",
        "ce-id": event.id,
        "ce-source": SOURCE,
        "ce-type": "clipline.render.cancel.v1",
        "ce-subject": "r-1",
        "ce-time": "2026-11-25T09:00:00Z",
        "content-type": "application/json",
    }
    plain = {key.removeprefix("ce-"): value for key, value in received.attributes.items()}
    assert event_of(plain, received.data) == event
    assert received.publish_time.tzinfo is not None


def test_every_subscription_gets_its_own_copy(place: Place) -> None:
    place.declare([PUSHED, NET, DONE, replace(DONE, name="another", topic="results")])
    say(place, "once")
    (one,), (other,) = place.receive("on-result"), place.receive("another")
    place.ack(other)
    place.nack(one)
    (again,) = place.receive("on-result")
    assert (again.message_id, again.data) == (one.message_id, b"once")
    say(place, "next")
    (last,) = place.receive("another")
    assert last.data == b"next"


def test_a_topic_without_a_subscription_loses_its_messages(place: Place) -> None:
    place.declare([PUSHED, DONE])
    say(place, "to nobody", NET.topic)
    place.declare([PUSHED, DONE, NET])
    say(place, "to somebody", NET.topic)
    (received,) = place.receive(NET.name)
    assert received.data == b"to somebody"


def test_an_acknowledged_message_never_comes_again(place: Place) -> None:
    say(place, "a")
    (received,) = place.receive("on-result")
    place.ack(received)
    place.ack(received)
    place.nack(received)
    say(place, "b")
    (other,) = place.receive("on-result")
    assert other.data == b"b"


def test_what_failed_comes_again_and_says_how_often(place: Place) -> None:
    say(place, "a")
    (first,) = place.receive("on-result")
    place.nack(first)
    (second,) = place.receive("on-result")
    assert second.message_id == first.message_id
    assert second.publish_time == first.publish_time
    assert (first.delivery_attempt, second.delivery_attempt) == (1, 2)


def test_what_nobody_answers_for_comes_again_after_its_deadline(place: Place) -> None:
    place.declare([replace(PUSHED, ack_deadline=SECOND), NET, DONE])
    say(place, "a")
    (first,) = place.receive("on-result")
    (second,) = place.receive("on-result")
    assert second.message_id == first.message_id
    place.ack(second)


def test_too_often_refused_it_goes_to_the_dead_letters(place: Place) -> None:
    say(place, "poison")
    for attempt in range(1, 6):
        (received,) = place.receive("on-result")
        assert received.delivery_attempt == attempt
        place.nack(received)
    say(place, "wholesome")
    (other,) = place.receive("on-result")
    assert other.data == b"wholesome"
    (letter,) = place.receive(NET.name)
    assert letter.message_id != received.message_id
    assert letter.data == b"poison"
    told = dict(letter.attributes)
    published = datetime.fromisoformat(told.pop("CloudPubSubDeadLetterSourceTopicPublishTime"))
    assert published == received.publish_time
    assert told == {
        "text": "poison",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "on-result",
        "CloudPubSubDeadLetterSourceSubscriptionProject": place.project,
    }


def test_without_a_limit_it_comes_again_as_often_as_it_fails(place: Place) -> None:
    place.declare([replace(DONE, max_backoff=timedelta(0), min_backoff=timedelta(0)), PUSHED, NET])
    say(place, "a", "done")
    for _ in range(12):
        (received,) = place.receive("render-done")
        place.nack(received)
    (received,) = place.receive("render-done")
    assert received.data == b"a"


def test_declaring_again_changes_rules_and_keeps_messages(place: Place) -> None:
    say(place, "a")
    say(place, "d", "done")
    place.declare([replace(PUSHED, ack_deadline=SECOND), NET, DONE])
    (first,) = place.receive("on-result")
    (again,) = place.receive("on-result")
    assert again.message_id == first.message_id
    place.declare([PUSHED, NET])
    place.declare([PUSHED, NET, DONE])
    say(place, "e", "done")
    (left,) = place.receive("render-done")
    assert left.data == b"e"


def test_of_many_messages_none_is_lost(place: Place) -> None:
    """One thread publishes to memory, whose bus is for one; the others are told by four."""
    workers = 1 if place.project == "simulator" else 4
    texts = [str(number) for number in range(200)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda text: say(place, text), texts))
    seen: Counter[str] = Counter()
    while set(seen) < set(texts):
        for received in place.receive("on-result"):
            seen[received.data.decode()] += 1
            place.ack(received)
    assert set(seen) == set(texts)
    assert seen.total() < 2 * len(texts)
