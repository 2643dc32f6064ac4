"""What the witness takes for well: the causes for which the core closes an attempt by itself."""

from functions.core.render import State
from infra.simulator.witness import OWN_REASONS
from schemas.failures import FailureClass
from tests.unit.makers import NOW, after, failure, over, rendering, verified


def test_what_an_earlier_attempt_delivers_closes_one_that_has_not_started() -> None:
    render = rendering()
    again = after(render, over(render, failure(FailureClass.PREEMPTED), frames=1), now=NOW)
    assert (again.state, again.attempt) == (State.STARTING, 2)
    done = after(again, verified(again, attempt=1), now=NOW)
    assert done.state is State.DONE
    assert done.current is not None
    assert done.current.cause is not None
    assert done.current.cause.reason in OWN_REASONS
