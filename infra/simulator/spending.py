"""Where the task seconds went, for people: every cause with its share, its money and a bar."""

from collections import Counter
from collections.abc import Mapping

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from infra.simulator.cause import Cause
from infra.simulator.tally import Tally

DOLLAR = 10**15
"""Femto-dollars."""
SECOND = 10**6
"""Microseconds."""
USEFUL, NEEDED, LOST = "green", "cyan", "yellow"
"""What was delivered; what stands between; what came to nothing."""
BAR = 34
"""Columns of the longest bar."""


def by_cause(spent: Mapping[tuple[str, str], int]) -> Counter[str]:
    """Over all lanes."""
    causes: Counter[str] = Counter()
    for (cause, _), amount in spent.items():
        causes[cause] += amount
    return causes


def waste(tally: Tally) -> float:
    """The share of task seconds that is in no delivered output, from 0 to 1."""
    causes = by_cause(tally.spent)
    return 1 - causes[Cause.DELIVERED] / causes.total() if causes.total() else 0.0


def dollars_a_minute(tally: Tally) -> float:
    """What one delivered minute of video cost, with all that was lost beside it."""
    minutes = tally.video / SECOND / 60
    return by_cause(tally.money).total() / DOLLAR / minutes if minutes else 0.0


def headline(tally: Tally) -> Text:
    """The two numbers to remember."""
    text = Text("waste ")
    text.append(f"{waste(tally):.1%}", style="bold yellow")
    text.append(f" of {by_cause(tally.spent).total() / SECOND:,.0f} task seconds;  ")
    text.append(f"${dollars_a_minute(tally):.4f}", style="bold")
    text.append(" for each delivered minute of video")
    return text


def causes_table(tally: Tally) -> Table:
    """What was delivered comes first, then the dearest in seconds."""
    seconds, money = by_cause(tally.spent), by_cause(tally.money)
    table = Table(title=_title(), title_justify="left", box=None)
    table.add_column("")
    for name in ("seconds", "share", "money"):
        table.add_column(name, justify="right")
    table.add_column("", width=BAR)
    total, longest = max(1, seconds.total()), max(seconds.values(), default=1)
    ordered = sorted(seconds.items(), key=lambda one: (one[0] != Cause.DELIVERED, -one[1]))
    for cause, amount in ordered:
        if not amount:
            continue
        bar = Bar(size=longest, begin=0, end=amount, width=BAR, color=_colour(cause))
        table.add_row(str(cause), *_figures(amount, total, money[cause]), bar)
    table.add_row("all", *_figures(seconds.total(), total, money.total()), style="bold")
    return table


def _title() -> Text:
    """With what the colours mean."""
    title = Text("where the task seconds went: ", style="italic")
    for colour, meaning in ((USEFUL, "delivered"), (NEEDED, "in between"), (LOST, "lost")):
        title.append("■ ", style=f"not italic {colour}").append(f"{meaning}  ")
    return title


def _figures(micros: int, total: int, femtos: int) -> tuple[str, str, str]:
    share = micros / total
    said = f"{share:.1%}" if share >= 0.001 else "<0.1%"
    return f"{micros / SECOND:,.0f}", said, f"${femtos / DOLLAR:,.3f}"


def _colour(cause: str) -> str:
    if cause == Cause.DELIVERED:
        return USEFUL
    return NEEDED if cause in (Cause.CALLS, Cause.WAITING) else LOST
