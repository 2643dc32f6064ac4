"""Topics and subscriptions on the emulator, as Terraform makes them on Google Cloud.

All but the retry policy. With one, version 0.8.20 keeps what failed in a map by the millisecond at
which it is due. When two messages fall due in the same one, a message is put in twice, its second
turn ends in an exception, and the timer that hands such messages out never runs again: from then on
nothing that fails on that subscription comes back. Seen with 48 messages pushed to a function that
answered each with 503 once: after 3 s there was silence. Without a policy all came back.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

import grpc
from google.api_core.exceptions import AlreadyExists
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from schemas.flows import FLOWS
from schemas.subscriptions import Subscription
from schemas.topics import Topic

NEVER = types.ExpirationPolicy()
"""Without a time to live; else a subscription that nobody pulls for 31 days is removed."""
LONGEST_RETENTION = timedelta(days=7)
"""The emulator's; the service keeps a message for 31 days where it is told to."""
CHANGEABLE = (
    "ack_deadline_seconds",
    "dead_letter_policy",
    "message_retention_duration",
    "push_config",
)


WRAPPED = frozenset(flow.subscription for flow in FLOWS if flow.topic is Topic.EXECUTION_EVENTS)
"""Pushed in Pub/Sub's own envelope: what a place says of an end has no attributes that would be a
CloudEvent's headers, and some that could be nobody's."""


def resource(one: Subscription, project: str, endpoint: str | None = None) -> types.Subscription:
    """The subscription in Pub/Sub's words, for the emulator; with an `endpoint` it is pushed there.

    A push is unwrapped, with its metadata, as far as that makes it a binary CloudEvent by itself
    (`schemas/wire.py`). There is no retry policy: what failed is pushed again after a second, or
    may be pulled at once.
    """
    made = types.Subscription(
        name=f"projects/{project}/subscriptions/{one.name}",
        topic=_topic(project, one.topic),
        ack_deadline_seconds=int(one.ack_deadline.total_seconds()),
        message_retention_duration=min(one.retention, LONGEST_RETENTION),
        expiration_policy=NEVER,
    )
    if one.max_delivery_attempts is not None and one.dead_letter_topic is not None:
        made.dead_letter_policy = types.DeadLetterPolicy(
            dead_letter_topic=_topic(project, one.dead_letter_topic),
            max_delivery_attempts=one.max_delivery_attempts,
        )
    if endpoint is not None:
        made.push_config = types.PushConfig(push_endpoint=endpoint)
        if one.name not in WRAPPED:
            made.push_config.no_wrapper = types.PushConfig.NoWrapper(write_metadata=True)
    return made


def declare(
    emulator: str,
    project: str,
    subscriptions: Sequence[Subscription],
    endpoints: Mapping[str, str] | None = None,
) -> None:
    """Have exactly these subscriptions in the project, and a topic for each and its dead letters.

    `endpoints` says where a subscription is pushed to, by its name; the others wait for a pull.
    Those that stay keep their messages.
    """
    with _clients(emulator) as (publisher, subscriber):
        for topic in sorted({topic for one in subscriptions for topic in _topics(one)}):
            with suppress(AlreadyExists):
                publisher.create_topic(name=_topic(project, topic))
        wanted = [resource(one, project, (endpoints or {}).get(one.name)) for one in subscriptions]
        for made in wanted:
            try:
                subscriber.create_subscription(request=made)
            except AlreadyExists:
                change = types.UpdateSubscriptionRequest(
                    subscription=made, update_mask=FieldMask(paths=CHANGEABLE)
                )
                subscriber.update_subscription(request=change)
        names = {made.name for made in wanted}
        for other in subscriber.list_subscriptions(project=f"projects/{project}"):
            if other.name not in names:
                subscriber.delete_subscription(subscription=other.name)


def push(
    emulator: str,
    project: str,
    subscriptions: Sequence[Subscription],
    endpoints: Mapping[str, str],
) -> None:
    """Have each of these that has an endpoint, by its name, pushed there from now on."""
    with _clients(emulator) as (_, subscriber):
        for one in subscriptions:
            if one.name in endpoints:
                change = types.UpdateSubscriptionRequest(
                    subscription=resource(one, project, endpoints[one.name]),
                    update_mask=FieldMask(paths=["push_config"]),
                )
                subscriber.update_subscription(request=change)


@contextmanager
def _clients(emulator: str) -> Iterator[tuple[PublisherClient, SubscriberClient]]:
    with grpc.insecure_channel(emulator) as channel:
        yield (
            PublisherClient(transport=PublisherGrpcTransport(channel=channel)),
            SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)),
        )


def _topics(one: Subscription) -> Iterator[str]:
    yield str(one.topic)
    if one.dead_letter_topic is not None:
        yield one.dead_letter_topic


def _topic(project: str, topic: str) -> str:
    return f"projects/{project}/topics/{topic}"
