"""One step of the machine: the moment, the facts, and the small changes that all rules share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from functions.core.budget import Budget, cost_of
from functions.core.effects import Effect
from functions.core.entries import Entry
from functions.core.lanes import Lane, Policy
from functions.core.ledger import Standing, standing
from functions.core.render import Pending, Render
from functions.core.share import Head
from functions.core.switches import Switching
from functions.core.tenants import Tenants
from schemas.events import AttemptRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a decision may know beside the render and the event; read just before it."""

    lanes: tuple[Lane, ...]
    draw: float
    """From 0 to below 1, drawn anew for each decision: what must not happen everywhere at once."""
    policy: Policy = field(default_factory=Policy)
    busy: Mapping[str, int] = field(default_factory=dict)
    """How many renders run on each lane."""
    newest: tuple[int, int] | None = None
    """The largest age key among the renders of this upload name."""
    folder: str = ""
    """An output folder that is this render's own or free."""
    tenants: Tenants = field(default_factory=dict)
    """What is configured of tenants, by name."""
    budget: Budget = field(default_factory=Budget)
    spent_today: int = 0
    """Nano-dollars, by the attempts that have ended since midnight UTC."""
    pauses: Sequence[Switching] = ()
    """What people have paused."""
    ledger: Sequence[Entry] = ()
    """What the launches of all renders have shown of the lanes of late."""
    heads: Sequence[Head] = ()
    """Of each line the one that has waited longest: only for a render that has just come. Any other
    goes on with what it has begun, or was woken because it is its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The moment and the facts, with what a rule asks of them."""

    now: datetime
    facts: Facts

    def want(self, render: Render, *effects: Effect) -> Render:
        """The render with these effects pending; one that is pending already is not added."""
        have = {p.effect for p in render.pending}
        after = self.now + self.facts.policy.effect_grace
        new = tuple(Pending(effect=e, others_after=after) for e in effects if e not in have)
        if not new:
            return render
        return replace(render, pending=render.pending + new)

    def in_(self, delay: timedelta) -> datetime:
        """The moment after that delay."""
        return self.now + delay

    def standing(self, lane: Lane, render: Render) -> Standing:
        """What is known of the lane, of what the render has seen there itself as well."""
        entries = (*self.facts.ledger, *render.entries)
        return standing(
            lane.id, entries, now=self.now, start_within=lane.start_within, asker=render.id
        )

    def machines(self, attempt: AttemptRecord) -> int:
        """How many it has: as its lane's attempts have, if an earlier version launched it."""
        lane = self.lane(attempt.lane)
        return attempt.tasks or (lane.tasks if lane else 1)

    def lane(self, name: str | None) -> Lane | None:
        """The lane of that id, None if it was taken away."""
        return next((lane for lane in self.facts.lanes if lane.id == name), None)


def without(render: Render, *kinds: type[Effect]) -> Render:
    """The render without pending effects that have lost their sense."""
    kept = tuple(p for p in render.pending if not isinstance(p.effect, kinds))
    return replace(render, pending=kept)


def close(render: Render, step: Step, **changes: Any) -> Render:
    """The render with its current attempt's record closed, and paid for."""
    current = render.current
    assert current is not None, "there is no attempt to close"
    ran = step.now - current.started_at if current.started_at else timedelta(0)
    cost = cost_of(step.lane(current.lane), max(ran, timedelta(0)), step.machines(current))
    render = replace(render, spent=render.spent + cost)
    return record(render, ended_at=step.now, nanodollars=cost, **changes)


def record(render: Render, **changes: Any) -> Render:
    """The render with its current attempt's record changed."""
    assert render.current is not None, "there is no attempt to change"
    return replace(render, attempts=(*render.attempts[:-1], replace(render.current, **changes)))
