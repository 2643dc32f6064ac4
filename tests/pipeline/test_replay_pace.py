"""An apply beside live renders, over a laptop's store: the real machine, and lanes that close."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.core.budget import Budget, midnight, reset
from functions.core.entries import Entry, Outcome
from functions.core.lanes import Lane
from functions.core.render import RUNNING, Render, State
from functions.core.switches import Reach, Switching
from functions.desk import Wanted
from functions.handle import handle
from functions.ports import ExecutionState, Ports
from functions.settings import Laptop
from functions.sweep import sweep
from functions.wiring import laptop_desk, laptop_ports
from infra.laptop.subscriptions import subscriptions
from ops.replay_apply import Run
from ops.replay_file import Plan, PlanRefused, read, write
from schemas.events import ReplayRender
from schemas.plan import Order
from schemas.replay_plan import PlanHead
from schemas.wire import from_json
from tests.lanes import laptop_lane
from tests.pipeline.desk import Place
from tests.pipeline.test_replay import a_failure
from tests.unit.makers import requested, seconds, upload

LANE = replace(laptop_lane("libx264/9.0/t1", 1), id="laptop/cpu", executions=8)
OTHER = replace(LANE, id="laptop/other")
TAKES = 4.0
"""Seconds of each render."""
OUR = "acme/"
"""How the names of what is replayed begin."""
EVENING = datetime.now(UTC).replace(hour=23, minute=58, second=0, microsecond=0)
"""Two minutes before a day's money is there."""


class Machines:
    """A lane on which everything is taken."""

    def launch(self, order: Order) -> str:
        return f"{order.render}-{order.attempt}"

    def stop(self, execution: str) -> None: ...

    def state(self, execution: str) -> ExecutionState:
        return ExecutionState(ended=False)


@dataclass
class World:
    """A pipeline that moves while the apply pauses; `deeds` are done at their seconds."""

    place: Place
    ports: Ports
    deeds: dict[float, Callable[[], None]] = field(default_factory=dict)
    time: float = 0.0
    heard: Counter[str] = field(default_factory=Counter)
    """Commands by render."""
    most: int = 0
    """Of what was replayed, at one moment on the lane."""
    lines: list[str] = field(default_factory=list)
    _began: dict[str, float] = field(default_factory=dict)

    def now(self) -> datetime:
        return EVENING + seconds(self.time)

    def plan(self, letters: int, **of_head: Any) -> Plan:
        for number in range(letters):
            a_failure(self.place, self.ports, f"{OUR}{number}.mp4")
        desk = laptop_desk(self.place.home)
        desk.collect(datetime.now(UTC))
        path, _ = write(
            PlanHead(made_at=self.now(), **of_head),
            Wanted(),
            desk,
            self.ports,
            self.place.home.home / "plan",
        )
        return read(path)

    def run(self, plan: Plan, **changes: object) -> Run:
        plain = Run(
            plan=plan,
            ports=self.ports,
            desk=laptop_desk(self.place.home),
            by="ana",
            reason="the disk was full",
            canary=0,
            per_minute=6000,
            tell=self.lines.append,
            pause=self.pause,
            now=lambda: self.time,
        )
        return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name

    def pause(self, length: float) -> None:
        self.time += length
        for at in sorted(self.deeds):
            if at <= self.time:
                self.deeds.pop(at)()
        for message in list(self.place.bus.peek("start-render")):
            command = from_json(message.data, ReplayRender)
            self.heard[command.render] += 1
            handle(command, self.ports)
            self.place.bus.ack(f"{message.message_id}/1/start-render")
        self._end()
        sweep(self.ports)
        self.most = max(self.most, sum(self.is_ours(one) for one in self.running))

    def _end(self) -> None:
        """What has run its time is done."""
        for one in self.running:
            if self.time - self._began.setdefault(one.id, self.time) >= TAKES:
                stored = self.ports.renders.load(one.id)
                assert stored is not None
                done = replace(stored.render, state=State.DONE, revisit_at=None, pending=())
                self.ports.renders.save(done, version=stored.version)

    def rest(self, length: timedelta) -> None:
        self.time += length.total_seconds()

    @property
    def running(self) -> list[Render]:
        return [one for one in self.ports.renders.newest(limit=999) if one.state in RUNNING]

    def is_ours(self, one: Render) -> bool:
        return one.upload.name.startswith(OUR)

    def live(self, name: str) -> Render:
        """Somebody uploads."""
        render = handle(requested(upload=upload(name=name)), self.ports)
        assert render is not None
        return render

    def switch(self, reach: Reach, name: str = "", *, paused: bool) -> None:
        one = Switching(
            reach=reach, name=name, paused=paused, by="ada", reason="it burns", at=self.now()
        )
        self.ports.switches.note(one)

    def told(self) -> dict[str, object]:
        (line,) = self.place.said("replay", "status", "--json")
        found: dict[str, object] = json.loads(line)
        return found


