"""`docs/state-machine.md`, drawn from the table of `functions/core/machine.py`."""

from collections.abc import Iterable
from typing import get_args

from functions.core.machine import PASSES, TABLE, Cell, Ignored, Never, Occurrence, Rule
from functions.core.render import State

_HEAD = """\
# State machine

Every way from one state of a render to another, and what every event does in every state. The
theory is in `functions/core/machine.py`.

Written by `make schemas` from the table there: change it there.
"""
_CELLS = """\
A state's name means that the event may lead there. A dot: it is looked at, and the render stays in
its state. What tells of an earlier attempt than the current one changes nothing, whatever the
state; what tells of an attempt that was never ordered cannot be. A verified output is heard from
any attempt.
"""


def page() -> str:
    """The whole page, as Markdown."""
    sections = (
        _HEAD,
        f"```mermaid\n{_diagram()}```\n",
        f"An arrow without a word is taken in the same step: {_passing()} are never stored.\n",
        f"## What follows\n\n{_CELLS}\n{_table()}",
        f"## What changes nothing\n\n{_legend()}",
    )
    return "\n".join(sections)


def _diagram() -> str:
    lines = ["stateDiagram-v2"]
    for here in TABLE:
        ways: dict[State, list[str]] = {}
        for kind, cell in TABLE[here].items():
            for to in cell.to if isinstance(cell, Rule) else ():
                ways.setdefault(to, []).append(kind.__name__)
        lines += [f"    {here or '[*]'} --> {to} : {', '.join(ways[to])}" for to in ways]
        lines += [f"    {here} --> {to}" for to in _passed(here)]
        if not ways and not _passed(here):
            lines.append(f"    {here} --> [*]")
    return "".join(f"{line}\n" for line in lines)


def _passed(state: State | None) -> tuple[State, ...]:
    return PASSES[state].to if state is not None and state in PASSES else ()


def _passing() -> str:
    return " and ".join(f"`{state}`" for state in PASSES)


def _table() -> str:
    head = ("event", "no render", *State)
    rows = ((f"`{k.__name__}`", *(_cell(TABLE[s][k]) for s in TABLE)) for k in get_args(Occurrence))
    return _rows((head, ("---",) * len(head), *rows))


def _cell(cell: Cell) -> str:
    match cell:
        case Rule(to=()):
            return "·"
        case Rule(to=ways):
            return ", ".join(ways)
        case Ignored(word=word):
            return f"*{word}*"
        case Never():
            return "**never**"


def _legend() -> str:
    cells = dict.fromkeys(cell for row in TABLE.values() for cell in row.values())
    reasons = ((_cell(cell), cell.why) for cell in cells if not isinstance(cell, Rule))
    return _rows((("word", "because"), ("---", "---"), *reasons))


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
