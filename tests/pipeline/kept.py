"""Log records, kept for the length of a `with`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def kept(logger: str) -> Iterator[list[logging.LogRecord]]:
    """What is logged there meanwhile, also below it."""
    keeper, source = _Keeper(), logging.getLogger(logger)
    source.addHandler(keeper)
    yield keeper.records
    source.removeHandler(keeper)
