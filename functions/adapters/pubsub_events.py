"""The cloud's bus: Pub/Sub, each event confirmed before `publish` returns.

A function may be frozen as soon as it has answered and a task may be killed at any moment, so
nothing waits here for more: no batches, and no thread that would send them. That is why this is the
generated client in `google.pubsub_v1` and not the one in `google.cloud.pubsub_v1`, whose publisher
is made of both; they come in one package. No ordering keys: a redelivery would hold back all that
follows, and a repeated or late event is ordinary to us. Not run against Google Cloud.
"""

import re
import string
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from urllib.parse import quote

import grpc
from google.api_core import exceptions as refusals
from google.api_core.exceptions import GoogleAPICallError
from google.api_core.retry import Retry, if_exception_type
from google.api_core.timeout import ConstantTimeout
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from schemas.events import Event
from schemas.ids import digest
from schemas.ports import NotPublished
from schemas.wire import Message, message_of

CALL_LIMIT = timedelta(seconds=5)
"""For one try: a publish takes milliseconds, and a dead connection is silent for minutes."""
PATIENCE = timedelta(seconds=20)
"""For all tries together: well within the 60 s in which a push must be answered. A task that is
stopped has 10 s for everything, and should be given less."""
PASSING = (
    refusals.Aborted,
    refusals.DeadlineExceeded,
    refusals.InternalServerError,
    refusals.ResourceExhausted,
    refusals.ServiceUnavailable,
    refusals.Unknown,
)
"""What may be over in a second. Whatever was stored all the same is an ordinary repeat."""
LONGEST_VALUE = 1024
"""Bytes of an attribute's value (https://cloud.google.com/pubsub/quotas, "Resource limits")."""
LONGEST_WORDS = 300
PLAIN = string.digits + string.ascii_letters + " !#$&'()*+,-./:;<=>?@[]^_`{|}~"


class PubSubEvents:
    """A Publisher for any number of threads; it is made in one process and closed at its end."""

    def __init__(
        self,
        project: str,
        *,
        source: str,
        emulator: str | None = None,
        patience: timedelta = PATIENCE,
    ) -> None:
        """`source` is the CloudEvents source; `emulator` the host:port of one, without credentials.

        Raises NotPublished if there are no credentials: nothing could be.
        """
        self._project = project
        self._source = source
        self._retry = Retry(
            predicate=if_exception_type(*PASSING),
            initial=0.1,
            maximum=2.0,
            multiplier=2.0,
            timeout=patience.total_seconds(),
        )
        self._timeout = ConstantTimeout(min(CALL_LIMIT, patience).total_seconds())
        self._client = _client(emulator)

    def publish(self, topic: str, event: Event) -> None:
        """Returns once Pub/Sub has stored the event and said so. Raises NotPublished."""
        self.publish_message(topic, message_of(event, self._source))

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """All in one request, each confirmed; at most 1,000 of small ones. Raises NotPublished."""
        self._put(topic, [message_of(event, self._source) for event in events])

    def publish_message(self, topic: str, message: Message) -> None:
        """Any message, also one that no subscriber can read. Raises NotPublished."""
        self._put(topic, [message])

    def _put(self, topic: str, messages: Sequence[Message]) -> None:
        name = f"projects/{self._project}/topics/{topic}"
        request = types.PublishRequest(topic=name, messages=list(map(_message, messages)))
        try:
            self._client.publish(request=request, retry=self._retry, timeout=self._timeout)
        except (GoogleAPICallError, refusals.RetryError, GoogleAuthError) as error:
            raise NotPublished(f"{name}: {_said(error)}") from error

    def close(self) -> None:
        """Nothing is waiting to be sent: only the connection is let go."""
        self._client.transport.close()

    def __enter__(self) -> "PubSubEvents":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _message(message: Message) -> types.PubsubMessage:
    attributes = {key: header_value(value) for key, value in message.attributes.items()}
    return types.PubsubMessage(data=message.data, attributes=attributes)


def header_value(value: str) -> str:
    """The attribute as it may stand in an HTTP header, where an unwrapped push puts it as it is.

    So it is percent-encoded as the CloudEvents HTTP binding says (section 3.1.3.2); a name in an
    upload may hold any character, a line's end among them. What is too long for an attribute keeps
    its beginning and the digest of the whole, so that equal values stay equal.
    """
    encoded = quote(value, safe=PLAIN)
    if len(encoded) <= LONGEST_VALUE:
        return encoded
    end = f"~{digest(value)}"
    return re.sub(r"%.?$", "", encoded[: LONGEST_VALUE - len(end)]) + end


def _client(emulator: str | None) -> PublisherClient:
    if emulator is None:
        try:
            return PublisherClient()
        except GoogleAuthError as error:
            raise NotPublished(f"no credentials for Pub/Sub: {error}") from error
    channel = grpc.insecure_channel(emulator)
    return PublisherClient(transport=PublisherGrpcTransport(channel=channel))


def _said(error: Exception) -> str:
    """What Pub/Sub answered: the last answer, where it was asked again and again."""
    last = error.cause if isinstance(error, refusals.RetryError) else error
    if isinstance(last, GoogleAPICallError):
        return f"{last.code} {last.message}"[:LONGEST_WORDS]
    return str(last or error)[:LONGEST_WORDS]
