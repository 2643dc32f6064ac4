"""Where a render will run, how long, and what that costs, as the ledger stands now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.core.budget import cost_of
from functions.core.forecast import Pace, pace
from functions.core.ledger import MEMORY, MOST_READ, Standing, standing
from functions.core.need import need_of
from functions.core.render import Render
from functions.core.route import Scene, route
from functions.core.switches import Switching, pauses
from functions.core.tenants import UNKNOWN
from functions.ports import Ports
from schemas.plan import OutputPlan, RenderPlan, once

FAR = 3.0
"""Times as large as anything that was seen: a pace that was learnt from less says little of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Of one render; None of what nobody can say."""

    lane: str | None = None
    tasks: int = 1
    """Machines that it would have there."""
    takes: timedelta | None = None
    nanodollars: int | None = None
    stretch: float = 0.0
    """How many times as large it is as the largest of the attempts by which it is foreseen."""
    why: str = ""
    """Of no lane, why there is none now."""

    @property
    def is_guess(self) -> bool:
        """Whether time and cost are known, but from far too little."""
        return self.takes is not None and self.stretch > FAR


NOTHING = Foreseen()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known at one moment: the same for all replays of a plan of replays."""

    ports: Ports
    now: datetime
    standings: Mapping[str, Standing]
    paces: Mapping[str, Pace | None]
    pauses: Sequence[Switching]
    only: str | None = None
    """The one lane that may be used; None for any."""

    def of(self, render: Render, left: Mapping[str, int]) -> Foreseen:
        """For so many frames of each output, by its id."""
        return NOTHING if render.plan is None else self.of_plan(render.plan, left)

    def of_whole(self, plan: RenderPlan) -> Foreseen:
        """For all of it, where nothing is made yet."""
        return self.of_plan(plan, {one.id: one.frames for one in once(plan.outputs)})

    def of_plan(self, plan: RenderPlan, left: Mapping[str, int]) -> Foreseen:
        """For so many frames of each output, by its id."""
        if not self.ports.lanes:
            return NOTHING
        tenant = plan.upload.tenant
        pixels = sum(left.get(one.id, 0) * _size(one) for one in plan.outputs)
        need = need_of(
            plan,
            frames=plan.frames - sum(left.values()),
            made_by=None,
            deadline=self.now + self.ports.policy.deadline,
            locations=self.ports.tenants.get(tenant, UNKNOWN).locations,
        )
        scene = Scene(
            now=self.now,
            only=self.only,
            resting={},
            busy={},
            standings=self.standings,
            need=replace(need, pixels_left=pixels),
            tenant=tenant,
            pauses=self.pauses,
        )
        choice = route(self.ports.lanes, scene)
        if (lane := choice.lane) is None:
            return Foreseen(why=choice.why)
        known = self.paces[lane.id]
        takes = known.takes(pixels) if known else None
        tasks = choice.weighed[0].tasks
        cost = None if takes is None or lane.price is None else cost_of(lane, takes, tasks)
        stretch = pixels / known.largest if known else 0.0
        return Foreseen(lane=lane.id, tasks=tasks, takes=takes, nanodollars=cost, stretch=stretch)


def forecast(ports: Ports, now: datetime, only: str | None = None) -> Forecast:
    """As everything stands now; it knows nothing where there are no lanes."""
    ids = [lane.id for lane in ports.lanes]
    entries = ports.ledger.recent(ids, now - MEMORY, limit=MOST_READ)
    return Forecast(
        ports,
        now,
        {
            lane.id: standing(lane.id, entries, now=now, start_within=lane.start_within)
            for lane in ports.lanes
        },
        {id: pace(id, entries, now) for id in ids},
        pauses(ports.switches.noted()) if ids else (),
        only,
    )


def _size(output: OutputPlan) -> int:
    return output.width * output.height
