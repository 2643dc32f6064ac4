"""Small renders that share executions of a Cloud Run job: the real client, over a stand-in."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from functions.core.group import Condition, Machine, Shortage, machine_of
from functions.errors import GroupRefused, TryAgainLater
from functions.ports import ExecutionState
from schemas import names
from schemas.failures import FailureClass
from schemas.plan import Order
from schemas.seats import look
from tests.contract.machine import ENDS_WHEN_TOLD
from tests.contract.pool_places import PackedPlace

CODE = "say(f\"begun-{E['CLOUD_RUN_EXECUTION']}\")\n" + ENDS_WHEN_TOLD
QUOTA = grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for RunJob requests per minute"


@pytest.fixture
def place(tmp_path: Path, until: Callable[..., None]) -> Iterator[PackedPlace]:
    place = PackedPlace(tmp_path, until, CODE)
    yield place
    place.close()


def launch(place: PackedPlace, number: int, *, seconds: float | None = None) -> str:
    """An attempt of one task; nobody knows of how many seconds, or of so many."""
    order = Order(
        render=f"r-{number}",
        attempt=1,
        lane="worker/desk",
        encoder_class="x264",
        tasks=1,
        deadline=place.now() + timedelta(minutes=2),
        takes=None if seconds is None else timedelta(seconds=seconds),
    )
    return place.backend.launch(order)


def conditions(place: PackedPlace) -> list[Condition]:
    return [one.condition for one in place.machines.listed()]


def worker_of(place: PackedPlace, execution: str) -> str:
    table = look(place.work, execution)
    assert table is not None
    return table.seats[0].worker


def test_small_renders_share_an_execution_one_after_another_and_it_leaves_when_idle(
    place: PackedPlace,
) -> None:
    executions = [launch(place, number, seconds=25) for number in range(6)]
    assert len(place.emulator.launched()) == 1
    (machine,) = place.machines.listed()
    for execution in executions:
        place.let_begin(execution, 1)
        assert machine_of(worker_of(place, execution)) == machine.name
        place.let_end(execution)
        place.wait_for_end(execution)
        assert place.backend.state(execution) == ExecutionState(ended=True)
    place.drive(lambda: conditions(place) == [Condition.GONE], "it has left")
    assert len(place.emulator.launched()) == 1


def test_what_one_has_no_room_for_has_another_and_so_has_what_nobody_knows(
    place: PackedPlace,
) -> None:
    for number in range(6):
        launch(place, number, seconds=50)
    assert len(place.emulator.launched()) == 2
    launch(place, 6)
    launch(place, 7)
    assert len(place.emulator.launched()) == 4
    place.go_on()
    assert len(place.emulator.launched()) == 4


def test_an_answer_that_is_lost_makes_one_execution(place: PackedPlace) -> None:
    place.emulator.lose()
    execution = launch(place, 1)
    assert len(place.emulator.launched()) == 1
    place.machines.create([one.name for one in place.machines.listed()])
    place.go_on()
    assert len(place.emulator.launched()) == 1
    place.let_begin(execution, 1)
    place.let_end(execution)


def test_a_creation_without_an_answer_that_is_not_found_is_tried_again_later(
    place: PackedPlace,
) -> None:
    place.emulator.refuse(grpc.StatusCode.UNAVAILABLE, "connection reset")
    with pytest.raises(TryAgainLater):
        place.machines.create(["workers-0123456789"])
    assert place.machines.create(["workers-0123456789"]) == ()
    assert [one.name for one in place.machines.listed()] == ["workers-0123456789"]


def test_a_quota_that_lets_none_come_ends_what_waits_as_that(place: PackedPlace) -> None:
    place.emulator.refuse(*QUOTA)
    place.emulator.refuse(*QUOTA)
    execution = launch(place, 1)
    assert place.backend.state(execution) == ExecutionState(ended=False)
    place.go_on()
    (ended,) = place.ended
    assert (ended.execution, ended.render) == (execution, "r-1")
    assert ended.failure is not None
    assert (ended.failure.failure, ended.failure.reason) == (
        FailureClass.CAPACITY,
        "quota_exceeded",
    )
    assert not place.emulator.launched()


def test_a_quota_by_the_minute_ends_nothing_while_a_machine_is_there(place: PackedPlace) -> None:
    first = launch(place, 1)
    place.emulator.refuse(*QUOTA)
    place.emulator.refuse(*QUOTA)
    second = launch(place, 2)
    place.go_on()
    assert (place.ended, len(place.emulator.launched())) == ([], 1)
    place.let_begin(first, 1)
    place.drive(lambda: len(place.emulator.launched()) == 2, "the next sweep asks again")
    for execution in (first, second):
        place.let_begin(execution, 1)
        place.let_end(execution)


def test_one_that_pends_for_the_start_deadline_is_a_stock_out_and_comes_no_more(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    place = PackedPlace(tmp_path, until, CODE, start_within=timedelta(seconds=1))
    try:
        place.emulator.hang()
        execution = launch(place, 1)
        (pending,) = place.machines.listed()
        assert (pending.condition, pending.shortage) == (Condition.COMING, None)
        place.drive(lambda: bool(place.ended), "it is refused")
        (ended,) = place.ended
        assert ended.failure is not None
        assert ended.failure.reason == Shortage.STOCK_OUT
        place.drive(lambda: conditions(place) == [Condition.GONE], "it is cancelled")
        place.work.write(names.closed("r-1", 1), b"{}")
        assert place.backend.state(execution) == ExecutionState(ended=True, failure=ended.failure)
    finally:
        place.close()


def test_what_runs_is_cancelled_by_name_and_what_has_ended_is_no_error(place: PackedPlace) -> None:
    place.machines.create(["workers-0123456789"])
    place.until(lambda: conditions(place) == [Condition.RUNNING], "it runs")
    running = place.machines.listed()
    place.machines.delete(running)
    assert conditions(place) in ([Condition.LEAVING], [Condition.GONE])
    place.until(lambda: conditions(place) == [Condition.GONE], "it has gone")
    place.machines.delete([*running, *place.machines.listed()])
    unknown = f"{running[0].address}x"
    place.machines.delete([Machine(name="x", address=unknown, condition=Condition.RUNNING)])


@pytest.mark.parametrize("listing", [True, False])
def test_who_may_not_touch_the_job_hears_so_and_a_launch_is_none_the_worse(
    place: PackedPlace, *, listing: bool
) -> None:
    refuse = place.emulator.refuse_listing if listing else place.emulator.refuse
    refuse(grpc.StatusCode.PERMISSION_DENIED, "run.jobs.runWithOverrides")
    execution = launch(place, 1)
    assert place.backend.state(execution) == ExecutionState(ended=False)
    refuse(grpc.StatusCode.PERMISSION_DENIED, "run.jobs.runWithOverrides")
    with pytest.raises(GroupRefused, match="PERMISSION_DENIED"):
        place.go_on()
    place.go_on()
    assert len(place.emulator.launched()) == 1


def test_a_service_that_is_away_is_asked_later(place: PackedPlace) -> None:
    place.emulator.refuse_listing(grpc.StatusCode.UNAVAILABLE, "connection reset")
    with pytest.raises(TryAgainLater):
        place.machines.listed()
