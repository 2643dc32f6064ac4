"""`clipline lanes` and `clipline why`: what is known of each lane, and why a render goes where."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

from functions.core.entries import Entry
from functions.core.lanes import Lane
from functions.core.ledger import MEMORY, MOST_READ, Standing, standing
from functions.core.opening import scene
from functions.core.prices import dollars
from functions.core.quotas import launch_limits, running_limits
from functions.core.render import TERMINAL, Render
from functions.core.route import route
from functions.core.share import MOST_LINES, in_turn, line_of, used
from functions.core.step import Step
from functions.core.switches import pauses
from functions.facts import facts_of
from functions.ports import Ports
from functions.wiring import looking_ports
from ops.find import one_render
from ops.paper import Paper
from ops.times import clock

HOUR = 3600
MINUTE = 60
SHOWN_LINES = 9


def lanes() -> None:
    """What the ledger knows of each lane: chance, seconds to start, what stands in the way."""
    ports = looking_ports()
    paper, now = Paper(), ports.clock()
    for line in lane_lines(ports, now):
        paper.print(line)


def why(
    render: Annotated[str, typer.Argument(help="A render's id, or the beginning of one.")],
) -> None:
    """Why a render's attempts went where they went, and what speaks for and against each lane."""
    ports = looking_ports()
    paper, now = Paper(), ports.clock()
    for line in why_lines(one_render(render, ports), ports, now):
        paper.print(line)


def lane_lines(ports: Ports, now: datetime) -> Iterator[str]:
    """Some lines a lane, in the order of the file."""
    ids = [lane.id for lane in ports.lanes]
    entries = ports.ledger.recent(ids, now - MEMORY, limit=MOST_READ)
    for paused in pauses(ports.switches.noted()):
        yield paused.words
    hours = MEMORY / timedelta(hours=1)
    yield f"{clock(now)}  {len(entries)} entries of the last {hours:.0f} hours"
    runs = {lane.id: ports.renders.running(lane.id) for lane in ports.lanes}
    for lane in ports.lanes:
        yield from _lane(lane, entries, runs[lane.id], now)
    yield from _quota_lines(ports.lanes, entries, runs, now)


def _quota_lines(
    lanes: Sequence[Lane], entries: Sequence[Entry], runs: Mapping[str, int], now: datetime
) -> Iterator[str]:
    """What several lanes draw on together, and how much of it is taken."""
    launches = {
        lane.id: len(standing(lane.id, entries, now=now, start_within=lane.start_within).launches)
        for lane in lanes
    }
    limits = [*((one, runs) for one in running_limits(lanes))]
    limits += [(one, launches) for one in launch_limits(lanes)]
    for limit, counts in limits:
        sharing = ", ".join(sorted(limit.weights))
        yield f"quota {limit.name}: {limit.taken(counts)} of {limit.most} taken, by {sharing}"


def _lane(lane: Lane, entries: Sequence[Entry], runs: int, now: datetime) -> Iterator[str]:
    known = standing(lane.id, entries, now=now, start_within=lane.start_within)
    yield f"{lane.id}  {_state(known)}"
    yield f"  places     {runs} of {lane.places} taken, {known.under_way} launches under way"
    if lane.launches_a_minute is not None:
        yield f"  launches   {len(known.launches)} of {lane.launches_a_minute} within a minute"
    yield (
        f"  chance     {known.chance:.0%} that a launch starts "
        f"({known.starts:.1f} starts, {known.stock_outs:.1f} stock-outs, faded)"
    )
    if known.start is not None:
        yield (
            f"  start      {known.start.total_seconds():.1f} s "
            f"± {known.start_error.total_seconds():.1f} s"
        )
    if known.speed is not None:
        speed, error = known.speed / 1e6, known.speed_error / 1e6
        yield f"  speed      {speed:.2f} ± {error:.2f} megapixels a second and machine"
    if known.preemptions_an_hour:
        yield f"  preempted  {known.preemptions_an_hour:.2f} times an hour"
    if lane.price is not None:
        parts = ", ".join(f"{p.what} ({p.read_on}, {p.source})" for p in lane.price.parts)
        hourly = dollars(lane.price.nanodollars_a_second * HOUR)
        yield f"  price      {hourly} a task and hour: {parts}"


def _state(known: Standing) -> str:
    if known.closed_until is not None:
        cause = "our own quota" if known.by_quota else f"{known.streak} stock-outs in a row"
        return f"closed until {clock(known.closed_until)}: {cause}"
    if known.room is not None:
        return f"half open: {known.room} launches at once"
    return "open"


def why_lines(render: Render, ports: Ports, now: datetime) -> Iterator[str]:
    """What was decided, as it was stored then; and what would be decided now."""
    yield f"{render.id}  {render.state}"
    if render.why:
        yield f"  {render.why}"
    for attempt in render.attempts:
        stored = attempt.why or "not stored: it was launched by an earlier version"
        yield f"attempt {attempt.number} on {attempt.lane}, {clock(attempt.launched_at)}: {stored}"
    if render.state in TERMINAL:
        return
    found = facts_of(render.upload, render.id, render, now, ports)
    answer = route(ports.lanes, scene(render, Step(now=now, facts=found)))
    if answer.lane is None and (answer.weighed or not answer.rejected):
        yield answer.why
    yield f"recomputed for {clock(now)} from {len(found.ledger)} entries of the ledger:"
    for number, one in enumerate(answer.weighed):
        taken = "would be taken: " if number == 0 and answer.lane else ""
        yield f"  {number + 1}  {one.lane.id}  {taken}{one.words}"
    for rejected in answer.rejected:
        yield f"  -  {rejected.lane}  {rejected.why}"
    yield from _turn_lines(render, found.ledger, ports, now)


def _turn_lines(
    render: Render, entries: Sequence[Entry], ports: Ports, now: datetime
) -> Iterator[str]:
    """Who waits, whose turn it is, and by what numbers."""
    if render.line is None:
        return
    had = used(entries, now)
    heads = ports.renders.lines(limit=MOST_LINES)
    lines = in_turn([line_of(one.line, one.since, ports.tenants) for one in heads], had)
    yield f"in line as {render.account}; whose turn it is, of {len(lines)} lines:"
    for number, line in enumerate(lines[:SHOWN_LINES]):
        minutes = had.get(line.account, 0.0) / MINUTE
        mine = "  (this render's line)" if line.name == render.line else ""
        avoids = f", not on {', '.join(sorted(line.avoids))}" if line.avoids else ""
        yield (
            f"  {number + 1}  {line.account}  had {minutes:.1f} machine minutes within the hour, "
            f"weight {line.weight}, waits since {clock(line.since)}{avoids}{mine}"
        )
