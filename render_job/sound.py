"""Making a clip's sound: once for all of its outputs, whole, and to the sample."""

import contextlib
from dataclasses import replace
from functools import partial
from pathlib import Path

from render_job.choose import MakeSound
from render_job.claims import Held
from render_job.errors import RenderFault
from render_job.survey import sound_name
from render_job.tools import Task
from schemas.certificate import PieceVerdict
from schemas.failures import Failure, FailureClass
from schemas.ports import PreconditionFailed
from schemas.wire import to_json


def make_sound(task: Task, work: MakeSound, held: Held) -> None:
    """Render and commit the sound. Raises RenderFault, ClaimLost or Stopped: nothing is half.

    Where nothing is heard it is made once more without seeking, from the source's beginning: the
    filling with silence would hide a seek that went past the sound.
    """
    path = task.tools.scratch / "sound.m4a"
    for seek in (True, False):
        _encode(task, work, held, path, seek=seek)
        verdict = task.tools.studio.check_sound(path, work.audio, heard=partial(held.keep, 0))
        if verdict.passed and not verdict.silent:
            break
    if not verdict.passed:
        raise RenderFault(_not_verified(work, verdict))
    name = sound_name(task.plan, work.audio)
    metadata = {"verdict": to_json(replace(verdict, subject=name)).decode()}
    with contextlib.suppress(PreconditionFailed):
        task.tools.work.upload(name, path, metadata=metadata)


def _encode(task: Task, work: MakeSound, held: Held, path: Path, *, seek: bool) -> None:
    upload, tools = task.plan.upload, task.tools
    with tools.uploads.readable(upload.name, generation=upload.generation) as source:
        tools.studio.make_sound(
            task.plan, work.audio, path, source=source, seek=seek, terms=task.terms(held.keep)
        )


def _not_verified(work: MakeSound, verdict: PieceVerdict) -> Failure:
    message = f"the sound of {work.audio.clip}: {'; '.join(verdict.faults)}"
    return Failure(failure=FailureClass.INPUT, reason="sound_not_verified", message=message)
