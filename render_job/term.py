"""How long a worker's place lets it run: which tasks it may begin, and when it leaves in order.

begins ─────────── takes what is over by then ───────────┬── WIND_UP ──┬─ its place ends it
                                                         └─ drained    ┘
"""

from dataclasses import dataclass, field
from datetime import timedelta

from render_job.clock import Clock
from schemas.plan import Order

WIND_UP = timedelta(seconds=20)
"""For its tasks to commit what is whole, and for its seats to be given back: twice their grace."""


@dataclass(slots=True, kw_only=True)
class Term:
    """Begins when it is made, so with the worker."""

    clock: Clock
    length: timedelta
    """Until its place ends it."""
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()

    @property
    def left(self) -> timedelta:
        """Time in which tasks may run."""
        ran = timedelta(seconds=self.clock.monotonic() - self._began)
        return self.length - WIND_UP - ran

    def holds(self, order: Order) -> bool:
        """Whether a task of that order is sure to be over by then: by its work, or its deadline."""
        left = self.left
        if order.takes is not None and order.takes <= left:
            return True
        return order.deadline - self.clock.now() <= left
