"""What a render's attempts cost, and what for: a line for each cause, the dearest loss first."""

from collections.abc import Iterator

from functions.core.prices import dollars
from functions.core.render import Render
from functions.core.waste import LOST, Cause, Part, causes_of


def cost_lines(render: Render) -> Iterator[str]:
    """None while no attempt has ended."""
    causes = causes_of(render)
    if not causes:
        return
    total = sum(causes.values(), Part())
    lost = sum((part for cause, part in causes.items() if cause in LOST), Part())
    ended = sum(one.ended_at is not None for one in render.attempts)
    yield f"spent    {_said(total)} on {ended} attempt{'s' if ended > 1 else ''}, {_lost(lost)}"
    for cause, part in sorted(causes.items(), key=_order):
        money = dollars(part.nanodollars) if total.nanodollars else ""
        yield f"         {_seconds(part):>10}  {money:>7}  {cause}"


def _said(part: Part) -> str:
    money = f", {dollars(part.nanodollars)}" if part.nanodollars else ""
    return f"{_seconds(part)}{money}"


def _seconds(part: Part) -> str:
    return f"{part.lasted.total_seconds():.1f} s"


def _lost(part: Part) -> str:
    return f"of that lost: {_said(part)}" if part != Part() else "nothing of it lost"


def _order(one: tuple[Cause, Part]) -> tuple[bool, int, float]:
    cause, part = one
    return cause in LOST, -part.nanodollars, -part.lasted.total_seconds()
