from dataclasses import replace

import pytest

from functions.core.lanes import Lane
from functions.core.route import route
from tests.unit.makers import LANE

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
    found = route(lanes, barred=barred, busy=busy)
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
    found = route(lanes, barred=barred, busy={})
    assert (found.lane, found.hopeless, found.why) == (None, True, why)
