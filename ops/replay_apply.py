"""Doing what a plan of replays says: a few first, then all at a rate, and no further than is well.

Each command bears the moment at which the plan was made. A render that took it once ignores it
from then on (`replayed_at`), so a run that was interrupted anywhere is simply run again: what was
asked for and not taken yet is asked for once more, and nothing happens twice.

    check ─ all moved? ─► refused      canary ─ all ended well ─► the others, at a rate ─► finished
                                          └── the old fingerprint is back ──┴─► stopped
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from functions.core.render import TERMINAL, Render, State
from functions.desk import DeadLetters
from functions.ports import Ports
from ops.replay_file import Plan, PlanRefused
from ops.replay_plan import frames, refusal
from schemas.events import ReplayRender
from schemas.ids import short
from schemas.replay_plan import AuditRecord, PlanItem
from schemas.topics import Topic

LOOK_EVERY = 0.2
"""Seconds between two looks at the canary."""
WATCHED = 5
"""Renders that were asked for earlier and are looked at with each further one."""


class Stopped(Exception):
    """The old fingerprint came back, or one of the first failed: the rest was not asked for."""


def moved(plan: Plan, ports: Ports) -> Iterator[str]:
    """A sentence for each item that would not go as the plan says; nothing is changed."""
    for item, id in plan.replays():
        stored = ports.renders.load(id)
        if stored is None:
            yield f"{short(id)} is not known any more"
        elif not _took(stored.render, plan.head.made_at):
            yield from _differences(item, stored.render, ports)


def _differences(item: PlanItem, render: Render, ports: Ports) -> Iterator[str]:
    if (refused := refusal(render, ports)) is not None:
        yield refused[1]
    elif render.failures != item.failures:
        yield f"{short(render.id)} has failed again meanwhile"
    elif frames(render, ports) != (item.frames_committed, item.frames_to_render):
        yield f"of {short(render.id)} another part is committed now"


@dataclass(slots=True, kw_only=True)
class Run:
    """One run over a plan. `pause` waits for so many seconds; `tell` says a line to people."""

    plan: Plan
    ports: Ports
    letters: DeadLetters
    by: str
    reason: str
    canary: int
    per_minute: float
    tell: Callable[[str], None]
    pause: Callable[[float], None] = time.sleep
    asked: int = 0
    """Renders that this run asked for."""
    left_out: int = 0
    """Renders that were not asked for, since they have moved since the plan was made."""
    _watched: deque[tuple[str, str]] = field(default_factory=deque)
    """Id and fingerprint of each that was asked for and is not known to have ended."""

    def go(self) -> None:
        """Ask for every replay of the plan. Raises PlanRefused, before anything, or Stopped."""
        earlier = [
            one
            for one in self.letters.audits(limit=10_000, plan=self.plan.end.digest)
            if one.made_at == self.plan.head.made_at
        ]
        if earlier:
            # The same words again, so that a command that is said twice is the same command.
            self.by, self.reason = earlier[-1].by, earlier[-1].reason
        elif differences := list(moved(self.plan, self.ports)):
            raise PlanRefused("\n".join(differences))
        self._note("continued" if earlier else "begun")
        try:
            self._ask_all()
        except Stopped as stop:
            self._note(f"stopped: {stop}")
            raise
        self._note("finished")

    def _ask_all(self) -> None:
        canary = min(self.canary, self.plan.end.replays)
        for number, (item, id) in enumerate(self.plan.replays(), 1):
            if self._ask(item, id) and number > canary:
                self.pause(60 / self.per_minute)
            if number == canary:
                self._see_the_canary()
            for _ in range(min(WATCHED, len(self._watched))):
                self._look_at_next()

    def _ask(self, item: PlanItem, id: str) -> bool:
        """Whether it had to be asked for; an earlier run may have done it."""
        stored = self.ports.renders.load(id)
        if stored is not None and _took(stored.render, self.plan.head.made_at):
            self._watched.append((id, item.fingerprint))
            return False
        gone = f"{short(id)} is not known any more"
        differences = [gone] if stored is None else _differences(item, stored.render, self.ports)
        for sentence in differences:
            self.left_out += 1
            self.tell(f"Left out: {sentence}.")
            return False
        command = ReplayRender(render=id, at=self.plan.head.made_at, by=self.by, reason=self.reason)
        self.ports.publisher.publish(Topic.RENDER_REQUESTS, command)
        self._watched.append((id, item.fingerprint))
        self.asked += 1
        return True

    def _see_the_canary(self) -> None:
        """Returns when all that were asked for so far have ended, and well."""
        if self._watched:
            self.tell(f"Waiting for the first {len(self._watched)} to end.")
        while self._watched:
            for _ in range(len(self._watched)):
                self._look_at_next(strict=True)
            if self._watched:
                self.pause(LOOK_EVERY)

    def _look_at_next(self, *, strict: bool = False) -> None:
        """Forget it if it has ended. Raises Stopped if it failed as before, or at all if strict."""
        id, fingerprint = self._watched.popleft()
        stored = self.ports.renders.load(id)
        if stored is None:
            return
        render = stored.render
        if render.state is not State.FAILED:
            if render.state not in TERMINAL:
                self._watched.append((id, fingerprint))
            return
        if not _took(render, self.plan.head.made_at):
            self._watched.append((id, fingerprint))
            return
        now = render.failure.fingerprint if render.failure else ""
        if now == fingerprint:
            raise Stopped(f"{short(id)} failed again as before ({fingerprint})")
        if strict:
            raise Stopped(f"{short(id)} failed otherwise than before ({now})")

    def _note(self, what: str) -> None:
        self.letters.note(
            AuditRecord(
                at=self.ports.clock(),
                by=self.by,
                reason=self.reason,
                what=what,
                plan=self.plan.end.digest,
                made_at=self.plan.head.made_at,
                asked=self.asked,
            )
        )


def _took(render: Render, made_at: datetime) -> bool:
    """Whether the plan's command, or a later one, was taken: the plan's would do nothing now."""
    return render.replayed_at is not None and render.replayed_at >= made_at
