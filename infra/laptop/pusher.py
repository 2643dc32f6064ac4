"""Push delivery: what the bus holds is posted to the functions, and their status decides.

102, 200, 201, 202 and 204 acknowledge (https://cloud.google.com/pubsub/docs/push, "Receive push
messages"); anything else, or no answer within the ack deadline, and the message comes again.
"""

import http.client
import logging
import string
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from infra.laptop.subscriptions import ACK_DEADLINES
from schemas.subscriptions import ReceivedMessage

ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})
IN_FLIGHT = 6
LONGEST_REST = timedelta(seconds=5)
PLAIN = string.digits + string.ascii_letters + " !#$&'()*+,-./:;<=>?@[]^_`{|}~"
"""What stands in a header as it is; the rest is percent-encoded, as the CloudEvents HTTP binding
says (section 3.1.3.2)."""

log = logging.getLogger("clipline.pusher")


class Inbox(Protocol):
    """What there is to push, as `SqliteBus` has it."""

    def lease(self, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        """Due messages, which are the caller's until the ack deadline."""

    def ack(self, ack_id: str) -> None:
        """Done with it; late or repeated it does no harm."""

    def nack(self, ack_id: str, now: datetime) -> None:
        """It failed, and comes again."""


class Pusher:
    """Delivers at least once, in no order, a few messages at a time."""

    def __init__(self, inbox: Inbox, port: int, paths: Mapping[str, str]) -> None:
        """`paths` says under which path each push subscription's function is served."""
        self._inbox = inbox
        self._port = port
        self._paths = paths
        self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="push")
        self._posts: set[Future[None]] = set()

    def step(self) -> bool:
        """Hand out as many due messages as there is room for; True if there were any."""
        self._posts = {post for post in self._posts if not post.done()}
        room = IN_FLIGHT - len(self._posts)
        if room == 0:
            return False
        due = self._inbox.lease(room, datetime.now(UTC))
        self._posts.update(self._pool.submit(self._deliver, received) for received in due)
        return bool(due)

    def rest(self) -> None:
        """Let the posts in hand finish, for a while; what was not posted stays on the bus."""
        wait(self._posts, timeout=LONGEST_REST.total_seconds())

    def close(self) -> None:
        """Wait for the last post: call it when nobody answers any more."""
        self._pool.shutdown()

    def _deliver(self, received: ReceivedMessage) -> None:
        status = self._post(received)
        if status in ACKNOWLEDGED:
            self._inbox.ack(received.ack_id)
            return
        self._inbox.nack(received.ack_id, datetime.now(UTC))
        log.warning(
            "%s answered %s to %s, attempt %s",
            *(received.subscription, status, received.message_id, received.delivery_attempt),
            extra={"action": "nacked", "subscription": received.subscription},
        )

    def _post(self, received: ReceivedMessage) -> int:
        """The status, or 0 where there was no answer."""
        headers, body = unwrapped(received)
        timeout = ACK_DEADLINES[received.subscription].total_seconds()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request("POST", self._paths[received.subscription], body, dict(headers))
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


def unwrapped(received: ReceivedMessage) -> tuple[Mapping[str, str], bytes]:
    """The request of a push subscription with `no_wrapper` and `write_metadata`.

    Attributes are bare headers, so a message in CloudEvents' binary mode is such a request.
    """
    metadata = {
        "x-goog-pubsub-subscription-name": received.subscription,
        "x-goog-pubsub-message-id": received.message_id,
        "x-goog-pubsub-publish-time": received.publish_time.isoformat(),
    }
    headers = {**received.attributes, **metadata}
    return {name: quote(value, safe=PLAIN) for name, value in headers.items()}, received.data
