"""Doing what a plan of replays says: a few first, then all at a rate, and no further than is well.

Each command bears the moment at which the plan was made. A render that took it once ignores it
from then on (`replayed_at`), so a run that was interrupted anywhere is simply run again: what was
asked for and not taken yet is asked for once more, and nothing happens twice.

    check ─ all moved? ─► refused      canary ─ all ended well ─► the others, at a rate ─► finished
                                          └── the old fingerprint is back, ─┴─► stopped
                                              or somebody asks for a stop
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from functions.core.render import TERMINAL, State
from functions.desk import Desk
from functions.ports import Ports, Stored
from ops.rate import Rate
from ops.replay_file import Plan, PlanRefused
from ops.replay_moved import Planned, moved, took, verdicts
from schemas.events import ReplayRender
from schemas.ids import short
from schemas.replay_plan import STOP_ASKED, AuditRecord
from schemas.replay_run import ReplayRun, RunState
from schemas.topics import Topic

LOOK_EVERY = 0.2
"""Seconds between two looks at the canary."""
BEAT = 1.0
"""Seconds between two signs of life of a run; it also looks then whether it is to stop."""
WATCHED = 5
"""Renders that were asked for earlier and are looked at with each further group, or one for each
of the group."""
MOST_WATCHED = 10_000
"""Of more than that, the first are not watched any more."""
MOST_SAID = 21
"""Sentences about a world that moved; one more than people are told, who are told that too."""


class Stopped(Exception):
    """The old fingerprint came back, one of the first failed, or somebody asked for a stop.

    The rest was not asked for.
    """


class Watched(NamedTuple):
    """A render that was asked for."""

    id: str
    fingerprint: str
    version: int
    """Of its document when it was looked at: while it is that one, nothing has happened."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One run over a plan. `pause` waits for so many seconds; `tell` says a line to people."""

    plan: Plan
    ports: Ports
    desk: Desk
    by: str
    reason: str
    canary: int
    per_minute: float
    tell: Callable[[str], None]
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    """Seconds of a steady clock."""
    asked: int = 0
    """Renders that this run asked for."""
    left_out: int = 0
    """Renders that were not asked for, since they have moved since the plan was made."""
    _through: int = 0
    _begun_at: datetime | None = None
    _beat_at: float = 0
    _watched: deque[Watched] = field(default_factory=lambda: deque(maxlen=MOST_WATCHED))
    """Each that was asked for and is not known to have ended."""

    def go(self) -> None:
        """Ask for every replay of the plan. Raises PlanRefused, before anything, or Stopped."""
        earlier = [
            one
            for one in self.desk.letters.audits(limit=10_000, plan=self.plan.end.digest)
            if one.made_at == self.plan.head.made_at
        ]
        if earlier:
            # The same words again, so that a command that is said twice is the same command.
            self.by, self.reason = earlier[-1].by, earlier[-1].reason
        elif differences := list(islice(moved(self.plan, self.ports), MOST_SAID)):
            raise PlanRefused("\n".join(differences))
        self._note("continued" if earlier else "begun")
        self._say(RunState.RUNNING)
        try:
            self._ask_all()
        except Stopped as stop:
            self._note(f"stopped: {stop}")
            self._say(RunState.STOPPED, str(stop))
            raise
        self._note("finished")
        self._say(RunState.FINISHED)

    def _ask_all(self) -> None:
        rest = self.plan.replays()
        if first := list(islice(rest, self.canary)):
            self._ask(first)
            self._see_the_canary()
        rate = Rate(per_minute=self.per_minute, now=self.now)
        while group := list(islice(rest, rate.size)):
            asked = self._ask(group)
            self._look_at_next(max(WATCHED, asked))
            self._wait(rate.pause_after(asked) if asked else 0)

    def _ask(self, group: Sequence[Planned]) -> int:
        """How many had to be asked for; an earlier run may have done it. Raises Stopped."""
        commands, watched = [], []
        for one in verdicts(group, self.plan, self.ports):
            if one.moved is not None:
                self.left_out += 1
                self.tell(f"Left out: {one.moved}.")
                continue
            if not one.took:
                commands.append(self._command(one.id))
            # What an earlier run asked for may have ended already: it is looked at whatever it is.
            watched.append(Watched(one.id, one.item.fingerprint, 0 if one.took else one.version))
        # Last of all: what is asked for while somebody asks for a stop is this group at most.
        if commands:
            self._see_whether_to_stop()
            self.desk.outbox.publish_all(Topic.RENDER_REQUESTS, commands)
        self._watched.extend(watched)
        self.asked += len(commands)
        self._through += len(group)
        return len(commands)

    def _command(self, id: str) -> ReplayRender:
        return ReplayRender(render=id, at=self.plan.head.made_at, by=self.by, reason=self.reason)

    def _see_the_canary(self) -> None:
        """Returns when all that were asked for so far have ended, and well."""
        if self._watched:
            self.tell(f"Waiting for the first {len(self._watched)} to end.")
        while self._watched:
            self._look_at_next(len(self._watched), strict=True)
            if self._watched:
                self._wait(LOOK_EVERY)

    def _wait(self, seconds: float) -> None:
        """With a sign of life every BEAT. Raises Stopped if somebody asks for it meanwhile."""
        while True:
            if self.now() - self._beat_at >= BEAT:
                self._see_whether_to_stop()
                self._say(RunState.RUNNING)
            if seconds <= 0:
                return
            self.pause(min(seconds, BEAT))
            seconds -= BEAT

    def _see_whether_to_stop(self) -> None:
        for last in self.desk.letters.audits(limit=1, plan=self.plan.end.digest):
            if last.what == STOP_ASKED and last.made_at == self.plan.head.made_at:
                raise Stopped(f"{last.by} asked for it: {last.reason}")

    def _look_at_next(self, count: int, *, strict: bool = False) -> None:
        """At so many of them, each in its turn. Raises Stopped."""
        some = [self._watched.popleft() for _ in range(min(count, len(self._watched)))]
        versions = self.ports.renders.versions([one.id for one in some])
        self._watched.extend(one for one in some if versions.get(one.id) == one.version)
        changed = [one for one in some if versions.get(one.id) != one.version]
        found = self.ports.renders.load_all([one.id for one in changed])
        for one, stored in zip(changed, found, strict=True):
            if stored is not None and not self._has_ended(one, stored, strict=strict):
                self._watched.append(one._replace(version=stored.version))

    def _has_ended(self, one: Watched, stored: Stored, *, strict: bool) -> bool:
        """Raises Stopped if it failed as before, or at all if strict."""
        render = stored.render
        if render.state is not State.FAILED:
            return render.state in TERMINAL
        if not took(stored, self.plan):
            return False
        now = render.failure.fingerprint if render.failure else ""
        if now == one.fingerprint:
            raise Stopped(f"{short(one.id)} failed again as before ({now})")
        if strict:
            raise Stopped(f"{short(one.id)} failed otherwise than before ({now})")
        return True

    def _note(self, what: str) -> None:
        self.desk.letters.note(
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

    def _say(self, state: RunState, why: str = "") -> None:
        now = self.ports.clock()
        self._begun_at = self._begun_at or now
        self._beat_at = self.now()
        self.desk.letters.note_run(
            ReplayRun(
                plan=self.plan.end.digest,
                made_at=self.plan.head.made_at,
                state=state,
                why=why,
                by=self.by,
                reason=self.reason,
                begun_at=self._begun_at,
                seen_at=now,
                replays=self.plan.end.replays,
                through=self._through,
                asked=self.asked,
                left_out=self.left_out,
            )
        )
