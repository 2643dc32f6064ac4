"""What has happened to a render, as far as it tells by itself."""

from collections.abc import Iterator
from datetime import datetime

from functions.core.render import Render, State
from schemas.events import AttemptRecord, OutputVerified
from schemas.ids import short
from schemas.watch_line import Happening, WatchLine


def happenings(render: Render, now: datetime) -> Iterator[WatchLine]:
    """All of it but its end, the same ones whenever one looks; of waiting only what is now.

    `now` is the time of what the render has no time for.
    """
    if render.plan is not None:
        text = f"{short(render.id)}  {render.plan.frames} frames, {render.plan.chunks} chunks"
        yield _line(render, Happening.ACCEPTED, text, render.created_at)
    for attempt in render.attempts:
        yield from _of_attempt(render, attempt, now)
    if render.state is State.WAITING:
        yield _line(render, Happening.WAITING, render.why, now)
    for output in render.outputs:
        yield from _of_output(render, output)


def ending(render: Render, now: datetime) -> WatchLine:
    """Of one that is done, failed or cancelled."""
    text = render.failure.message if render.failure else "published"
    return _line(render, Happening(render.state.value), text, now)


def _of_attempt(render: Render, attempt: AttemptRecord, now: datetime) -> Iterator[WatchLine]:
    number = attempt.number
    if attempt.started_at is not None:
        again = f" (attempt {number})" if number > 1 else ""
        text = f"{attempt.lane}: {render.why}{again}"
        yield _line(render, Happening.STARTED, text, attempt.started_at, attempt=number)
    if attempt.cause is not None:
        at = attempt.ended_at or now
        yield _line(render, Happening.LOST, attempt.cause.message, at, attempt=number)


def _of_output(render: Render, output: OutputVerified) -> Iterator[WatchLine]:
    sheet, id = output.certificate, output.output_id
    joined = f"{sheet.pieces} chunks  {id}"
    yield _line(render, Happening.STITCHED, joined, output.at, output_id=id)
    drift = f", A/V drift {sheet.drift_samples}" if sheet.audio_samples is not None else ""
    counted = f"{sheet.frames}/{sheet.planned_frames} frames{drift}"
    yield _line(render, Happening.VERIFIED, counted, output.at, output_id=id)


def _line(
    render: Render,
    what: Happening,
    text: str,
    at: datetime,
    *,
    attempt: int | None = None,
    output_id: str | None = None,
) -> WatchLine:
    return WatchLine(
        render=render.id,
        at=at,
        what=what,
        text=text,
        attempt=attempt,
        output_id=output_id,
        frames=render.frames,
        frames_planned=render.plan.frames if render.plan else None,
    )
