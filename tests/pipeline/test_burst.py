"""Many uploads at once against a lane's limits: real decisions, memory for stores, our clock."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from functions.core.entries import STOCK_OUTS
from functions.core.lanes import Lane, Policy
from functions.core.render import State
from functions.handle import handle
from functions.ports import ExecutionState, LaunchRefused, Ports
from functions.settings import Laptop
from functions.sweep import sweep
from functions.wiring import laptop_ports
from infra.simulator.memory_ledger import MemoryLedger
from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.memory_renders import MemoryRenders
from infra.simulator.memory_switches import MemorySwitches
from schemas.failures import FailureClass
from schemas.plan import Order
from tests.lanes import laptop_lane
from tests.unit.makers import (
    NOW,
    failure,
    over,
    requested,
    started,
    surveyed,
    upload,
    verified,
)

MINUTE = timedelta(minutes=1)
LANE = replace(
    laptop_lane("libx264/9.0/t1", 1),
    id="cloud-run/a/l4",
    executions=1000,
    launches_a_minute=10,
    start_within=timedelta(minutes=3),
)


@dataclass
class Clock:
    """Ours to move."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Place:
    """A lane that takes everything, or what a quota of its own allows."""

    clock: Clock
    most: int | None = None
    launches: list[tuple[datetime, str]] = field(default_factory=list)
    refused: int = 0

    def launch(self, order: Order) -> str:
        lately = sum(at > self.clock.now - MINUTE for at, _ in self.launches)
        if self.most is not None and lately >= self.most:
            self.refused += 1
            raise LaunchRefused(failure(FailureClass.CAPACITY, reason="quota_exceeded"))
        self.launches.append((self.clock.now, order.render))
        return f"{order.render}-{order.attempt}"

    def stop(self, execution: str) -> None: ...

    def state(self, execution: str) -> ExecutionState:
        return ExecutionState(ended=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ports_of(folder: Path, clock: Clock, lane: Lane, place: Place) -> Ports:
    return replace(
        laptop_ports(Laptop(home=folder), lane),
        clock=clock,
        draw=lambda: 0.0,
        renders=MemoryRenders(),
        work=MemoryObjects("work", clock),
        ledger=MemoryLedger(),
        switches=MemorySwitches(),
        backends={lane.id: place},
        policy=Policy(silence=timedelta(hours=1)),
    )


def burst(count: int, ports: Ports) -> list[str]:
    renders = [handle(requested(upload=upload(name=f"t/{n}.mp4")), ports) for n in range(count)]
    return [render.id for render in renders if render is not None]


def all_start(place: Place, ports: Ports) -> None:
    for _, render in place.launches:
        stored = ports.renders.load(render)
        assert stored is not None
        handle(started(stored.render), ports)


def test_of_a_burst_as_many_are_launched_a_minute_as_the_lane_takes_and_none_is_left(
    tmp_path: Path, clock: Clock
) -> None:
    place = Place(clock)
    ports = ports_of(tmp_path, clock, LANE, place)
    renders = burst(45, ports)
    assert len(place.launches) == 10
    for _ in range(4):
        all_start(place, ports)
        clock.now += MINUTE
        sweep(ports)
    minutes = Counter((at - NOW) // MINUTE for at, _ in place.launches)
    assert minutes == {0: 10, 1: 10, 2: 10, 3: 10, 4: 5}
    assert sorted(render for _, render in place.launches) == sorted(renders)
    told = ports.ledger.recent([LANE.id], NOW - MINUTE, limit=1000)
    assert not {one.outcome for one in told} & STOCK_OUTS, "our own queueing is no stock-out"


def test_what_waits_for_a_gpu_comes_in_the_order_of_its_upload(
    tmp_path: Path, clock: Clock
) -> None:
    lane = replace(LANE, launches_a_minute=None, gpu_slots=3)
    place = Place(clock)
    ports = ports_of(tmp_path, clock, lane, place)
    renders = []
    for number in range(9):
        clock.now += timedelta(seconds=1)
        render = handle(requested(upload=upload(name=f"t/{number}.mp4")), ports)
        assert render is not None
        renders.append(render.id)
    for number in range(9):
        assert ports.renders.running(lane.id) == min(3, 9 - number)
        stored = ports.renders.load(renders[number])
        assert stored is not None
        handle(started(stored.render), ports)
        handle(verified(stored.render), ports)
    assert [render for _, render in place.launches] == renders


def test_a_quota_of_our_own_that_is_smaller_than_we_know_refuses_few_and_loses_nobody(
    tmp_path: Path, clock: Clock
) -> None:
    lane = replace(LANE, launches_a_minute=None)
    place = Place(clock, most=8)
    ports = ports_of(tmp_path, clock, lane, place)
    renders = burst(30, ports)
    for _ in range(24):
        all_start(place, ports)
        clock.now += timedelta(seconds=15)
        sweep(ports)
    assert sorted({render for _, render in place.launches}) == sorted(renders)
    assert len(place.launches) == 30
    assert place.refused <= 9, "0.3 of the launches"
    told = ports.ledger.recent([lane.id], NOW - MINUTE, limit=1000)
    assert not {one.outcome for one in told} & STOCK_OUTS


def test_a_hung_launch_is_one_start_deadline_and_then_the_next_lane(
    tmp_path: Path, clock: Clock
) -> None:
    place, other = Place(clock), replace(LANE, id="cloud-run/b/l4")
    ports = ports_of(tmp_path, clock, LANE, place)
    elsewhere = Place(clock)
    ports = replace(ports, lanes=(LANE, other), backends={LANE.id: place, other.id: elsewhere})
    (hung,) = burst(1, ports)
    clock.now += LANE.start_within
    stored = ports.renders.load(hung)
    assert stored is not None
    handle(replace(surveyed(stored.render), owner=None), ports)
    moved = ports.renders.load(hung)
    assert moved is not None
    assert (moved.render.state, moved.render.lane) == (State.STARTING, other.id)
    assert elsewhere.launches == [(clock.now, hung)], "at once"
    gone = over(moved.render, failure(FailureClass.PREEMPTED))
    handle(gone, ports)
    assert len(place.launches) == 1, "the first lane is still closed"
