"""One render's story as lines of text, the most wanted first."""

from collections.abc import Iterator
from datetime import datetime

from functions.core.render import TERMINAL, Render
from schemas.events import AttemptRecord


def story(render: Render) -> Iterator[str]:
    """State and reason, what was asked, every attempt, every output."""
    yield f"{render.id}  {render.state}"
    if render.failure is not None:
        yield f"  {render.failure.failure}: {render.failure.message}"
        yield f"  {render.failure.advice}"
        yield f"  fingerprint {render.failure.fingerprint}"
    elif render.why and render.state not in TERMINAL:
        yield f"  {render.why}"
    upload = render.upload
    yield f"upload   {upload.bucket}/{upload.name} generation {upload.generation}"
    yield f"created  {_time(render.created_at)}, deadline {_time(render.deadline)}"
    yield f"spec     {render.spec_source}" + (f" {render.spec_text}" if render.spec_text else "")
    if render.plan is not None:
        yield f"frames   {render.frames}/{render.plan.frames} in {render.plan.chunks} chunks"
    for attempt in render.attempts:
        yield from _attempt(attempt)
    for output in render.outputs:
        sheet = output.certificate
        yield f"output   {output.delivered.bucket}/{output.delivered.name}"
        yield (
            f"         {sheet.frames}/{sheet.planned_frames} frames, {sheet.pieces} pieces, "
            f"{sheet.size_bytes} bytes, drift {sheet.drift_samples} samples, sha256 {sheet.sha256}"
        )
    if render.failure is not None and render.failure.detail:
        yield from render.failure.detail.splitlines()


def _attempt(attempt: AttemptRecord) -> Iterator[str]:
    ended = _time(attempt.ended_at) if attempt.ended_at else "now"
    started = _time(attempt.started_at or attempt.launched_at)
    made = max(0, attempt.frames_after - attempt.frames_before)
    yield f"attempt  {attempt.number} on {attempt.lane}, {started} to {ended}, {made} frames made"
    if attempt.cause is not None:
        yield f"         {attempt.cause.failure}: {attempt.cause.message}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
