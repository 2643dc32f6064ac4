"""How words travel: JSON by msgspec, and CloudEvents over Pub/Sub in binary mode.

Binding: every CloudEvents attribute becomes a Pub/Sub attribute prefixed `ce-`, the data is the
message's data as it is, and `content-type` stands beside
(https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md). On an unwrapped
push those attributes are bare HTTP headers, so the request is a binary-mode CloudEvent by itself.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar, get_args

import msgspec

from schemas.events import Event, ObjectFinalized
from schemas.tagged import Tagged
from schemas.times import in_utc, utc

MESSAGE_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"
_TYPES: dict[str, type[Event]] = {
    kind.TYPE: kind for kind in get_args(Event) if kind is not ObjectFinalized
}
_FRACTION = re.compile(r"-?\d{1,60}(?:/\d{1,60})?", re.ASCII)
_met: set[type] = set()
_meeting = Lock()
T = TypeVar("T")


class Unreadable(ValueError):
    """These bytes are not what was expected here; nothing was done with them.

    Delivering them again cannot help: they belong on a dead-letter topic, where a person looks.
    `what` is the sentence without the words of whoever tried to read them.
    """

    def __init__(self, what: str, because: object = "") -> None:
        super().__init__(f"{what}: {because}" if because else what)
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A Pub/Sub message: attributes are strings, at most 100 of 1,024 bytes each."""

    attributes: Mapping[str, str]
    data: bytes
    published_at: datetime | None = None
    """Of one that was delivered and says so."""


def to_json(value: object) -> bytes:
    """The value as JSON, equal bytes for equal values. Raises NaiveTime for a zoneless time."""
    return _encoded(in_utc(value))


def from_json(data: bytes, kind: type[T]) -> T:
    """The value of that kind. Unknown fields are ignored. Raises Unreadable for anything else."""
    _meet(kind)
    try:
        return in_utc(msgspec.json.decode(data, type=kind, dec_hook=_decode))
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise Unreadable(f"not a {kind.__name__}", error) from error


def _meet(kind: type) -> None:
    """Have msgspec learn the kind before it is decoded.

    It keeps what it learns with each class while it is still learning: another thread that decodes
    the same class then dies of SIGSEGV (seen in msgspec 0.22).
    """
    if kind not in _met:
        with _meeting:
            msgspec.json.Decoder(kind, dec_hook=_decode)
            _met.add(kind)


def json_schema(kind: type) -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `to_json` writes for values of that kind."""
    return msgspec.json.schema(kind, schema_hook=_schema)


def message_of(event: Event, source: str) -> Message:
    """The event as a Pub/Sub message; equal events from one source make equal bytes."""
    event = in_utc(event)
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": event.id,
        "ce-source": source,
        "ce-type": event.TYPE,
        "ce-subject": event.subject,
        "ce-time": utc(event.at).isoformat().replace("+00:00", "Z"),
        "content-type": "application/json",
    }
    if isinstance(event, ObjectFinalized):
        return Message(attributes=attributes, data=_storage_data(event))
    return Message(attributes=attributes, data=_encoded(event))


def event_of(attributes: Mapping[str, object], data: object) -> Event:
    """The event that a CloudEvent carries, however it came.

    `attributes` are those of the CloudEvent (without prefix); `data` is bytes or decoded JSON.
    Takes our own types, Cloud Storage's finalized, and either inside Pub/Sub's messagePublished.
    Raises Unreadable for everything else.
    """
    kind = str(attributes.get("type", ""))
    if kind == MESSAGE_PUBLISHED:
        message = message_in(data)
        inner = {k[3:]: v for k, v in message.attributes.items() if k.startswith("ce-")}
        if inner.get("type") == MESSAGE_PUBLISHED:
            raise Unreadable("a Pub/Sub message inside a Pub/Sub message")
        return event_of(inner, message.data)
    if kind == ObjectFinalized.TYPE:
        return _finalized(data)
    if kind not in _TYPES:
        raise Unreadable(f"the CloudEvent's type is {kind[:80] or 'missing'!r}, which is not known")
    return from_json(_bytes(data), _TYPES[kind])


def message_in(data: object) -> Message:
    """The message inside a wrapped push: bytes or decoded JSON. Raises Unreadable."""
    body = _object(data)
    inner = body.get("message")
    if not isinstance(inner, dict):
        raise Unreadable("a Pub/Sub push without a message")
    attributes = inner.get("attributes") or {}
    raw = inner.get("data") or ""
    if not isinstance(attributes, dict) or not isinstance(raw, str | bytes):
        raise Unreadable("a Pub/Sub message whose attributes or data have the wrong form")
    try:
        payload = raw if isinstance(raw, bytes) else base64.b64decode(raw, validate=True)
    except ValueError as error:
        raise Unreadable("a Pub/Sub message whose data is not base64", error) from error
    return Message(
        attributes={str(k): str(v) for k, v in attributes.items()},
        data=payload,
        published_at=_moment(inner.get("publishTime")),
    )


def _moment(text: object) -> datetime | None:
    try:
        return utc(datetime.fromisoformat(str(text)))
    except (ValueError, OverflowError):
        return None


def _storage_data(event: ObjectFinalized) -> bytes:
    """Cloud Storage's StorageObjectData, as far as it is used; 64-bit integers are strings."""
    return json.dumps(
        {
            "bucket": event.bucket,
            "name": event.name,
            "generation": str(event.generation),
            "timeCreated": utc(event.at).isoformat(),
        }
    ).encode()


def _finalized(data: object) -> ObjectFinalized:
    body = _object(data)
    try:
        bucket, name = body["bucket"], body["name"]
        if not isinstance(bucket, str) or not isinstance(name, str) or not bucket or not name:
            raise Unreadable("a storage event whose bucket or name is not text")
        f"{bucket}/{name}".encode()  # half a surrogate pair names no object
        return ObjectFinalized(
            bucket=bucket,
            name=name,
            generation=int(str(body["generation"])),
            at=utc(datetime.fromisoformat(body["timeCreated"])),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Unreadable("not a storage event", repr(error)) from error


def _bytes(data: object) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return json.dumps(data).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Unreadable("not JSON", error) from error


def _object(data: object) -> dict[str, Any]:
    if isinstance(data, bytes):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Unreadable("not JSON", error) from error
    if not isinstance(data, dict):
        raise Unreadable("not a JSON object")
    return data


def _encoded(value: object) -> bytes:
    encoded: bytes = msgspec.json.encode(value, enc_hook=_encode)
    return encoded


def _encode(value: object) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no wire form")


def _schema(kind: type) -> dict[str, Any]:
    if kind is Fraction:
        return {
            "type": "string",
            "pattern": "^-?[0-9]+(/[1-9][0-9]*)?$",
            "examples": ["30000/1001"],
        }
    raise NotImplementedError


@lru_cache(maxsize=4096)
def _fraction(text: str) -> Fraction | None:
    """The few rates and time bases that there are come again and again; None for no fraction."""
    return Fraction(text) if _FRACTION.fullmatch(text) else None


def _decode(kind: type, raw: object) -> object:
    if kind is Fraction and isinstance(raw, str) and (value := _fraction(raw)) is not None:
        return value
    if issubclass(kind, Tagged) and isinstance(raw, dict):
        member = kind.member(raw.get("kind"))
        _meet(member)
        return msgspec.convert(raw, member, dec_hook=_decode)
    raise ValueError(f"{raw!r} is no {kind.__name__}")
