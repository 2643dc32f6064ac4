"""What performing an effect tells, over the laptop's adapters."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from functions.core.effects import Look
from functions.core.render import Render
from functions.handle import handle
from functions.perform import perform
from functions.ports import ExecutionState, Ports
from functions.settings import Laptop
from functions.wiring import laptop_lane, laptop_ports
from schemas import labels
from schemas.certificate import Certificate
from schemas.plan import Order
from tests.unit.makers import requested, verified


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
