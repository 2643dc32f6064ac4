"""Seats of a pool: who may take which, what their table says, and that nobody disagrees."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.outcomes.pool import failure_of
from functions.pool_workers import PoolWorkers
from functions.ports import ExecutionState
from infra.simulator.memory_objects import MemoryObjects
from render_job.seat import Belongings, SeatLost, Sitting, leave, take
from schemas import names
from schemas.failures import FailureClass
from schemas.ids import execution_id
from schemas.plan import Order
from schemas.priority import Priority
from schemas.seats import ABANDONED, HEAD_START, LEASE, RUNS, Cause, look, waiting
from schemas.wire import to_json
from tests.unit.makers import NOW, after, requested

POOL, ENCODER = "desk", "libx264/5.1/t1"
LATER = timedelta(milliseconds=1)


@dataclass
class Bench:
    """A work bucket whose clock is ours, and the pool's backend."""

    now: datetime = NOW
    work: MemoryObjects = field(init=False)

    def __post_init__(self) -> None:
        self.work = MemoryObjects("work", lambda: self.now)
        self.backend = PoolWorkers(POOL, self.work)

    def wait(self, time: timedelta) -> None:
        self.now += time

    def launch(self, render: str = "r-1", attempt: int = 1, **more: Any) -> str:
        self.wait(LATER)
        order = Order(
            render=render,
            attempt=attempt,
            lane="worker/desk",
            encoder_class=ENCODER,
            tasks=2,
            deadline=self.now + timedelta(hours=12),
        )
        return self.backend.launch(replace(order, **more))

    def take(self, worker: str = "one", **more: Any) -> Sitting | None:
        self.wait(LATER)
        mine = replace(Belongings(pool=POOL, encoder_classes=frozenset([ENCODER])), **more)
        return take(self.work, mine, worker, at=0.0)

    def taken(self, worker: str = "one") -> Sitting:
        sitting = self.take(worker)
        assert sitting is not None
        return sitting

    def end(self, sitting: Sitting, code: int = 0) -> None:
        sitting.write(sitting.seat.after(code, again=True), 0.0)

    def state(self, execution: str) -> ExecutionState:
        state = self.backend.state(execution)
        assert state is not None
        return state

    def queue(self) -> list[str]:
        return [info.name for info in self.work.list(names.queue(POOL))]

    def over(self, execution: str) -> Cause | None:
        table = look(self.work, execution)
        assert table is not None
        return table.over


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_each_seat_is_taken_once_and_what_was_launched_first_first(bench: Bench) -> None:
    bench.launch("r-9")
    bench.launch("r-1")
    took = [bench.take() for _ in range(5)]
    assert [(s.order.render, s.seat.index) for s in took if s] == [
        ("r-9", 0),
        ("r-9", 1),
        ("r-1", 0),
        ("r-1", 1),
    ]
    assert took[4] is None


def test_a_seat_that_is_not_renewed_is_another_s_and_its_holder_notices(bench: Bench) -> None:
    bench.launch(tasks=1)
    first = bench.taken("one")
    bench.wait(LEASE - LATER)
    assert bench.take("two") is None
    second = bench.taken("two")
    assert second.seat.index == first.seat.index
    assert second.seat.runs == 2
    for last in (first.seat, first.seat.given_back(), first.seat.after(0, again=True)):
        with pytest.raises(SeatLost):
            first.write(last, 0.0)
    second.renew(0.0)


def test_a_seat_that_is_renewed_is_nobody_else_s(bench: Bench) -> None:
    bench.launch(tasks=1)
    sitting = bench.taken()
    for _ in range(10):
        bench.wait(LEASE)
        sitting.renew(0.0)
        assert bench.take("two") is None


def test_a_seat_given_back_is_free_at_once_and_has_cost_no_run(bench: Bench) -> None:
    bench.launch(tasks=1)
    for worker in ("one", "two", "three", "four", "five", "six"):
        sitting = bench.taken(worker)
        assert sitting.seat.runs == 1
        sitting.write(sitting.seat.given_back(), 0.0)


