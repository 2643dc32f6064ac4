"""Entry points, and nothing else: decode, hand on, answer.

A 2xx acknowledges the message. A 4xx or 5xx has Pub/Sub deliver it again, with backoff, and after
the subscription's last attempt put it on the `…-undeliverable` topic: so what cannot be read is
refused here, and a person finds it there.
"""

from typing import TypeVar, get_args

import functions_framework
from cloudevents.http import CloudEvent
from flask import Request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, ServiceUnavailable

from functions.core.machine import Occurrence
from functions.errors import TryAgainLater
from functions.handle import handle
from functions.intake import admit
from functions.logs import to_stderr
from functions.notices import execution_ended
from functions.sweep import sweep as swept
from functions.wiring import ports
from schemas.events import (
    Command,
    ObjectFinalized,
    RenderRequested,
    Result,
    UploadRefused,
)
from schemas.wire import Unreadable, event_of

to_stderr()

E = TypeVar("E")
_REQUESTS = (RenderRequested, UploadRefused, *get_args(Command))


@functions_framework.cloud_event
def on_upload(event: CloudEvent) -> None:
    """An object in the uploads bucket is complete."""
    admit(_read(event, ObjectFinalized), ports())


@functions_framework.cloud_event
def start_render(event: CloudEvent) -> None:
    """A render is asked for, refused, cancelled or replayed."""
    _handled(_read(event, *_REQUESTS))


@functions_framework.cloud_event
def on_result(event: CloudEvent) -> None:
    """A task tells how far it is, or how it ended."""
    _handled(_read(event, *get_args(Result)))


@functions_framework.cloud_event
def on_execution(event: CloudEvent) -> None:
    """The place where an attempt ran says that it is over, in our words or in its own."""
    try:
        ended = execution_ended(event.get_attributes(), event.get_data())
    except Unreadable as error:
        raise BadRequest(str(error)) from error
    if ended is not None:
        _handled(ended)


@functions_framework.http
def sweep(request: Request) -> ResponseReturnValue:
    """Called every minute: what no event says is noticed here."""
    done = swept(ports())
    return {"ticked": done.ticked, "found": done.found}


def _read(event: CloudEvent, *kinds: type[E]) -> E:
    """The event, if it is of a kind that belongs here; anything else is refused with 400."""
    try:
        read = event_of(event.get_attributes(), event.get_data())
    except Unreadable as error:
        raise BadRequest(str(error)) from error
    if not isinstance(read, kinds):
        raise BadRequest(f"{type(read).__name__} does not belong here")
    return read


def _handled(event: Occurrence) -> None:
    try:
        handle(event, ports())
    except TryAgainLater as error:
        raise ServiceUnavailable(str(error)) from error
