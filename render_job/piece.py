"""Making one piece: render the frames, decode them once, commit what passed."""

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from render_job import report
from render_job.choose import Hedge, MakePiece
from render_job.claims import ClaimLost, Held
from render_job.errors import RenderFault, Stopped
from render_job.survey import committed_frames, survey
from render_job.tools import Task
from schemas import names
from schemas.certificate import PieceVerdict
from schemas.failures import Failure, FailureClass
from schemas.pieces import Span
from schemas.ports import PreconditionFailed
from schemas.wire import to_json

_SOURCES_OWN = {"blank": "pictures_blank", "times": "pictures_misplaced"}
"""A camera that gave out nothing writes green pictures; a stream whose size changes on the way has
ffmpeg begin anew there, and what lies at that seam is not at its time."""

Piece = MakePiece | Hedge
"""A hedge is made like any other piece: whoever commits it first has made it."""

log = logging.getLogger("clipline.piece")


def make_piece(task: Task, work: Piece, held: Held) -> None:
    """Render and commit the span. Raises RenderFault, ClaimLost, or Stopped.

    Stopped is raised after the whole GOPs made so far were committed as a shorter piece.
    """
    path = task.tools.scratch / "piece.mp4"
    try:
        verdict = _render(task, work, held, path)
    except Stopped:
        part = _whole_part(task, work, path)
        if part is not None:
            verdict = _check(task, work, part, path, held)
            if verdict.passed:
                _commit(task, work, part, path, verdict, held)
        raise
    _commit(task, work, work.span, path, verdict, held)


def _render(task: Task, work: Piece, held: Held, path: Path) -> PieceVerdict:
    """Once by seeking; if the source's index misled, once more from the beginning.

    So are pictures that are blank or not at their time, though all are there: where decoding from
    the beginning says the same, it is the source that says so.
    """
    _note(task, "encode", work, work.span)
    for seek in (True, False):
        _encode(task, work, held, path, seek=seek)
        verdict = _check(task, work, work.span, path, held)
        if verdict.passed or (verdict.frames == len(work.span) and not verdict.alone):
            break
    return verdict


def _encode(task: Task, work: Piece, held: Held, path: Path, *, seek: bool) -> None:
    upload, tools = task.plan.upload, task.tools
    terms = task.terms(partial(_hear, task, work, held))
    drawn = tools.overlays.drawn(work.output, tools.scratch)
    with tools.uploads.readable(upload.name, generation=upload.generation) as source:
        tools.studio.make_pictures(
            task.plan,
            work.output,
            work.span,
            path,
            source=source,
            seek=seek,
            terms=terms,
            drawn=drawn,
        )


def _check(task: Task, work: Piece, span: Span, path: Path, held: Held) -> PieceVerdict:
    """Decode it, and keep the claim meanwhile."""
    heard = partial(held.keep, len(span))
    with held.meter.looking():
        source = task.plan.media.video
        return task.tools.studio.check_pictures(path, work.output, span, source, heard=heard)


def _hear(task: Task, work: Piece, held: Held, frames: int) -> None:
    """Keep the claim, and with each renewal say how far the whole render is."""
    if held.heard(frames):
        seen = survey(task.tools.work, task.plan, task.order)
        if work.span in seen.pieces[work.output.pieces_id]:
            raise ClaimLost(f"{held.work}: another task has made it")
        report.progress(task, committed_frames(task.plan, seen) + frames)


def _whole_part(task: Task, work: Piece, path: Path) -> Span | None:
    """Cut the file at its last whole GOP; what it then holds."""
    frames = min(task.tools.studio.keep_whole_gops(path, work.output.gop), len(work.span))
    return Span(work.span.start, work.span.start + frames) if frames else None


def _commit(
    task: Task, work: Piece, span: Span, path: Path, verdict: PieceVerdict, held: Held
) -> None:
    """Create-only: whoever committed these frames before has done the same work."""
    if not verdict.passed:
        raise RenderFault(_not_verified(work, span, verdict))
    plan, store = task.plan, task.tools.work
    key = work.output.key(plan.upload, task.order.encoder_class)
    name = names.piece(plan.render, work.output.pieces_id, key, span)
    with contextlib.suppress(PreconditionFailed):
        said = to_json(replace(verdict, subject=name, effort=held.meter.effort)).decode()
        store.upload(name, path, metadata={"verdict": said, **_pace(task, held)})
    _note(task, "commit", work, span)
    frames = committed_frames(plan, survey(store, plan, task.order))
    report.committed(task, work.output.id, span, frames)


def _pace(task: Task, held: Held) -> Mapping[str, str]:
    """Who made it, and in how many seconds: what a hedge is weighed by."""
    seconds = (task.tools.work.now() - held.taken).total_seconds()
    worker = task.worker
    return {"execution": worker.execution, "task": str(worker.task), "seconds": f"{seconds:.3f}"}


def _not_verified(work: Piece, span: Span, verdict: PieceVerdict) -> Failure:
    """Frames that the source does not have, or has blank or at odd times, are its fault.

    Anything else is ours.
    """
    reason = _SOURCES_OWN.get(verdict.alone, "piece_not_verified")
    if verdict.frames != len(span):
        reason = "frames_missing"
    ours = reason == "piece_not_verified"
    return Failure(
        failure=FailureClass.INTERNAL if ours else FailureClass.INPUT,
        reason=reason,
        message=f"frames {span} of {work.output.id}: {'; '.join(verdict.faults)}",
    )


def _note(task: Task, verb: str, work: Piece, span: Span) -> None:
    """One line that can be counted: which frames were encoded and committed, and when."""
    words = f"{verb} {task.plan.render} {work.output.id} {span.start}-{span.end}"
    log.info(words, extra={"action": verb, "render": task.plan.render})