@pytest.mark.parametrize(
    "other",
    [
        {"pool": "another"},
        {"encoder_classes": frozenset(["h264_nvenc/ada/470"])},
        {"tenants": frozenset(["globex"])},
    ],
    ids=lambda other: str(next(iter(other))),
)
def test_what_is_not_its_own_is_not_taken(bench: Bench, other: dict[str, Any]) -> None:
    plan = after(None, requested(), now=NOW).plan
    assert plan is not None
    bench.work.write(names.plan(plan.render), to_json(plan))
    bench.launch(plan.render)
    assert bench.take(**other) is None
    assert bench.take(tenants=frozenset([plan.upload.tenant])) is not None


def test_a_live_render_is_taken_before_a_back_catalogue_and_nobody_waits_for_ever() -> None:
    bench = Bench()
    old = bench.launch("r-old", priority=Priority.BACKGROUND, tasks=1)
    plain = bench.launch("r-plain", tasks=1)
    live = bench.launch("r-live", priority=Priority.LIVE, tasks=1)
    assert [execution for execution, _ in waiting(bench.work, POOL)] == [live, plain, old]
    assert bench.taken().execution == live
    bench.wait(2 * HEAD_START)
    bench.launch("r-new", priority=Priority.LIVE, tasks=1)
    assert [bench.taken(f"w{n}").execution for n in (1, 2)] == [plain, old]


@given(st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 3 * 3600)), max_size=12))
def test_nobody_goes_before_whoever_has_waited_two_hours_longer(
    launches: list[tuple[Priority, int]],
) -> None:
    bench = Bench()
    for number, (priority, seconds) in enumerate(sorted(launches, key=lambda one: one[1])):
        bench.now = max(bench.now, NOW + timedelta(seconds=seconds))
        bench.launch(f"r-{number}", priority=priority)
    turns = [since for _, since in waiting(bench.work, POOL)]
    for first, later in combinations(turns, 2):
        assert later >= first - 2 * HEAD_START


def test_what_lies_in_the_queue_of_a_pool_but_was_given_to_another_is_not_taken(
    bench: Bench,
) -> None:
    execution = bench.launch()
    bench.work.write(names.queued("another", execution), b"")
    assert bench.take(pool="another") is None


def test_what_nobody_can_read_is_passed_over(bench: Bench) -> None:
    bench.work.write(names.assigned("r-0", 1), b"{")
    bench.work.write(names.queued(POOL, execution_id("r-0", 1)), b"")
    bench.work.write(names.queued(POOL, "what is this"), b"")
    bench.launch("r-1")
    assert bench.taken().order.render == "r-1"


def test_an_attempt_launched_twice_is_one(bench: Bench) -> None:
    assert bench.launch() == bench.launch() == "r-1-0001"
    assert len(bench.queue()) == 1
    assert [bench.take() is None for _ in range(3)] == [False, False, True]


def test_a_launch_repeated_after_the_end_brings_nothing_back(bench: Bench) -> None:
    execution = bench.launch(tasks=1)
    bench.end(bench.taken())
    assert leave(bench.work, execution) is not None
    bench.launch(tasks=1)
    assert bench.queue() == []
    assert bench.take() is None
    assert bench.state(execution) == ExecutionState(ended=True)


def test_who_died_between_the_two_writes_of_a_launch_has_it_finished_by_the_next(
    bench: Bench,
) -> None:
    execution = bench.launch(tasks=1)
    bench.work.delete(names.queued(POOL, execution))
    assert bench.take() is None
    bench.launch(tasks=1)
    assert bench.take() is not None


def test_an_end_that_nobody_took_out_of_the_queue_is_taken_out_by_whoever_looks(
    bench: Bench,
) -> None:
    execution = bench.launch(tasks=1)
    bench.end(bench.taken())
    assert bench.queue() == [names.queued(POOL, execution)]
    assert bench.take() is None
    assert bench.queue() == []


def test_an_attempt_that_was_given_up_is_begun_by_nobody(bench: Bench) -> None:
    execution = bench.launch()
    bench.taken()
    bench.work.write(names.closed("r-1", 1), b"{}")
    assert bench.take() is None
    assert not bench.state(execution).ended
    bench.wait(LEASE + LATER)
    assert bench.over(execution) is Cause.STOPPED


def test_what_was_begun_and_left_by_all_is_over_and_preempted(bench: Bench) -> None:
    execution = bench.launch(tasks=1)
    bench.taken()
    bench.wait(ABANDONED)
    assert not bench.state(execution).ended
    bench.wait(LATER)
    failure = bench.state(execution).failure
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.PREEMPTED, "workers_gone")
    assert bench.take() is None
    assert bench.queue() == []


