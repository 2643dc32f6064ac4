"""Entry points, and nothing else: decode, hand on, answer.

A 2xx acknowledges the message. A 4xx or 5xx has Pub/Sub deliver it again, with backoff, and after
the subscription's last attempt put it on the `…-undeliverable` topic: so what cannot be read is
refused here, and a person finds it there.

All are HTTP functions, also those that take events. functions-framework's `cloud_event` answers
what it cannot read by itself, quoting the request's headers and body, before we could ask who calls
or log which subscription it came from.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue

from functions.core.machine import Occurrence
from functions.errors import Refusal, TryAgainLater
from functions.handle import handle
from functions.incoming import end_in, event_in, origin
from functions.intake import admit
from functions.logs import TRACE_HEADER, to_stderr, traced
from functions.sweep import sweep as swept
from functions.watch import tell
from functions.wiring import desk, doorkeeper, ports
from schemas.events import (
    Command,
    ExecutionEnded,
    ObjectFinalized,
    RenderRequested,
    Result,
    UploadRefused,
)
from schemas.ports import NotPublished, StoreUnavailable

to_stderr()
log = logging.getLogger("clipline.main")

MOST_COLLECTED = 1000
"""From each subscription by one call: fifty in a second take a third of its time limit."""
_REQUESTS = (RenderRequested, UploadRefused, *get_args(Command))


@functions_framework.http
def on_upload(request: Request) -> ResponseReturnValue:
    """An object in the uploads bucket is complete."""
    return _answer(request, lambda: admit(event_in(request, ObjectFinalized), ports()))


@functions_framework.http
def start_render(request: Request) -> ResponseReturnValue:
    """A render is asked for, refused, cancelled or replayed."""
    return _answer(request, lambda: _handle(event_in(request, *_REQUESTS)))


@functions_framework.http
def on_result(request: Request) -> ResponseReturnValue:
    """A task tells how far it is, or how it ended."""
    return _answer(request, lambda: _handle(event_in(request, *get_args(Result))))


@functions_framework.http
def on_execution(request: Request) -> ResponseReturnValue:
    """The place where an attempt ran says that it is over, in our words or in its own."""
    return _answer(request, lambda: _end(end_in(request)))


@functions_framework.http
def sweep(request: Request) -> ResponseReturnValue:
    """Called every minute: what no event says is noticed here."""
    return _answer(request, _sweep)


@functions_framework.http
def collect(request: Request) -> ResponseReturnValue:
    """Called every minute: what has landed on the dead-letter desk is stored there."""
    return _answer(request, _collect)


def _handle(event: Occurrence) -> None:
    handle(event, ports())


def _end(event: ExecutionEnded | None) -> None:
    if event is not None:
        _handle(event)


def _sweep() -> ResponseReturnValue:
    done = swept(ports())
    tell(ports(), ticked=done.ticked, found=done.found)
    return {"ticked": done.ticked, "woken": done.woken, "found": done.found}


def _collect() -> ResponseReturnValue:
    return {"collected": desk().collect(datetime.now(UTC), most=MOST_COLLECTED)}


def _answer(request: Request, act: Callable[[], ResponseReturnValue | None]) -> ResponseReturnValue:
    """What `act` answers, once the caller is known. A refusal is never an acknowledgement."""
    with traced(request.headers.get(TRACE_HEADER)):
        return _answered(request, act)


def _answered(
    request: Request, act: Callable[[], ResponseReturnValue | None]
) -> ResponseReturnValue:
    try:
        doorkeeper().admit(request.headers.get("Authorization"))
        return act() or "OK"
    except Refusal as refusal:
        said = origin(request)
        log.error(
            "refused a request of %s: %s",
            *(said["subscription"], refusal),
            extra={"action": "refused", "reason": type(refusal).__name__, **said},
        )
        return str(refusal), refusal.status
    except (TryAgainLater, NotPublished, StoreUnavailable) as error:
        log.warning("later: %s", error, extra={"action": "put-off", **origin(request)})
        return str(error), 503
