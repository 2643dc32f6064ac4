"""Who waits in line is woken by the next sweep when the reason has passed, in turn, and no herd."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from functions.core.budget import Budget
from functions.core.entries import Entry, Outcome
from functions.core.lanes import Lane
from functions.core.ledger import FIRST_PAUSE
from functions.core.quotas import Quota
from functions.core.render import RUNNING, Render, State
from functions.core.switches import Reach, Switching
from functions.core.tenants import Tenant
from functions.handle import handle
from functions.ports import ExecutionState, Ports, RenderStore
from functions.settings import Laptop
from functions.sweep import sweep
from functions.wiring import laptop_ports
from ops.capacity import lane_lines, lane_states
from ops.why import render_why, why_lines
from schemas.events import AttemptStarted, CancelRender
from schemas.plan import Order
from schemas.priority import Priority
from tests.lanes import laptop_lane
from tests.pipeline.counting import counted
from tests.unit.makers import NOW, requested, seconds, upload

LANE = replace(
    laptop_lane("libx264/9.0/t1", 1),
    id="cloud-run/a/l4",
    executions=2,
    start_within=timedelta(hours=1),
)
OTHER = replace(LANE, id="cloud-run/b/l4")


class Machines:
    """A lane on which everything is taken and nothing ever starts."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def launch(self, order: Order) -> str:
        self.orders.append(order)
        return f"{order.render}-{order.attempt}"

    def stop(self, execution: str) -> None: ...

    def state(self, execution: str) -> ExecutionState:
        return ExecutionState(ended=False)


@dataclass
class Place:
    """A control plane whose clock is moved by hand."""

    ports: Ports
    machines: Machines
    now: datetime = NOW

    def upload(self, name: str, spec: str | None = None) -> Render:
        render = handle(requested(upload=upload(name=name), spec=spec), self.ports)
        assert render is not None
        return render

    def sweep(self, after: float = 60) -> list[str]:
        """Sweep a minute later; the names that were launched by it, in their order."""
        before = len(self.machines.orders)
        self.now += seconds(after)
        sweep(self.ports)
        launched = (self.ports.renders.load(o.render) for o in self.machines.orders[before:])
        return [one.render.upload.name for one in launched if one is not None]

    @property
    def running(self) -> list[Render]:
        found = self.ports.renders.newest(limit=99_999)
        return [one for one in found if one.state in RUNNING]

    def end(self, render: Render, *, after: float = 0) -> None:
        """It starts, and is cancelled so much later."""
        started = AttemptStarted(
            render=render.id, attempt=render.attempt, at=self.now, execution="e"
        )
        handle(started, self.ports)
        self.now += seconds(after)
        command = CancelRender(render=render.id, at=self.now, by="ada", reason="x")
        handle(command, self.ports)

    def pause(self, reach: Reach, name: str = "", *, paused: bool = True) -> None:
        one = Switching(reach=reach, name=name, paused=paused, by="ada", reason="x", at=self.now)
        self.ports.switches.note(one)


def place(folder: Path, *lanes: Lane, **changes: Any) -> Place:
    machines = Machines()
    plain = laptop_ports(Laptop(home=folder), *(lanes or (LANE,)))
    backends = {lane.id: machines for lane in plain.lanes}
    made = Place(ports=plain, machines=machines)

    def rest(length: timedelta) -> None:
        made.now += length

    made.ports = replace(
        plain, rest=rest, clock=lambda: made.now, draw=lambda: 0.0, backends=backends, **changes
    )
    return made


def names(*numbers: int, tenant: str = "acme") -> list[str]:
    return [f"{tenant}/{number}.mp4" for number in numbers]


def fill(here: Place, count: int, tenant: str = "acme") -> list[Render]:
    """So many uploads, a second after each other."""
    made = []
    for name in names(*range(count), tenant=tenant):
        made.append(here.upload(name))
        here.now += seconds(1)
    return made


def test_a_place_that_comes_free_goes_to_who_waits_longest_at_once(tmp_path: Path) -> None:
    here = place(tmp_path)
    first, _, third, _ = fill(here, 4)
    assert third.why == "waits for a lane: cloud-run/a/l4 runs 2 of 2"
    here.end(first)
    assert {one.upload.name for one in here.running} == {"acme/1.mp4", "acme/2.mp4"}


