"""Money: what an attempt has cost, and what a render or a day may cost at most.

Whole nano-dollars. The meter counts what lanes are known to cost: nothing for one without a price.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from functions.core.lanes import Lane
from functions.core.prices import dollars
from functions.core.render import Render
from functions.core.waste import LOST, causes_of
from functions.core.weigh import SURE, Weighed
from schemas.failures import Failure, FailureClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits; None where there is none."""

    render: int | None = None
    """Of one render, all its attempts together: beyond it fails."""
    day: int | None = None
    """Of all renders in a day of UTC: beyond it renders wait for the next. What runs when it is
    reached goes on, and is counted when it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """Somebody raised the day's limit, until the day of UTC is over."""

    nanodollars: int
    """The new limit."""
    by: str
    reason: str
    at: datetime


def today(budget: Budget, raises: Iterable[Raise], now: datetime) -> Budget:
    """The limits that hold now: the day's is the highest that it was raised to since midnight.

    A day without a limit has none to raise.
    """
    if budget.day is None:
        return budget
    raised = (one.nanodollars for one in raises if midnight(now) <= one.at < reset(now))
    return replace(budget, day=max(budget.day, *raised, 0))


def cost_of(lane: Lane | None, ran: timedelta, tasks: int) -> int:
    """What so many machines have cost that ran for so long; nothing if they never started."""
    if lane is None or lane.price is None or not ran:
        return 0
    seconds = max(ran, lane.least_billed).total_seconds()
    return round(seconds * tasks * lane.price.nanodollars_a_second)


def overspent(
    render: Render, budget: Budget, *, running: int = 0, next: Weighed | None = None
) -> Failure | None:
    """Why a render may cost no more, if it may not.

    `running` is what its current attempt has cost so far. `next` is the attempt that would come: it
    is refused only if it is sure to cost too much.
    """
    if budget.render is None:
        return None
    spent, least = render.spent + running, 0.0
    if next is not None and next.nanodollars is not None:
        least = max(0.0, next.nanodollars - SURE * next.nanodollars_error)
    if spent < budget.render and spent + least <= budget.render:
        return None
    message = f"it has cost {dollars(spent)} of at most {dollars(budget.render)}"
    if least and next is not None:
        message += f", and {next.lane.id} would cost {dollars(least)} more at least"
    message += _lost(render)
    return Failure(failure=FailureClass.BUDGET, reason="render_limit", message=message)


def _lost(render: Render) -> str:
    """How much of what it has cost came to nothing, and by what."""
    lost = {cause: part.nanodollars for cause, part in causes_of(render).items() if cause in LOST}
    if not any(lost.values()):
        return ""
    most = max(lost, key=lambda cause: lost[cause])
    return f"; {dollars(sum(lost.values()))} of it lost, most of all: {most}"


def day_is_spent(spent: int, budget: Budget, now: datetime) -> str | None:
    """What to say to those who wait; None while the day's money lasts."""
    if budget.day is None or spent < budget.day:
        return None
    words = f"the day's budget is spent, {dollars(spent)} of {dollars(budget.day)}"
    return f"waits until {reset(now):%Y-%m-%d %H:%M} UTC: {words}"


def reset(now: datetime) -> datetime:
    """When the next day of UTC begins."""
    return midnight(now) + timedelta(days=1)


def midnight(now: datetime) -> datetime:
    """When the day of UTC began."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
