"""What performing an effect tells, over the laptop's adapters."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.core.effects import Look
from functions.core.observations import Surveyed
from functions.core.render import Render
from functions.handle import handle
from functions.perform import perform
from functions.ports import ExecutionState, Ports
from functions.settings import Laptop
from functions.wiring import laptop_ports
from schemas import labels
from schemas.certificate import Certificate
from schemas.events import ExecutionEnded
from schemas.failures import UNTOLD, Failure, FailureClass
from schemas.plan import Order
from tests.lanes import laptop_lane
from tests.unit.makers import NOW, requested, verified


@dataclass(frozen=True, slots=True)
class DeliversAtLast:
    """A backend whose execution delivers just before it is seen to have ended."""

    render: Render
    ports: Ports
    folder: Path

    def launch(self, order: Order) -> str:
        raise AssertionError("nothing is launched here")

    def stop(self, execution: str) -> None:
        raise AssertionError("nothing is stopped here")

    def state(self, execution: str) -> ExecutionState:
        output = verified(self.render)
        assert self.render.plan is not None
        name = self.render.plan.outputs[0].object_name
        path = self.folder / "made.mp4"
        path.write_bytes(b"moving pictures")
        self.ports.outputs.upload(name, path, metadata=_label(self.render, output.certificate))
        return ExecutionState(ended=True)


@dataclass(frozen=True, slots=True)
class Knows:
    """A backend that says this of every execution."""

    known: ExecutionState | None

    def launch(self, order: Order) -> str:
        raise AssertionError("nothing is launched here")

    def stop(self, execution: str) -> None:
        raise AssertionError("nothing is stopped here")

    def state(self, execution: str) -> ExecutionState | None:
        return self.known


def _label(render: Render, certificate: Certificate) -> dict[str, str]:
    return dict(labels.label(render.id, 1, datetime(2026, 1, 1, tzinfo=UTC), certificate))


def test_a_look_misses_nothing_that_an_execution_delivered_before_it_ended(tmp_path: Path) -> None:
    """Once the outputs were looked at first, and the execution afterwards: a render that was
    cancelled meanwhile kept an output, and nobody looked again."""
    lane = laptop_lane("libx264/9.0/t1", 2)
    ports = laptop_ports(Laptop(home=tmp_path / "laptop"), lane)
    render = handle(requested(), ports)
    assert render is not None
    backend = DeliversAtLast(render, ports, tmp_path)
    look = Look(attempt=1, lane=lane.id, execution="e-1", ended=None)
    told = perform(look, render, replace(ports, backends={lane.id: backend}))
    assert [type(event).__name__ for event in told] == ["OutputVerified", "Surveyed"]


PREEMPTED = Failure(failure=FailureClass.PREEMPTED, reason="task_preempted", message="m")
VAGUE = Failure(failure=FailureClass.CRASH, reason=UNTOLD, message="it exited with an error")
PLAIN = Failure(failure=FailureClass.TIMEOUT, reason="task_timeout", message="m")


@pytest.mark.parametrize(
    ("told", "known", "believed"),
    [
        (VAGUE, ExecutionState(ended=True, failure=PREEMPTED), PREEMPTED),
        (VAGUE, ExecutionState(ended=False), VAGUE),
        (VAGUE, None, VAGUE),
        (PLAIN, ExecutionState(ended=True, failure=PREEMPTED), PLAIN),
        (None, ExecutionState(ended=False), None),
    ],
)
def test_a_notice_is_believed_that_it_is_over_and_the_lane_is_asked_why(
    tmp_path: Path, told: Failure | None, known: ExecutionState | None, believed: Failure | None
) -> None:
    lane = laptop_lane("libx264/9.0/t1", 2)
    ports = laptop_ports(Laptop(home=tmp_path / "laptop"), lane)
    render = handle(requested(), ports)
    assert render is not None
    notice = ExecutionEnded(render=render.id, attempt=1, execution="e-1", failure=told, at=NOW)
    look = Look(attempt=1, lane=lane.id, execution=None, ended=notice)
    (surveyed,) = perform(look, render, replace(ports, backends={lane.id: Knows(known)}))
    assert isinstance(surveyed, Surveyed)
    assert surveyed.ended
    assert surveyed.failure == believed
