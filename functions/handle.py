"""One event of one render: load, advance, save, perform, mark.

event ─► load ─► advance ─► save ─► perform each effect ─► mark it, with what it told
                  (pure)     │            │
 others were first: again ◄──┘            └─ a crash here: the effect stays pending, and
                                             whoever comes by after its grace performs it
"""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.core.admission import gate
from functions.core.effects import Effect
from functions.core.entries import launched
from functions.core.machine import (
    Impossible,
    Occurrence,
    advance,
    looks_at_others,
    performed,
)
from functions.core.quotas import Limit, running_limits
from functions.core.render import Render
from functions.core.step import Facts, Step
from functions.errors import TryAgainLater
from functions.facts import facts_of
from functions.news import news
from functions.perform import perform
from functions.ports import Conflict, FolderTaken, LaneFull, Ports
from schemas.ids import Upload
from schemas.ports import StoreUnavailable

TRIES = 20
"""Saves in a row that others forestall before the event is handed back for later."""

log = logging.getLogger("clipline.handle")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What one save did: the render as it stands, and the effects that are now ours to perform."""

    render: Render | None
    effects: tuple[Effect, ...] = ()


def handle(event: Occurrence, ports: Ports) -> Render | None:
    """Apply the event and perform what follows; returns the render, None if there is none.

    Harmless to repeat. Raises TryAgainLater if others keep saving first, and whatever an adapter
    raises: the caller lets the event be delivered again.
    """
    change = _change(event_upload(event), event.subject, (event,), ports)
    if change.render is None:
        log.info("no such render", extra={"action": "orphan", "event": type(event).__name__})
        return None
    render, ours = change.render, deque(change.effects)
    while ours:
        effect = ours.popleft()
        told = perform(effect, render, ports)
        # Others first: once the effect is marked, nobody would tell them again.
        for other in told:
            if other.subject != render.id:
                handle(other, ports)
        own = [e for e in told if e.subject == render.id]
        change = _change(render.upload, render.id, own, ports, done=effect)
        render = change.render or render
        ours.extend(change.effects)
    return render


def event_upload(event: Occurrence) -> Upload | None:
    """The upload that an opening event is about; later events are found by their render."""
    return getattr(event, "upload", None)


def _change(
    upload: Upload | None,
    render_id: str,
    events: Sequence[Occurrence],
    ports: Ports,
    done: Effect | None = None,
) -> _Change:
    """Save what the events decide, and that `done` is performed, in one compare-and-set."""
    for _ in range(TRIES):
        now = ports.clock()
        stored = ports.renders.load(render_id)
        before = stored.render if stored else None
        after = performed(before, done) if before and done else before
        facts = None
        for event in events:
            others = looks_at_others(after, event)
            asker = (before.upload if before else upload) if others else None
            facts = facts_of(asker, render_id, before, now, ports)
            after = _advanced(after, event, now, facts)
        if after is None:
            return _Change(render=None)
        known = {p.effect for p in before.pending} if before else set()
        ours = tuple(p.effect for p in after.pending if p.effect not in known)
        if done is None:
            ours += tuple(effect for effect in after.overdue(now) if effect in known)
        if after is before or after == before:
            return _Change(render=after, effects=ours)
        if not _admitted(before, after, facts, now, ports):
            continue
        try:
            version = stored.version if stored else 0
            shared = _shared(after, ports)
            ports.renders.save(after, version=version, room=_room(after, ports), shared=shared)
        except (Conflict, FolderTaken, LaneFull):
            continue
        _note_start(before, after, ports)
        for sentence, fields in news(before, after, now):
            log.info("%s", sentence, extra=fields)
        return _Change(render=after, effects=ours)
    raise TryAgainLater(f"{render_id} was saved by others {TRIES} times in a row")


def _advanced(
    render: Render | None, event: Occurrence, now: datetime, facts: Facts
) -> Render | None:
    """What cannot be changes nothing and is not handed back: it would be as impossible again."""
    try:
        return advance(render, event, now=now, facts=facts)
    except Impossible as error:
        log.error("%s", error, extra={"action": "impossible", "render": event.subject})
        return render


def _admitted(
    before: Render | None, after: Render, facts: Facts | None, now: datetime, ports: Ports
) -> bool:
    """Whether the ledger lets the launch pass that is about to be saved, if there is one.

    Somebody who dies before the save leaves a launch that nobody hears of again: until its start
    deadline it counts as under way, and then as nothing.
    """
    record = after.current
    if facts is None or record is None or record.number == (before.attempt if before else 0):
        return True
    step = Step(now=now, facts=facts)
    lane = step.lane(record.lane)
    if lane is None:
        return True
    launch = launched(after.id, record, after.account)
    return ports.ledger.admit(launch, gate(lane, ports.lanes, step.standing(lane, after)))


def _note_start(before: Render | None, after: Render, ports: Ports) -> None:
    """A start is told to all renders at once: a lane that was closed may be open again.

    If it cannot be told now, it is told when the attempt has ended.
    """
    record, known = after.current, before.current if before else None
    if record is None or record.started_at is None or known is None or known.started_at is not None:
        return
    try:
        ports.ledger.append(after.entries_of(record))
    except StoreUnavailable as error:
        log.warning("a start is told later: %s", error, extra={"action": "start_not_told"})


def _room(render: Render, ports: Ports) -> int | None:
    """How many renders its lane takes; None for a lane that is not here any more."""
    return next((lane.places for lane in ports.lanes if lane.id == render.lane), None)


def _shared(render: Render, ports: Ports) -> Sequence[Limit]:
    """What its lane shares with others, of renders that run."""
    return [one for one in running_limits(ports.lanes) if render.lane in one.weights]