def test_what_nobody_has_begun_waits_for_its_start_deadline(bench: Bench) -> None:
    execution = bench.launch()
    bench.wait(ABANDONED * 3)
    assert not bench.state(execution).ended
    assert bench.take() is not None


def test_a_task_whose_workers_die_again_and_again_ends(bench: Bench) -> None:
    execution = bench.launch(tasks=1)
    for _ in range(RUNS):
        bench.taken()
        bench.wait(LEASE + LATER)
    assert bench.take() is None
    failure = bench.state(execution).failure
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.PREEMPTED, "workers_lost")


def test_a_task_that_fails_runs_again_as_often_as_it_may(bench: Bench) -> None:
    execution = bench.launch(tasks=1)
    sitting = bench.taken()
    for run in range(1, RUNS):
        bench.end(sitting, 70)
        assert (sitting.seat.runs, sitting.seat.is_over) == (run + 1, False)
    bench.end(sitting, 70)
    failure = bench.state(execution).failure
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.INTERNAL, "task_bug")


def test_what_ended_after_its_deadline_ran_out_of_time(bench: Bench) -> None:
    execution = bench.launch(tasks=1, deadline=NOW + timedelta(minutes=1))
    sitting = bench.taken()
    bench.wait(timedelta(minutes=1))
    sitting.write(sitting.seat.after(-15, again=False), 0.0)
    failure = bench.state(execution).failure
    assert failure is not None
    assert failure.failure is FailureClass.TIMEOUT
    bench.wait(timedelta(days=1))
    assert bench.state(execution).failure == failure


def test_what_failed_before_its_deadline_stays_what_it_was(bench: Bench) -> None:
    execution = bench.launch(tasks=1)
    sitting = bench.taken()
    sitting.write(sitting.seat.after(70, again=False), 0.0)
    before = bench.state(execution)
    bench.backend.stop(execution)
    bench.work.write(names.closed("r-1", 1), b"{}")
    bench.wait(timedelta(days=1))
    assert bench.state(execution) == before


def test_an_execution_of_another_pool_is_not_known_here(bench: Bench) -> None:
    execution = bench.launch()
    elsewhere = PoolWorkers("another", bench.work)
    elsewhere.stop(execution)
    assert elsewhere.state(execution) is None
    assert bench.state(execution) == ExecutionState(ended=False)


Deed = tuple[str, int, int]
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["take", "renew", "give back", "end", "fail", "wait", "long", "stop"]),
        st.integers(0, 2),
        st.integers(0, 1),
    ),
    max_size=40,
)


@given(deeds=DEEDS)
def test_whatever_workers_do_a_seat_has_one_holder_and_an_end_is_final(deeds: list[Deed]) -> None:
    bench = Bench()
    execution = bench.launch()
    held: dict[tuple[int, int], Sitting] = {}
    ended: set[int] = set()
    for deed, worker, index in deeds:
        bench.wait(LATER)
        if deed == "wait":
            bench.wait(LEASE / 2)
        elif deed == "long":
            bench.wait(LEASE * 2)
        elif deed == "stop":
            bench.backend.stop(execution)
        elif deed == "take":
            if sitting := bench.take(str(worker)):
                live = [k for k in held if k[1] == sitting.seat.index]
                for key in live:
                    with pytest.raises(SeatLost):
                        held.pop(key).renew(0.0)
                held[worker, sitting.seat.index] = sitting
        elif (worker, index) in held:
            act(held, (worker, index), deed)
        table = look(bench.work, execution)
        assert table is not None
        over = {seat.index for seat in table.seats if seat.is_over}
        assert over >= ended, "an end is final"
        ended = over
        if table.over:
            assert table.free == ()
            assert all(seat.is_over or not seat.is_live(bench.now) for seat in table.seats)
            failure = failure_of(execution, table, table.over)
            assert (failure is None) == table.is_well


def act(held: dict[tuple[int, int], Sitting], key: tuple[int, int], deed: str) -> None:
    """Whoever still holds it may write."""
    sitting = held[key]
    if deed == "renew":
        sitting.renew(0.0)
        return
    del held[key]
    if deed == "give back":
        sitting.write(sitting.seat.given_back(), 0.0)
    else:
        sitting.write(sitting.seat.after(0 if deed == "end" else 3, again=False), 0.0)
