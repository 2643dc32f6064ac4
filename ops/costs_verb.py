"""`clipline costs`: what attempts have cost, by tenant, lane, preset and cause."""

import csv
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from functions.core.costs import Account, Span, accounts
from functions.core.prices import dollars
from functions.core.render import Render
from functions.core.waste import LOST, Part
from functions.ports import Ports
from functions.sought import Sought
from functions.wiring import reading_ports
from ops import filters
from ops.paper import Paper, ReaderGone, say_json
from schemas.costs import CostLine

KINDS = ("tenant", "lane", "preset", "cause")
EACH = ",".join(KINDS)
PAGE = 200
"""Renders in memory at once."""
LONGEST_LIFE = timedelta(days=35)
"""From a render's opening to its last attempt: its dead letter may be replayed for 31 days."""
_MICROSECOND = timedelta(microseconds=1)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
console = Paper()


def month(text: str) -> Span:
    """A month of UTC such as 2026-11; a usage error for another."""
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12 or not 2000 <= int(match[1]) < 9999:
        raise typer.BadParameter(f"'{text}' is no month such as 2026-11")
    year, number = int(match[1]), int(match[2])
    after = (year, number + 1) if number < 12 else (year + 1, 1)
    return Span(since=datetime(year, number, 1, tzinfo=UTC), until=datetime(*after, 1, tzinfo=UTC))


def kinds(text: str) -> tuple[str, ...]:
    """Words of KINDS with commas; a usage error for others."""
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if not found or not set(found) <= set(KINDS):
        raise typer.BadParameter(f"one or more of {', '.join(KINDS)}, with commas between them")
    return found


def costs(
    tenant: filters.Tenant = None,
    asked: Annotated[
        Span | None,
        typer.Option("--month", parser=month, metavar="YYYY-MM", help="Ended in that month, UTC."),
    ] = None,
    by: Annotated[
        Any, typer.Option(parser=kinds, metavar="KINDS", help=f"Told apart: {', '.join(KINDS)}.")
    ] = EACH,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV, with a line of names.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """What the attempts that have ended took and cost, and what for; the sums are exact."""
    span = asked or Span()
    renders = everyone(reading_ports(), tenant, span)
    lines = cost_lines(accounts(renders, span), by)
    if as_csv:
        _say_csv(lines)
    elif as_json:
        for line in lines:
            say_json(line)
    else:
        _say(lines, by)


def everyone(ports: Ports, tenant: str | None, span: Span) -> Iterator[Render]:
    """All renders that may have an attempt in that time, a page in memory at a time."""
    since = None if span.since is None else span.since - LONGEST_LIFE
    sought, told, size = Sought(tenant=tenant, since=since, until=span.until), set[str](), PAGE
    while page := ports.renders.newest(limit=size, sought=sought):
        yield from (one for one in page if one.id not in told)
        if len(page) < size:
            return
        last = page[-1].created_at
        # Those of one moment may be on two pages, and so many that they are more than one page.
        size = PAGE if page[0].created_at != last else size * 2
        told = {one.id for one in page if one.created_at == last}
        sought = replace(sought, until=last + _MICROSECOND)


def cost_lines(sums: Mapping[Account, Part], by: Sequence[str] = KINDS) -> Sequence[CostLine]:
    """A line for each sum of what is told apart, the dearest first."""
    merged: dict[tuple[str, ...], Part] = {}
    for account, part in sums.items():
        key = tuple(str(getattr(account, kind)) if kind in by else "" for kind in KINDS)
        merged[key] = merged.get(key, Part()) + part
    lines = [
        CostLine(
            tenant=tenant,
            lane=lane,
            preset=preset,
            cause=cause,
            lost=cause in LOST if "cause" in by else None,
            microseconds=part.lasted // _MICROSECOND,
            nanodollars=part.nanodollars,
        )
        for (tenant, lane, preset, cause), part in merged.items()
    ]
    return sorted(
        lines,
        key=lambda one: (-one.nanodollars, -one.microseconds, *(getattr(one, k) for k in KINDS)),
    )


def _say_csv(lines: Sequence[CostLine]) -> None:
    names = [field.name for field in fields(CostLine) if field.name != "version"]
    try:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(line, name) for name in names] for line in lines)
    except BrokenPipeError:
        raise ReaderGone from None


def _say(lines: Sequence[CostLine], by: Sequence[str]) -> None:
    if not lines:
        console.print("No attempt has ended.")
        return
    table = Table(box=None, pad_edge=False)
    shown = [kind for kind in KINDS if kind in by]
    for kind in shown:
        table.add_column(kind.upper(), no_wrap=True)
    for name in ("HOURS", "COST"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(*(getattr(line, kind) or "-" for kind in shown), *_figures(line))
    console.print(table)
    total = Part(
        lasted=sum((one.microseconds for one in lines), 0) * _MICROSECOND,
        nanodollars=sum(one.nanodollars for one in lines),
    )
    lost = sum(one.nanodollars for one in lines if one.lost)
    hours = total.lasted / timedelta(hours=1)
    words = f"All: {hours:.2f} hours of attempts, {dollars(total.nanodollars)}"
    if "cause" in by and total.nanodollars:
        words += f", {lost / total.nanodollars:.0%} of it lost"
    console.print(f"{words}.")
    if not total.nanodollars:
        console.print("No lane of them had a price: clipline lanes shows what they have now.")


def _figures(line: CostLine) -> tuple[str, str]:
    hours = line.microseconds / 3.6e9
    return f"{hours:.3f}", dollars(line.nanodollars) if line.nanodollars else "-"
