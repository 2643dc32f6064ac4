"""A bus's subscriptions, derived from the flows, and a message as a subscriber gets it.

The words, the defaults and the rules are Pub/Sub's; every place delivers by them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.flows import FLOWS, Delivery, Flow, undeliverable
from schemas.wire import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who gets a topic's messages, and how patiently."""

    name: str
    topic: str
    ack_deadline: timedelta = timedelta(seconds=10)
    max_delivery_attempts: int | None = None
    """Failed so often, a message goes to `dead_letter_topic`; None for never."""
    min_backoff: timedelta = timedelta(seconds=10)
    """The pause after the first failed delivery; it doubles with each further one."""
    max_backoff: timedelta = timedelta(seconds=600)
    dead_letter_topic: str | None = None
    push: bool = False
    """Whether `lease` hands its messages out; if not they wait for `pull`."""
    retention: timedelta = timedelta(days=7)

    def backoff(self, deliveries: int) -> timedelta:
        """The pause after that many deliveries, the last of which failed."""
        doublings = min(max(deliveries, 1) - 1, 32)
        return min(self.max_backoff, self.min_backoff * (1 << doublings))

    def gives_up_to(self, deliveries: int) -> str | None:
        """Where a message goes when so many deliveries have failed; None while it comes again."""
        limit = self.max_delivery_attempts
        return None if limit is None or deliveries < limit else self.dead_letter_topic


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMessage:
    """A message as one subscription gets it."""

    ack_id: str
    subscription: str
    message_id: str
    publish_time: datetime
    attributes: Mapping[str, str]
    data: bytes
    delivery_attempt: int
    """1 for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What one subscription holds, and what went through it lately."""

    subscription: str
    depth: int
    """Messages that are not acknowledged, those in delivery too."""
    in_delivery: int
    """Of those, in somebody's hand: the ack deadline runs."""
    oldest_at: datetime | None
    """When the oldest of them was published; None where there is none."""
    published: int
    """Messages that came in within `span`."""
    acknowledged: int
    """Messages that left within `span`, those that were given up too."""
    span: timedelta
    """Up to now."""


def dead_letter(received: ReceivedMessage, project: str) -> Message:
    """The message with what Pub/Sub adds (https://cloud.google.com/pubsub/docs/dead-letter-topics).

    `project` is the one of the subscription that gave it up.
    """
    prefix = "CloudPubSubDeadLetterSource"
    added = {
        f"{prefix}DeliveryCount": str(received.delivery_attempt),
        f"{prefix}Subscription": received.subscription,
        f"{prefix}SubscriptionProject": project,
        f"{prefix}TopicPublishTime": received.publish_time.isoformat(),
    }
    return Message(attributes={**received.attributes, **added}, data=received.data)


def _of(flow: Flow) -> Iterator[Subscription]:
    net = undeliverable(flow)
    yield Subscription(
        name=flow.subscription,
        topic=flow.topic,
        ack_deadline=flow.ack_deadline,
        max_delivery_attempts=flow.max_delivery_attempts,
        min_backoff=flow.min_backoff,
        max_backoff=flow.max_backoff,
        dead_letter_topic=net.topic if net else None,
        push=flow.delivery is Delivery.UNWRAPPED_PUSH,
        retention=flow.retention,
    )
    if net is not None:
        yield Subscription(
            name=net.subscription,
            topic=net.topic,
            ack_deadline=net.ack_deadline,
            retention=net.retention,
        )


SUBSCRIPTIONS = tuple(subscription for flow in FLOWS for subscription in _of(flow))
"""Every flow's, with the cloud's pauses, and those of the undeliverable topics."""
