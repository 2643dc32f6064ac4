"""What lands on the desk becomes a record: a failed render's letter, or a message nobody took.

Whatever the bytes are, there is a record of them. Pub/Sub adds to a message who gave it up and how
often it came (https://cloud.google.com/pubsub/docs/dead-letter-topics), but not why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from schemas.dead_letters import DeadLetterRecord, Landed, Original
from schemas.events import Event, ObjectFinalized, RenderDeadLetter
from schemas.failures import Failure, FailureClass
from schemas.flows import FLOWS, undeliverable
from schemas.ids import digest
from schemas.subscriptions import ReceivedMessage
from schemas.times import utc
from schemas.topics import Topic
from schemas.wire import Unreadable, event_of

_NETS = tuple(net.subscription for flow in FLOWS if (net := undeliverable(flow)))
_LETTERS = tuple(f.subscription for f in FLOWS if f.topic is Topic.RENDER_DEAD_LETTER)
DESK = (*_LETTERS, *_NETS)
"""The subscriptions whose messages are the desk's: failed renders, and all undeliverable topics."""

_ADDED = "CloudPubSubDeadLetter"
_PUBLISHED = f"{_ADDED}SourceTopicPublishTime"
_REFUSED_BY = f"{_ADDED}SourceSubscription"
_DELIVERIES = f"{_ADDED}SourceDeliveryCount"
_TAKEN = {flow.subscription: flow.events for flow in FLOWS}
_NET = "-undeliverable"


@dataclass(frozen=True, slots=True)
class _Fault:
    reason: str
    said: str
    advice: str


def record_of(received: ReceivedMessage) -> DeadLetterRecord:
    """The record of a message from one of the DESK's subscriptions; every message has one."""
    original = _original(received)
    event = _event(original)
    if isinstance(event, RenderDeadLetter):
        return _of_render(received.subscription, event)
    return _of_message(received.subscription, original, event)


def own_id(record: DeadLetterRecord) -> str | None:
    """The id that what the record holds has; None for a record that holds nothing."""
    if record.landed is Landed.RENDER and record.letter is not None:
        return _id(record.letter.id)
    if record.landed is Landed.MESSAGE and record.original is not None:
        return _message_id(record.subscription, record.original)
    return None


def _of_render(subscription: str, letter: RenderDeadLetter) -> DeadLetterRecord:
    return DeadLetterRecord(
        id=_id(letter.id),
        landed=Landed.RENDER,
        subscription=subscription,
        at=letter.at,
        failure=letter.failure,
        fingerprint=letter.fingerprint,
        advice=letter.advice,
        render=letter.render,
        tenant=letter.tenant,
        lanes=tuple(dict.fromkeys(attempt.lane for attempt in letter.attempts)),
        letter=letter,
    )


def _of_message(
    subscription: str, original: Original, event: Event | Unreadable
) -> DeadLetterRecord:
    refused_by = original.refused_by or subscription.removesuffix(_NET)
    fault = _fault(refused_by, event, original.deliveries)
    failure = Failure(
        failure=FailureClass.INTERNAL,
        reason=fault.reason,
        message=fault.said,
        detail=str(event) if isinstance(event, Unreadable) else "",
    )
    return DeadLetterRecord(
        id=_message_id(subscription, original),
        landed=Landed.MESSAGE,
        subscription=subscription,
        at=original.published_at,
        failure=failure,
        fingerprint=failure.fingerprint,
        advice=fault.advice,
        render=_render(event),
        tenant=_tenant(event),
        lanes=(),
        original=original,
    )


def _fault(refused_by: str, event: Event | Unreadable, deliveries: int | None) -> _Fault:
    """Why nobody took it, as far as the message itself tells."""
    if isinstance(event, Unreadable):
        return _Fault(
            "unreadable",
            f"{refused_by} was sent what is no event of ours: {event.what}",
            "Find out who published it, by its attributes, and mend that.",
        )
    name = type(event).__name__
    if not isinstance(event, _TAKEN.get(refused_by, ())):
        return _Fault(
            "misdirected",
            f"{refused_by} was sent {name}, which it does not take",
            "Mend the publisher or the subscription, which does not belong on that topic.",
        )
    often = f" {deliveries} times" if deliveries else ""
    return _Fault(
        "refused",
        f"{refused_by} refused {name}{often}",
        f"Why stands in the log of {refused_by}, with this event's id: mend that.",
    )


def _message_id(subscription: str, original: Original) -> str:
    refused_by = original.refused_by or subscription.removesuffix(_NET)
    return _id(*_identity(refused_by, original))


def _identity(refused_by: str, original: Original) -> tuple[str, ...]:
    """What is given up may come more than once, under a new message id each time.

    So what was told of it counts: its bytes, its attributes and when it was published.
    """
    if original.refused_by is None:
        return (refused_by, original.message_id)
    attributes = (text for pair in sorted(original.attributes.items()) for text in pair)
    moment = original.published_at.isoformat()
    return (refused_by, moment, sha256(original.data).hexdigest(), *attributes)


def _original(received: ReceivedMessage) -> Original:
    added = {k: v for k, v in received.attributes.items() if k.startswith(_ADDED)}
    return Original(
        attributes={k: v for k, v in received.attributes.items() if k not in added},
        data=received.data,
        message_id=received.message_id,
        published_at=_moment(added) or received.publish_time,
        refused_by=added.get(_REFUSED_BY),
        deliveries=int(count) if (count := added.get(_DELIVERIES, "")[:9]).isdecimal() else None,
    )


def _moment(added: Mapping[str, str]) -> datetime | None:
    try:
        return utc(datetime.fromisoformat(added[_PUBLISHED]))
    except (KeyError, ValueError, OverflowError):
        return None


def _event(original: Original) -> Event | Unreadable:
    told = {k[3:]: v for k, v in original.attributes.items() if k.startswith("ce-")}
    try:
        return event_of(told, original.data)
    except Unreadable as error:
        return error


def _render(event: Event | Unreadable) -> str | None:
    return None if isinstance(event, Unreadable | ObjectFinalized) else event.subject


def _tenant(event: Event | Unreadable) -> str | None:
    tenant: str | None = getattr(getattr(event, "upload", None), "tenant", None)
    return tenant


def _id(*parts: str) -> str:
    return f"d-{digest(*parts)[:20]}"
