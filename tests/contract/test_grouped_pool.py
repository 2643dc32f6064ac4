"""What a pool promises whose machines come and go: a stand-in of the service, and real workers."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.core.entries import Outcome
from functions.core.render import Render
from functions.handle import handle
from functions.pool_workers import PoolWorkers
from functions.ports import ExecutionState, Ports
from functions.settings import Laptop
from functions.sweep import sweep
from functions.wiring import laptop_ports
from infra.emulators.instance_groups import QUOTA, STOCK_OUT
from schemas import names
from schemas.failures import FailureClass
from schemas.plan import Order
from tests.contract.machine import ENDS_WHEN_TOLD
from tests.contract.pool_places import POOL as POOL_NAME
from tests.contract.pool_places import GroupPlace
from tests.lanes import laptop_lane
from tests.unit.makers import requested, upload

CODE = (
    """
def leave(number, frame):
    sys.exit(75)
signal.signal(signal.SIGTERM, leave)
say(f"begun-{E['CLOUD_RUN_EXECUTION']}")
"""
    + ENDS_WHEN_TOLD
)
EXECUTION = "r-1-0001"


@pytest.fixture
def place(tmp_path: Path, until: Callable[..., None]) -> Iterator[GroupPlace]:
    place = GroupPlace(tmp_path, until, CODE)
    yield place
    place.close()


def ordered(place: GroupPlace, *, render: str = "r-1", attempt: int = 1, tasks: int = 2) -> Order:
    return Order(
        render=render,
        attempt=attempt,
        lane="worker/desk",
        encoder_class="x264",
        tasks=tasks,
        deadline=place.now() + timedelta(minutes=5),
    )


def test_a_launch_asks_for_a_machine_for_each_seat_and_no_repetition_for_more(
    place: GroupPlace,
) -> None:
    execution = place.backend.launch(ordered(place))
    assert place.emulator.target_size == 2
    place.backend.launch(ordered(place))
    place.let_begin(execution, 2)
    assert place.emulator.target_size == 2
    assert all(name.startswith("desk-") for name in place.emulator.statuses())


def test_many_who_tend_at_once_make_each_machine_once(place: GroupPlace) -> None:
    queue = PoolWorkers(POOL_NAME, place.work)
    for render in ("r-1", "r-2"):
        queue.launch(ordered(place, render=render))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: place.pool.tend(), range(24)))
    assert place.emulator.target_size == 4
    assert set(Counter(place.emulator.created).values()) <= {1}


def test_a_preempted_machine_is_deleted_and_another_goes_on_with_its_seat(
    place: GroupPlace,
) -> None:
    execution = place.backend.launch(ordered(place, tasks=1))
    place.let_begin(execution, 1)
    (first,) = place.emulator.statuses()
    place.emulator.preempt(first)
    place.let_begin(execution, 2)
    place.drive(lambda: first not in place.emulator.statuses(), "the first one is deleted")
    (second,) = place.emulator.statuses()
    assert second != first
    assert place.emulator.target_size == 1
    assert Counter(place.emulator.created) == {first: 1, second: 1}
    place.let_end(execution)
    place.wait_for_end(execution)
    assert place.backend.state(execution) == ExecutionState(ended=True)


def test_machines_with_nothing_to_do_stop_themselves_and_are_deleted(place: GroupPlace) -> None:
    execution = place.backend.launch(ordered(place))
    place.let_begin(execution, 2)
    place.let_end(execution)
    place.wait_for_end(execution)
    place.drive(lambda: not place.emulator.statuses(), "none is left")
    assert place.emulator.target_size == 0


@pytest.mark.parametrize(("error", "reason"), [(STOCK_OUT, "stock_out"), (QUOTA, "quota_exceeded")])
def test_a_launch_that_can_have_no_machine_ends_as_that_and_nothing_is_tried_any_more(
    place: GroupPlace, error: tuple[str, str], reason: str
) -> None:
    place.emulator.starve(error)
    execution = place.backend.launch(ordered(place))
    place.wait_for_end(execution)
    (ended,) = place.ended
    assert (ended.render, ended.attempt, ended.execution) == ("r-1", 1, EXECUTION)
    assert ended.failure is not None
    assert (ended.failure.failure, ended.failure.reason) == (FailureClass.CAPACITY, reason)
    place.drive(lambda: not place.emulator.statuses(), "nothing is tried any more")
    assert place.emulator.target_size == 0
    place.backend.stop(execution)
    place.work.write(names.closed("r-1", 1), b"{}")
    assert place.backend.state(execution) == ExecutionState(ended=True, failure=ended.failure)

    place.emulator.starve(None)
    second = place.backend.launch(ordered(place, attempt=2))
    place.let_begin(second, 2)
    place.let_end(second)


def test_a_service_that_is_away_at_a_launch_is_asked_by_the_next_sweep(place: GroupPlace) -> None:
    place.emulator.refuse(503, "backend error")
    execution = place.backend.launch(ordered(place))
    assert place.emulator.target_size == 0
    assert place.backend.state(execution) == ExecutionState(ended=False)
    place.let_begin(execution, 2)


# ── what all renders learn of it ──

POOL = replace(laptop_lane("x264", 2), id="worker/desk", executions=5)
NEXT = replace(POOL, id="cloud-run/a/l4")


def opened(place: GroupPlace, folder: Path) -> tuple[Ports, Render]:
    """A render launched on the pool, with another lane behind it."""
    plain = laptop_ports(Laptop(home=folder / "laptop"), POOL, NEXT)
    backends = {**plain.backends, POOL.id: place.pool}
    ports = replace(plain, backends=backends, groups=(place.pool,), draw=lambda: 0.0)
    asked = replace(requested(upload=upload(name="acme/a.mp4")), at=datetime.now(UTC))
    render = handle(asked, ports)
    assert render is not None
    assert render.lane == POOL.id
    return ports, render


@pytest.mark.parametrize(
    ("error", "outcome"), [(STOCK_OUT, Outcome.REFUSED), (QUOTA, Outcome.OWN_QUOTA)]
)
def test_the_ledger_hears_of_it_and_the_render_goes_to_its_next_lane(
    place: GroupPlace,
    tmp_path: Path,
    until: Callable[..., None],
    error: tuple[str, str],
    outcome: Outcome,
) -> None:
    place.emulator.starve(error)
    ports, render = opened(place, tmp_path)

    def is_elsewhere() -> bool:
        sweep(ports)
        stored = ports.renders.load(render.id)
        return stored is not None and stored.render.lane == NEXT.id

    until(is_elsewhere, "it is on the next lane")
    since = datetime.now(UTC) - timedelta(hours=1)
    known = [one.outcome for one in ports.ledger.recent([POOL.id], since, limit=10)]
    assert set(known) & {Outcome.REFUSED, Outcome.OWN_QUOTA, Outcome.NOT_STARTED} == {outcome}
