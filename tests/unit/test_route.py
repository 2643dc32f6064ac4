from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from functions.core.lanes import Lane
from functions.core.ledger import Standing
from functions.core.need import Need
from functions.core.quotas import Quota, launch_limits, running_limits
from functions.core.route import GIB, Scene, route
from schemas.failures import FailureClass
from tests.unit.makers import LANE, NOW, seconds

A, B, C = (replace(LANE, id=f"lane/{name}", executions=2) for name in "abc")
BARRED = "is barred: attempts in a row committed nothing there"


def scene(
    *,
    barred: Sequence[str] = (),
    only: str | None = None,
    resting: Mapping[str, datetime] | None = None,
    busy: Mapping[str, int] | None = None,
    standings: Sequence[Standing] = (),
) -> Scene:
    return Scene(
        now=NOW,
        barred=barred,
        only=only,
        resting=resting or {},
        busy=busy or {},
        standings={one.lane: one for one in standings},
    )


@pytest.mark.parametrize(
    ("lanes", "barred", "busy", "chosen", "why"),
    [
        ((A,), (), {}, A, "the only lane here"),
        ((A, B), (), {}, A, "the first choice"),
        ((A, B), (), {"lane/a": 1}, A, "the first choice"),
        ((A, B), (), {"lane/a": 2}, B, "lane/a runs 2 of 2"),
        ((A, B), ("lane/a",), {}, B, f"lane/a {BARRED}"),
        ((A, B, C), ("lane/b",), {"lane/a": 5}, C, f"lane/a runs 5 of 2; lane/b {BARRED}"),
        ((A,), (), {"lane/a": 2}, None, "waits for a lane: lane/a runs 2 of 2"),
        ((A, B), ("lane/b",), {"lane/a": 3}, None, "waits for a lane: lane/a runs 3 of 2"),
        ((replace(A, executions=0),), (), {}, None, "waits for a lane: lane/a runs 0 of 0"),
    ],
)
def test_the_first_lane_with_a_place_is_taken_and_says_why(
    lanes: tuple[Lane, ...],
    barred: tuple[str, ...],
    busy: dict[str, int],
    chosen: Lane | None,
    why: str,
) -> None:
    found = route(lanes, scene(barred=barred, busy=busy))
    assert (found.lane, found.why, found.hopeless) == (chosen, why, False)


@pytest.mark.parametrize(
    ("lanes", "barred", "why"),
    [
        ((), (), "no lane is left: none is configured"),
        ((A,), ("lane/a",), f"no lane is left: lane/a {BARRED}"),
        ((A, B), ("lane/b", "lane/a"), f"no lane is left: lane/a {BARRED}; lane/b {BARRED}"),
    ],
)
def test_without_any_usable_lane_there_is_no_hope(
    lanes: tuple[Lane, ...], barred: tuple[str, ...], why: str
) -> None:
    found = route(lanes, scene(barred=barred))
    assert (found.lane, found.hopeless, found.why) == (None, True, why)


def test_the_lane_that_a_replay_asked_for_is_taken_and_no_other() -> None:
    found = route((A, B, C), scene(only="lane/b"))
    assert (found.lane, found.why) == (B, "the replay asked for lane/b")
    assert [(one.lane, one.why) for one in found.rejected] == [
        ("lane/a", "is passed over: the replay asked for lane/b"),
        ("lane/c", "is passed over: the replay asked for lane/b"),
    ]
    assert found.avoided == ("lane/a", "lane/c"), "it waits in no line for them"


def test_the_lane_that_a_replay_asked_for_is_waited_for_and_no_other_taken_meanwhile() -> None:
    found = route((A, B), scene(only="lane/b", busy={"lane/b": 2}))
    assert (found.lane, found.hopeless) == (None, False)
    assert found.why == "waits for a lane: lane/b runs 2 of 2"
    rests = route((A, B), scene(only="lane/b", resting={"lane/b": NOW + seconds(9)}))
    assert (rests.lane, rests.hopeless, rests.until) == (None, False, NOW + seconds(9))


def test_without_the_lane_that_a_replay_asked_for_there_is_no_hope() -> None:
    small, needy = replace(B, memory_bytes=1), Need(making_bytes=2 * GIB)
    asked = replace(scene(only="lane/b"), need=needy)
    found = route((A, small), asked)
    assert (found.lane, found.hopeless) == (None, True)
    assert found.failure is FailureClass.OUT_OF_MEMORY, "by that lane, not by those passed over"
    assert "lane/b has 0.0 GiB of memory, and a task needs about 2.0 GiB" in found.why
    barred = route((A, B), scene(only="lane/b", barred=("lane/b",)))
    gone = route((A,), scene(only="lane/b"))
    assert (barred.hopeless, gone.hopeless) == (True, True)
    assert gone.why == "no lane is left: lane/a is passed over: the replay asked for lane/b"


