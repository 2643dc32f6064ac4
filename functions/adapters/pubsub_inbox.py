"""Messages of Pub/Sub for somebody who asks for them: the inbox of the cloud's desk.

A pull from an empty subscription waits for a message, a minute and a half at most, and there is no
other way any more to ask only for what is there
(https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1#pullrequest). So nobody waits
for longer than WAIT; what is sent in the moment of leaving comes again after the ack deadline. Not
run against Google Cloud.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.api_core import exceptions as refusals
from google.api_core.exceptions import GoogleAPICallError
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import types
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from schemas.ports import StoreRefused, StoreUnavailable
from schemas.subscriptions import ReceivedMessage

WAIT = timedelta(seconds=1)
"""For the first message of a pull: an answer takes a tenth of it."""
CALL_LIMIT = timedelta(seconds=5)
"""For one try of any other call."""
PATIENCE = timedelta(seconds=45)
"""For all tries together."""
PASSING = (refusals.ServerError, refusals.TooManyRequests, refusals.Aborted)
"""What may be over in a second. What was taken all the same comes again after its ack deadline."""


class PubSubInbox:
    """An Inbox for any number of threads; made in one process.

    Raises StoreUnavailable when it is not answered, and StoreRefused at once where it may not ask.
    """

    def __init__(self, project: str, *, emulator: str | None = None) -> None:
        """`emulator` is the host:port of one, without credentials."""
        self._project = project
        self._client = _client(emulator)
        self._how: dict[str, Any] = {
            "retry": Retry(if_exception_type(*PASSING), 0.1, 2.0, timeout=PATIENCE.total_seconds()),
            "timeout": CALL_LIMIT.total_seconds(),
        }

    def pull(self, subscription: str, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        """What is due there, as Pub/Sub sees it; `now` says nothing to it."""
        request = types.PullRequest(subscription=self._path(subscription), max_messages=limit)
        try:
            with _asking(subscription, refusals.DeadlineExceeded):
                wait = WAIT.total_seconds()
                pulled = self._client.pull(request=request, retry=None, timeout=wait)
        except refusals.DeadlineExceeded:
            return ()
        return tuple(_received(subscription, one) for one in pulled.received_messages)

    def ack_all(self, ack_ids: Sequence[str]) -> None:
        """One call for each subscription."""
        for subscription, ids in _by_subscription(ack_ids).items():
            with _asking(subscription):
                self._client.acknowledge(
                    subscription=self._path(subscription), ack_ids=ids, **self._how
                )

    def nack(self, ack_id: str, now: datetime) -> None:
        """It comes again at once."""
        for subscription, ids in _by_subscription([ack_id]).items():
            with _asking(subscription):
                self._client.modify_ack_deadline(
                    subscription=self._path(subscription),
                    ack_ids=ids,
                    ack_deadline_seconds=0,
                    **self._how,
                )

    def _path(self, subscription: str) -> str:
        return f"projects/{self._project}/subscriptions/{subscription}"


def _client(emulator: str | None) -> SubscriberClient:
    if emulator is not None:
        channel = grpc.insecure_channel(emulator)
        return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    try:
        return SubscriberClient()
    except GoogleAuthError as error:
        raise StoreRefused(f"no credentials for Pub/Sub: {error}") from error


def _received(subscription: str, one: types.ReceivedMessage) -> ReceivedMessage:
    message = one.message
    return ReceivedMessage(
        ack_id=f"{subscription} {one.ack_id}",
        subscription=subscription,
        message_id=message.message_id,
        publish_time=datetime.fromtimestamp(message.publish_time.timestamp(), UTC),
        attributes=dict(message.attributes),
        data=message.data,
        delivery_attempt=one.delivery_attempt,
    )


def _by_subscription(ack_ids: Sequence[str]) -> dict[str, list[str]]:
    """Ours name the subscription before Pub/Sub's own."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for one in ack_ids:
        subscription, _, id = one.partition(" ")
        found[subscription].append(id)
    return found


@contextmanager
def _asking(subscription: str, *passed: type[Exception]) -> Iterator[None]:
    try:
        yield
    except passed:
        raise
    except (*PASSING, refusals.RetryError) as error:
        raise StoreUnavailable(f"{subscription}: {error}") from error
    except (GoogleAPICallError, GoogleAuthError) as error:
        raise StoreRefused(f"{subscription}: {error}") from error
