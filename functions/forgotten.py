"""Uploads that nobody told of, or nobody listened to: found in the listing, and told again.

The bucket is listed in passes, a page a sweep. Each pass is answerable for the moments between the
start of the pass before it and its own, so that every moment belongs to one pass:

    ├─ page ─ page ─ page ─┤├─ page ─ page …
    previous                began ── answers for previous … began ──► the next pass goes on here

An object without a render is told again by the pass that is answerable for the moment of a reminder
(`functions/core/reminders.py`). One that is not listed yet in a pass is younger than its start, so
all its reminders are still to come; only a file that was moved into the laptop's folder may be
older, and then its next reminder finds it. What is told is told before the cursor says so: a crash,
or two sweeps at once, tell it twice, which is harmless.

An upload that awaits its sidecar (`functions/spec_origin.py`) is told while it has time only if the
sidecar is there. The end of that time is a reminder of its own, with a row of others behind it.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.core.reminders import reminders
from functions.ports import Ports
from functions.spec_origin import awaits_sidecar_until
from schemas.assets import is_asset
from schemas.events import ObjectFinalized
from schemas.ids import SIDECAR_SUFFIX
from schemas.ports import ObjectInfo, ObjectMissing, PreconditionFailed
from schemas.topics import Topic
from schemas.wire import Unreadable, from_json, to_json

CURSOR = "sweep/uploads-cursor.json"
PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """How far a pass has come. Its moments are by the clock of the uploads' store."""

    began: datetime
    previous: datetime | None
    """When the pass before it began; None if nothing is known of one."""
    after: str = ""
    """The last name that was looked at; empty at the start, and when the pass is over."""

    def reminds(self, info: ObjectInfo, grace: timedelta, until: datetime | None = None) -> bool:
        """Whether a reminder of that object falls into the time that this pass answers for.

        One that awaits its sidecar `until` a moment has a second row of them, from there on.
        """

        def due(at: datetime) -> int:
            later = reminders(at - until + grace, grace) if until else 0
            return reminders(at - info.updated, grace) + later

        return due(self.began) > (due(self.previous) if self.previous else 0)


def find_forgotten(ports: Ports, *, page: int = PAGE) -> int:
    """Look at one page, and publish the event again for what is due there and has no render.

    A lost or damaged cursor costs one reminder of every such object. A pass of one page in which
    nothing was due leaves no trace: the next one answers for its time as well.
    """
    generation, last = _cursor(ports)
    current = last if last and last.after else _next(last, ports)
    infos = list(ports.uploads.list(after=current.after, limit=page))
    due = [info for info in infos if _is_due(info, current, ports)]
    forgotten = [info for info in due if _is_forgotten(info, current.began, ports)]
    for info in forgotten:
        _tell(info, ports)
    done = replace(current, after=infos[-1].name if len(infos) == page else "")
    if due or done != current:
        with suppress(PreconditionFailed):
            ports.work.write(CURSOR, to_json(done), if_generation_match=generation)
    return len(forgotten)


def _cursor(ports: Ports) -> tuple[int, Pass | None]:
    """Its generation, 0 if there is none, and what it says, None if that cannot be read."""
    info = ports.work.stat(CURSOR)
    if info is None:
        return 0, None
    try:
        return info.generation, from_json(ports.work.read(CURSOR), Pass)
    except (ObjectMissing, Unreadable):
        return info.generation, None


def _next(last: Pass | None, ports: Ports) -> Pass:
    """The moment is taken before anything is listed: what comes later is younger than the pass."""
    return Pass(began=ports.uploads.now(), previous=last.began if last else None)


def _is_due(info: ObjectInfo, current: Pass, ports: Ports) -> bool:
    until = awaits_sidecar_until(info, ports.tenants)
    return current.reminds(info, ports.policy.upload_grace, until)


def _is_forgotten(info: ObjectInfo, now: datetime, ports: Ports) -> bool:
    """Whether there is no render of this content, and there should be one by now."""
    if is_asset(info.name):
        return False
    video = info.name.removesuffix(SIDECAR_SUFFIX)
    renders = [r.upload for r in ports.renders.of_upload(ports.uploads.bucket, video)]
    if video != info.name:
        there = ports.uploads.stat(video) is not None
        return there and all(u.revision != info.generation for u in renders)
    if any(u.generation == info.generation for u in renders):
        return False
    until = awaits_sidecar_until(info, ports.tenants)
    has_time = until is not None and now < until
    return not has_time or ports.uploads.stat(f"{info.name}{SIDECAR_SUFFIX}") is not None


def _tell(info: ObjectInfo, ports: Ports) -> None:
    event = ObjectFinalized(
        bucket=ports.uploads.bucket, name=info.name, generation=info.generation, at=info.updated
    )
    ports.publisher.publish(Topic.UPLOADS, event)
