"""Delivering an output: join its pieces, verify the file, give it its final name once.

join ─► verify ─► pack ─► verify ─► the files beside
     ─► create-only under the final name ─► record ─► announce
          └─ a crash after this: whoever finds the file reads the
             certificate from its metadata and goes on from there

Whoever sees the announced name sees all files of the output: it is written last, and the others lie
under names that are made of their digests (`render_job/parcel.py`).
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from render_job import report
from render_job.aside import set_aside
from render_job.choose import Stitch
from render_job.claims import ClaimLost, Held
from render_job.errors import RenderFault, Stopped
from render_job.parcel import Parcel
from render_job.studio import Part
from render_job.survey import sound_name
from render_job.tools import Task
from schemas import names
from schemas.certificate import Certificate, Effort, PieceVerdict
from schemas.events import OutputVerified
from schemas.failures import Failure, FailureClass
from schemas.labels import is_marked, is_of, label, mark, record_of
from schemas.pieces import Span
from schemas.plan import AudioPlan, OutputPlan
from schemas.ports import ObjectInfo, PreconditionFailed
from schemas.wire import from_json, to_json


def deliver(task: Task, work: Stitch, held: Held) -> None:
    """Make the output stand verified and say so. Raises RenderFault, ClaimLost or Stopped.

    Where a piece is damaged nothing stands afterwards: it was set aside, and its frames are open.
    """
    report.stitching(task, work.output.id)
    standing = task.tools.outputs.stat(work.output.object_name)
    if standing is None:
        parts = _parts(task, work, held)
        try:
            parcel, certificate = _made(task, work.output, parts, held)
        except RenderFault:
            if set_aside(task, parts.lengths, partial(held.keep, 0)):
                return
            raise
        _put_beside(task, work.output, parcel, held)
        standing = _commit(task, work.output, parcel.path, certificate)
    announce(task, _recorded(task, work.output, standing))


def announce(task: Task, record: OutputVerified) -> None:
    """Say again what is recorded; cancelled wins over it, and the control plane removes it."""
    report.verified(task, record)


def recorded(task: Task, output_id: str) -> OutputVerified:
    """The record of an output that was seen delivered."""
    name = names.delivered(task.plan.render, output_id)
    return from_json(task.tools.work.read(name), OutputVerified)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the output is made of, here in files."""

    pieces: Mapping[Span, Part]
    audio: AudioPlan | None
    sound: Part | None

    @property
    def lengths(self) -> Sequence[tuple[Part, int]]:
        """Each with the frames or samples that it is used for."""
        parts = [(piece, len(span)) for span, piece in self.pieces.items()]
        if self.audio is not None and self.sound is not None:
            parts.append((self.sound, self.audio.samples))
        return parts

    def effort(self, joining: Effort) -> Effort | None:
        """Of making them and of joining them; None where one does not say."""
        for part, _ in self.lengths:
            if part.verdict is None or part.verdict.effort is None:
                return None
            joining += part.verdict.effort
        return joining


def _parts(task: Task, work: Stitch, held: Held) -> _Parts:
    plan, output = task.plan, work.output
    key = output.key(plan.upload, task.order.encoder_class)
    pieces = {}
    for span in work.spans:
        held.keep(0)
        name = names.piece(plan.render, output.pieces_id, key, span)
        pieces[span] = _fetched(task, name, f"{span.start}-{span.end}.mp4")
    audio, sound = plan.audio_of(output), None
    if audio is not None:
        sound = _fetched(task, sound_name(plan, audio), "sound.m4a")
    return _Parts(pieces=pieces, audio=audio, sound=sound)


def _made(task: Task, output: OutputPlan, parts: _Parts, held: Held) -> tuple[Parcel, Certificate]:
    """Every file of the output, verified. Raises RenderFault."""
    studio, terms, heard = task.tools.studio, task.terms(held.keep), partial(held.keep, 0)
    path, sound = task.tools.scratch / "output.mp4", parts.sound
    files = [piece.path for piece in parts.pieces.values()]
    studio.join(output, files, sound.path if sound else None, path, terms=terms)
    with held.meter.looking():
        certificate = studio.check_output(
            path, output, parts.audio, parts.pieces, sound, heard=heard
        )
    _refuse_faults(output, certificate)
    parcel = studio.pack(output, path, terms=terms)
    with held.meter.looking():
        certificate = studio.check_parcel(
            parcel, output, path, certificate, list(parts.pieces.values()), sound, heard=heard
        )
    _refuse_faults(output, certificate)
    return parcel, replace(certificate, effort=parts.effort(held.meter.effort))


def _refuse_faults(output: OutputPlan, certificate: Certificate) -> None:
    """Verified or not done. Raises RenderFault."""
    if not certificate.verified:
        message = f"{output.id}: {'; '.join(certificate.faults)}"
        raise RenderFault(
            Failure(failure=FailureClass.INTERNAL, reason="output_not_verified", message=message)
        )


def _fetched(task: Task, name: str, file: str) -> Part:
    """The object in a file of the scratch folder, with the verdict that it carries."""
    path = task.tools.scratch / file
    info = task.tools.work.download(name, path)
    told = info.metadata.get("verdict")
    verdict = from_json(told.encode(), PieceVerdict) if told else None
    return Part(path=path, name=name, verdict=verdict, generation=info.generation)


def _put_beside(task: Task, output: OutputPlan, parcel: Parcel, held: Held) -> None:
    """Create-only. What stands already was put there by one who made the same."""
    tools, render = task.tools, task.plan.render
    folder = output.object_name.rpartition("/")[0]
    for one in parcel.beside:
        held.keep(0)
        if tools.stop():
            raise Stopped
        name = f"{folder}/{one.name}"
        try:
            tools.outputs.upload(name, one.path, metadata=mark(render, one.sha256))
        except PreconditionFailed:
            standing = tools.outputs.stat(name)
            if standing is None:
                raise ClaimLost(f"{name} was removed meanwhile") from None
            if not is_marked(standing, render, one.sha256):
                raise RenderFault(_taken(name)) from None


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
        raise RenderFault(_taken(standing.name))
    record = record_of(standing, tools.outputs.bucket, output.id)
    name = names.delivered(plan.render, output.id)
    with contextlib.suppress(PreconditionFailed):
        tools.work.write(name, to_json(record), if_generation_match=0)
    return recorded(task, output.id)


def _taken(name: str) -> Failure:
    message = f"'{name}' stands in the outputs already and is not of this render"
    return Failure(failure=FailureClass.INTERNAL, reason="output_name_taken", message=message)
