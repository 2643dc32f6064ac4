"""What a flight is paid for, and that no policy is cheaper than the optimum."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings

from functions.core.entries import Outcome
from functions.core.render import State
from infra.policy.flight import Flight, Item, flown
from infra.policy.pilot import Pilot, others
from infra.policy.rivals import RIVALS
from infra.policy.sky import CHUNK, FRAMES, Job, Sky
from infra.policy.trial import OPTIMUM, flights
from tests.policy.skies import CHEAP, DEAR, place, skies

YES, NO = [True], [False]


@settings(max_examples=40, deadline=None)
@given(sky=skies(longest=40, most_work=25, widest=3))
def test_no_policy_is_cheaper_than_the_optimum_and_each_adds_up(sky: Sky) -> None:
    cost, several = flights(sky)
    assert several[OPTIMUM].paid == cost
    for name, flight in several.items():
        assert flight.bill.total() == flight.paid, name
        assert min(flight.bill.values(), default=0) >= 0, name
        assert flight.is_missed or flight.paid >= cost, name


def test_what_is_taken_away_loses_the_chunk_in_hand() -> None:
    sky = Sky(places=[place(0, YES * 3 + NO * 3, tasks=2)], job=Job(work=10, minutes=6))

    def at_first(flight: Flight) -> None:
        if flight.minute == 0:
            flight.launch(0, 2)

    flight = flown(sky, at_first)
    assert (flight.taken, flight.done, flight.is_missed) == (1, 4 * FRAMES - 2 * CHUNK, True)
    paid = 60 * CHEAP
    assert flight.paid == 2 * 3 * paid
    assert flight.bill[Item.START] == 2 * paid
    assert flight.bill[Item.LOST] == 2 * paid * CHUNK // FRAMES
    assert flight.bill[Item.WORK] == 4 * paid - flight.bill[Item.LOST]


def test_a_last_minute_is_paid_to_its_end() -> None:
    sky = Sky(places=[place(9, YES * 9, spot=False, tasks=4)], job=Job(work=5, minutes=9))

    def widely(flight: Flight) -> None:
        if flight.at is None:
            flight.launch(0, 4)

    flight = flown(sky, widely)
    assert flight.minute == 3
    assert flight.bill == {
        Item.START: 4 * 60 * DEAR,
        Item.FALLBACK: 5 * 60 * DEAR,
        Item.REST: 3 * 60 * DEAR,
    }


def test_the_safety_net_of_the_rivals_is_in_time() -> None:
    never = place(0, NO * 100)
    sky = Sky(places=[never, place(9, YES * 100, spot=False)], job=Job(work=50, minutes=100))
    for name, fly in RIVALS.items():
        assert not flown(sky, fly).is_missed, name
    greedy = flown(sky, RIVALS["greedy Spot"])
    assert (greedy.launches, greedy.minute) == (1, 99)


def test_clipline_takes_spot_goes_where_it_is_and_falls_back_in_time() -> None:
    first, second = YES * 40 + NO * 260, NO * 30 + YES * 50 + NO * 220
    places = [
        place(0, first),
        place(1, second),
        place(9, YES * 300, spot=False),
    ]
    sky = Sky(places=places, job=Job(work=120, minutes=300))
    pilot = Pilot(sky, others(sky))
    flight = flown(sky, pilot.fly)
    assert not flight.is_missed
    lanes = [one.lane for one in pilot.entries if one.outcome is Outcome.STARTED]
    assert lanes == ["spot/0", "spot/1", "sure/9"]
    assert flight.taken == 2
    assert flight.bill[Item.WORK] > flight.bill[Item.FALLBACK] / DEAR * CHEAP


def test_clipline_is_told_that_an_attempt_is_over_its_limit() -> None:
    always = place(9, YES * 200, spot=False)
    short = replace(always, lane=replace(always.lane, attempt_limit=timedelta(minutes=30)))
    sky = Sky(places=[short], job=Job(work=50, minutes=200))
    pilot = Pilot(sky, others(sky))
    flight = flown(sky, pilot.fly)
    assert not flight.is_missed
    assert pilot.render is not None
    causes = [one.cause.reason for one in pilot.render.attempts if one.cause]
    assert causes == ["attempt_limit"]


def test_where_there_is_never_a_machine_clipline_waits_to_the_end() -> None:
    never = place(0, NO * 30)
    sky = Sky(places=[never], job=Job(work=5, minutes=30))
    pilot = Pilot(sky)
    flight = flown(sky, pilot.fly)
    assert flight.is_missed
    assert pilot.render is not None
    assert pilot.render.state is State.WAITING
