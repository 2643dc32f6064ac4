"""What Clipline is compared with: on-demand only, greedy Spot, and Uniform Progress.

They see in every minute which places have machines, which Clipline finds out by launching. The last
two are as in "Can't Be Late: Optimizing Spot Instance Savings under Deadlines" (Wu and others, NSDI
2024), with d the minutes of a change-over.

    safety net         idle, and the time left < the work left + 2 d: on-demand to the end
    greedy             Spot whenever there is some, else idle until the safety net
    uniform progress   Spot whenever there is some; idle and behind the straight line from nothing
                       to all at the deadline: on-demand, until ahead of it by 2 d
"""

from collections.abc import Callable
from math import ceil

from infra.policy.flight import Flight
from infra.policy.sky import FRAMES

NET = 2
"""Change-overs that are left for the safety net: one back, one for what is sure."""


def on_demand(flight: Flight) -> None:
    """From the beginning to the end on what is sure, as few machines as make the deadline."""
    if flight.at is None:
        flight.launch(flight.sky.sure, _fewest(flight))


def greedy(flight: Flight) -> None:
    """Every Spot machine that there is, as wide as its lane."""
    if _is_netted(flight):
        return
    if flight.at is None and (at := _spot(flight)) is not None:
        flight.launch(at, flight.sky.places[at].lane.tasks)


def uniform_progress(flight: Flight) -> None:
    """As many machines as the whole time asks for; whatever is cheap, and dear when behind."""
    if _is_netted(flight):
        return
    job, sure = flight.sky.job, flight.sky.sure
    ahead = flight.done - job.frames * flight.minute / job.minutes
    machines = ceil(job.work / job.minutes)
    at, margin = _spot(flight), NET * _change_over(flight) * machines * FRAMES
    if flight.at is None and at is not None:
        flight.launch(at, machines)
    elif flight.at is None and ahead < 0:
        flight.launch(sure, machines)
    elif flight.at == sure and ahead >= margin:
        flight.let_go()
        if at is not None:
            flight.launch(at, machines)


def _is_netted(flight: Flight) -> bool:
    """Whether it is on what is sure to the end, from this minute on if time is short now."""
    sure = flight.sky.places[flight.sky.sure]
    needs = ceil(flight.left / FRAMES / sure.lane.tasks) + NET * _change_over(flight)
    if flight.minute + needs < flight.sky.job.minutes:
        return False
    if flight.at is None:
        flight.launch(flight.sky.sure, _fewest(flight))
    return True


def _fewest(flight: Flight) -> int:
    """Machines of the sure place that make the deadline if they start now."""
    sure = flight.sky.places[flight.sky.sure]
    time = max(1, flight.sky.job.minutes - flight.minute - sure.starts)
    return min(sure.lane.tasks, ceil(flight.left / FRAMES / time))


def _change_over(flight: Flight) -> int:
    return flight.sky.places[flight.sky.sure].starts


def _spot(flight: Flight) -> int | None:
    """The first that has machines."""
    sky, minute = flight.sky, flight.minute
    return next((at for at in sky.spot if sky.places[at].has(minute)), None)


RIVALS: dict[str, Callable[[Flight], None]] = {
    "on-demand": on_demand,
    "greedy Spot": greedy,
    "Uniform Progress": uniform_progress,
}
"""By what a report calls them."""