def a_world(folder: Path, *lanes: Lane) -> World:
    place = Place(Laptop(home=folder / "home"))
    place.bus.declare(subscriptions())
    plain = laptop_ports(place.home)
    world = World(place, plain)
    world.ports = replace(
        plain,
        clock=world.now,
        draw=lambda: 0.0,
        lanes=lanes,
        backends={lane.id: Machines() for lane in lanes},
        rest=world.rest,
    )
    return world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return a_world(tmp_path, LANE)


def test_it_fills_three_quarters_of_the_places_and_no_more(world: World) -> None:
    run = world.run(world.plan(18))
    run.go()
    assert run.asked == len(world.heard) == 18
    assert set(world.heard.values()) == {1}
    assert world.most == 6


def test_what_is_planned_for_one_lane_is_made_there_at_that_lane_s_pace(tmp_path: Path) -> None:
    world = a_world(tmp_path, LANE, OTHER)
    run = world.run(world.plan(18, to_lane=OTHER.id))
    run.go()
    assert set(world.heard.values()) == {1}
    assert len(world.heard) == 18
    assert world.most == 6, "three quarters of the lane that is asked for, and none of the other"
    renders = world.ports.renders.newest(limit=99)
    assert {(one.lane, one.only_lane) for one in renders} == {(OTHER.id, OTHER.id)}
    told = world.place.said("show", renders[0].id)
    asked = f"  a replay was asked for, on {OTHER.id} and no other lane"
    assert any(line.endswith(asked) for line in told)
    why = world.place.said("why", renders[0].id)
    assert any(line.endswith(f": the replay asked for {OTHER.id}") for line in why)


def test_a_plan_for_a_lane_that_is_not_there_any_more_is_refused(tmp_path: Path) -> None:
    world = a_world(tmp_path, LANE, OTHER)
    plan = world.plan(2, to_lane=OTHER.id)
    run = world.run(plan, ports=replace(world.ports, lanes=(LANE,)))
    with pytest.raises(PlanRefused, match="asks for the lane 'laptop/other', which is not known"):
        run.go()
    assert not world.place.bus.peek("start-render")


def test_a_plan_whose_lane_was_changed_is_refused(tmp_path: Path) -> None:
    world = a_world(tmp_path, LANE, OTHER)
    path = world.plan(2, to_lane=OTHER.id).path
    text = path.read_text()
    for other in (f'"to_lane":"{LANE.id}"', '"to_lane":null'):
        path.write_text(text.replace(f'"to_lane":"{OTHER.id}"', other, 1))
        with pytest.raises(PlanRefused, match="was changed since it was made"):
            read(path)


