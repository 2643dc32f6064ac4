"""The optimum is the cheapest of all flights, and can be flown."""

from dataclasses import replace

from hypothesis import given, settings

from infra.policy.flight import Flight, Item, flown
from infra.policy.optimum import NEVER, Optimum
from infra.policy.sky import Job, Sky
from tests.policy.skies import CHEAP, DEAR, place, skies


def cheapest(flight: Flight) -> int:
    """Of all ways to go on: every minute everything that a policy may do is done."""
    flight.is_taken()
    if flight.is_over:
        return NEVER if flight.is_missed else flight.paid
    ways = [flight]
    if flight.at is not None:
        ways.append(copied(flight))
        ways[-1].let_go()
        ways.append(copied(flight))
        ways[-1].leaves = True
    for at, one in enumerate(flight.sky.places):
        for machines in range(1, one.lane.tasks + 1):
            way = copied(flight)
            if way.launch(at, machines):
                ways.append(way)
    for way in ways:
        way.pass_minute()
    return min(cheapest(way) for way in ways)


def copied(flight: Flight) -> Flight:
    return replace(flight, bill=flight.bill.copy())


@settings(max_examples=40, deadline=None)
@given(sky=skies(longest=5, most_work=3, sure=False))
def test_no_flight_is_cheaper_and_one_costs_as_much(sky: Sky) -> None:
    assert Optimum(sky).cost == cheapest(Flight(sky=sky))


@settings(max_examples=100, deadline=None)
@given(sky=skies(longest=30, most_work=25, widest=4))
def test_it_is_flown_for_just_its_cost(sky: Sky) -> None:
    optimum = Optimum(sky)
    flight = flown(sky, optimum.fly)
    assert not flight.is_missed
    assert flight.paid == optimum.cost == flight.bill.total()
    assert flight.taken == flight.bill[Item.LOST] == 0


def test_what_cannot_be_in_time_has_no_cost() -> None:
    sky = Sky(places=[place(0, [True] * 3, starts=2)], job=Job(work=2, minutes=3))
    assert Optimum(sky).cost == NEVER


def test_it_works_on_what_is_dear_for_no_minute_more_than_it_must() -> None:
    cheap_later = [False, False, True, True, True, True]
    places = [place(0, cheap_later), place(9, [True] * 6, spot=False)]
    enough = Sky(places=places, job=Job(work=3, minutes=6))
    assert Optimum(enough).cost == 60 * CHEAP * (1 + 3)
    a_minute_short = Sky(places=places, job=Job(work=4, minutes=6))
    assert Optimum(a_minute_short).cost == 60 * DEAR * (1 + 1) + 60 * CHEAP * (1 + 3)
