"""What a pool promises beside what every Backend does: over real processes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.adapters.directory_objects import DirectoryObjects
from functions.ports import ExecutionState
from render_job.clock import SystemClock
from render_job.machine import Runs
from render_job.seat import FENCE
from render_job.term import WIND_UP, Term
from schemas import names
from schemas.events import ExecutionEnded
from schemas.failures import UNTOLD, FailureClass
from schemas.plan import Order
from schemas.ports import ObjectInfo, StoreUnavailable
from schemas.seats import LEASE, RUNS
from tests.contract.machine import ENDS_WHEN_TOLD, is_there
from tests.contract.pool_places import POOL, PoolPlace

CODE = (
    """
with open('told', 'w') as file:
    file.write(repr(sorted(E)))
def leave(number, frame):
    say('drained')
    sys.exit(75)
if heard('gently'):
    signal.signal(signal.SIGTERM, leave)
say(f"begun-{E['CLOUD_RUN_EXECUTION']}")
"""
    + ENDS_WHEN_TOLD
)
EXECUTION = "r-1-0001"


@pytest.fixture
def place(tmp_path: Path, until: Callable[..., None]) -> Iterator[PoolPlace]:
    place = PoolPlace(tmp_path, until, CODE, tasks=1)
    yield place
    place.close()


def ordered(place: PoolPlace, *, tasks: int = 1, seconds: float = 60) -> Order:
    return Order(
        render="r-1",
        attempt=1,
        lane="worker/desk",
        encoder_class="x264",
        tasks=tasks,
        deadline=place.now() + timedelta(seconds=seconds),
    )


def begun(place: PoolPlace, *, tasks: int = 1, seconds: float = 60) -> str:
    execution = place.backend.launch(ordered(place, tasks=tasks, seconds=seconds))
    place.let_begin(execution, 1)
    return execution


def failure(place: PoolPlace) -> tuple[FailureClass, str]:
    state = place.backend.state(EXECUTION)
    assert state is not None
    assert state.failure is not None
    return state.failure.failure, state.failure.reason


def test_the_last_task_s_end_is_told_and_why_is_the_backend_s_to_say(place: PoolPlace) -> None:
    begun(place)
    place.let_end(EXECUTION, 70)
    place.wait_for_end(EXECUTION)
    place.drive(lambda: bool(place.said), "it was told")
    (ended,) = place.said
    assert isinstance(ended, ExecutionEnded)
    assert (ended.render, ended.attempt, ended.execution) == ("r-1", 1, EXECUTION)
    assert ended.failure is not None
    assert ended.failure.reason == UNTOLD
    assert failure(place) == (FailureClass.INTERNAL, "task_bug")
    assert place.runs(EXECUTION) == RUNS


def test_one_worker_does_all_seats_one_after_the_other(place: PoolPlace) -> None:
    begun(place, tasks=3)
    place.let_end(EXECUTION)
    place.wait_for_end(EXECUTION)
    assert place.runs(EXECUTION) == 3
    assert place.backend.state(EXECUTION) == ExecutionState(ended=True)
    place.drive(lambda: bool(place.said), "it was told")
    assert [type(event) for event in place.said] == [ExecutionEnded]


def test_a_drained_worker_gives_its_seat_back_and_the_next_goes_on_without_a_wait(
    place: PoolPlace,
) -> None:
    (place.folder / "gently").write_text("yes")
    begun(place)
    place.drain()
    assert (place.folder / "drained").exists()
    assert place.backend.state(EXECUTION) == ExecutionState(ended=False)
    assert not place.said
    place.let_begin(EXECUTION, 2)
    place.let_end(EXECUTION)
    place.wait_for_end(EXECUTION)
    assert place.backend.state(EXECUTION) == ExecutionState(ended=True)


def test_a_drained_worker_whose_task_has_just_ended_well_says_so(place: PoolPlace) -> None:
    begun(place)
    place.let_end(EXECUTION)
    place.drain()
    place.wait_for_end(EXECUTION)
    assert place.backend.state(EXECUTION) == ExecutionState(ended=True)


def test_a_seat_that_another_holds_now_has_its_task_killed_here_and_nothing_written(
    place: PoolPlace,
) -> None:
    begun(place)
    name = names.seat("r-1", 1, 0)
    info = place.work.stat(name)
    assert info is not None
    theirs = place.work.write(
        name, b"", if_generation_match=info.generation, metadata={**info.metadata, "worker": "two"}
    )
    place.drive(lambda: not place.worker.is_busy, "the worker has noticed")
    assert place.work.stat(name) == theirs
    place.let_end(EXECUTION, 70)
    assert not place.said


class Later(SystemClock):
    """A clock that can be put forward."""

    forward = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.forward


class Away(DirectoryObjects):
    """A store that a machine does not reach for a while."""

    is_away = False

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation_match: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        if self.is_away:
            raise StoreUnavailable("the network is away")
        return super().write(name, data, if_generation_match=if_generation_match, metadata=metadata)


def test_who_cannot_renew_ends_its_task_before_another_may_have_it(place: PoolPlace) -> None:
    clock, store = Later(), Away(place.folder / "work", "work")
    place.worker.clock, place.worker.work = clock, store
    begun(place)
    before = place.work.stat(names.seat("r-1", 1, 0))
    store.is_away = True
    clock.forward = FENCE.total_seconds() - 2
    with pytest.raises(StoreUnavailable):
        place.worker.step(draining=False)
    assert place.worker.is_busy, "it may come back"
    clock.forward = FENCE.total_seconds() + 1
    assert FENCE < LEASE
    place.worker.step(draining=False)
    assert place.work.stat(names.seat("r-1", 1, 0)) == before, "and nothing was written"
    place.drain()
    assert not alive(place)


def alive(place: PoolPlace) -> list[int]:
    """Tasks that run, by the numbers of their processes."""
    return [pid for pid in map(int, (place.folder / "pids").read_text().split()) if is_there(pid)]


def test_a_task_that_ignores_its_notice_is_killed_after_the_grace(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + CODE
    place = PoolPlace(tmp_path, until, code, tasks=1)
    place.worker.grace = timedelta(milliseconds=200)
    begun(place)
    place.drain()
    assert place.backend.state(EXECUTION) == ExecutionState(ended=False)


def test_a_task_that_is_too_slow_is_stopped_as_a_timeout(place: PoolPlace) -> None:
    begun(place, seconds=0.5)
    place.wait_for_end(EXECUTION)
    assert failure(place)[0] is FailureClass.TIMEOUT
    assert place.runs(EXECUTION) == 1


def test_a_program_that_cannot_be_started_is_a_failure_and_not_the_worker_s_end(
    place: PoolPlace,
) -> None:
    good = place.worker.begin
    place.worker.begin = Runs(argv=lambda order: ["/no/such/program"], environment={})
    place.backend.launch(ordered(place))
    place.wait_for_end(EXECUTION)
    assert failure(place)[0] is FailureClass.CRASH
    place.worker.begin = good
    second = place.backend.launch(replace(ordered(place), render="r-2"))
    place.let_begin(second, 1)
    place.let_end(second)


def in_its_term(place: PoolPlace, clock: Later, minutes: float) -> None:
    """The worker's place ends it when these are over, and what it takes to leave."""
    place.worker.clock = clock
    place.worker.term = Term(clock=clock, length=WIND_UP + timedelta(minutes=minutes))