def test_a_lane_that_rests_is_passed_over() -> None:
    found = route((A, B, C), scene(barred=("lane/b",), resting={"lane/a": NOW + seconds(9)}))
    assert found.lane == C
    assert found.why == f"lane/a rests for this render until 12:00:09 UTC; lane/b {BARRED}"


def test_where_all_that_is_left_rests_the_first_to_wake_is_waited_for() -> None:
    resting = {"lane/a": NOW + seconds(90), "lane/b": NOW + seconds(60)}
    found = route((A, B, C), scene(barred=("lane/c",), resting=resting))
    assert (found.lane, found.hopeless, found.until) == (None, False, NOW + seconds(60))


def test_a_lane_that_all_renders_saw_without_machines_is_passed_over_with_its_numbers() -> None:
    known = Standing(lane="lane/a", streak=3, chance=0.25, closed_until=NOW + seconds(30))
    found = route((A, B), scene(standings=[known]))
    assert found.lane == B
    assert found.why == (
        "lane/a had no machines 3 times in a row (25% of launches start): "
        "tried again at 12:00:30 UTC"
    )


def test_our_own_quota_is_not_called_a_stock_out() -> None:
    known = Standing(lane="lane/a", by_quota=True, closed_until=NOW + seconds(15))
    found = route((A,), scene(standings=[known]))
    assert (found.lane, found.until) == (None, None)
    assert "refused by our own quota: tried again at 12:00:15 UTC" in found.why


def test_while_one_launch_tries_a_lane_the_others_do_not() -> None:
    tried = Standing(lane="lane/a", streak=1, room=1, under_way=1)
    found = route((A, B), scene(standings=[tried]))
    assert found.lane == B
    assert "1 of 1 launches under way" in found.why
    assert route((A, B), scene(standings=[replace(tried, under_way=0)])).lane == A


def test_a_lane_takes_its_launches_a_minute_and_then_no_more() -> None:
    lane = replace(A, launches_a_minute=2)
    known = Standing(lane="lane/a", launches=(NOW - seconds(50), NOW - seconds(20)))
    found = route((lane,), scene(standings=[known]))
    assert (found.lane, found.until) == (None, None)
    assert "had 2 of 2 launches within a minute" in found.why
    later = replace(known, launches=known.launches[1:])
    assert route((lane,), scene(standings=[later])).lane == lane


def test_gpus_are_counted_a_task() -> None:
    lane = replace(A, executions=10, tasks=2, gpu_slots=3)
    assert lane.places == 1
    assert route((lane,), scene(busy={"lane/a": 1})).why.endswith("runs 1 of 1")


def test_what_is_its_own_matter_is_told_from_what_everybody_waits_for() -> None:
    found = route((A, B), scene(resting={"lane/a": NOW + seconds(600)}, busy={"lane/b": 2}))
    assert (found.lane, found.avoided, found.until) == (None, ("lane/a",), NOW + seconds(600))
    assert route((A, B), scene(busy={"lane/a": 2, "lane/b": 2})).avoided == ()


def test_what_lanes_share_speaks_against_each_of_them_with_its_number() -> None:
    quota = Quota(id="us-east4", gpus=5, executions=9, launches_a_minute=2)
    two = replace(A, tasks=2, quotas=(quota,), executions=9)
    one = replace(B, tasks=1, quotas=(quota,), executions=9)

    def found(busy: Mapping[str, int], *standings: Standing) -> tuple[Lane | None, str]:
        seen = replace(
            scene(busy=busy, standings=standings),
            running=running_limits([two, one]),
            launching=launch_limits([two, one]),
        )
        answer = route((two, one), seen)
        return answer.lane, answer.why

    assert found({"lane/b": 3})[0] == two
    assert found({"lane/b": 4}) == (
        one,
        "lane/a needs 2 of its quota us-east4 GPUs, and 4 of 5 are taken",
    )
    assert found({"lane/a": 2, "lane/b": 1})[0] is None
    launched = Standing(lane="lane/a", launches=(NOW, NOW))
    lane, why = found({}, launched)
    assert lane is None
    assert "lane/b needs 1 of its quota us-east4 launches a minute, and 2 of 2 are taken" in why
