"""Two functions that do nothing, for the HTTP half of `make bench-transitions`."""

import functions_framework
from cloudevents.http import CloudEvent
from flask import Request
from flask.typing import ResponseReturnValue


@functions_framework.cloud_event
def echo_event(event: CloudEvent) -> None:
    """Decoded, and no more."""


@functions_framework.http
def echo_http(request: Request) -> ResponseReturnValue:
    """Not even decoded."""
    return "ok"