def test_a_lane_that_is_closed_in_the_middle_is_waited_for_and_nothing_is_lost_or_doubled(
    world: World,
) -> None:
    plan, seen = world.plan(18), []
    run = world.run(plan)

    def looks() -> None:
        seen.append((run.asked, world.told()))

    world.deeds = {
        6.0: lambda: world.switch(Reach.LANE, LANE.id, paused=True),
        20.0: looks,
        60.0: looks,
        61.0: lambda: world.switch(Reach.LANE, LANE.id, paused=False),
    }
    run.go()
    (then, told), (later, _) = seen
    assert 0 < then == later < 18, "nothing more was asked for while it was closed"
    assert told["state"] == "running"
    assert "laptop/cpu waits: lane laptop/cpu is paused by ada" in str(told["pace"])
    assert any("Held back: no lane takes a replay now" in line for line in world.lines)
    assert run.asked == len(world.heard) == 18
    assert set(world.heard.values()) == {1}
    world.pause(60)
    states = Counter(one.state for one in world.ports.renders.newest(limit=99))
    assert set(states) <= {State.DONE, *RUNNING}


def test_a_lane_without_machines_is_asked_for_nothing_until_it_is_tried_again(
    world: World,
) -> None:
    plan = world.plan(12)

    def runs_out() -> None:
        gone = Entry(
            lane=LANE.id,
            render="r-x",
            attempt=1,
            outcome=Outcome.REFUSED,
            launched_at=world.now(),
            at=world.now(),
        )
        world.ports.ledger.append([gone])

    asked: list[int] = []
    run = world.run(plan)
    world.deeds = {2.0: runs_out, 5.0: lambda: asked.append(run.asked)}
    world.deeds |= {31.0: lambda: asked.append(run.asked)}
    run.go()
    assert asked == [6, 6]
    assert run.asked == 12
    assert world.time > 32


def test_live_renders_that_come_have_the_places_that_are_kept(world: World) -> None:
    plan, live = world.plan(18), []
    world.deeds = {
        at: lambda at=at: live.append(world.live(f"live/{at}.mp4"))  # type: ignore[misc]  # bound now
        for at in (3.0, 5.0, 9.0, 13.0)
    }
    world.run(plan).go()
    assert [one.state for one in live] == [State.STARTING] * 4, "each at once"
    assert world.most <= 6


def test_who_waits_goes_before_what_would_be_replayed(world: World) -> None:
    """All places are taken by live renders, and more of them wait, when it begins."""
    plan = world.plan(5)
    for number in range(20):
        world.live(f"live/{number}.mp4")
    run = world.run(plan)
    started: list[State] = []

    def looks() -> None:
        newest = world.ports.renders.newest(limit=99)
        started.extend(one.state for one in newest if not world.is_ours(one))
        assert run.asked == 0

    world.deeds = {4.0: looks}
    run.go()
    assert started.count(State.WAITING) == 12
    assert run.asked == 5


def test_a_day_whose_money_is_spent_is_waited_out_and_nothing_waits_for_it_in_the_pipeline(
    world: World,
) -> None:
    world.ports = replace(world.ports, budget=Budget(day=10**9))
    plan = world.plan(12)

    def dear() -> None:
        spent = Entry(
            lane=LANE.id,
            render="r-dear",
            attempt=1,
            outcome=Outcome.FINISHED,
            launched_at=world.now(),
            at=world.now(),
            nanodollars=8 * 10**8,
        )
        world.ports.ledger.append([spent])

    told: list[dict[str, object]] = []
    run = world.run(plan, per_minute=60)
    world.deeds = {3.0: dear, 30.0: lambda: told.append({**world.told(), "asked": run.asked})}
    run.go()
    (then,) = told
    assert then["asked"] in (3, 4, 5)
    assert "the day's budget is spent, $0.80 of $0.75" in str(then["pace"])
    assert then["held_until"] == reset(EVENING).isoformat().replace("+00:00", "Z")
    assert run.asked == 12
    assert world.now() >= midnight(EVENING) + timedelta(days=1)
    states = Counter(one.state for one in world.ports.renders.newest(limit=99))
    assert states[State.WAITING] == states[State.FAILED] == 0
