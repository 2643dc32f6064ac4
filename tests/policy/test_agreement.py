"""The light model of a render's course beside the full simulator, through the same weather."""

import pytest

from functions.core.tenants import Tenant
from infra.policy.fleet import ZONES, usual_lanes
from infra.policy.flight import Flight, Item, flown
from infra.policy.pilot import RATE, TENANT, Pilot
from infra.policy.sky import Job, Place, Sky
from infra.simulator.capacity import Traced
from infra.simulator.fleet import LaneKind
from infra.simulator.history import Outcome, Recipe, live
from infra.simulator.scenario import Deed, Scenario
from schemas.priority import Priority

JOB = Job(work=20, minutes=24 * 60)
ENCODED = 70.0
"""Frames a second of the full simulator's encoders. With the looks at pieces, the calls and the
stitch, which it has as well, about 60 are left: what the light model's machines make."""
TOLERANCE, MINUTES = 0.08, 5
"""Of the cost and of the end; of that minutes at least: half of the longest pause of a lane, since
two who try again at other moments find that it is back at other moments."""
NANO = 10**6
"""Femto-dollars."""


def places(machines: int, *stretches: list[tuple[int, int]]) -> list[Place]:
    """The usual lanes; the Spot ones have machines in those stretches of minutes only."""
    weather = [
        bytes(
            any(since <= minute < until for since, until in zone) for minute in range(JOB.minutes)
        )
        for zone in (*stretches, *[[]] * (ZONES - len(stretches)), [(0, JOB.minutes)])
    ]
    lanes = usual_lanes(machines)
    return [Place(lane=lane, there=there) for lane, there in zip(lanes, weather, strict=True)]


def lived(sky: Sky) -> Outcome:
    """The same in the full simulator: real functions, real tasks."""
    kinds = tuple(
        LaneKind(
            lane=place.lane,
            trace=Traced(seconds_a_tick=60.0, available=tuple(place.there)),
            starts_after=60.0 * place.starts,
            retries=0,
            names_itself=True,
            tells_preemption=True,
        )
        for place in sky.places
    )
    seconds = JOB.frames // RATE
    deed = Deed(at=0.0, verb="upload", name=f"{TENANT}/flown.mp4", seconds=seconds, sound=False)
    outcome = live(
        Recipe(
            seed="agreement",
            scenario=Scenario(deeds=(deed,)),
            odds={},
            lanes=kinds,
            tenants={TENANT: Tenant(priority=Priority.BACKGROUND)},
            frames_a_second=ENCODED,
        )
    )
    assert not outcome.violations
    return outcome


def check(flight: Flight, outcome: Outcome) -> None:
    """Cost without starts and full minutes, which the full simulator does not bill; and end."""
    worked = flight.paid - flight.bill[Item.START] - flight.bill[Item.REST]
    assert outcome.counts.money.total() / NANO == pytest.approx(worked, rel=TOLERANCE)
    (lifetime,) = outcome.counts.lifetimes
    most = max(MINUTES, TOLERANCE * flight.minute)
    assert lifetime / 60 == pytest.approx(flight.minute, abs=most)


def test_one_machine_that_is_taken_away_twice() -> None:
    sky = Sky(places=places(1, [(0, 8), (25, 1440)], [(15, 22)]), job=JOB)
    flight = flown(sky, Pilot(sky).fly)
    assert flight.taken == 2
    check(flight, lived(sky))


def test_four_machines_that_are_taken_away_at_once() -> None:
    sky = Sky(places=places(4, [(0, 5)], [], [(11, 1440)]), job=JOB)
    flight = flown(sky, Pilot(sky).fly)
    assert flight.taken == 1
    assert flight.bill[Item.LOST] > 0
    check(flight, lived(sky))


def test_what_never_has_machines_again_and_falls_back() -> None:
    sky = Sky(places=places(1, [(0, 6)]), job=JOB)
    flight = flown(sky, Pilot(sky).fly)
    assert flight.bill[Item.FALLBACK] > 0
    assert flight.minute > 240, "so long is known how fast its lane was"
    check(flight, lived(sky))
