"""Skies for tests: small ones, that every flight through them can be flown."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import strategies as st

from functions.core.lanes import Lane
from functions.core.prices import Price, PricePart
from infra.policy.sky import Job, Place, Sky

DEAR, CHEAP = 3, 1
"""Nano-dollars of a machine-second."""


def place(
    number: int, there: Sequence[bool], *, spot: bool = True, tasks: int = 1, starts: int = 1
) -> Place:
    part = PricePart(
        what="all",
        nanodollars_a_second=CHEAP if spot else DEAR,
        read_on="2026-01-01",
        source="made up",
    )
    lane = Lane(
        id=f"{'spot' if spot else 'sure'}/{number}",
        encoder_class="libx264/5.1/t1",
        tasks=tasks,
        executions=10,
        start_within=timedelta(minutes=10),
        attempt_limit=timedelta(days=2),
        start=timedelta(minutes=starts),
        is_spot=spot,
        price=Price(parts=(part,)),
    )
    return Place(lane=lane, there=bytes(there))


@st.composite
def skies(
    draw: st.DrawFn, *, longest: int = 6, most_work: int = 4, widest: int = 2, sure: bool = True
) -> Sky:
    """Up to two Spot places, and one that is sure; the job can be in time there, if it is so."""
    minutes = draw(st.integers(3, longest))
    tasks, starts = draw(st.integers(1, widest)), draw(st.integers(1, 2))
    hours = st.lists(st.booleans(), min_size=minutes, max_size=minutes)
    several = [
        place(n, draw(hours), tasks=tasks, starts=starts) for n in range(draw(st.integers(1, 2)))
    ]
    always = place(9, [True] * minutes, spot=False, tasks=tasks, starts=starts)
    most = min(most_work, (minutes - starts) * tasks if sure else most_work)
    return Sky(places=[*several, always], job=Job(work=draw(st.integers(1, most)), minutes=minutes))
