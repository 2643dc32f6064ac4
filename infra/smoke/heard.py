"""What a deployment said while it was tried: every message on its topics, with its moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from functions.adapters.pubsub_listener import PubSubListener
from functions.notices import told
from schemas.events import Event, ExecutionEnded
from schemas.subscriptions import ReceivedMessage
from schemas.topics import Topic
from schemas.wire import Message, Unreadable, event_of

LISTENED = (
    *(Topic.RENDER_REQUESTS, Topic.RENDER_RESULTS, Topic.EXECUTION_EVENTS),
    *(Topic.RENDER_DONE, Topic.RENDER_DEAD_LETTER),
)
LOOK_EVERY = 0.2
"""Seconds."""

E = TypeVar("E")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message that could be read."""

    event: Event
    message: ReceivedMessage

    @property
    def at(self) -> datetime:
        """When Pub/Sub took it."""
        return self.message.publish_time


@dataclass(slots=True)
class Heard:
    """All of it so far; what cannot be read is not ours."""

    listener: PubSubListener
    said: list[Said] = field(default_factory=list)

    def listen(self) -> None:
        """What has come meanwhile."""
        for topic, message in self.listener.hear():
            event = _event(topic, message)
            if event is not None:
                self.said.append(Said(event=event, message=message))

    def of(self, kind: type[E], subject: str) -> list[Said]:
        """Every message of that kind about that render, repeats and all, the first one first."""
        return [
            one for one in self.said if isinstance(one.event, kind) and one.event.subject == subject
        ]

    def until(self, look: Callable[[], T | None], within: timedelta) -> T | None:
        """The first thing that `look` finds, which listens before each look; None if too late."""
        give_up = time.monotonic() + within.total_seconds()
        while True:
            self.listen()
            found = look()
            if found is not None or time.monotonic() > give_up:
                return found
            time.sleep(LOOK_EVERY)


def _event(topic: str, message: ReceivedMessage) -> Event | None:
    attributes = {k[3:]: v for k, v in message.attributes.items() if k.startswith("ce-")}
    try:
        if topic == Topic.EXECUTION_EVENTS and not attributes:
            return _notice(message)
        return event_of(attributes, message.data)
    except Unreadable:
        return None


def _notice(message: ReceivedMessage) -> ExecutionEnded | None:
    return told(
        Message(attributes=message.attributes, data=message.data, published_at=message.publish_time)
    )
