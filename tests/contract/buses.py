"""Every place whose bus must keep the same promises, behind one small face for its suite.

The local buses run by a clock that the suite moves; Google's emulator runs by its own. So the suite
asks for "the next messages", and a place waits for them in its own way.

Where the emulator differs from the service (version 0.8.20, as seen in what it does), so that no
test may lean on it:

- there are no pauses: it loses messages with a retry policy, so none is declared on it
  (`infra/emulators/topics.py`), and what failed is pushed again after a second or pulled at once;
- filters are kept and never applied: every message comes to every subscription;
- no limit of an attribute is enforced, neither 1,024 bytes a value nor 100 attributes;
- no grants are needed: on Google Cloud a dead letter goes nowhere, silently, unless the service
  agent may publish to the dead-letter topic and acknowledge on the subscription;
- nothing is kept for longer than 7 days, and a longer retention is refused (the service: 31);
- a push carries no token, whatever the subscription says, and at most 4 are in hand at once;
- a message whose attribute is no HTTP header (a line's end in it) is never pushed, and nothing says
  so; what the service does then is not known, and our adapter encodes what it publishes;
- an ack deadline may be a second; the service's shortest is ten;
- the time in a dead letter's attribute ends in `Z`, ours in `+00:00`: both are RFC 3339.

And where the service, hence the emulator, differs from the local buses: a topic must exist, and a
publish to one that does not is refused, where a local bus takes it and loses it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import grpc
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1 import types
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from functions.adapters.pubsub_events import PubSubEvents
from functions.adapters.sqlite_bus import SqliteBus
from infra.emulators.topics import declare
from infra.simulator.memory_bus import MemoryBus
from schemas.events import Event
from schemas.subscriptions import ReceivedMessage, Subscription
from schemas.wire import Message

SOURCE = "//clipline/test"
PATIENCE = 20.0
"""Seconds, for what the emulator does by its own clock."""


class Place(Protocol):
    """A bus with what its suite does to it."""

    project: str
    """What its dead letters name."""

    def declare(self, subscriptions: Sequence[Subscription]) -> None:
        """Have exactly these subscriptions."""

    def publish(self, topic: str, event: Event) -> None:
        """The port itself."""

    def publish_message(self, topic: str, message: Message) -> None:
        """Any message."""

    def receive(self, subscription: str, count: int = 1) -> Sequence[ReceivedMessage]:
        """The next so many messages, waited for; fails the test if they do not come."""

    def ack(self, received: ReceivedMessage) -> None:
        """Done with it."""

    def nack(self, received: ReceivedMessage) -> None:
        """It failed."""

    def close(self) -> None:
        """Let go of connections."""


class LocalPlace:
    """A local bus, whose clock is moved forward until what is waited for comes."""

    def __init__(
        self, project: str, make: Callable[[Callable[[], datetime]], SqliteBus | MemoryBus]
    ) -> None:
        self.project = project
        self._now = datetime(2026, 1, 31, 12, tzinfo=UTC)
        self._bus = make(lambda: self._now)

    def declare(self, subscriptions: Sequence[Subscription]) -> None:
        self._bus.declare(subscriptions)

    def publish(self, topic: str, event: Event) -> None:
        self._bus.publish(topic, event)

    def publish_message(self, topic: str, message: Message) -> None:
        self._bus.publish_message(topic, message)

    def receive(self, subscription: str, count: int = 1) -> Sequence[ReceivedMessage]:
        taken: list[ReceivedMessage] = []
        give_up = self._now + timedelta(hours=1)
        while len(taken) < count:
            assert self._now < give_up, f"{len(taken)} of {count} came from {subscription}"
            got = self._bus.pull(subscription, count - len(taken), self._now)
            taken += got
            self._now += timedelta(0) if got else timedelta(seconds=1)
        return taken

    def ack(self, received: ReceivedMessage) -> None:
        self._bus.ack(received.ack_id)

    def nack(self, received: ReceivedMessage) -> None:
        self._bus.nack(received.ack_id, self._now)

    def close(self) -> None:
        """Nothing is open."""


class EmulatedPlace:
    """Google's emulator, published to by our adapter and pulled from by Google's client."""

    def __init__(self, emulator: str, project: str) -> None:
        self.project = project
        self._emulator = emulator
        self._events = PubSubEvents(project, source=SOURCE, emulator=emulator)
        self._channel = grpc.insecure_channel(emulator)
        transport = SubscriberGrpcTransport(channel=self._channel)
        self._subscriber = SubscriberClient(transport=transport)

    def declare(self, subscriptions: Sequence[Subscription]) -> None:
        declare(self._emulator, self.project, subscriptions)

    def publish(self, topic: str, event: Event) -> None:
        self._events.publish(topic, event)

    def publish_message(self, topic: str, message: Message) -> None:
        self._events.publish_message(topic, message)

    def receive(self, subscription: str, count: int = 1) -> Sequence[ReceivedMessage]:
        taken: list[ReceivedMessage] = []
        while len(taken) < count:
            request = types.PullRequest(
                subscription=self._path(subscription), max_messages=count - len(taken)
            )
            try:
                pulled = self._subscriber.pull(request=request, retry=None, timeout=PATIENCE)
            except DeadlineExceeded as error:
                what = f"{len(taken)} of {count} came from {subscription}"
                raise AssertionError(what) from error
            taken += [_received(subscription, one) for one in pulled.received_messages]
        return taken

    def ack(self, received: ReceivedMessage) -> None:
        self._subscriber.acknowledge(
            subscription=self._path(received.subscription), ack_ids=[received.ack_id]
        )

    def nack(self, received: ReceivedMessage) -> None:
        self._subscriber.modify_ack_deadline(
            subscription=self._path(received.subscription),
            ack_ids=[received.ack_id],
            ack_deadline_seconds=0,
        )

    def close(self) -> None:
        self._events.close()
        self._channel.close()

    def _path(self, subscription: str) -> str:
        return f"projects/{self.project}/subscriptions/{subscription}"


def local(name: str, folder: Path) -> Place:
    """The laptop's bus or the simulator's."""
    if name == "sqlite":
        return LocalPlace(
            "laptop", lambda clock: SqliteBus(folder / "bus.db", source=SOURCE, clock=clock)
        )
    return LocalPlace("simulator", lambda clock: MemoryBus(source=SOURCE, clock=clock))


def _received(subscription: str, one: types.ReceivedMessage) -> ReceivedMessage:
    message = one.message
    return ReceivedMessage(
        ack_id=one.ack_id,
        subscription=subscription,
        message_id=message.message_id,
        publish_time=datetime.fromtimestamp(message.publish_time.timestamp(), UTC),
        attributes=dict(message.attributes),
        data=message.data,
        delivery_attempt=one.delivery_attempt,
    )
