"""Making a clip's sound: once for all of its outputs, whole, and to the sample."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from render_job.choose import MakeSound
from render_job.claims import Held
from render_job.errors import RenderFault
from render_job.level import MOST_TRIES, Heard, Level, first_level
from render_job.survey import sound_name
from render_job.tools import Task
from schemas.certificate import PieceVerdict
from schemas.failures import Failure, FailureClass
from schemas.ports import PreconditionFailed
from schemas.wire import to_json

PLAINLY_AUDIBLE = -50.0
"""dBTP: what of a source an encoder cannot have made silent, which is what stays below -60."""

log = logging.getLogger("clipline.sound")


def make_sound(task: Task, work: MakeSound, held: Held) -> None:
    """Render and commit the sound. Raises RenderFault, ClaimLost or Stopped: nothing is half.

    Where nothing is heard it is made once more without seeking, from the source's beginning: the
    filling with silence would hide a seek that went past the sound. If nothing is heard then, the
    source has to be silent too.
    """
    path = task.tools.scratch / "sound.m4a"
    extra = {"action": "sound", "render": task.plan.render}
    log.info(f"sound {task.plan.render} {work.audio.id}", extra=extra)
    for seek in (True, False):
        verdict = _made(task, work, held, path, seek=seek)
        if verdict.passed and not verdict.silent:
            break
    if not verdict.passed:
        raise RenderFault(_not_verified(work, verdict))
    compared = not_lost(verdict, partial(_hear, task, work, held, seek=False))
    if not compared.passed:
        raise RenderFault(_lost(work, compared))
    name = sound_name(task.plan, work.audio)
    said = replace(verdict, subject=name, effort=held.meter.effort)
    metadata = {"verdict": to_json(said).decode()}
    with contextlib.suppress(PreconditionFailed):
        task.tools.work.upload(name, path, metadata=metadata)


def not_lost(verdict: PieceVerdict, hear: Callable[[], Heard]) -> PieceVerdict:
    """A silent sound has a fault where its source, which is heard only then, is not silent."""
    if not (verdict.passed and verdict.silent):
        return verdict
    peak = hear().peak
    if peak is None or peak < PLAINLY_AUDIBLE:
        return verdict
    return replace(verdict, faults=(f"nothing is heard, and its source has {peak:.1f} dBTP",))


def _made(task: Task, work: MakeSound, held: Held, path: Path, *, seek: bool) -> PieceVerdict:
    """Made and looked at; with a loudness as often as it takes to come out as asked for."""
    level = _first_level(task, work, held, seek=seek)
    studio, heard = task.tools.studio, partial(held.keep, 0)
    for _ in range(MOST_TRIES):
        _encode(task, work, held, path, level, seek=seek)
        with held.meter.looking():
            verdict = studio.check_sound(path, work.audio, level=level, heard=heard)
        if level is None or verdict.loudness is None or level.settled(verdict.loudness):
            break
        level = level.after(verdict.loudness)
    return verdict


def _first_level(task: Task, work: MakeSound, held: Held, *, seek: bool) -> Level | None:
    """What a look at the source says has to be done; None where no loudness is asked for."""
    if work.audio.loudness is None:
        return None
    return first_level(work.audio.loudness, _hear(task, work, held, seek=seek))


def _hear(task: Task, work: MakeSound, held: Held, *, seek: bool) -> Heard:
    upload, tools = task.plan.upload, task.tools
    with tools.uploads.readable(upload.name, generation=upload.generation) as source:
        return tools.studio.hear_sound(
            task.plan, work.audio, source=source, seek=seek, terms=task.terms(held.keep)
        )


def _encode(
    task: Task, work: MakeSound, held: Held, path: Path, level: Level | None, *, seek: bool
) -> None:
    upload, tools = task.plan.upload, task.tools
    with tools.uploads.readable(upload.name, generation=upload.generation) as source:
        tools.studio.make_sound(
            task.plan,
            work.audio,
            path,
            source=source,
            seek=seek,
            level=level,
            terms=task.terms(held.keep),
        )


def _not_verified(work: MakeSound, verdict: PieceVerdict) -> Failure:
    message = f"the sound of {work.audio.clip}: {'; '.join(verdict.faults)}"
    return Failure(failure=FailureClass.INPUT, reason="sound_not_verified", message=message)


def _lost(work: MakeSound, verdict: PieceVerdict) -> Failure:
    """Whole and as long as planned, and silent: that is our fault."""
    message = f"the sound of {work.audio.clip}: {'; '.join(verdict.faults)}"
    return Failure(failure=FailureClass.INTERNAL, reason="sound_lost", message=message)
