"""Cloud Storage's clock as this machine reads it, whatever the way of the answers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.gcs_clock import ASKED_AFTER, GcsClock

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Worlds:
    """The store's time, and this machine's count, which began somewhere else."""

    passed: float = 0
    slow: float = 0
    """Seconds that each answer takes."""
    asked: int = 0

    @property
    def store(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    def count(self) -> float:
        return 1000 + self.passed

    def ask(self) -> datetime:
        """A `Date`: whole seconds, told when the answer sets out."""
        self.asked += 1
        told = self.store.replace(microsecond=0)
        self.passed += self.slow
        return told


STEPS = st.lists(
    st.tuples(
        st.floats(0, 200, allow_subnormal=False),
        st.sampled_from(["now", "tell an old moment", "tell the moment"]),
    ),
    max_size=20,
)


@given(steps=STEPS, slow=st.floats(0, 3, allow_subnormal=False))
def test_it_is_never_ahead_and_never_far_behind(
    steps: list[tuple[float, str]], slow: float
) -> None:
    worlds = Worlds(slow=slow)
    clock = GcsClock(worlds.ask, monotonic=worlds.count)
    for seconds, what in steps:
        worlds.passed += seconds
        if what == "tell an old moment":
            clock.tell(worlds.store - timedelta(days=3))
        elif what == "tell the moment":
            clock.tell(worlds.store)
        now = clock.now()
        assert now <= worlds.store
        assert worlds.store - now <= timedelta(seconds=1 + slow + 0.1)


def test_it_asks_only_when_nothing_was_told_for_a_minute() -> None:
    worlds = Worlds()
    clock = GcsClock(worlds.ask, monotonic=worlds.count)
    clock.now()
    for _ in range(10):
        worlds.passed += ASKED_AFTER.total_seconds() - 1
        clock.tell(worlds.store)
        assert clock.now() == worlds.store
    assert worlds.asked == 1
    worlds.passed += ASKED_AFTER.total_seconds() + 1
    clock.now()
    assert worlds.asked == 2
