"""What every Backend promises."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from functions.ports import Backend, ExecutionState
from schemas.failures import Failure, FailureClass
from schemas.plan import Order
from tests.contract.machine import Machine


class Place(Protocol):
    """A backend with the lane behind it, whose tasks run until they are told how to end."""

    @property
    def backend(self) -> Backend: ...

    def now(self) -> datetime:
        """The clock by which orders have deadlines."""

    def let_begin(self, execution: str, tasks: int) -> None:
        """Go on until so many tasks of it run."""

    def let_end(self, execution: str, code: int = 0) -> None:
        """From now on every run of its tasks ends at once with that exit code."""

    def wait_for_end(self, execution: str) -> None:
        """Go on until it has ended: because it was let end, or was stopped."""

    def runs(self, execution: str) -> int:
        """How many runs of its tasks have begun, retries counted."""

    def close(self) -> None:
        """Leave nothing running."""


TASK = """
    say(f"begun-{E['CLOUD_RUN_EXECUTION']}")
    end = f"end-{E['CLOUD_RUN_EXECUTION']}"
    while not heard(end):
        time.sleep(0.001)
    sys.exit(int(open(end).read()))
"""


class ChildProcessPlace:
    """Child processes, as on the laptop."""

    def __init__(self, folder: Path, until: Callable[..., None]) -> None:
        self._machine = Machine(folder=folder, until=until)
        self._machine.start(TASK, max_retries=1)

    @property
    def backend(self) -> Backend:
        return self._machine.backend

    def now(self) -> datetime:
        return datetime.now(UTC)

    def let_begin(self, execution: str, tasks: int) -> None:
        self._machine.drive(lambda: self.runs(execution) == tasks, f"{tasks} tasks run")

    def let_end(self, execution: str, code: int = 0) -> None:
        (self._machine.folder / f"end-{execution}").write_text(str(code))

    def wait_for_end(self, execution: str) -> None:
        self._machine.outcome(execution)

    def runs(self, execution: str) -> int:
        return len(self._machine.said(f"begun-{execution}"))

    def close(self) -> None:
        self._machine.close()


FACTORIES: dict[str, Callable[[Path, Callable[..., None]], Place]] = {
    "child_process": ChildProcessPlace,
}


@pytest.fixture(params=sorted(FACTORIES))
def place(
    request: pytest.FixtureRequest, tmp_path: Path, until: Callable[..., None]
) -> Iterator[Place]:
    place = FACTORIES[request.param](tmp_path, until)
    yield place
    place.close()


def launch(place: Place, tasks: int = 1, attempt: int = 1) -> str:
    order = Order(
        render="r",
        attempt=attempt,
        lane="a/lane",
        encoder_class="x264",
        tasks=tasks,
        deadline=place.now() + timedelta(minutes=1),
    )
    return place.backend.launch(order)


def outcome(place: Place, execution: str) -> Failure | None:
    place.wait_for_end(execution)
    state = place.backend.state(execution)
    assert state is not None
    assert state.ended
    return state.failure


def test_an_execution_has_not_ended_until_its_tasks_have(place: Place) -> None:
    execution = launch(place, tasks=2)
    assert place.backend.state(execution) == ExecutionState(ended=False)
    place.let_begin(execution, 2)
    assert place.backend.state(execution) == ExecutionState(ended=False)
    place.let_end(execution)
    assert outcome(place, execution) is None
    assert place.runs(execution) == 2


def test_attempts_of_a_render_are_different_executions(place: Place) -> None:
    one, two = launch(place), launch(place, attempt=2)
    assert one != two
    place.let_end(one)
    assert outcome(place, one) is None
    assert place.backend.state(two) == ExecutionState(ended=False)
    place.let_end(two)
    assert outcome(place, two) is None


def test_an_attempt_launched_twice_ends_under_each_name_it_was_given(place: Place) -> None:
    # Whether they are one execution or two is the lane's own: the owner record sorts that out.
    names = [launch(place), launch(place)]
    for name in names:
        place.let_end(name)
    assert [outcome(place, name) for name in names] == [None, None]


def test_a_task_that_fails_for_good_is_the_failure_of_its_execution(place: Place) -> None:
    execution = launch(place)
    place.let_end(execution, code=3)
    failure = outcome(place, execution)
    assert failure is not None
    assert failure.failure is FailureClass.CRASH


def test_an_unknown_execution_has_no_state_and_may_be_stopped(place: Place) -> None:
    place.backend.stop("r-0009")
    assert place.backend.state("r-0009") is None


def test_stopping_ends_it_as_cancelled_without_a_retry(place: Place) -> None:
    execution = launch(place, tasks=2)
    place.let_begin(execution, 2)
    place.backend.stop(execution)
    place.backend.stop(execution)
    failure = outcome(place, execution)
    assert failure is not None
    assert failure.failure is FailureClass.CANCELLED
    assert place.runs(execution) == 2


def test_what_is_stopped_at_once_ends_as_cancelled(place: Place) -> None:
    execution = launch(place)
    place.backend.stop(execution)
    failure = outcome(place, execution)
    assert failure is not None
    assert failure.failure is FailureClass.CANCELLED


def test_stopping_after_the_end_changes_nothing(place: Place) -> None:
    execution = launch(place)
    place.let_end(execution)
    assert outcome(place, execution) is None
    place.backend.stop(execution)
    assert outcome(place, execution) is None
    assert place.runs(execution) == 1
