"""Doing once more, on this machine, what a render failed at: does it fail in the same way?

bucket ─► audit ─► fetch ─► a folder of our own ─► the task's own code over it ─► fingerprint

Nothing is committed, delivered or told anywhere: the work's bucket is a folder beside the upload.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from functions.core.render import Render
from functions.desk import DeadLetters
from functions.ports import NotRenderable, Ports
from functions.task_logs import TaskLogs
from ops.failing import Suspect, suspects
from render_job.choose import MakePiece
from render_job.rehearsal import rehearse
from render_job.tools import Task
from render_job.wiring import rehearsal
from schemas import names
from schemas.failures import Failure
from schemas.plan import Order
from schemas.ports import ObjectMissing
from schemas.reproduction import FetchRecord, Outcome, Reproduction
from schemas.wire import from_json

NOT_HERE = ("output_not_verified", "output_name_taken")
"""Reasons of what fails when finished pieces are joined, for which no piece need be made."""


class NotReproducible(Exception):
    """There is nothing to do once more, or not any more; the message says why."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """Where a failure is looked for. `folder` is empty and ours; `tell` says a line to people."""

    ports: Ports
    logs: TaskLogs
    letters: DeadLetters
    by: str
    reason: str
    folder: Path
    limit: timedelta
    """For each piece of work."""
    tell: Callable[[str], None]
    _commands: list[tuple[str, ...]] = field(default_factory=list)

    def reproduce(self, render: Render, failure: Failure) -> Iterator[Reproduction]:
        """One after the other, what may have failed, until it fails as before.

        Raises NotReproducible, RenderFault where there is no ffmpeg here, and OSError.
        """
        if failure.reason in NOT_HERE:
            raise NotReproducible(
                "it failed when finished pieces were joined, and made none itself"
            )
        self._note(render)
        if render.media is None or render.plan is None:
            yield self._looked_at(render, failure)
            return
        plan, order = render.plan, self._order(render)
        self._fetch(render.upload.name, render.upload.generation)
        for asset in plan.assets:
            self._fetch(asset.name, asset.generation)
        task = rehearsal(plan, order, self.folder, stop=lambda: False, noted=self._heard)
        for suspect in suspects(render, plan, failure, self.ports, self.logs):
            done = self._done(task, suspect, failure, order.encoder_class or None)
            yield done
            if done.outcome is Outcome.SAME:
                return

    def _note(self, render: Render) -> None:
        """On record before a byte is fetched. Raises NotReproducible where the upload is gone."""
        upload = render.upload
        standing = self.ports.uploads.stat(upload.name)
        if standing is None or standing.generation != upload.generation:
            what = "was deleted" if standing is None else "was replaced by a newer upload"
            raise NotReproducible(f"'{upload.name}' {what}")
        self.letters.note_fetch(
            FetchRecord(
                at=self.ports.clock(),
                by=self.by,
                reason=self.reason,
                render=render.id,
                upload=upload,
                size_bytes=standing.size_bytes,
            )
        )

    def _fetch(self, name: str, generation: int) -> None:
        path = self.folder / "uploads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.tell(f"Fetching '{name}'.")
        try:
            info = self.ports.uploads.download(name, path)
        except ObjectMissing:
            raise NotReproducible(f"'{name}' was deleted") from None
        if info.generation != generation:
            raise NotReproducible(f"'{name}' was replaced by a newer upload")
        os.utime(path, ns=(generation, generation))

    def _order(self, render: Render) -> Order:
        """The one of the last attempt, with time from now on."""
        deadline = self.ports.clock() + self.limit
        try:
            told = self.ports.work.read(names.order(render.id, render.attempt))
            return replace(from_json(told, Order), deadline=deadline)
        except ObjectMissing:
            return Order(
                render=render.id,
                attempt=max(1, render.attempt),
                lane=render.lane or "",
                encoder_class="",
                tasks=1,
                deadline=deadline,
            )

    def _heard(self, argv: Sequence[str]) -> None:
        self._commands.append(tuple(argv))

    def _done(
        self, task: Task, suspect: Suspect, failure: Failure, ordered: str | None
    ) -> Reproduction:
        self._commands.clear()
        what = words_of(suspect)
        self.tell(f"Making {what}.")
        began = time.monotonic()
        mine = task.tools.studio.encoder_class
        order = replace(task.order, encoder_class=mine, deadline=self.ports.clock() + self.limit)
        now = rehearse(replace(task, order=order), suspect)
        pictures = suspect if isinstance(suspect, MakePiece) else None
        return Reproduction(
            render=task.plan.render,
            what=what,
            output_id=pictures.output.id if pictures else None,
            span=pictures.span if pictures else None,
            outcome=_outcome(now, failure),
            fingerprint=failure.fingerprint,
            failure=now,
            found=now.fingerprint if now else None,
            encoder_class=mine,
            ordered_class=ordered,
            commands=tuple(self._commands),
            seconds=round(time.monotonic() - began, 3),
        )

    def _looked_at(self, render: Render, failure: Failure) -> Reproduction:
        """An upload that was refused before there was a plan is looked at once more."""
        upload, began = render.upload, time.monotonic()
        self.tell(f"Looking at '{upload.name}'.")
        now: Failure | None = None
        try:
            self.ports.prober.probe(self.ports.uploads, upload.name, generation=upload.generation)
        except NotRenderable as refused:
            now = refused.failure
        except ObjectMissing:
            raise NotReproducible(f"'{upload.name}' was deleted") from None
        return Reproduction(
            render=render.id,
            what=f"the look at '{upload.name}'",
            outcome=_outcome(now, failure),
            fingerprint=failure.fingerprint,
            failure=now,
            found=now.fingerprint if now else None,
            encoder_class=None,
            ordered_class=None,
            commands=(),
            seconds=round(time.monotonic() - began, 3),
        )


def words_of(suspect: Suspect) -> str:
    """It in words."""
    if isinstance(suspect, MakePiece):
        return f"frames {suspect.span} of {suspect.output.id}"
    return f"the sound of {suspect.audio.id}"


def _outcome(now: Failure | None, before: Failure) -> Outcome:
    if now is None:
        return Outcome.SUCCESS
    return Outcome.SAME if now.fingerprint == before.fingerprint else Outcome.OTHER
