"""What every Backend promises."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from functions.ports import ExecutionState
from schemas.failures import Failure, FailureClass
from schemas.plan import Order
from tests.contract.places import FACTORIES, Place


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
