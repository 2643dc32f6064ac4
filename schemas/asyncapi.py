"""The AsyncAPI 3.0 page of all messages, written from `schemas/flows.py`.

It is told from Clipline's side: what a part of ours publishes is a `send`, what one takes a
`receive`. https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from typing import Any

from schemas.events import Event, ObjectFinalized
from schemas.flows import FLOWS, Flow

JSON_SCHEMA = "application/schema+json;version=2020-12"
_HEADERS = {
    "ce-specversion": {"type": "string", "const": "1.0"},
    "ce-id": {"type": "string", "description": "The same fact has the same id, however often."},
    "ce-source": {"type": "string", "description": "Who published it."},
    "ce-type": {"type": "string", "description": "The event's type, as the message is named."},
    "ce-subject": {"type": "string", "description": "The render, or the object, it is about."},
    "ce-time": {"type": "string", "format": "date-time"},
    "content-type": {"type": "string", "const": "application/json"},
}


def asyncapi(version: str) -> dict[str, Any]:
    """The document, for the project of that version."""
    kinds = {kind.__name__: kind for flow in FLOWS for kind in flow.events}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Clipline",
            "version": version,
            "description": "Uploaded videos become finished clips. Every message is a CloudEvent "
            "over Pub/Sub in binary mode. Only what is tagged public is a contract.",
        },
        "defaultContentType": "application/json",
        "channels": {flow.topic.value: _channel(flow) for flow in FLOWS},
        "operations": {name: body for flow in FLOWS for name, body in _operations(flow).items()},
        "components": {
            "messages": {name: _message(kind) for name, kind in kinds.items()},
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }


def _channel(flow: Flow) -> dict[str, Any]:
    return {
        "address": flow.topic.value,
        "description": flow.what,
        "messages": {
            kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"}
            for kind in flow.events
        },
        "tags": [{"name": "public" if flow.is_public else "inside"}],
    }


def _operations(flow: Flow) -> dict[str, Any]:
    operations = {}
    senders = [actor.name for actor in flow.publishers if actor.is_ours]
    if senders:
        operations[f"send-{flow.topic}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{flow.topic}"},
            "summary": f"Published by {', '.join(senders)}.",
        }
    if flow.subscriber.is_ours:
        operations[f"receive-{flow.topic}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{flow.topic}"},
            "summary": f"Taken by {flow.subscriber.name}, by {flow.delivery} on the subscription "
            f"{flow.subscription}.",
        }
    return operations


def _message(kind: type[Event]) -> dict[str, Any]:
    return {
        "name": kind.TYPE,
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").partition("\n")[0],
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": _payload(kind)},
    }


def _payload(kind: type[Event]) -> dict[str, Any]:
    if kind is not ObjectFinalized:
        return {"$ref": f"./{kind.TYPE}.schema.json"}
    return {
        "description": "The part of Cloud Storage's StorageObjectData that is used.",
        "type": "object",
        "properties": {
            "bucket": {"type": "string", "minLength": 1},
            "name": {"type": "string", "minLength": 1},
            "generation": {"type": "string", "pattern": "^[0-9]+$"},
            "timeCreated": {"type": "string", "format": "date-time"},
        },
        "required": ["bucket", "name", "generation", "timeCreated"],
    }


def _headers() -> dict[str, Any]:
    return {"type": "object", "properties": _HEADERS, "required": sorted(_HEADERS)}
