"""`clipline why`: why a render goes where it goes, and what speaks for and against each lane."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer

from functions.core.entries import Entry
from functions.core.opening import scene
from functions.core.render import TERMINAL, Render
from functions.core.route import Rejection, Route, route
from functions.core.share import MOST_LINES, in_turn, line_of, used
from functions.core.step import Step
from functions.core.weigh import Weighed
from functions.facts import facts_of
from functions.ports import Ports
from functions.wiring import looking_ports
from ops.find import one_render
from ops.paper import Paper, say_json
from ops.times import clock
from schemas.render_why import LaunchWhy, RejectedLane, RenderWhy, Routing, Turn, WeighedLane

MINUTE = 60
SHOWN_LINES = 9


def why(
    render: Annotated[str, typer.Argument(help="A render's id, or the beginning of one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False,
) -> None:
    """Why a render's attempts went where they went, and what speaks for and against each lane."""
    ports = looking_ports()
    told = render_why(one_render(render, ports), ports, ports.clock())
    if as_json:
        say_json(told)
        return
    paper = Paper()
    for line in why_lines(told):
        paper.print(line)


def render_why(render: Render, ports: Ports, now: datetime) -> RenderWhy:
    """What was decided, as it was stored then; and what would be decided now."""
    routing: Routing | None = None
    turns: tuple[Turn, ...] = ()
    if render.state not in TERMINAL:
        found = facts_of(render.upload, render.id, render, now, ports)
        answer = route(ports.lanes, scene(render, Step(now=now, facts=found)))
        routing = _routing(answer, len(found.ledger))
        turns = tuple(_turns(render, found.ledger, ports, now))
    return RenderWhy(
        render=render.id,
        at=now,
        state=render.state,
        why=render.why,
        launches=tuple(
            LaunchWhy(attempt=one.number, lane=one.lane, launched_at=one.launched_at, why=one.why)
            for one in render.attempts
        ),
        now=routing,
        account=render.account if render.line is not None else None,
        turns=turns,
    )


def _routing(answer: Route, entries: int) -> Routing:
    return Routing(
        lane=answer.lane.id if answer.lane else None,
        why=answer.why,
        entries=entries,
        weighed=tuple(map(_weighed, answer.weighed)),
        rejected=tuple(map(_rejected, answer.rejected)),
    )


def _weighed(one: Weighed) -> WeighedLane:
    return WeighedLane(
        lane=one.lane.id,
        tasks=one.tasks,
        start_seconds=one.start.total_seconds(),
        takes_seconds=None if one.takes is None else one.takes.total_seconds(),
        takes_error_seconds=one.takes_error.total_seconds(),
        nanodollars=one.nanodollars,
        nanodollars_error=one.nanodollars_error,
        words=one.words,
    )


def _rejected(one: Rejection) -> RejectedLane:
    return RejectedLane(lane=one.lane, why=one.why, until_at=one.until)


def _turns(render: Render, entries: Sequence[Entry], ports: Ports, now: datetime) -> Iterator[Turn]:
    """Who waits, in the order of their turns, by what numbers; nobody if it does not wait."""
    if render.line is None:
        return
    had = used(entries, now)
    heads = ports.renders.lines(limit=MOST_LINES)
    for line in in_turn([line_of(one.line, one.since, ports.tenants) for one in heads], had):
        yield Turn(
            account=line.account,
            machine_seconds=had.get(line.account, 0.0),
            weight=line.weight,
            since_at=line.since,
            avoids=tuple(sorted(line.avoids)),
            is_own=line.name == render.line,
        )


def why_lines(told: RenderWhy) -> Iterator[str]:
    """The same for people."""
    yield f"{told.render}  {told.state}"
    if told.why:
        yield f"  {told.why}"
    for one in told.launches:
        stored = one.why or "not stored: it was launched by an earlier version"
        yield f"attempt {one.attempt} on {one.lane}, {clock(one.launched_at)}: {stored}"
    if told.now is None:
        return
    yield from _routing_lines(told.now, told.at)
    if told.account is not None:
        yield f"in line as {told.account}; whose turn it is, of {len(told.turns)} lines:"
    for number, turn in enumerate(told.turns[:SHOWN_LINES]):
        yield f"  {number + 1}  {_turn(turn)}"


def _routing_lines(found: Routing, at: datetime) -> Iterator[str]:
    if found.lane is None and (found.weighed or not found.rejected):
        yield found.why
    yield f"recomputed for {clock(at)} from {found.entries} entries of the ledger:"
    for number, one in enumerate(found.weighed):
        taken = "would be taken: " if number == 0 and found.lane else ""
        yield f"  {number + 1}  {one.lane}  {taken}{one.words}"
    for rejected in found.rejected:
        yield f"  -  {rejected.lane}  {rejected.why}"


def _turn(turn: Turn) -> str:
    minutes = turn.machine_seconds / MINUTE
    mine = "  (this render's line)" if turn.is_own else ""
    avoids = f", not on {', '.join(turn.avoids)}" if turn.avoids else ""
    return (
        f"{turn.account}  had {minutes:.1f} machine minutes within the hour, "
        f"weight {turn.weight}, waits since {clock(turn.since_at)}{avoids}{mine}"
    )
