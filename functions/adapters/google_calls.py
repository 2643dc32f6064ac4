"""What the adapters over Google's gRPC services share: limits of a call, and what its end means."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
from google.api_core.exceptions import GoogleAPICallError, NotFound

from functions.errors import TryAgainLater
from functions.outcomes.refusals import is_lost
from functions.ports import ExecutionState

ANSWER_WITHIN = 20.0
"""Seconds for one call: the clients set no limit, and a push has 60 s for all that it does."""


def channel_to(emulator: str | None) -> grpc.Channel | None:
    """An insecure channel to the stand-in at that `host:port`; None is Google's endpoint."""
    return grpc.insecure_channel(emulator) if emulator else None


def status_of(error: GoogleAPICallError) -> str:
    """The gRPC status by name; UNKNOWN where none came back."""
    code = error.grpc_status_code
    return str(code.name) if code is not None else "UNKNOWN"


def stop(
    execution: str,
    cancel: Callable[[], object],
    state: Callable[[str], ExecutionState | None],
) -> None:
    """Cancel what runs. One that has ended or never was is no error. Raises TryAgainLater."""
    try:
        with answered(f"'{execution}' is to be cancelled"):
            cancel()
    except NotFound:
        return
    except GoogleAPICallError:
        # What the service says to one that is over is not documented: so it is asked.
        seen = state(execution)
        if seen is not None and not seen.ended:
            raise


def not_known(lane: str, status: str) -> TryAgainLater:
    """Of a launch without an answer, where looking did not help either."""
    return TryAgainLater(f"whether '{lane}' took the attempt is not known: {status}")


@contextmanager
def answered(what: str) -> Iterator[None]:
    """Inside, a call that came back without an answer is raised as TryAgainLater.

    What the service did answer is raised as it is.
    """
    try:
        yield
    except GoogleAPICallError as error:
        if is_lost(status_of(error)):
            raise TryAgainLater(f"{what}: {status_of(error)}") from error
        raise
