"""Listening to the functions' log: what they call impossible must not happen."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOG = logging.getLogger("clipline")


@contextmanager
def listening(heard: Callable[[str], None]) -> Iterator[None]:
    """Inside, the log goes nowhere else, and `heard` is told what was called impossible."""
    ear = _Ear(heard)
    before = (_LOG.level, _LOG.propagate)
    _LOG.addHandler(ear)
    _LOG.setLevel(logging.ERROR)
    _LOG.propagate = False
    try:
        yield
    finally:
        _LOG.removeHandler(ear)
        _LOG.setLevel(before[0])
        _LOG.propagate = before[1]


class _Ear(logging.Handler):
    def __init__(self, heard: Callable[[str], None]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "action", "") == "impossible":
            self._heard(record.getMessage())
