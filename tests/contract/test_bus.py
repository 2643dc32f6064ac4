"""What the bus promises to those who publish and those who subscribe."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.adapters.sqlite_bus import SqliteBus
from infra.simulator.memory_bus import MemoryBus
from schemas.events import CancelRender
from schemas.ports import NotPublished
from schemas.subscriptions import ReceivedMessage, Subscription
from schemas.wire import Message, event_of

if TYPE_CHECKING:
    from subprocess import Popen

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PUSH = Subscription(
    name="on-result",
    topic="results",
    ack_deadline=10 * SECOND,
    max_delivery_attempts=5,
    min_backoff=SECOND,
    max_backoff=6 * SECOND,
    dead_letter_topic="on-result-undeliverable",
    push=True,
)
NET = Subscription(
    name="on-result-undeliverable",
    topic="on-result-undeliverable",
    retention=timedelta(days=31),
)
DONE = Subscription(name="render-done", topic="done")


Bus = SqliteBus | MemoryBus
Clock = Callable[[], datetime]


def at_t0() -> datetime:
    return T0


def opened(folder: Path, clock: Clock = at_t0) -> SqliteBus:
    return SqliteBus(folder / "bus.db", source="//clipline/test", clock=clock)


DURABLE: dict[str, Callable[[Path, Clock], Bus]] = {"sqlite": opened}
"""Opened again, by whomever, it is the same bus."""
FACTORIES: dict[str, Callable[[Path, Clock], Bus]] = DURABLE | {
    "memory": lambda folder, clock: MemoryBus(source="//clipline/test", clock=clock),
}


@pytest.fixture(params=sorted(FACTORIES))
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Bus:
    one = FACTORIES[request.param](tmp_path, at_t0)
    one.declare([PUSH, NET, DONE])
    return one


@pytest.fixture
def shared_bus(tmp_path: Path) -> SqliteBus:
    """One that other processes can open."""
    one = opened(tmp_path)
    one.declare([PUSH, NET, DONE])
    return one


def say(bus: Bus, text: str, topic: str = "results") -> None:
    bus.publish_message(topic, Message(attributes={"text": text}, data=text.encode()))


def texts(deliveries: Sequence[ReceivedMessage]) -> list[str]:
    return [delivery.data.decode() for delivery in deliveries]


def test_an_event_arrives_as_it_was_published(bus: Bus) -> None:
    event = CancelRender(render="r-1", by="ana", reason="wrong film", at=T0)
    bus.publish("results", event)
    (delivery,) = bus.lease(9, T0)
    assert delivery.subscription == "on-result"
    assert delivery.publish_time == T0
    assert delivery.delivery_attempt == 1
    assert delivery.attributes["ce-id"] == event.id
    assert delivery.attributes["ce-source"] == "//clipline/test"
    plain = {key.removeprefix("ce-"): value for key, value in delivery.attributes.items()}
    assert event_of(plain, delivery.data) == event


def test_who_asked_in_vain_hears_of_the_next_whoever_publishes_it(
    shared_bus: SqliteBus, tmp_path: Path
) -> None:
    bus = shared_bus
    assert not bus.lease(9, T0)
    say(opened(tmp_path), "another's")
    (first,) = bus.lease(9, T0)
    assert not bus.lease(9, T0)
    say(bus, "our own")
    (second,) = bus.lease(9, T0)
    assert texts([first, second]) == ["another's", "our own"]
    bus.nack(first.ack_id, T0)
    assert not bus.lease(9, T0)
    assert texts(bus.lease(9, T0 + SECOND)) == ["another's"]
    assert texts(bus.lease(9, T0 + PUSH.ack_deadline)) == []  # it failed by silence: a pause


def test_every_subscription_gets_its_own_copy(bus: Bus) -> None:
    other = replace(PUSH, name="another")
    bus.declare([PUSH, other, NET])
    say(bus, "once")
    deliveries = bus.lease(9, T0)
    assert sorted(d.subscription for d in deliveries) == ["another", "on-result"]
    bus.ack(deliveries[0].ack_id)
    bus.nack(deliveries[1].ack_id, T0)
    (again,) = bus.lease(9, T0 + SECOND)
    assert again.subscription == deliveries[1].subscription


def test_a_topic_without_a_subscription_loses_its_messages(bus: Bus) -> None:
    say(bus, "to nobody", "nobody-listens")
    bus.declare([PUSH, NET, replace(DONE, topic="nobody-listens")])
    assert bus.peek("render-done") == ()


def test_a_leased_message_is_nobody_elses_until_its_deadline(bus: Bus) -> None:
    say(bus, "a")
    (first,) = bus.lease(9, T0)
    assert bus.lease(9, T0 + 9 * SECOND) == ()
    # The deadline is a failed delivery, and the backoff follows it.
    assert bus.lease(9, T0 + 10 * SECOND) == ()
    (second,) = bus.lease(9, T0 + 11 * SECOND)
    assert (second.message_id, second.delivery_attempt) == (first.message_id, 2)


def test_an_acknowledged_message_never_comes_again(bus: Bus) -> None:
    say(bus, "a")
    (delivery,) = bus.lease(9, T0)
    bus.ack(delivery.ack_id)
    bus.ack(delivery.ack_id)
    bus.nack(delivery.ack_id, T0)
    assert bus.lease(9, T0 + timedelta(days=1)) == ()
    assert bus.peek("on-result") == ()


def test_a_late_acknowledgement_counts_and_a_late_refusal_does_not(bus: Bus) -> None:
    say(bus, "a")
    (first,) = bus.lease(9, T0)
    bus.lease(9, T0 + 10 * SECOND)
    (second,) = bus.lease(9, T0 + 11 * SECOND)
    bus.nack(first.ack_id, T0 + 12 * SECOND)
    assert bus.lease(9, T0 + 20 * SECOND) == ()
    bus.ack(first.ack_id)
    bus.nack(second.ack_id, T0 + 21 * SECOND)
    assert bus.lease(9, T0 + timedelta(days=1)) == ()


def test_the_pause_doubles_up_to_its_longest(bus: Bus) -> None:
    say(bus, "a")
    now = T0
    for pause in (SECOND, 2 * SECOND, 4 * SECOND, 6 * SECOND):
        (delivery,) = bus.lease(9, now)
        bus.nack(delivery.ack_id, now)
        now += pause
        assert bus.lease(9, now - timedelta(microseconds=1)) == ()
    assert texts(bus.lease(9, now)) == ["a"]


@pytest.mark.parametrize("by", ["nack", "silence"])
def test_too_often_refused_it_goes_to_the_dead_letters(bus: Bus, by: str) -> None:
    say(bus, "poison")
    now = T0
    for attempt in range(1, 6):
        (delivery,) = bus.lease(9, now)
        assert delivery.delivery_attempt == attempt
        if by == "nack":
            bus.nack(delivery.ack_id, now)
        else:
            now += PUSH.ack_deadline
            assert bus.lease(9, now) == ()
        now += PUSH.max_backoff
    assert bus.lease(9, now) == ()
    (letter,) = bus.pull("on-result-undeliverable", 9, now)
    assert letter.message_id != delivery.message_id
    assert letter.data == b"poison"
    project = letter.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"]
    assert project in ("laptop", "simulator")
    assert letter.attributes == {
        "text": "poison",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "on-result",
        "CloudPubSubDeadLetterSourceSubscriptionProject": project,
        "CloudPubSubDeadLetterSourceTopicPublishTime": T0.isoformat(),
    }


def test_an_expired_lease_does_not_hide_what_is_due_behind_it(bus: Bus) -> None:
    say(bus, "a")
    bus.lease(1, T0)
    say(bus, "b")
    assert texts(bus.lease(1, T0 + 10 * SECOND)) == ["b"]


def test_lease_gives_no_more_than_asked_and_only_what_is_pushed(bus: Bus) -> None:
    for text in "abc":
        say(bus, text)
    say(bus, "d", "done")
    assert bus.lease(0, T0) == ()
    assert texts(bus.lease(2, T0)) == ["a", "b"]
    assert texts(bus.lease(2, T0)) == ["c"]


def test_a_reader_pulls_and_peeks(bus: Bus) -> None:
    for text in "abc":
        say(bus, text, "done")
    seen = bus.peek("render-done")
    assert texts(seen) == ["a", "b", "c"]
    assert texts(bus.peek("render-done", after_id=seen[0].message_id, limit=1)) == ["b"]
    pulled = bus.pull("render-done", 2, T0)
    assert texts(pulled) == ["a", "b"]
    bus.ack(pulled[0].ack_id)
    assert texts(bus.peek("render-done")) == ["b", "c"]
    assert texts(bus.pull("render-done", 9, T0)) == ["c"]


def test_declaring_again_changes_rules_and_keeps_messages(bus: Bus) -> None:
    say(bus, "a")
    say(bus, "d", "done")
    bus.declare([replace(PUSH, ack_deadline=20 * SECOND), NET, DONE])
    bus.lease(9, T0)
    assert bus.lease(9, T0 + 19 * SECOND) == ()
    assert bus.lease(9, T0 + 20 * SECOND) == ()
    assert texts(bus.lease(9, T0 + 21 * SECOND)) == ["a"]
    assert texts(bus.peek("render-done")) == ["d"]
    bus.declare([PUSH])
    bus.declare([PUSH, DONE])
    assert bus.peek("render-done") == ()


@pytest.mark.parametrize("open_bus", FACTORIES.values(), ids=FACTORIES)
def test_declaring_forgets_what_is_past_its_retention(
    open_bus: Callable[[Path, Clock], Bus], tmp_path: Path
) -> None:
    now = [T0]
    bus = open_bus(tmp_path, lambda: now[0])
    bus.declare([DONE, replace(NET, topic="done")])
    say(bus, "old", "done")
    now[0] += timedelta(days=7)
    say(bus, "new", "done")
    now[0] += SECOND
    bus.declare([DONE, replace(NET, topic="done")])
    assert texts(bus.peek("render-done")) == ["new"]
    assert texts(bus.peek("on-result-undeliverable")) == ["old", "new"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["publish", "lease", "ack", "nack", "reopen"]), st.integers(0, 15)),
    max_size=60,
)


@pytest.mark.parametrize("name", sorted(FACTORIES))
@given(steps=STEPS)
@settings(max_examples=30, deadline=None)
def test_no_history_loses_a_message_or_brings_one_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("bus")
    bus, now = FACTORIES[name](folder, at_t0), T0
    bus.declare([PUSH, NET])
    published: set[str] = set()
    acked: set[str] = set()
    held: list[ReceivedMessage] = []
    for verb, number in steps:
        now += number * SECOND
        if verb == "publish":
            published.add(str(len(published)))
            say(bus, str(len(published) - 1))
        elif verb == "lease":
            got = bus.lease(number, now)
            assert not set(texts(got)) & acked
            held.extend(got)
        elif verb == "reopen":
            bus = DURABLE[name](folder, at_t0) if name in DURABLE else bus
        elif held:
            delivery = held.pop(number % len(held))
            if verb == "ack":
                bus.ack(delivery.ack_id)
                acked.add(delivery.data.decode())
            else:
                bus.nack(delivery.ack_id, now)
    left = {*texts(bus.peek("on-result")), *texts(bus.peek("on-result-undeliverable"))}
    assert published - acked <= left
    assert not set(texts(bus.peek("on-result"))) & acked


@given(steps=STEPS)
@settings(max_examples=30, deadline=None)
def test_every_bus_answers_the_same(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder, now = tmp_path_factory.mktemp("buses"), T0
    buses = [factory(folder, at_t0) for factory in FACTORIES.values()]
    held: list[str] = []
    for bus in buses:
        bus.declare([PUSH, NET, DONE])
    for verb, number in steps:
        now += number * SECOND
        if verb == "publish":
            for bus in buses:
                say(bus, str(number), ("results", "done", "nobody-listens")[number % 3])
        elif verb == "lease":
            first, *others = [
                [*bus.lease(number, now), *bus.pull("render-done", 1, now)] for bus in buses
            ]
            assert all(other == first for other in others)
            held += [received.ack_id for received in first]
        elif held and verb != "reopen":
            ack_id = held.pop(number % len(held))
            for bus in buses:
                bus.ack(ack_id) if verb == "ack" else bus.nack(ack_id, now)
    for name in ("on-result", "on-result-undeliverable", "render-done"):
        left, *rest = [[(r.ack_id, r.data) for r in bus.peek(name)] for bus in buses]
        assert all(other == left for other in rest)


PUBLISHER = """
    import sys
    from pathlib import Path
    from functions.adapters.sqlite_bus import SqliteBus
    from schemas.wire import Message
    bus, number = SqliteBus(Path(sys.argv[1]), source="child"), 0
    while number < int(sys.argv[3]):
        text = f"{sys.argv[2]}-{number}"
        bus.publish_message("results", Message(attributes={}, data=text.encode()))
        print(text, flush=True)
        number += 1
