"""What a piece of work has cost, by a clock that is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from render_job.clock import Spent
from render_job.effort import Meter
from schemas.certificate import Effort
from tests.unit.makers import NOW


@dataclass(slots=True)
class ToldClock:
    """Nothing passes but what is told."""

    own: float = 0.0
    children: float = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def rest(self, seconds: float, *, until: Callable[[], bool]) -> None:
        raise AssertionError("nobody rests here")

    def spent(self) -> Spent:
        return Spent(own=self.own, children=self.children)


def test_children_encode_and_looking_verifies_and_all_else_is_neither() -> None:
    clock = ToldClock(own=5.0, children=3.0)
    meter = Meter(clock)
    clock.own, clock.children = 6.0, 13.0
    with meter.looking():
        clock.own = 6.75
    clock.own = 9.0
    with meter.looking():
        clock.own = 9.25
    assert meter.effort == Effort(encoding_cpu_seconds=10.0, verifying_cpu_seconds=1.0)


def test_a_look_that_finds_out_that_the_claim_is_lost_has_cost_something_too() -> None:
    clock = ToldClock()
    meter = Meter(clock)
    try:
        with meter.looking():
            clock.own = 0.5
            raise KeyError
    except KeyError:
        pass
    assert meter.effort.verifying_cpu_seconds == 0.5


def test_efforts_add_up_to_the_millisecond() -> None:
    one = Effort(encoding_cpu_seconds=0.1, verifying_cpu_seconds=0.2)
    assert one + one + one == Effort(encoding_cpu_seconds=0.3, verifying_cpu_seconds=0.6)
