"""Delivering an output: join its pieces, verify the file, give it its final name once.

join ─► verify ─► create-only under the final name ─► record ─► announce
                        └─ a crash after this: whoever finds the file reads the
                           certificate from its metadata and goes on from there
"""

import contextlib
from functools import partial
from pathlib import Path

from render_job import report
from render_job.aside import set_aside
from render_job.choose import Stitch
from render_job.claims import ClaimLost, Held
from render_job.errors import RenderFault
from render_job.studio import Part
from render_job.survey import sound_name
from render_job.tools import Task
from schemas import names
from schemas.certificate import Certificate, PieceVerdict
from schemas.events import OutputVerified
from schemas.failures import Failure, FailureClass
from schemas.labels import is_of, label, record_of
from schemas.plan import OutputPlan
from schemas.ports import ObjectInfo, PreconditionFailed
from schemas.wire import from_json, to_json


def deliver(task: Task, work: Stitch, held: Held) -> None:
    """Make the output stand verified and say so. Raises RenderFault, ClaimLost or Stopped.

    Where a piece is damaged nothing stands afterwards: it was set aside, and its frames are open.
    """
    report.stitching(task, work.output.id)
    standing = task.tools.outputs.stat(work.output.object_name)
    if standing is None:
        joined = _joined(task, work, held)
        if joined is None:
            return
        standing = _commit(task, work.output, *joined)
    announce(task, _recorded(task, work.output, standing))


def announce(task: Task, record: OutputVerified) -> None:
    """Say again what is recorded; cancelled wins over it, and the control plane removes it."""
    report.verified(task, record)


def recorded(task: Task, output_id: str) -> OutputVerified:
    """The record of an output that was seen delivered."""
    name = names.delivered(task.plan.render, output_id)
    return from_json(task.tools.work.read(name), OutputVerified)


def _joined(task: Task, work: Stitch, held: Held) -> tuple[Path, Certificate] | None:
    """The output's file and what it was found to be; None where a part was set aside instead."""
    plan, tools, output = task.plan, task.tools, work.output
    key = output.key(plan.upload, task.order.encoder_class)
    pieces = {}
    for span in work.spans:
        held.keep(0)
        name = names.piece(plan.render, output.id, key, span)
        pieces[span] = _fetched(task, name, f"{span.start}-{span.end}.mp4")
    audio, sound = plan.audio_of(output), None
    if audio is not None:
        sound = _fetched(task, sound_name(plan, audio), "sound.m4a")
    path, terms = tools.scratch / "output.mp4", task.terms(held.keep)
    files = [piece.path for piece in pieces.values()]
    parts = [(piece, len(span)) for span, piece in pieces.items()]
    if audio is not None and sound is not None:
        parts.append((sound, audio.samples))
    try:
        tools.studio.join(output, files, sound.path if sound else None, path, terms=terms)
    except RenderFault:
        if set_aside(task, parts, partial(held.keep, 0)):
            return None
        raise
    certificate = tools.studio.check_output(
        path, output, audio, pieces, sound, heard=partial(held.keep, 0)
    )
    if not certificate.verified and set_aside(task, parts, partial(held.keep, 0)):
        return None
    if not certificate.verified:
        message = f"{output.id}: {'; '.join(certificate.faults)}"
        raise RenderFault(
            Failure(failure=FailureClass.INTERNAL, reason="output_not_verified", message=message)
        )
    return path, certificate


def _fetched(task: Task, name: str, file: str) -> Part:
    """The object in a file of the scratch folder, with the verdict that it carries."""
    path = task.tools.scratch / file
    info = task.tools.work.download(name, path)
    told = info.metadata.get("verdict")
    verdict = from_json(told.encode(), PieceVerdict) if told else None
    return Part(path=path, name=name, verdict=verdict, generation=info.generation)


def _commit(task: Task, output: OutputPlan, path: Path, certificate: Certificate) -> ObjectInfo:
    tools, render = task.tools, task.plan.render
    if tools.work.stat(names.cancelled(render)) is not None:
        raise ClaimLost("the render is cancelled")
    metadata = label(render, task.order.attempt, tools.clock.now(), certificate)
    try:
        return tools.outputs.upload(output.object_name, path, metadata=metadata)
    except PreconditionFailed:
        standing = tools.outputs.stat(output.object_name)
        if standing is None:
            raise ClaimLost("the output was removed meanwhile") from None
        return standing


def _recorded(task: Task, output: OutputPlan, standing: ObjectInfo) -> OutputVerified:
    """The record, made from what the delivered file itself says, the first time by anybody."""
    plan, tools = task.plan, task.tools
    if not is_of(standing, plan.render):
        message = f"'{standing.name}' stands in the outputs already and is not of this render"
        raise RenderFault(
            Failure(failure=FailureClass.INTERNAL, reason="output_name_taken", message=message)
        )
    record = record_of(standing, tools.outputs.bucket, output.id)
    name = names.delivered(plan.render, output.id)
    with contextlib.suppress(PreconditionFailed):
        tools.work.write(name, to_json(record), if_generation_match=0)
    return recorded(task, output.id)
