"""The bus's subscriptions, derived from the flows: the laptop has no wiring of its own."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from functions.adapters.sqlite_bus import Subscription
from schemas.flows import FLOWS, Delivery, Flow, undeliverable
from schemas.topics import Topic

MIN_BACKOFF = timedelta(milliseconds=200)
MAX_BACKOFF = timedelta(seconds=10)
"""A laptop's pauses, shorter than the cloud's: nobody else is waiting for the same service."""

DONE = next(flow.subscription for flow in FLOWS if flow.topic is Topic.RENDER_DONE)
DEAD_LETTERS = next(flow.subscription for flow in FLOWS if flow.topic is Topic.RENDER_DEAD_LETTER)
PUSH_PATHS = {
    flow.subscription: f"/{flow.subscriber.name}/"
    for flow in FLOWS
    if flow.delivery is Delivery.UNWRAPPED_PUSH
}
ACK_DEADLINES = {flow.subscription: flow.ack_deadline for flow in FLOWS}


def subscriptions() -> Sequence[Subscription]:
    """Every flow's subscription, and those of the undeliverable topics."""
    return [subscription for flow in FLOWS for subscription in _of(flow)]


def _of(flow: Flow) -> Iterator[Subscription]:
    net = undeliverable(flow)
    yield Subscription(
        name=flow.subscription,
        topic=flow.topic,
        ack_deadline=flow.ack_deadline,
        max_delivery_attempts=flow.max_delivery_attempts,
        min_backoff=min(flow.min_backoff, MIN_BACKOFF),
        max_backoff=min(flow.max_backoff, MAX_BACKOFF),
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
