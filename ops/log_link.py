"""Where what a render's tasks wrote is read, as a path or an address."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from functions.core.render import Render
from functions.wiring import log_link
from schemas.dead_letters import DeadLetterRecord
from schemas.events import AttemptRecord

MARGIN = timedelta(minutes=10)
"""Before the first launch and after the end: clocks differ, and stragglers write on."""


def linked(record: DeadLetterRecord) -> DeadLetterRecord:
    """The record with its link, as programs get it."""
    letter = record.letter
    if letter is None:
        return record
    return replace(record, logs=_link(letter.render, letter.attempts, letter.at))


def logs_of(render: Render) -> str | None:
    """For people: a path below the current folder is told from there. None without an attempt."""
    link = _link(render.id, render.attempts, render.updated_at)
    if link is None:
        return None
    path, here = Path(link), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else link


def _link(render: str, attempts: Sequence[AttemptRecord], until: datetime) -> str | None:
    if not attempts:
        return None
    since = min(one.launched_at for one in attempts)
    return log_link(render, since - MARGIN, until + MARGIN)
