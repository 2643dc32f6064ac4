"""Hearing along on Pub/Sub: subscriptions of one's own, from which nobody else misses anything.

    topic ─┬─► its subscription ─► whoever works by it
           └─► ours, made now ───► here; removed at the end, or by itself after a quiet day

Only what is published after the subscription was made is heard. Not run against Google Cloud.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from google.api_core.exceptions import DeadlineExceeded, GoogleAPICallError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import types
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from functions.adapters.google_calls import ANSWER_WITHIN, channel_to
from schemas.ports import StoreRefused
from schemas.subscriptions import ReceivedMessage

MOST = 100
"""Messages of one pull."""
ACK_DEADLINE = timedelta(seconds=60)
RETENTION = timedelta(hours=1)
GOES_AFTER = timedelta(days=1)
"""Pub/Sub's shortest: what a killed process leaves is gone then."""


class PubSubListener:
    """Made means listening; `close` removes its subscriptions. Raises StoreRefused."""

    def __init__(
        self, project: str, topics: Sequence[str], *, name: str, emulator: str | None = None
    ) -> None:
        """`name` is in front of the subscriptions' names, and nobody else's."""
        self._project = project
        self._names = {topic: f"{name}-{topic}" for topic in topics}
        self._made: list[str] = []
        channel = channel_to(emulator)
        with _asking("a client of Pub/Sub is made"):
            self._client = (
                SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
                if channel
                else SubscriberClient()
            )
        try:
            for topic in topics:
                self._subscribe(topic)
        except StoreRefused:
            self.close()
            raise

    def hear(self) -> Iterator[tuple[str, ReceivedMessage]]:
        """What has come meanwhile, with its topic; at once, whether there is something or not."""
        for topic, name in self._names.items():
            for one in self._pulled(self._path("subscriptions", name)):
                yield topic, _received(name, one)

    def close(self) -> None:
        """Its subscriptions are removed; what cannot be goes by itself."""
        for name in self._made:
            try:
                self._client.delete_subscription(subscription=name, timeout=ANSWER_WITHIN)
            except GoogleAPICallError:
                continue
        self._client.transport.close()

    def _subscribe(self, topic: str) -> None:
        name = self._path("subscriptions", self._names[topic])
        made = types.Subscription(
            name=name,
            topic=self._path("topics", topic),
            ack_deadline_seconds=int(ACK_DEADLINE.total_seconds()),
            message_retention_duration=RETENTION,
            expiration_policy=types.ExpirationPolicy(ttl=GOES_AFTER),
        )
        with _asking(f"a subscription on the topic '{topic}' is made"):
            self._client.create_subscription(request=made, timeout=ANSWER_WITHIN)
        self._made.append(name)

    def _pulled(self, name: str) -> Sequence[types.ReceivedMessage]:
        request = {"subscription": name, "max_messages": MOST, "return_immediately": True}
        with _asking(f"{name} is pulled"):
            try:
                pulled = self._client.pull(request=request, timeout=ANSWER_WITHIN)
                found = list(pulled.received_messages)
                if found:
                    acks = [one.ack_id for one in found]
                    self._client.acknowledge(subscription=name, ack_ids=acks, timeout=ANSWER_WITHIN)
            except DeadlineExceeded:
                return ()
        return found

    def _path(self, kind: str, name: str) -> str:
        return f"projects/{self._project}/{kind}/{name}"


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """What the library raises, as a sentence for whoever listens."""
    try:
        yield
    except NotFound as error:
        raise StoreRefused(f"{what}, but there is none: {error.message}") from error
    except (GoogleAPICallError, GoogleAuthError) as error:
        raise StoreRefused(f"{what}, but Pub/Sub refuses: {error}") from error


def _received(subscription: str, one: types.ReceivedMessage) -> ReceivedMessage:
    message = one.message
    return ReceivedMessage(
        ack_id=one.ack_id,
        subscription=subscription,
        message_id=message.message_id,
        publish_time=datetime.fromtimestamp(message.publish_time.timestamp(), UTC),
        attributes=dict(message.attributes),
        data=message.data,
        delivery_attempt=one.delivery_attempt or 1,
    )
