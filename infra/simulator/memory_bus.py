"""A bus in memory: Pub/Sub's rules over the simulator's clock."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from itertools import count, islice

from schemas.events import Event
from schemas.subscriptions import ReceivedMessage, Subscription, dead_letter
from schemas.wire import Message, message_of

PROJECT = "simulator"
"""What dead letters name as their subscription's project."""


@dataclass(slots=True)
class _Waiting:
    """A message that one subscription has not acknowledged."""

    message: Message
    published_at: datetime
    due_at: datetime
    deliveries: int = 0
    leased: bool = False


@dataclass(slots=True)
class _Queue:
    """One subscription's messages, by id."""

    subscription: Subscription
    waiting: dict[int, _Waiting] = field(default_factory=dict)
    due: list[tuple[datetime, int]] = field(default_factory=list)
    """A heap with every moment at which one was ever due: only the last one of each counts."""

    def put(self, id: int, one: _Waiting, due_at: datetime) -> None:
        """Have it come at that moment."""
        one.due_at = due_at
        heappush(self.due, (due_at, id))

    def first(self) -> tuple[datetime, int] | None:
        """The longest due, or next to be."""
        while self.due:
            due_at, id = self.due[0]
            one = self.waiting.get(id)
            if one is not None and one.due_at == due_at:
                return self.due[0]
            heappop(self.due)
        return None


class MemoryBus:
    """A Publisher and its subscriptions, for one thread."""

    def __init__(self, *, source: str, clock: Callable[[], datetime]) -> None:
        """`source` is the CloudEvents source of what is published here."""
        self._source = source
        self._clock = clock
        self.said: set[tuple[str, str]] = set()
        """Topic and type of everything that was published, whoever listened."""
        self._ids = count(1)
        self._queues: dict[str, _Queue] = {}
        self._readers: defaultdict[str, list[_Queue]] = defaultdict(list)
        """By topic."""
        self._pushed: list[_Queue] = []

    @property
    def is_empty(self) -> bool:
        """Whether every message that is pushed to somebody was acknowledged."""
        return not any(queue.waiting for queue in self._pushed)

    @property
    def next_due(self) -> datetime | None:
        """When `lease` will next find something, as far as is known now."""
        firsts = (queue.first() for queue in self._pushed)
        return min((first[0] for first in firsts if first), default=None)

    def declare(self, subscriptions: Sequence[Subscription]) -> None:
        """Have exactly these subscriptions. Those that stay keep their messages.

        Also forgets messages past their retention.
        """
        before, self._queues = self._queues, {}
        self._readers.clear()
        for one in subscriptions:
            queue = before.get(one.name) or _Queue(one)
            queue.subscription = one
            oldest = self._clock() - one.retention
            kept = {id: w for id, w in queue.waiting.items() if w.published_at >= oldest}
            queue.waiting = kept
            self._queues[one.name] = queue
            self._readers[one.topic].append(queue)
        self._pushed = [queue for queue in self._queues.values() if queue.subscription.push]

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the message is stored: it will be delivered at least once."""
        self.publish_message(topic, message_of(event, self._source))

    def publish_message(self, topic: str, message: Message) -> None:
        """Any message, also one that no subscriber can read."""
        self.said.add((topic, message.attributes.get("ce-type", "nothing of ours")))
        self._fan_out(topic, message, self._clock())

    def lease(self, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        """Due messages of the push subscriptions, the longest due first.

        They are the caller's until the ack deadline, and come again if it says nothing till then.
        """
        return self._take(self._pushed, limit, now)

    def pull(self, subscription: str, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        """Due messages of one subscription, as `lease` gives them."""
        queue = self._queues.get(subscription)
        return self._take((queue,), limit, now) if queue else ()

    def peek(
        self, subscription: str, *, after_id: str = "0", limit: int | None = None
    ) -> Sequence[ReceivedMessage]:
        """Messages of one subscription in the order of their ids, without taking them."""
        queue = self._queues.get(subscription)
        if queue is None:
            return ()
        ids = (id for id in queue.waiting if id > int(after_id))
        return tuple(_received(queue, id) for id in islice(ids, limit))

    def ack(self, ack_id: str) -> None:
        """Done with it: it never comes again. Late or repeated it does no harm."""
        id, _, subscription = ack_id.split("/", 2)
        queue = self._queues.get(subscription)
        if queue is not None:
            queue.waiting.pop(int(id), None)

    def nack(self, ack_id: str, now: datetime) -> None:
        """It failed: it comes again after the backoff, or goes to the dead-letter topic.

        Does nothing for a delivery whose time was over.
        """
        id, deliveries, subscription = ack_id.split("/", 2)
        queue = self._queues.get(subscription)
        one = queue.waiting.get(int(id)) if queue else None
        if queue and one and one.leased and one.deliveries == int(deliveries):
            self._fail(queue, int(id), now)

    def _fan_out(self, topic: str, message: Message, now: datetime) -> None:
        queues = self._readers.get(topic)
        if not queues:
            return
        id = next(self._ids)
        for queue in queues:
            one = queue.waiting[id] = _Waiting(message, now, now)
            queue.put(id, one, now)

    def _take(
        self, queues: Collection[_Queue], limit: int, now: datetime
    ) -> Sequence[ReceivedMessage]:
        taken: list[ReceivedMessage] = []
        while len(taken) < limit and (found := _longest_due(queues, now)):
            queue, id = found
            one = queue.waiting[id]
            if one.leased:
                self._fail(queue, id, now)
                continue
            one.leased = True
            one.deliveries += 1
            queue.put(id, one, now + queue.subscription.ack_deadline)
            taken.append(_received(queue, id))
        return tuple(taken)

    def _fail(self, queue: _Queue, id: int, now: datetime) -> None:
        one = queue.waiting[id]
        topic = queue.subscription.gives_up_to(one.deliveries)
        if topic is not None:
            self._fan_out(topic, dead_letter(_received(queue, id), PROJECT), now)
            del queue.waiting[id]
            return
        one.leased = False
        queue.put(id, one, now + queue.subscription.backoff(one.deliveries))


def _longest_due(queues: Collection[_Queue], now: datetime) -> tuple[_Queue, int] | None:
    """Where it waits, and its id."""
    firsts = [(first, queue) for queue in queues if (first := queue.first()) and first[0] <= now]
    if not firsts:
        return None
    (_, id), queue = min(firsts, key=lambda entry: entry[0])
    return queue, id


def _received(queue: _Queue, id: int) -> ReceivedMessage:
    one, name = queue.waiting[id], queue.subscription.name
    return ReceivedMessage(
        ack_id=f"{id}/{one.deliveries}/{name}",
        subscription=name,
        message_id=str(id),
        publish_time=one.published_at,
        attributes=one.message.attributes,
        data=one.message.data,
        delivery_attempt=one.deliveries,
    )
