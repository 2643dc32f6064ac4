"""A render as the store keeps it: one document, a value that never changes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from functions.core.effects import Effect
from functions.core.entries import Entry, entries_of
from functions.core.share import account, line_name
from schemas.assets import Asset
from schemas.events import AttemptRecord, InsteadOf, OutputVerified, SpecSource
from schemas.failures import Failure
from schemas.ids import Upload
from schemas.media import Media
from schemas.plan import RenderPlan, once
from schemas.priority import Priority

LONGEST_HISTORY = 20
"""Attempts kept in the document, so that it stays far below Firestore's 1 MiB."""


class State(StrEnum):
    """Where a render is. `functions/core/machine.py` holds every way from one to another."""

    ACCEPTED = "accepted"
    PLANNED = "planned"
    WAITING = "waiting"
    STARTING = "starting"
    RENDERING = "rendering"
    STITCHING = "stitching"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({State.DONE, State.FAILED, State.CANCELLED})
RUNNING = frozenset({State.STARTING, State.RENDERING, State.STITCHING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An effect that is saved but not yet known to be performed."""

    effect: Effect
    others_after: datetime
    """Whoever saved it performs it at once; not performed by then, anybody else does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A lane that had no machines for this render, or took them away: not before `until`."""

    lane: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """One request, from asked to delivered."""

    id: str
    upload: Upload
    state: State
    created_at: datetime
    updated_at: datetime
    deadline: datetime
    """Not done by then is failed, whatever it was waiting for."""
    revisit_at: datetime | None
    """When time alone may move it on. At its end: when to look whether an attempt that was given up
    still works or has delivered meanwhile, and then when its pieces go; None after that."""
    look_at: datetime | None = None
    """When a running attempt on Spot machines is looked at, whatever is heard of it till then."""
    not_before: datetime | None = None
    """A waiting render is not woken before this moment: its last attempt asked for a pause."""
    avoids: tuple[str, ...] | None = None
    """Of one that waits in line for a place: the lanes that it cannot use; any other will do. None
    of one that waits for a moment of its own."""
    priority: Priority = Priority.NORMAL
    media: Media | None = None
    spec_source: SpecSource = SpecSource.DEFAULT
    spec_text: str | None = None
    assets: tuple[Asset, ...] = ()
    """The files that the spec names, as they were found when the upload was looked at."""
    instead_of: InsteadOf | None = None
    """The failed render whose spec was changed for this one; None of what a creator asked for."""
    plan: RenderPlan | None = None
    lane: str | None = None
    """Where the current attempt runs, or the last one ran."""
    why: str = ""
    """The last decision in words: why this lane, or what is waited for."""
    attempt: int = 0
    """The current attempt's number: events of a lower one are stale."""
    attempts: tuple[AttemptRecord, ...] = ()
    retries: int = 0
    """Retries of the content that are used up; capacity and preemption never add to it."""
    barren: int = 0
    """Attempts in a row on `lane` that committed nothing."""
    barred: tuple[str, ...] = ()
    """Lanes that this render will not use again."""
    resting: tuple[Rest, ...] = ()
    """Lanes that it will not use for a while: a stock-out ends, what is broken does not."""
    frames: int = 0
    """Committed and running frames as last heard; the truth is the listing of the pieces."""
    outputs: tuple[OutputVerified, ...] = ()
    failure: Failure | None = None
    """Why it ended failed or cancelled."""
    replayed_at: datetime | None = None
    """When the last replay was asked for: the same command, delivered again, is not another."""
    only_lane: str | None = None
    """The lane that was asked for by the last replay, or with another spec: attempts go to no
    other. None for any."""
    spent: int = 0
    """Nano-dollars that its ended attempts have cost, as far as their lanes have prices."""
    failures: int = 0
    """How often it ended failed: replays may fail again."""
    settled: bool = False
    """At its end, and no attempt can work or deliver any more."""
    pending: tuple[Pending, ...] = ()

    @property
    def current(self) -> AttemptRecord | None:
        """The attempt that is under way, or was last."""
        return self.attempts[-1] if self.attempts else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Ids of the planned outputs that are not verified yet."""
        have = {output.output_id for output in self.outputs}
        planned = self.plan.outputs if self.plan else ()
        return tuple(output.id for output in planned if output.id not in have)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What its own attempts have shown of their lanes."""
        return tuple(entry for one in self.attempts for entry in self.entries_of(one))

    def entries_of(self, record: AttemptRecord) -> list[Entry]:
        """What one of its attempts has."""
        outputs = self.plan.outputs if self.plan else ()
        pixels = sum(o.frames * o.width * o.height for o in once(outputs))
        frames = self.plan.frames if self.plan else 0
        a_frame = pixels / frames if frames else 0
        return entries_of(self.id, record, pixels_a_frame=a_frame, account=self.account)

    @property
    def account(self) -> str:
        """Whose share its launches count to."""
        return account(self.upload.tenant, self.priority)

    @property
    def line(self) -> str | None:
        """The line in which it waits for a place; None if it does not."""
        if self.state is not State.WAITING or self.avoids is None:
            return None
        return line_name(self.upload.tenant, self.priority, self.avoids)

    @property
    def due_at(self) -> datetime | None:
        """When the sweep must look at it; None if nothing can happen by itself any more."""
        moments = [p.others_after for p in self.pending]
        if self.revisit_at is not None:
            moments.append(self.revisit_at)
        return min(moments, default=None)

    def overdue(self, moment: datetime) -> tuple[Effect, ...]:
        """Pending effects that anybody may perform: whoever saved them has died meanwhile."""
        return tuple(p.effect for p in self.pending if p.others_after <= moment)
