"""Where a replay will run, how long, and what that costs, as the ledger stands now."""

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
from schemas.plan import OutputPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Of one replay; None of what nobody can say."""

    lane: str | None = None
    takes: timedelta | None = None
    nanodollars: int | None = None


NOTHING = Foreseen()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known at one moment: the same for all replays of a plan."""

    ports: Ports
    now: datetime
    standings: Mapping[str, Standing]
    paces: Mapping[str, Pace | None]
    pauses: Sequence[Switching]

    def of(self, render: Render, left: Mapping[str, int]) -> Foreseen:
        """For so many frames of each output, by its id."""
        if not self.ports.lanes or render.plan is None:
            return NOTHING
        pixels = sum(left.get(one.id, 0) * _size(one) for one in render.plan.outputs)
        need = need_of(
            render.plan,
            frames=render.plan.frames - sum(left.values()),
            made_by=None,
            deadline=self.now + self.ports.policy.deadline,
            locations=self.ports.tenants.get(render.upload.tenant, UNKNOWN).locations,
        )
        scene = Scene(
            now=self.now,
            resting={},
            busy={},
            standings=self.standings,
            need=replace(need, pixels_left=pixels),
            tenant=render.upload.tenant,
            pauses=self.pauses,
        )
        choice = route(self.ports.lanes, scene)
        if (lane := choice.lane) is None:
            return NOTHING
        known = self.paces[lane.id]
        takes = known.takes(pixels) if known else None
        cost = (
            None
            if takes is None or lane.price is None
            else cost_of(lane, takes, choice.weighed[0].tasks)
        )
        return Foreseen(lane=lane.id, takes=takes, nanodollars=cost)


def forecast(ports: Ports, now: datetime) -> Forecast:
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
    )


def _size(output: OutputPlan) -> int:
    return output.width * output.height
