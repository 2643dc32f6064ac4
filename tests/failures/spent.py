"""Renders that may cost no more: the state machine ends them, and its letter says why."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from functions.core.budget import Budget
from functions.core.prices import Price, PricePart
from schemas.failures import Failure, FailureClass
from tests.failures.labelled import Labelled, Room
from tests.unit.makers import LANE, NOW, after, facts, over, rendering, seconds, surveyed
from tests.unit.tellers import PREEMPTED, letter_of

_PART = PricePart(what="all", nanodollars_a_second=1000, read_on="2026-01-01", source="x")
_DEAR = replace(LANE, price=Price(parts=(_PART,)))
"""Two tasks: 2,000 nano-dollars a second."""
_TIGHT = replace(facts(_DEAR), budget=Budget(render=150_000))


def _while_it_ran(room: Room) -> Failure:
    render = rendering(facts=_TIGHT)
    return letter_of(
        after(render, surveyed(render, frames=9), now=NOW + seconds(80), facts=_TIGHT)
    ).failure


def _before_another_attempt(room: Room) -> Failure:
    render = rendering(facts=_TIGHT)
    return letter_of(
        after(render, over(render, PREEMPTED), now=NOW + seconds(100), facts=_TIGHT)
    ).failure


def _one(what: str, happen: Callable[[Room], Failure]) -> Labelled:
    return Labelled(what=what, label=FailureClass.BUDGET, happen=happen)


SPENT: Sequence[Labelled] = (
    _one("a render that reached its budget while it ran", _while_it_ran),
    _one("a render whose budget a preempted attempt has used up", _before_another_attempt),
)
