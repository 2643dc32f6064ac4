"""Listening to the functions' log: what they call impossible, or stumble over, must not happen."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from functions.errors import TryAgainLater
from schemas.ports import NotPublished, StoreUnavailable

_LATER = (TryAgainLater, NotPublished, StoreUnavailable)
_LOG = logging.getLogger("clipline")


@contextmanager
def listening(heard: Callable[[str], None]) -> Iterator[None]:
    """Inside, the log goes nowhere else, and `heard` is told of what nobody foresaw."""
    ear = _Ear(heard)
    before = (_LOG.level, _LOG.propagate, _LOG.handlers)
    _LOG.handlers = [ear]
    _LOG.setLevel(logging.ERROR)
    _LOG.propagate = False
    try:
        yield
    finally:
        _LOG.setLevel(before[0])
        _LOG.propagate, _LOG.handlers = before[1:]


class _Ear(logging.Handler):
    def __init__(self, heard: Callable[[str], None]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        action = getattr(record, "action", "")
        error = record.exc_info[1] if record.exc_info else None
        if action == "impossible":
            self._heard(record.getMessage())
        elif action == "stumbled" and not isinstance(error, _LATER):
            self._heard(f"{record.getMessage()}: {error!r}")
