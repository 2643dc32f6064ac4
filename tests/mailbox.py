"""What was published, read from Google's Pub/Sub emulator as a subscriber would."""

from collections.abc import Sequence

import grpc
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.emulators.topics import declare
from infra.laptop.subscriptions import subscriptions
from schemas.events import Event
from schemas.wire import event_of

MOST = 1000
"""Messages of one pull."""
PATIENCE = 1.0
"""Seconds that a pull waits where there is nothing."""


class Mailbox:
    """Every subscription of one project; each message is taken once and remembered."""

    def __init__(self, emulator: str, project: str) -> None:
        """Declares topics and subscriptions; none is pushed."""
        self._emulator = emulator
        self._project = project
        self._taken: dict[str, list[Event]] = {}
        declare(emulator, project, subscriptions())

    def events(self, subscription: str) -> Sequence[Event]:
        """All that have come so far, in the order in which they came; repeats and all."""
        taken = self._taken.setdefault(subscription, [])
        name = f"projects/{self._project}/subscriptions/{subscription}"
        with grpc.insecure_channel(self._emulator) as channel:
            client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
            try:
                received = client.pull(
                    subscription=name, max_messages=MOST, retry=None, timeout=PATIENCE
                ).received_messages
            except DeadlineExceeded:
                return taken
            for one in received:
                bare = {
                    key.removeprefix("ce-"): said for key, said in one.message.attributes.items()
                }
                taken.append(event_of(bare, one.message.data))
            if received:
                client.acknowledge(subscription=name, ack_ids=[one.ack_id for one in received])
        return taken
