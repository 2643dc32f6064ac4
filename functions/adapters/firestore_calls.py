"""What all adapters over Firestore share: how patiently it is asked, and what its answers mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from google.api_core import exceptions as api
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError

from schemas.ports import StoreRefused, StoreUnavailable

SILENCE = timedelta(seconds=10)
"""The longest that one call may take."""
PATIENCE = timedelta(seconds=30)
"""The longest that one call is repeated; the library's own patience is five minutes."""
EXPIRES = "expires_at"
"""The field of a document that may go at that moment; Firestore removes it within a day after.

Which collections have it each adapter says (`EXPIRING`), and `infra/gcp` tells Firestore."""
CHANGED = (api.AlreadyExists, api.FailedPrecondition, api.NotFound, api.Aborted)
"""A precondition does not hold any more."""
_LATER = (api.TooManyRequests, api.ServerError, api.RetryError)


def patient(silence: timedelta = SILENCE, patience: timedelta = PATIENCE) -> dict[str, Any]:
    """Keywords of a call that may be repeated."""
    retry = Retry(if_exception_type(*_LATER), 0.1, 2.0, timeout=patience.total_seconds())
    return {"timeout": silence.total_seconds(), "retry": retry}


@contextmanager
def asking(what: str, *passed: type[Exception]) -> Iterator[None]:
    """What the library raises, in the words of the port; what is passed as it is."""
    try:
        yield
    except passed:
        raise
    except _LATER as error:
        raise StoreUnavailable(f"{what}: {error}") from error
    except (api.GoogleAPICallError, GoogleAuthError) as error:
        raise StoreRefused(f"{what}: {error}") from error


def is_key(text: str) -> bool:
    """Whether a document may have that key (https://firebase.google.com/docs/firestore/quotas)."""
    if text in ("", ".", "..") or "/" in text or (text.startswith("__") and text.endswith("__")):
        return False
    try:
        return len(text.encode()) <= 1500
    except UnicodeEncodeError:
        return False
