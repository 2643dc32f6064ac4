"""`clipline budget`: what a day may cost and has cost, who waits for money; and to raise it."""

import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, NoReturn

import typer

from functions.core.budget import Raise, day_is_spent, midnight, reset, today
from functions.core.prices import DOLLAR, dollars
from functions.core.render import State
from functions.ports import Ports
from functions.wiring import looking_ports
from ops.commands import REFUSED, AsJson, By, Reason
from ops.paper import Paper, say_json
from ops.times import clock
from schemas.budget_state import BudgetState, RaiseLine

MOST_DOLLARS = 10**6
"""A raise beyond that is a slip of the keys."""

app = typer.Typer(help="What a day may cost, what it has cost, and who waits for money.")


def money(text: str) -> int:
    """Nano-dollars; a usage error for what is no sum of money."""
    try:
        value = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise typer.BadParameter(f"'{text}' is no sum of dollars, such as 250 or 99.50") from None
    if not value.is_finite() or not 0 < value <= MOST_DOLLARS:
        raise typer.BadParameter(f"say more than 0 dollars, and at most {MOST_DOLLARS:,}")
    return int(value * DOLLAR)


To = Annotated[
    int, typer.Option(parser=money, metavar="DOLLARS", help="The limit until the reset.")
]


@app.callback(invoke_without_command=True)
def budget(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False,
) -> None:
    """What a day may cost, what it has cost, and who waits for money."""
    if context.invoked_subcommand is not None:
        return
    ports = looking_ports()
    state = budget_state(ports, ports.clock())
    if as_json:
        say_json(state)
        return
    paper = Paper()
    for line in budget_lines(state):
        paper.print(line)


@app.command("raise")
def raise_limit(to: To, reason: Reason, by: By, as_json: AsJson = False) -> None:
    """Raise the day's limit until midnight UTC; who waits for money is woken by the next sweep."""
    ports = looking_ports()
    now = ports.clock()
    limits = today(ports.budget, ports.switches.raises(midnight(now)), now)
    if limits.day is None:
        _refuse("There is no day's limit to raise: budget.day_dollars is not set with the lanes")
    if to <= limits.day:
        _refuse(f"The day's limit is {dollars(limits.day)}, which is not less than {dollars(to)}")
    ports.switches.note_raise(Raise(nanodollars=to, by=by, reason=reason, at=now))
    if as_json:
        say_json(budget_state(ports, now))
        return
    paper = Paper()
    paper.print(f"Raised: {dollars(to)} may be spent until {clock(reset(now))}.")
    paper.print("Next: clipline budget")


def budget_state(ports: Ports, now: datetime) -> BudgetState:
    """Limits and what is spent of them, who waits, and who raised what today."""
    raises = ports.switches.raises(midnight(now))
    limits = today(ports.budget, raises, now)
    spent = ports.ledger.spent(midnight(now))
    return BudgetState(
        at=now,
        render_nanodollars=limits.render,
        day_nanodollars=limits.day,
        spent_nanodollars=spent,
        is_spent=day_is_spent(spent, limits, now) is not None,
        waiting=ports.renders.count(State.WAITING),
        reset_at=reset(now),
        raises=tuple(
            RaiseLine(at=one.at, nanodollars=one.nanodollars, by=one.by, reason=one.reason)
            for one in raises
        ),
    )


def budget_lines(state: BudgetState) -> Iterator[str]:
    """The same for people."""
    a_render, day, spent = state.render_nanodollars, state.day_nanodollars, state.spent_nanodollars
    each = "none" if a_render is None else f"{dollars(a_render)}; beyond it fails"
    yield f"limit of a render  {each}"
    if day is None:
        yield "limit of the day   none"
    else:
        yield f"limit of the day   {dollars(day)}; beyond it renders wait for the reset"
    share = f" ({spent / day:.0%} of the limit)" if day else ""
    yield f"spent today        {dollars(spent)}{share}, by the attempts that have ended"
    why = "for the reset" if state.is_spent else "for a place, or a moment of their own"
    yield f"waiting            {state.waiting} renders, {why}"
    yield f"reset              {clock(state.reset_at)}"
    for one in state.raises:
        yield f"{clock(one.at)}  {one.by} raised it to {dollars(one.nanodollars)}: {one.reason}"
    if state.is_spent:
        yield "next: clipline budget raise --to DOLLARS --reason '…'"


def _refuse(sentence: str) -> NoReturn:
    print(f"{sentence}.", file=sys.stderr)
    raise typer.Exit(REFUSED)
