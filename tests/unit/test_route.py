from dataclasses import replace

import pytest

from functions.core.lanes import Lane
from functions.core.route import route
from tests.unit.makers import LANE, NOW, seconds

A, B, C = (replace(LANE, id=f"lane/{name}", executions=2) for name in "abc")


@pytest.mark.parametrize(
    ("lanes", "barred", "busy", "chosen", "why"),
    [
        ((A,), (), {}, A, "the only lane here"),
        ((A, B), (), {}, A, "the first choice"),
        ((A, B), (), {"lane/a": 1}, A, "the first choice"),
        ((A, B), (), {"lane/a": 2}, B, "lane/a is full"),
        ((A, B), ("lane/a",), {}, B, "lane/a is barred"),
        ((A, B, C), ("lane/b",), {"lane/a": 5}, C, "lane/a is full; lane/b is barred"),
        ((A,), (), {"lane/a": 2}, None, "waits for a place: lane/a runs 2 of 2"),
        ((A, B), ("lane/b",), {"lane/a": 3}, None, "waits for a place: lane/a runs 3 of 2"),
        ((replace(A, executions=0),), (), {}, None, "waits for a place: lane/a runs 0 of 0"),
    ],
)
def test_the_first_lane_with_a_place_is_taken_and_says_why(
    lanes: tuple[Lane, ...],
    barred: tuple[str, ...],
    busy: dict[str, int],
    chosen: Lane | None,
    why: str,
) -> None:
    found = route(lanes, barred=barred, resting={}, busy=busy)
    assert (found.lane, found.why, found.hopeless) == (chosen, why, False)


@pytest.mark.parametrize(
    ("lanes", "barred", "why"),
    [
        ((), (), "every lane is barred (none is configured)"),
        ((A,), ("lane/a",), "every lane is barred (lane/a)"),
        ((A, B), ("lane/b", "lane/a"), "every lane is barred (lane/a, lane/b)"),
    ],
)
def test_without_any_usable_lane_there_is_no_hope(
    lanes: tuple[Lane, ...], barred: tuple[str, ...], why: str
) -> None:
    found = route(lanes, barred=barred, resting={}, busy={})
    assert (found.lane, found.hopeless, found.why) == (None, True, why)


def test_a_lane_that_rests_is_passed_over() -> None:
    found = route((A, B, C), barred=("lane/b",), resting={"lane/a": NOW}, busy={})
    assert (found.lane, found.why) == (C, "lane/a rests; lane/b is barred")


def test_where_all_that_is_left_rests_the_first_to_wake_is_waited_for() -> None:
    resting = {"lane/a": NOW + seconds(90), "lane/b": NOW + seconds(60)}
    found = route((A, B, C), barred=("lane/c",), resting=resting, busy={})
    assert (found.lane, found.hopeless, found.until) == (None, False, NOW + seconds(60))
    assert found.why == "waits until 12:01:00 UTC: no lane kept a machine for it of late"
