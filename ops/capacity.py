"""`clipline lanes`: what is known of each lane, and what stands in the way of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

from functions.core.entries import Entry
from functions.core.lanes import Lane
from functions.core.ledger import MEMORY, MOST_READ, Standing, standing
from functions.core.prices import dollars
from functions.core.quotas import launch_limits, running_limits
from functions.core.switches import Reach, Switching, of_lane, pauses
from functions.ports import Ports
from functions.wiring import looking_ports
from ops.paper import Paper, say_json
from ops.times import clock
from schemas.lane_state import LaneState, Opening, PriceLine, SharedLimit

HOUR = 3600


def lanes(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """What the ledger knows of each lane: chance, seconds to start, what stands in the way."""
    ports = looking_ports()
    paused = pauses(ports.switches.noted())
    states = lane_states(ports, paused, ports.clock())
    if as_json:
        for state in states:
            say_json(state)
        return
    paper = Paper()
    for line in lane_lines(states, paused):
        paper.print(line)


def lane_states(ports: Ports, paused: Sequence[Switching], now: datetime) -> Sequence[LaneState]:
    """Each lane in the order of the file."""
    ids = [lane.id for lane in ports.lanes]
    entries = ports.ledger.recent(ids, now - MEMORY, limit=MOST_READ)
    runs = {lane.id: ports.renders.running(lane.id) for lane in ports.lanes}
    known = {
        lane.id: standing(lane.id, entries, now=now, start_within=lane.start_within)
        for lane in ports.lanes
    }
    limits = _limits(ports.lanes, known, runs)
    return [
        _state(lane, known[lane.id], entries, runs[lane.id], limits, paused, now)
        for lane in ports.lanes
    ]


def _limits(
    lanes: Sequence[Lane], known: Mapping[str, Standing], runs: Mapping[str, int]
) -> Sequence[SharedLimit]:
    """What several lanes draw on together, and how much of it is taken."""
    launches = {id: len(one.launches) for id, one in known.items()}
    counted = [*((one, runs) for one in running_limits(lanes))]
    counted += [(one, launches) for one in launch_limits(lanes)]
    return [
        SharedLimit(
            name=one.name, taken=one.taken(counts), most=one.most, lanes=tuple(sorted(one.weights))
        )
        for one, counts in counted
    ]


def _state(
    lane: Lane,
    known: Standing,
    entries: Sequence[Entry],
    runs: int,
    limits: Sequence[SharedLimit],
    paused: Sequence[Switching],
    now: datetime,
) -> LaneState:
    everything = next((one for one in paused if one.reach is Reach.ALL), None)
    pause = everything or of_lane(lane.id, paused)
    opening, why = _opening(known)
    price = lane.price
    return LaneState(
        id=lane.id,
        at=now,
        opening=opening,
        why=why,
        closed_until_at=known.closed_until,
        room=known.room,
        paused=pause.words if pause else None,
        entries=sum(one.lane == lane.id for one in entries),
        places=lane.places,
        running=runs,
        under_way=known.under_way,
        launches=len(known.launches),
        launches_a_minute=lane.launches_a_minute,
        chance=known.chance,
        starts=known.starts,
        stock_outs=known.stock_outs,
        start_seconds=None if known.start is None else known.start.total_seconds(),
        start_error_seconds=known.start_error.total_seconds(),
        pixels_a_second=known.speed,
        pixels_a_second_error=known.speed_error,
        preemptions_an_hour=known.preemptions_an_hour,
        nanodollars_an_hour=None if price is None else price.nanodollars_a_second * HOUR,
        price=tuple(
            PriceLine(what=one.what, read_on=one.read_on, source=one.source)
            for one in (price.parts if price else ())
        ),
        limits=tuple(one for one in limits if lane.id in one.lanes),
    )


def _opening(known: Standing) -> tuple[Opening, str]:
    if known.closed_until is not None:
        cause = "our own quota" if known.by_quota else f"{known.streak} stock-outs in a row"
        return Opening.CLOSED, cause
    return (Opening.OPEN if known.room is None else Opening.HALF_OPEN), ""


def lane_lines(states: Sequence[LaneState], paused: Sequence[Switching]) -> Iterator[str]:
    """Some lines a lane, below what is paused."""
    for one in paused:
        yield one.words
    if states:
        hours = MEMORY / timedelta(hours=1)
        entries = sum(state.entries for state in states)
        yield f"{clock(states[0].at)}  {entries} entries of the last {hours:.0f} hours"
    for state in states:
        yield from _lines(state)
    for limit in dict.fromkeys(one for state in states for one in state.limits):
        sharing = ", ".join(limit.lanes)
        yield f"quota {limit.name}: {limit.taken} of {limit.most} taken, by {sharing}"


def _lines(lane: LaneState) -> Iterator[str]:
    yield f"{lane.id}  {_word(lane)}"
    yield f"  places     {lane.running} of {lane.places} taken, {lane.under_way} launches under way"
    if lane.launches_a_minute is not None:
        yield f"  launches   {lane.launches} of {lane.launches_a_minute} within a minute"
    yield (
        f"  chance     {lane.chance:.0%} that a launch starts "
        f"({lane.starts:.1f} starts, {lane.stock_outs:.1f} stock-outs, faded)"
    )
    if lane.start_seconds is not None:
        yield f"  start      {lane.start_seconds:.1f} s ± {lane.start_error_seconds:.1f} s"
    if lane.pixels_a_second is not None:
        speed, error = lane.pixels_a_second / 1e6, lane.pixels_a_second_error / 1e6
        yield f"  speed      {speed:.2f} ± {error:.2f} megapixels a second and machine"
    if lane.preemptions_an_hour:
        yield f"  preempted  {lane.preemptions_an_hour:.2f} times an hour"
    if lane.nanodollars_an_hour is not None:
        parts = ", ".join(f"{one.what} ({one.read_on}, {one.source})" for one in lane.price)
        yield f"  price      {dollars(lane.nanodollars_an_hour)} a task and hour: {parts}"


def _word(lane: LaneState) -> str:
    if lane.closed_until_at is not None:
        return f"closed until {clock(lane.closed_until_at)}: {lane.why}"
    if lane.room is not None:
        return f"half open: {lane.room} launches at once"
    return "open"
