"""How long lost attempts took to be at work again, as a chart of bars."""

from collections import Counter
from math import floor, log2

from rich.bar import Bar
from rich.table import Table

from infra.simulator.tally import Tally, quantile, seconds_of

LEAST = 2
"""The first bar holds all that took up to two to the power of so many seconds."""
BAR = 60
"""Columns of the longest bar."""


def recoveries_table(tally: Tally) -> Table:
    """One bar for each doubling of the time; the title says the quantiles."""
    bars: Counter[int] = Counter()
    for step, count in tally.recoveries.items():
        bars[max(LEAST, floor(log2(seconds_of(step))) + 1)] += count
    table = Table(title=_title(tally), title_justify="left", show_header=False, box=None)
    table.add_column("", justify="right")
    table.add_column("", justify="right")
    table.add_column("", width=BAR)
    most = max(bars.values(), default=1)
    for power in range(min(bars, default=0), max(bars, default=-1) + 1):
        first = power == LEAST
        said = f"up to {2**power:,} s" if first else f"{2 ** (power - 1):,} to {2**power:,} s"
        bar = Bar(size=most, begin=0, end=bars[power], width=BAR, color="blue")
        table.add_row(said, f"{bars[power]:,}", bar)
    return table


def _title(tally: Tally) -> str:
    fast, slow = quantile(tally.recoveries, 0.5), quantile(tally.recoveries, 0.95)
    title = "from a lost attempt to work again"
    return f"{title}: p50 {fast:.0f} s, p95 {slow:.0f} s" if fast and slow else title
