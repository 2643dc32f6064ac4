"""The laptop's subscriptions: those of every place, less patient."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from schemas.flows import FLOWS, Delivery
from schemas.subscriptions import SUBSCRIPTIONS, Subscription
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
    return [
        replace(
            one,
            min_backoff=min(one.min_backoff, MIN_BACKOFF),
            max_backoff=min(one.max_backoff, MAX_BACKOFF),
        )
        for one in SUBSCRIPTIONS
    ]
