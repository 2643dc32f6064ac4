"""What one save tells the logs: sentences for people, and the fields that metrics are made of.

`infra/gcp/monitoring.tf` counts these actions and reads these numbers; a test holds each alert
against what is really said here.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from functions.core.render import Render, State
from schemas.events import AttemptRecord

ATTEMPT_STARTED = "attempt-started"
ATTEMPT_ENDED = "attempt-ended"


class News(NamedTuple):
    """One line of the log: its sentence and its fields, `action` among them."""

    sentence: str
    fields: Mapping[str, object]


def news(before: Render | None, after: Render, now: datetime) -> Iterator[News]:
    """What became otherwise: a state, an attempt that started, one that ended."""
    known = {one.number: one for one in before.attempts} if before else {}
    for record in after.attempts:
        earlier = known.get(record.number)
        if record.started_at is not None and (earlier is None or earlier.started_at is None):
            yield _started(after, record)
        if record.ended_at is not None and (earlier is None or earlier.ended_at is None):
            yield _ended(after, record)
    if before is None or before.state is not after.state:
        yield _stands(after, now)


def _started(render: Render, record: AttemptRecord) -> News:
    assert record.started_at is not None
    waited = (record.started_at - record.launched_at).total_seconds()
    return News(
        f"attempt {record.number} of {render.id} has started after {waited:.0f} s",
        {
            "action": ATTEMPT_STARTED,
            "render": render.id,
            "lane": record.lane,
            "start_seconds": round(waited, 3),
        },
    )


def _ended(render: Render, record: AttemptRecord) -> News:
    """Money is wasted on an attempt that ended for a reason and added no frame."""
    assert record.ended_at is not None
    is_wasted = record.cause is not None and record.frames_after <= record.frames_before
    cause = record.cause.failure.value if record.cause else "none"
    return News(
        f"attempt {record.number} of {render.id} has ended: {cause}",
        {
            "action": ATTEMPT_ENDED,
            "render": render.id,
            "lane": record.lane,
            "cause": cause,
            "nanodollars": record.nanodollars,
            "wasted_nanodollars": record.nanodollars if is_wasted else 0,
        },
    )


def _stands(render: Render, now: datetime) -> News:
    fields: dict[str, object] = {"action": render.state.value, "render": render.id}
    if render.state is State.DONE:
        fields["done_seconds"] = round((now - render.created_at).total_seconds(), 3)
    if render.state is State.FAILED and render.failure is not None:
        fields["cause"] = render.failure.failure.value
        fields["fingerprint"] = render.failure.fingerprint
    why = f": {render.why}" if render.why else ""
    return News(f"{render.id} is {render.state}{why}", fields)
