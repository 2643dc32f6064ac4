"""Doing what a plan of replays says: a few first, then all at a pace, and no further than is well.

Each command bears the moment at which the plan was made. A render that took it once ignores it
from then on (`replayed_at`), so a run that was interrupted anywhere is simply run again: what was
asked for and not taken yet is asked for once more, and nothing happens twice. With another spec the
command asks for another render, which is opened once.

    check ─ all moved? ─► refused      canary ─ all ended well ─► the others, at a pace ─► finished
                                          └── the old fingerprint is back, ─┴─► stopped
                                              or somebody asks for a stop

The pace is a rate, and no more than live renders leave (`functions/core/spare.py`): what may not go
yet is held back here, and is looked at anew when it may.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from functions.core.spare import KEPT, Allowed, Spare, Wish
from functions.desk import Desk
from functions.ports import Ports
from functions.spare import look
from ops.rate import Rate
from ops.replay_file import Plan, PlanRefused
from ops.replay_instead import request
from ops.replay_look import lane_of
from ops.replay_moved import Planned, Verdict, moved, verdicts
from ops.replay_watch import Stopped, Watch
from schemas.events import InsteadOf, RenderRequested, ReplayRender
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
MOST_WATCHED = 500
"""That are looked at before a look at what live renders leave."""
HELD = 10.0
"""Seconds; what is held back longer is told once."""
MOST_SAID = 21
"""Sentences about a world that moved; one more than people are told, who are told that too."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One run over a plan. `pause` waits for so many seconds; `tell` says a line to people."""

    plan: Plan
    ports: Ports
    """With the lanes, if they are known: else it goes by its rate alone."""
    desk: Desk
    by: str
    reason: str
    canary: int
    per_minute: float
    kept: int = KEPT
    """Per cent of each limit that are left to live renders."""
    tell: Callable[[str], None]
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    """Seconds of a steady clock."""
    asked: int = 0
    """Renders that this run asked for."""
    left_out: int = 0
    """Renders that were not asked for, since they have moved since the plan was made."""
    last: ReplayRun | None = None
    """What it has said of itself last; None before it has begun."""
    _through: int = 0
    _begun_at: datetime | None = None
    _beat_at: float = 0
    _spare: Spare = field(default_factory=Spare)
    _look_at: float | None = None
    """When it is worth looking again what live renders leave."""
    _allowed: Allowed = field(default_factory=lambda: Allowed(0))
    """The last answer."""
    _watch: Watch = field(init=False)
    _is_canary: bool = True

    def __post_init__(self) -> None:
        self._watch = Watch(plan=self.plan, ports=self.ports)

    def go(self) -> None:
        """Ask for every replay of the plan. Raises PlanRefused, before anything, or Stopped."""
        asked = self.plan.head.to_lane
        if asked is not None and lane_of(asked, self.ports) is None:
            raise PlanRefused(f"It asks for the lane '{asked}', which is not known here")
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
        self._see_the_canary(self._ask(list(islice(rest, self.canary))))
        self._is_canary = False
        rate = Rate(per_minute=self.per_minute, now=self.now)
        while group := list(islice(rest, rate.size)):
            asked = self._ask(group)
            self._watch.look(max(WATCHED, len(group)))
            self._wait(rate.pause_after(asked) if asked else 0)

    def _ask(self, group: Sequence[Planned]) -> int:
        """How many had to be asked for; an earlier run may have done it. Raises Stopped.

        Returns when all were: what may not go yet is waited for, and looked at anew then.
        """
        asked = self.asked
        while group:
            found = list(verdicts(group, self.plan, self.ports))
            wanted = [one for one in found if one.is_wanted]
            self._allowed = self._allow(wanted)
            held = wanted[self._allowed.count :]
            now = found[: found.index(held[0])] if held else found
            self._ask_now(now)
            group = group[len(now) :]
            if held:
                self._hold(held[0])
        return self.asked - asked

    def _ask_now(self, group: Sequence[Verdict]) -> None:
        for one in group:
            if one.moved is not None:
                self.left_out += 1
                self.tell(f"Left out: {one.moved}.")
        wanted = [one for one in group if one.is_wanted]
        # Last of all: what is asked for while somebody asks for a stop is this group at most.
        if wanted:
            self._see_whether_to_stop()
            commands = [self._command(one) for one in wanted]
            self.desk.outbox.publish_all(Topic.RENDER_REQUESTS, commands)
        self._watch.add(one for one in group if one.moved is None)
        self._spare = self._spare.less(_wishes(wanted))
        self.asked += len(wanted)
        self._through += len(group)

    def _allow(self, wanted: Sequence[Verdict]) -> Allowed:
        """How many may go now, by a look that is not old."""
        if wanted and (self._look_at is None or self.now() >= self._look_at):
            self._watch.look(MOST_WATCHED, strict=self._is_canary)
            self._spare = look(self.ports, self._watch.own, self.kept)
            self._look_at = self.now() + self._spare.look_after.total_seconds()
        return self._spare.allows(_wishes(wanted))

    def _hold(self, one: Verdict) -> None:
        """Until that one may go. Raises Stopped."""
        since, is_told = self.now(), False
        while not (allowed := self._allow([one])).count:
            self._allowed = allowed
            if not is_told and self.now() - since >= HELD:
                self.tell(f"Held back: {allowed.why}.")
                is_told = True
            self._wait(BEAT)

    def _command(self, one: Verdict) -> ReplayRender | RenderRequested:
        head, by, why = self.plan.head, self.by, self.reason
        if head.spec_patch is None or one.failed is None:
            return ReplayRender(
                render=one.id, at=head.made_at, by=by, reason=why, lane=head.to_lane
            )
        place = InsteadOf(render=one.failed.id, by=by, reason=why, lane=head.to_lane)
        return request(one.failed, head.spec_patch, place, head.made_at)

    def _see_the_canary(self, asked: int) -> None:
        """Returns when all that were asked for so far have ended, and well."""
        if self._watch:
            self.tell(f"Waiting for the first {max(asked, len(self._watch))} to end.")
        while self._watch:
            self._watch.look(len(self._watch), strict=True)
            if self._watch:
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

    @property
    def _pace(self) -> str:
        """In words."""
        if self._allowed.why:
            return self._allowed.why
        at = f"at its limit of {self.per_minute:g} a minute"
        return at if self.ports.lanes else f"{at}: nothing is known of the lanes here"

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
        self.last = ReplayRun(
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
            pace=self._pace if state is RunState.RUNNING else "",
            held_until=self._allowed.until if state is RunState.RUNNING else None,
        )
        self.desk.letters.note_run(self.last)


def _wishes(wanted: Sequence[Verdict]) -> Sequence[Wish]:
    return [Wish(one.item.tenant or "", one.item.nanodollars or 0) for one in wanted]
