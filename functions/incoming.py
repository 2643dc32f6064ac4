"""A request becomes our event: the one place that knows the shapes in which the platform sends it.

    Pub/Sub push, unwrapped   ce-* headers are the message's attributes, the body is its data
    Pub/Sub push, wrapped     {"message": {"attributes", "data"}, "subscription"}
    … of what is not ours     no ce-* headers: Batch's attributes, or a log entry as the body
    Eventarc, of a bucket     ce-* headers, the body is Cloud Storage's StorageObjectData
    Eventarc, of a topic      ce-* headers, the body is the wrapped push

Our own subscriptions are unwrapped, and a bucket tells through Eventarc. The other two are what one
gets by leaving a setting out: they carry the same event, so they are taken as well.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from cloudevents.exceptions import GenericException
from cloudevents.http import from_http
from flask import Request

from functions.errors import BelongsElsewhere, NotAnEvent
from functions.notices import ATTRIBUTES, execution_ended, told
from schemas.events import ExecutionEnded
from schemas.times import utc
from schemas.wire import MESSAGE_PUBLISHED, Message, Unreadable, event_of

SUBSCRIPTION = "x-goog-pubsub-subscription-name"
MESSAGE_ID = "x-goog-pubsub-message-id"
PUBLISH_TIME = "x-goog-pubsub-publish-time"
STRUCTURED = "application/cloudevents+json"

E = TypeVar("E")


def event_in(request: Request, *kinds: type[E]) -> E:
    """The event, of one of those kinds. Raises NotAnEvent or BelongsElsewhere."""
    try:
        attributes, data = _cloud_event(request)
        event = event_of(attributes, data)
    except Unreadable as error:
        raise NotAnEvent(str(error)) from error
    if not isinstance(event, kinds):
        raise BelongsElsewhere(f"{type(event).__name__} does not belong here")
    return event


def end_in(request: Request) -> ExecutionEnded | None:
    """The end of an execution that it tells of; None for a place's other news.

    Raises NotAnEvent or BelongsElsewhere.
    """
    try:
        if SUBSCRIPTION in request.headers and "ce-type" not in request.headers:
            return told(_unwrapped(request))
        return execution_ended(*_cloud_event(request))
    except Unreadable as error:
        raise NotAnEvent(str(error)) from error


def origin(request: Request) -> Mapping[str, str]:
    """Where a request says that it comes from, for the logs: nothing here is checked.

    `subscription` is always there: a push names its own, Eventarc the source of the event.
    """
    wrapped = _json_object(request)
    message = wrapped.get("message")
    inner = message if isinstance(message, dict) else {}
    headers = request.headers
    said = {
        "subscription": headers.get(SUBSCRIPTION)
        or wrapped.get("subscription")
        or headers.get("ce-source")
        or wrapped.get("source")
        or "none that it names",
        "message_id": headers.get(MESSAGE_ID) or inner.get("messageId"),
        "delivery_attempt": wrapped.get("deliveryAttempt"),
        "event_type": headers.get("ce-type"),
        "event_id": headers.get("ce-id"),
    }
    return {name: str(value)[:1024] for name, value in said.items() if value}


def _cloud_event(request: Request) -> tuple[Mapping[str, object], object]:
    """Attributes and data. What is no CloudEvent can only be a wrapped push."""
    body = request.get_data()
    if "ce-type" not in request.headers and request.mimetype != STRUCTURED:
        return {"type": MESSAGE_PUBLISHED}, body
    try:
        event = from_http(request.headers, body, data_unmarshaller=lambda data: data)
    except (GenericException, ValueError, RecursionError, TypeError, AttributeError) as error:
        # Not its words: they quote the body.
        raise Unreadable(f"not a CloudEvent ({type(error).__name__})") from error
    data = event.get_data()
    return event.get_attributes(), data.encode() if isinstance(data, str) else data


def _unwrapped(request: Request) -> Message:
    """A message that is no CloudEvent, as an unwrapped push brings it: attributes are headers."""
    headers = request.headers
    at = headers.get(PUBLISH_TIME)
    try:
        published_at = utc(datetime.fromisoformat(at)) if at else None
    except ValueError as error:
        raise Unreadable(f"a push whose {PUBLISH_TIME} is no time") from error
    known = {name: headers[name] for name in ATTRIBUTES if name in headers}
    return Message(attributes=known, data=request.get_data(), published_at=published_at)


def _json_object(request: Request) -> Mapping[str, object]:
    try:
        value = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