"""
WORKER = """
    import sys
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from functions.adapters.sqlite_bus import SqliteBus
    bus = SqliteBus(Path(sys.argv[1]), source="child")
    while got := bus.lease(3, datetime.now(UTC)):
        for delivery in got:
            print(delivery.data.decode(), flush=True)
            bus.ack(delivery.ack_id)
"""


def test_what_was_published_survives_the_killing_of_its_publisher(
    shared_bus: SqliteBus, tmp_path: Path, start_python: "Callable[..., Popen[str]]"
) -> None:
    said: set[str] = set()
    for number in range(3):
        child = start_python(PUBLISHER, tmp_path / "bus.db", number, 1_000_000)
        assert child.stdout is not None
        said |= {child.stdout.readline().strip() for _ in range(5 + 7 * number)}
        child.kill()
        said |= {line for line in child.stdout.read().split("\n")[:-1] if line}
    stored = texts(shared_bus.peek("on-result"))
    assert said <= set(stored)
    assert len(stored) <= len(said) + 3
    assert len(stored) == len(set(stored))


def test_of_many_processes_each_message_is_leased_to_one(
    shared_bus: SqliteBus, tmp_path: Path, start_python: "Callable[..., Popen[str]]"
) -> None:
    path = tmp_path / "bus.db"
    publishers = [start_python(PUBLISHER, path, number, 50) for number in range(2)]
    said = [line for child in publishers for line in child.communicate(timeout=30)[0].split()]
    workers = [start_python(WORKER, path) for _ in range(3)]
    heard = [line for child in workers for line in child.communicate(timeout=30)[0].split()]
    assert sorted(heard) == sorted(said)
    assert shared_bus.peek("on-result") == ()


def test_a_bus_that_cannot_store_says_so(shared_bus: SqliteBus, tmp_path: Path) -> None:
    spoil(tmp_path / "bus.db")
    with pytest.raises(NotPublished, match="no such table"):
        say(shared_bus, "a")


def spoil(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE messages")
        db.commit()
