"""One message that nobody could take, as lines of text."""

import base64
from collections.abc import Iterator

from ops.letters import handle, one_line
from ops.story import why
from ops.times import clock
from schemas.dead_letters import DeadLetterRecord, Original

SHOWN = 600
"""Bytes of a message's data that people see; `--json` says them all."""


def message_story(record: DeadLetterRecord) -> Iterator[str]:
    """What it is and why it is here, what to do, and then the message itself."""
    yield f"{record.id}  a message on {record.subscription}"
    yield from why(record.failure, record.advice)
    yield f"next     clipline show {handle(record.id)} --json"
    if record.render is not None:
        yield f"render   {record.render}"
    if record.original is not None:
        yield from _original(record.original)


def _original(original: Original) -> Iterator[str]:
    yield f"told     {clock(original.published_at)}"
    if original.refused_by is not None:
        often = f", {original.deliveries} deliveries" if original.deliveries else ""
        yield f"refused  by {original.refused_by}{often}"
    for name, value in sorted(original.attributes.items()):
        yield f"         {one_line(name)}: {one_line(value)}"
    data = original.data
    head = data[:SHOWN]
    try:
        text = head.decode()
        yield f"data     {len(data)} bytes of text"
    except UnicodeDecodeError:
        text = base64.b64encode(head).decode()
        yield f"data     {len(data)} bytes, in base64"
    yield f"         {one_line(text)}{' …' if len(data) > SHOWN else ''}"
