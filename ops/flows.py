"""`clipline flows`: the map of who speaks to whom, with what lies on each edge now."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from functions.wiring import backlogs, desk
from ops.paper import Paper, say_json
from ops.times import ago
from schemas.flow_state import FlowState
from schemas.flows import CALLS, FLOWS, Flow, undeliverable
from schemas.subscriptions import Backlog
from schemas.topics import Topic

HEADINGS = ("FROM", "TOPIC", "TO", "DEPTH", "OLDEST", "IN/MIN", "OUT/MIN", "DEAD")
console = Paper()


def flows(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """The live map: of each edge depth, age of the oldest message, rates, and dead letters."""
    now = datetime.now(UTC)
    states = states_of(backlogs(now), desk().letters.taken_from())
    if as_json:
        for state in states:
            say_json(state)
        return
    table = Table(box=None, pad_edge=False)
    rows = [_row(state, now) for state in states]
    for column, heading in enumerate(HEADINGS):
        width = max(len(row[column]) for row in (HEADINGS, *rows))
        table.add_column(heading, no_wrap=True, min_width=width)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for line in _notes(states):
        console.print(line)


def states_of(held: Sequence[Backlog], taken_from: "dict[str, int]") -> Sequence[FlowState]:
    """Every flow in the order of the path, joined with what its subscription holds."""
    by_name = {one.subscription: one for one in held}
    return [_state(flow, by_name, taken_from) for flow in FLOWS if flow.subscription in by_name]


def _state(flow: Flow, held: "dict[str, Backlog]", taken_from: "dict[str, int]") -> FlowState:
    mine, net = held[flow.subscription], undeliverable(flow)
    minutes = mine.span / timedelta(minutes=1)
    dead: int | None = None
    if net is not None:
        waiting = held[net.subscription].depth if net.subscription in held else 0
        dead = taken_from.get(net.subscription, 0) + waiting
    elif flow.topic is Topic.RENDER_DEAD_LETTER:
        dead = taken_from.get(flow.subscription, 0) + mine.depth
    return FlowState(
        topic=flow.topic,
        subscription=flow.subscription,
        publishers=tuple(actor.name for actor in flow.publishers),
        subscriber=flow.subscriber.name,
        depth=mine.depth,
        in_delivery=mine.in_delivery,
        oldest_at=mine.oldest_at,
        published_per_minute=round(mine.published / minutes, 3),
        acknowledged_per_minute=round(mine.acknowledged / minutes, 3),
        over_seconds=round(mine.span.total_seconds(), 3),
        dead_letters=dead,
    )


def _row(state: FlowState, now: datetime) -> tuple[str, ...]:
    return (
        _speakers(state.publishers),
        state.topic,
        state.subscriber,
        str(state.depth) + (f" ({state.in_delivery} out)" if state.in_delivery else ""),
        ago(state.oldest_at, now) if state.oldest_at else "",
        f"{state.published_per_minute:.1f}",
        f"{state.acknowledged_per_minute:.1f}",
        "" if state.dead_letters is None else str(state.dead_letters),
    )


def _speakers(names: Sequence[str]) -> str:
    """At most two by name."""
    return ", ".join(names) if len(names) <= 2 else f"{names[0]} and {len(names) - 1} more"


def _notes(states: Sequence[FlowState]) -> Iterator[str]:
    if not states:
        yield "This bus has no subscriptions yet: `make up` makes them."
        return
    minutes = max(state.over_seconds for state in states) / 60
    yield f"Rates are those of the last {minutes:.0f} minutes."
    calls = dict.fromkeys(f"{call.caller.name} to {call.callee.name}" for call in CALLS)
    yield f"Calls hold nothing that could be counted: {', '.join(calls)}."
    if any(state.dead_letters for state in states):
        yield "Next: clipline dead-letters"