def test_of_many_that_wait_only_as_many_are_asked_as_have_room(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.pause(Reach.ALL)
    fill(here, 30)
    assert here.sweep() == []
    here.pause(Reach.ALL, paused=False)
    saves = Counter[str]()
    here.ports, saves = counted(here.ports)
    assert here.sweep() == names(0, 1)
    assert saves["save"] == 4, "each launched, and its launch marked as performed"


@pytest.mark.parametrize("reach", [Reach.LANE, Reach.TENANT])
def test_a_pause_that_is_lifted_wakes_within_one_sweep(tmp_path: Path, reach: Reach) -> None:
    here = place(tmp_path)
    name = LANE.id if reach is Reach.LANE else "acme"
    here.pause(reach, name)
    fill(here, 3)
    assert here.sweep() == []
    here.pause(reach, name, paused=False)
    assert here.sweep() == names(0, 1)


def test_a_lane_that_has_recovered_wakes_one_and_with_its_start_the_others(tmp_path: Path) -> None:
    here = place(tmp_path, replace(LANE, executions=9))
    out = Entry(
        lane=LANE.id,
        render="r-x",
        attempt=1,
        outcome=Outcome.REFUSED,
        launched_at=NOW,
        at=NOW,
    )
    here.ports.ledger.append([out])
    fill(here, 3)
    assert here.running == []
    assert here.sweep(FIRST_PAUSE.total_seconds()) == names(0)
    assert here.sweep(1) == [], "one launch at a time tries it"
    (one,) = here.running
    started = replace(
        out, render=one.id, outcome=Outcome.STARTED, launched_at=here.now, at=here.now
    )
    here.ports.ledger.append([started])
    assert here.sweep(1) == names(1, 2)


def test_a_limit_of_launches_a_minute_is_used_again_when_it_is_free(tmp_path: Path) -> None:
    here = place(tmp_path, replace(LANE, executions=9, launches_a_minute=2))
    fill(here, 5)
    assert len(here.running) == 2
    assert here.sweep() == names(2, 3)
    assert here.sweep() == names(4)


def test_lanes_that_share_a_quota_wake_no_more_than_it_allows(tmp_path: Path) -> None:
    quota = Quota(id="us-east4", launches_a_minute=4, gpus=5)
    two = replace(LANE, tasks=2, executions=9, quotas=(quota,))
    one = replace(OTHER, executions=9, quotas=(quota,))
    here = place(tmp_path, two, one)
    here.pause(Reach.ALL)
    fill(here, 9)
    here.pause(Reach.ALL, paused=False)
    here.ports, calls = counted(here.ports)
    assert here.sweep() == names(0, 1, 2)
    assert Counter(one.lane for one in here.running) == {two.id: 2, one.id: 1}
    assert calls["admit"] == 3, "nobody was asked in vain"
    assert "needs 1 of its quota us-east4 GPUs, and 5 of 5 are taken" in "\n".join(
        why_lines(render_why(here.upload("acme/late.mp4"), here.ports, here.now))
    )
    assert list(lane_lines(lane_states(here.ports, (), here.now), ()))[-2:] == [
        "quota us-east4 GPUs: 5 of 5 taken, by cloud-run/a/l4, cloud-run/b/l4",
        "quota us-east4 launches a minute: 3 of 4 taken, by cloud-run/a/l4, cloud-run/b/l4",
    ]


def test_the_next_day_of_utc_wakes_who_waited_for_money(tmp_path: Path) -> None:
    here = place(tmp_path, budget=Budget(day=10))
    here.ports.ledger.append(
        [
            Entry(
                lane=LANE.id,
                render="r-x",
                attempt=1,
                outcome=Outcome.FINISHED,
                launched_at=NOW,
                at=NOW,
                nanodollars=11,
            )
        ]
    )
    (one, *_) = fill(here, 3)
    assert one.why.startswith("waits until 2026-03-02 00:00 UTC: the day's budget is spent")
    assert here.sweep() == []
    here.now = NOW + timedelta(hours=11, minutes=59)
    assert here.sweep() == names(0, 1)


def test_who_comes_stands_behind_who_waits(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.pause(Reach.ALL)
    fill(here, 2)
    here.pause(Reach.ALL, paused=False)
    young = here.upload("acme/young.mp4")
    assert young.why == "waits its turn: acme/normal has waited since 12:00:00 UTC"
    assert [one.upload.name for one in here.running] == names(0), "and wakes who is next"


def test_tenants_have_places_by_turns_and_live_ones_overtake(tmp_path: Path) -> None:
    tenants = {
        "zeta": Tenant(ceiling=Priority.LIVE),
        "acme": Tenant(priority=Priority.BACKGROUND),
    }
    here = place(tmp_path, replace(LANE, executions=1), tenants=tenants)
    fill(here, 4)
    fill(here, 2, tenant="young")
    live = here.upload("zeta/clip.mp4", '{"priority": "live"}')
    greedy = here.upload("young/clip.mp4", '{"priority": "live"}')
    assert (live.priority, greedy.priority) == (Priority.LIVE, Priority.NORMAL)
    order = []
    for _ in range(7):
        (one,) = here.running
        order.append(one.upload.name)
        here.end(one, after=60)
    assert order == [
        "acme/0.mp4",
        "young/0.mp4",
        "zeta/clip.mp4",
        "young/1.mp4",
        "young/clip.mp4",
        "acme/1.mp4",
        "acme/2.mp4",
    ]


def test_why_shows_whose_turn_it_is_and_by_what_numbers(tmp_path: Path) -> None:
    here = place(tmp_path)
    renders = [*fill(here, 3), *fill(here, 1, tenant="zeta")]
    text = list(why_lines(render_why(renders[2], here.ports, here.now)))
    assert text[-3:] == [
        "in line as acme/normal; whose turn it is, of 2 lines:",
        "  1  zeta/normal  had 0.0 machine minutes within the hour, weight 4, "
        "waits since 2026-03-01 12:00:03Z",
        "  2  acme/normal  had 2.0 machine minutes within the hour, weight 4, "
        "waits since 2026-03-01 12:00:02Z  (this render's line)",
    ]


def test_who_cannot_use_the_free_lane_does_not_stand_in_the_way(tmp_path: Path) -> None:
    tenants = {"acme": Tenant(locations=("eu",))}
    eu, us = replace(LANE, location="eu"), replace(OTHER, location="us")
    here = place(tmp_path, eu, us, tenants=tenants)
    fill(here, 5)
    fill(here, 3, tenant="zeta")
    here.end(next(one for one in here.running if one.upload.name == "zeta/0.mp4"))
    assert {one.upload.name for one in here.running if one.lane == us.id} == {
        "zeta/1.mp4",
        "zeta/2.mp4",
    }


def test_a_render_that_cannot_be_asked_does_not_stand_in_the_way(tmp_path: Path) -> None:
    here = place(tmp_path)
    here.pause(Reach.ALL)
    first, *_ = fill(here, 3)
    here.pause(Reach.ALL, paused=False)
    broken = cast("RenderStore", _Broken(here.ports.renders, first.id))
    here.ports = replace(here.ports, renders=broken)
    assert here.sweep() == names(1, 2)


class _Broken:
    """Renders of which one cannot be loaded."""

    def __init__(self, renders: object, broken: str) -> None:
        self._renders, self._broken = renders, broken

    def load(self, render: str) -> object:
        if render == self._broken:
            raise RuntimeError("a document that nobody can read")
        return self._renders.load(render)  # type: ignore[attr-defined]  # whatever it is

    def __getattr__(self, name: str) -> object:
        return getattr(self._renders, name)


@pytest.mark.parametrize("waiting", [10, 200])
def test_a_sweep_reads_as_little_for_many_that_wait_as_for_few(
    tmp_path: Path, waiting: int
) -> None:
    here = place(tmp_path)
    here.pause(Reach.ALL)
    fill(here, waiting)
    here.ports, reads = counted(here.ports)
    sweep(here.ports)
    assert reads == {
        "due": 1, "lines": 1, "running": 1, "noted": 1, "recent": 1
    }  # fmt: skip


def test_a_render_that_rests_for_a_while_is_not_in_line_and_comes_by_itself(tmp_path: Path) -> None:
    here = place(tmp_path)
    render = here.upload("acme/a.mp4")
    stored = here.ports.renders.load(render.id)
    assert stored is not None
    until = here.now + seconds(90)
    resting = replace(
        stored.render, state=State.WAITING, avoids=None, not_before=until, revisit_at=until
    )
    here.ports.renders.save(resting, version=stored.version)
    assert here.sweep() == []
    assert here.sweep() == ["acme/a.mp4"]
