"""Making one piece: render the frames, decode them once, commit what passed."""

import contextlib
import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from render_job import recipe, report
from render_job.choose import MakePiece
from render_job.claims import Held
from render_job.errors import RenderFault, Stopped
from render_job.ffmpeg import run
from render_job.fragments import cut, whole_gops
from render_job.survey import committed_frames, survey
from render_job.tools import Task
from render_job.verify import verify_piece
from schemas import names
from schemas.certificate import PieceVerdict
from schemas.failures import Failure, FailureClass
from schemas.pieces import Span
from schemas.ports import PreconditionFailed
from schemas.wire import to_json

THREADS = 1
"""Encoder threads: pinned, since another number makes other bytes. Tasks are the parallelism."""

log = logging.getLogger("clipline.piece")


def make_piece(task: Task, work: MakePiece, held: Held) -> None:
    """Render and commit the span. Raises RenderFault, ClaimLost, or Stopped.

    Stopped is raised after the whole GOPs made so far were committed as a shorter piece.
    """
    path = task.tools.scratch / "piece.mp4"
    try:
        verdict = _render(task, work, held, path)
    except Stopped:
        part = _whole_part(path, work)
        if part is not None:
            verdict = verify_piece(path, work.output, part)
            if verdict.passed:
                _commit(task, work, part, path, verdict)
        raise
    _commit(task, work, work.span, path, verdict)


def _render(task: Task, work: MakePiece, held: Held, path: Path) -> PieceVerdict:
    """Once by seeking; if the source's index misled, once more from the beginning."""
    _note(task, "encode", work, work.span)
    for seek in (True, False):
        _encode(task, work, held, path, seek=seek)
        verdict = verify_piece(path, work.output, work.span)
        if verdict.passed or verdict.frames == len(work.span):
            break
    return verdict


def _encode(task: Task, work: MakePiece, held: Held, path: Path, *, seek: bool) -> None:
    plan, tools = task.plan, task.tools
    upload, media = plan.upload, plan.media
    with tools.uploads.readable(upload.name, generation=upload.generation) as url:
        argv = recipe.video(
            work.output,
            media.video,
            media.seekable,
            work.span,
            input_url=url,
            ffmpeg=tools.encoder.path,
            threads=THREADS,
            seek=seek,
        )
        hear = partial(_hear, task, held)
        run(argv, limit=time_left(task), into=path, on_progress=hear, stop=tools.stop)


def _hear(task: Task, held: Held, frames: int) -> None:
    """Keep the claim, and with each renewal say how far the whole render is."""
    if held.heard(frames):
        seen = survey(task.tools.work, task.plan, task.order)
        report.progress(task, committed_frames(task.plan, seen) + frames)


def time_left(task: Task) -> timedelta:
    """Until the attempt's deadline. Raises RenderFault when there is none left."""
    left = task.order.deadline - datetime.now(UTC)
    if left <= timedelta(0):
        message = f"attempt {task.order.attempt} ran out of its time"
        raise RenderFault(
            Failure(failure=FailureClass.TIMEOUT, reason="attempt_limit", message=message)
        )
    return left


def _whole_part(path: Path, work: MakePiece) -> Span | None:
    """Cut the file at its last whole GOP; what it then holds."""
    if not path.exists():
        return None
    size, frames = whole_gops(path, work.output.gop)
    frames = min(frames, len(work.span))
    if frames == 0:
        return None
    cut(path, size)
    return Span(work.span.start, work.span.start + frames)


def _commit(task: Task, work: MakePiece, span: Span, path: Path, verdict: PieceVerdict) -> None:
    """Create-only: whoever committed these frames before has done the same work."""
    if not verdict.passed:
        raise RenderFault(_not_verified(work, span, verdict))
    plan, store = task.plan, task.tools.work
    key = work.output.key(plan.upload, task.order.encoder_class)
    name = names.piece(plan.render, work.output.id, key, span)
    with contextlib.suppress(PreconditionFailed):
        store.upload(name, path, metadata={"verdict": to_json(verdict).decode()})
    _note(task, "commit", work, span)
    frames = committed_frames(plan, survey(store, plan, task.order))
    report.committed(task, work.output.id, span, frames)


def _not_verified(work: MakePiece, span: Span, verdict: PieceVerdict) -> Failure:
    """Frames that the source does not have are its fault; anything else is ours."""
    short = verdict.frames != len(span)
    return Failure(
        failure=FailureClass.INPUT if short else FailureClass.INTERNAL,
        reason="frames_missing" if short else "piece_not_verified",
        message=f"frames {span} of {work.output.id}: {'; '.join(verdict.faults)}",
    )


def _note(task: Task, verb: str, work: MakePiece, span: Span) -> None:
    """One line that can be counted: which frames were encoded and committed, and when."""
    words = f"{verb} {task.plan.render} {work.output.id} {span.start}-{span.end}"
    log.info(words, extra={"action": verb, "render": task.plan.render})