def asked(place: PoolPlace, render: str, *, takes: float | None, hours: float = 1) -> str:
    """An attempt of which a task has so many minutes of work, or nobody knows how many."""
    work = None if takes is None else timedelta(minutes=takes)
    order = ordered(place, seconds=hours * 3600)
    return place.backend.launch(replace(order, render=render, takes=work))


def test_a_worker_takes_no_more_than_its_own_time_holds(place: PoolPlace) -> None:
    clock = Later()
    in_its_term(place, clock, minutes=30)
    long, unknown = asked(place, "r-1", takes=31), asked(place, "r-2", takes=None)
    ends_soon = asked(place, "r-3", takes=None, hours=0.4)
    short = asked(place, "r-4", takes=20)
    for fits in (ends_soon, short):
        place.let_begin(fits, 1)
        place.let_end(fits)
        place.wait_for_end(fits)
    assert (place.runs(long), place.runs(unknown)) == (0, 0), "they are another's"
    clock.forward = 15 * 60
    twenty, ten = asked(place, "r-5", takes=20), asked(place, "r-6", takes=10)
    place.let_begin(ten, 1)
    place.let_end(ten)
    place.wait_for_end(ten)
    assert place.runs(twenty) == 0
    place.worker.term = None
    place.let_begin(long, 1)
    place.let_end(long)


def test_a_worker_whose_term_is_over_gives_its_seat_back_and_has_left_before_its_place_ends_it(
    place: PoolPlace,
) -> None:
    (place.folder / "gently").write_text("yes")
    clock = Later()
    in_its_term(place, clock, minutes=0.3)
    execution = asked(place, "r-1", takes=0.2)
    place.let_begin(execution, 1)
    clock.forward = 18.0
    place.worker.serve(lambda: False)
    assert (place.folder / "drained").exists()
    assert not place.worker.is_busy
    in_its_term(place, clock, minutes=30)
    place.let_begin(execution, 2)
    assert place.backend.state(execution) == ExecutionState(ended=False)
    place.let_end(execution)


def test_a_worker_with_nothing_to_do_but_what_its_time_does_not_hold_leaves(
    place: PoolPlace,
) -> None:
    clock = Later()
    in_its_term(place, clock, minutes=5)
    place.worker.leave_when_idle = timedelta(milliseconds=300)
    execution = asked(place, "r-1", takes=10)
    place.worker.serve(lambda: False)
    assert place.runs(execution) == 0


def test_a_task_is_told_who_it_is_and_nothing_of_the_queue(place: PoolPlace) -> None:
    begun(place)
    told = (place.folder / "told").read_text()
    assert "CLOUD_RUN_TASK_ATTEMPT" in told
    assert "CLIPLINE_LIFELINE_FD" in told
    assert POOL not in told
