"""What was committed and is not any more what was verified: it is set aside and made anew.

    piece 60-120 ── bytes differ from its verdict ──► aside/…60-120.mp4.0    kept to be looked at
                                                      the piece's name is free: the chunk is open

A store keeps what it was given, so this is rare: a bad disk, a person's hand, a release with a bug.
Were it left there, every attempt and every replay would meet it again. Where it happens to the same
name a third time the store is at fault, and nobody renders against it for ever.
"""

import contextlib
import logging
from collections.abc import Callable, Sequence

from render_job.errors import RenderFault
from render_job.faults import part_faults
from render_job.studio import Part
from render_job.tools import Task
from schemas import names
from schemas.failures import Failure, FailureClass
from schemas.ports import PreconditionFailed

MOST = 2
"""How often what stands under one name is set aside."""

log = logging.getLogger("clipline.aside")


def set_aside(task: Task, parts: Sequence[tuple[Part, int]], heard: Callable[[], None]) -> bool:
    """Set aside every part that is not what its verdict says; whether there was one.

    Each comes with the frames or samples that it is used for. Raises RenderFault (dependency) where
    a name was damaged too often.
    """
    looked = [(part, part_faults(part, length, heard)) for part, length in parts]
    damaged = [(part, faults) for part, faults in looked if faults]
    for part, faults in damaged:
        _one(task, part, faults)
    return bool(damaged)


def _one(task: Task, part: Part, faults: Sequence[str]) -> None:
    store, render = task.tools.work, task.plan.render
    before = sum(1 for _ in store.list(names.aside(render, part.name, None)))
    if before >= MOST:
        message = f"what was committed came back damaged {before + 1} times: {'; '.join(faults)}"
        raise RenderFault(
            Failure(failure=FailureClass.DEPENDENCY, reason="store_damages", message=message)
        )
    with contextlib.suppress(PreconditionFailed):
        store.upload(
            names.aside(render, part.name, before), part.path, metadata={"why": "; ".join(faults)}
        )
    with contextlib.suppress(PreconditionFailed):  # somebody else made it anew already
        store.delete(part.name, if_generation_match=part.generation)
    words = f"set aside {part.name}: {'; '.join(faults)}"
    log.warning(words, extra={"action": "set-aside", "render": render})
