"""The sweep: what no event says is noticed here. Paged, and harmless when two overlap."""

import contextlib
import logging
from dataclasses import dataclass
from datetime import timedelta

from functions.core.observations import Tick
from functions.handle import handle
from functions.ports import Ports
from schemas.events import ObjectFinalized
from schemas.ids import SIDECAR_SUFFIX
from schemas.ports import ObjectInfo, PreconditionFailed
from schemas.topics import Topic
from schemas.wire import from_json, to_json

log = logging.getLogger("clipline.sweep")

CURSOR = "sweep/uploads-cursor.json"
PAGE = 500
TIME_LIMIT = timedelta(seconds=45)
"""A sweep runs every minute and stops by itself before the next one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one sweep did."""

    ticked: int
    found: int


def sweep(ports: Ports) -> Swept:
    """Tick what is due, then look at one page of the uploads bucket for forgotten uploads."""
    return Swept(ticked=_tick_due(ports), found=_find_forgotten(ports))


def _tick_due(ports: Ports) -> int:
    """Every due render at most once: a tick that leaves it due is the next sweep's."""
    start = ports.clock()
    seen: set[str] = set()
    while ports.clock() - start < TIME_LIMIT:
        due = [r for r in ports.renders.due(start, limit=PAGE + len(seen)) if r not in seen]
        if not due:
            break
        for render in due:
            _tick(render, ports)
            seen.add(render)
            if ports.clock() - start >= TIME_LIMIT:
                break
    return len(seen)


def _tick(render: str, ports: Ports) -> None:
    """One render that cannot be ticked must not keep the others from it: it stays due."""
    try:
        handle(Tick(render=render), ports)
    except Exception:
        log.exception("could not tick %s", render, extra={"action": "stumbled", "render": render})


def _find_forgotten(ports: Ports) -> int:
    """Publish the upload event again for objects of which no render knows.

    The cursor is only a place to go on from: losing or repeating a page costs nothing.
    """
    cursor = ports.work.stat(CURSOR)
    after = from_json(ports.work.read(CURSOR), dict[str, str])["after"] if cursor else ""
    page = list(ports.uploads.list(after=after, limit=PAGE))
    found = 0
    for info in page:
        if _is_forgotten(info, ports):
            ports.publisher.publish(
                Topic.UPLOADS,
                ObjectFinalized(
                    bucket=ports.uploads.bucket,
                    name=info.name,
                    generation=info.generation,
                    at=info.updated,
                ),
            )
            found += 1
    end = page[-1].name if len(page) == PAGE else ""
    if end != after:
        with contextlib.suppress(PreconditionFailed):
            generation = cursor.generation if cursor else 0
            ports.work.write(CURSOR, to_json({"after": end}), if_generation_match=generation)
    return found


def _is_forgotten(info: ObjectInfo, ports: Ports) -> bool:
    """Old enough for its event to have come, and yet without a render of this content."""
    if ports.uploads.now() - info.updated < ports.policy.upload_grace:
        return False
    video = info.name.removesuffix(SIDECAR_SUFFIX)
    renders = [r.upload for r in ports.renders.of_upload(ports.uploads.bucket, video)]
    if video != info.name:
        there = ports.uploads.stat(video) is not None
        return there and all(u.revision != info.generation for u in renders)
    return all(u.generation != info.generation for u in renders)
