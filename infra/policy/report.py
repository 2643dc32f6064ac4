"""A trial for people: cost by that of the optimum, cell by cell, and what the money was for."""

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from infra.policy.flight import Item
from infra.policy.trial import OPTIMUM, Score, merged

COLOURS = {
    Item.WORK: "green",
    Item.FALLBACK: "yellow",
    Item.START: "cyan",
    Item.LOST: "red",
    Item.REST: "magenta",
}
COLUMNS_OF_ONE = 10
"""Columns of a bar that are as much as the optimum has paid."""

Scores = Mapping[str, Score]
"""By policy."""


def page(cells: Mapping[str, Scores], title: str) -> Group:
    """All of it."""
    whole = {name: merged([scores[name] for scores in cells.values()]) for name in _names(cells)}
    return Group(_cells(cells, whole, title), Text(), _items(whole))


def _names(cells: Mapping[str, Scores]) -> Sequence[str]:
    return [*next(iter(cells.values()))]


def _cells(cells: Mapping[str, Scores], whole: Scores, title: str) -> Table:
    """A line for each cell and policy: how much dearer than the optimum, and what was missed."""
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("cell")
    table.add_column("policy")
    for name in ("flights", "mean", "p95", "worst", "missed", "launches", "in vain"):
        table.add_column(name, justify="right")
    for cell, scores in (*cells.items(), ("all", whole)):
        shown = cell
        for name, score in scores.items():
            if name != OPTIMUM:
                table.add_row(shown, name, *_figures(score), style="bold" if cell == "all" else "")
                shown = ""
    return table


def _figures(score: Score) -> Sequence[str]:
    flights = max(1, score.flights)
    return (
        f"{score.flights}",
        f"{score.mean:.2f}",
        f"{score.quantile(0.95):.2f}",
        f"{score.quantile(1.0):.2f}",
        f"{score.missed}",
        f"{score.launches / flights:.1f}",
        f"{score.refused / flights:.1f}",
    )


def _items(whole: Scores) -> Table:
    """A line for each policy: what its money was for, to a hundred percent, and a bar."""
    table = Table(title=_legend(), title_justify="left", box=None)
    table.add_column("policy", no_wrap=True)
    table.add_column("dollars", justify="right")
    for item in Item:
        table.add_column(item, no_wrap=True, justify="right")
    table.add_column("")
    for name, score in whole.items():
        shares = [f"{score.bill[item] / max(1, score.paid):.1%}" for item in Item]
        table.add_row(name, f"{score.paid / 1e9:,.2f}", *shares, _bar(score))
    return table


def _legend() -> Text:
    text = Text("what all flights were paid for: ", style="italic")
    for item, colour in COLOURS.items():
        text.append("■ ", style=f"not italic {colour}").append(f"{item}  ")
    return text


def _bar(score: Score) -> Text:
    """As long as it was dear; each item has its part, to the next column."""
    text, drawn, upto = Text(no_wrap=True), 0, 0
    for item, colour in COLOURS.items():
        upto += score.bill[item]
        end = round(COLUMNS_OF_ONE * upto / max(1, score.optimum))
        text.append("█" * (end - drawn), style=colour)
        drawn = end
    return text
