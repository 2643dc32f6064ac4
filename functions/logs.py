"""Logs in two voices: a sentence for people, and fields for machines."""

import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

TRACE = "logging.googleapis.com/trace"
"""By which Cloud Logging shows an entry below that of its request
(https://docs.cloud.google.com/logging/docs/view/correlate-logs)."""
TRACE_HEADER = "X-Cloud-Trace-Context"
"""TRACE/SPAN;o=OPTIONS, on every request that Cloud Run hands on."""
_TRACE = re.compile(r"([0-9a-f]{32})(?![0-9a-f])")
_KNOWN = frozenset({*vars(logging.makeLogRecord({})), "message"})
_trace: ContextVar[str] = ContextVar("trace", default="")


class JsonLines(logging.Formatter):
    """One JSON object a line, as Cloud Logging reads it (`severity`, `message`, our fields)."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's sentence, severity and extra fields; a traceback goes to `exception`.

        Numbers stay numbers, so that metrics can be made of them.
        """
        line: dict[str, object] = {"severity": record.levelname, "message": record.getMessage()}
        line |= {k: _plain(v) for k, v in vars(record).items() if k not in _KNOWN}
        if trace := _trace.get():
            line[TRACE] = trace
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


@contextmanager
def traced(header: str | None, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """What is logged inside belongs to the trace that a request names in that header, if to any."""
    found = _TRACE.match(header or "")
    project = environment.get("CLIPLINE_PROJECT")
    token = _trace.set(f"projects/{project}/traces/{found[1]}" if found and project else "")
    try:
        yield
    finally:
        _trace.reset(token)


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float) else str(value)


def to_stderr(level: int = logging.INFO) -> None:
    """Send our own logs to standard error as JSON lines, once a process."""
    logger = logging.getLogger("clipline")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
