"""Logs in two voices: a sentence for people, and fields for machines."""

import json
import logging
import sys

_KNOWN = frozenset({*vars(logging.makeLogRecord({})), "message"})


class JsonLines(logging.Formatter):
    """One JSON object a line, as Cloud Logging reads it (`severity`, `message`, our fields)."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's sentence, severity and extra fields; a traceback goes to `exception`.

        Numbers stay numbers, so that metrics can be made of them.
        """
        line: dict[str, object] = {"severity": record.levelname, "message": record.getMessage()}
        line |= {k: _plain(v) for k, v in vars(record).items() if k not in _KNOWN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


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
