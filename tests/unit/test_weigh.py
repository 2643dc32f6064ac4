"""What an attempt would take and cost on a lane, and which lane that makes the best."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from functions.core.ledger import Standing
from functions.core.memory import FFMPEG_BYTES, OWN_BYTES, joining_bytes
from functions.core.need import COPIES, Need, need_of
from functions.core.pace import paced
from functions.core.patience import net, worth_waiting
from functions.core.prices import Price, PricePart, dollars
from functions.core.route import GIB, Route, Scene, route
from functions.core.weigh import weigh
from schemas.failures import FailureClass
from schemas.kinds import Kind
from tests.unit.makers import LANE, NOW, seconds, starting

PIXELS = 10**9


def price(nanodollars: int) -> Price:
    part = PricePart(what="all", nanodollars_a_second=nanodollars, read_on="2026-01-01", source="x")
    return Price(parts=(part,))


DEAR = replace(LANE, id="dear", tasks=1, start=seconds(10), price=price(300_000))
SPOT = replace(DEAR, id="spot", price=price(70_000), is_spot=True)
SLOW = replace(DEAR, id="slow", price=price(90_000))
KNOWN = {
    "dear": Standing(lane="dear", speed=1e7, speed_error=1e5, start=seconds(10)),
    "spot": Standing(lane="spot", speed=1e7, speed_error=1e5, start=seconds(30)),
    "slow": Standing(lane="slow", speed=1e6, speed_error=1e5, start=seconds(10)),
}


def chosen(*lanes: object, left: float = 86_400, **changes: object) -> Route:
    need = Need(pixels=PIXELS, pixels_left=PIXELS, deadline=NOW + seconds(left))
    need = replace(need, **changes)  # type: ignore[arg-type]  # fields come by name
    scene = Scene(now=NOW, resting={}, busy={}, standings=KNOWN, need=need)
    return route(lanes, scene)  # type: ignore[arg-type]  # lanes


def test_time_and_money_come_with_their_error_bars() -> None:
    one = weigh(DEAR, KNOWN["dear"], Need(pixels=PIXELS, pixels_left=PIXELS), NOW)
    assert (one.start, one.takes, one.takes_error) == (seconds(10), seconds(100), seconds(1))
    assert one.nanodollars == 100 * 300_000
    assert one.words == "starts in 10 s, takes 100 s ± 1 s, costs $0.0300 ± $0.0003"


def test_of_a_lane_on_which_nothing_ran_only_the_start_is_known() -> None:
    one = weigh(DEAR, None, Need(pixels=PIXELS), NOW)
    assert (one.start, one.takes, one.nanodollars) == (seconds(10), None, None)
    halved = weigh(replace(DEAR, start=None), None, Need(), NOW)
    assert halved.start == LANE.start_within / 2


def test_stock_outs_make_a_start_take_longer() -> None:
    known = Standing(lane="dear", chance=0.25, start=seconds(10))
    assert weigh(DEAR, known, Need(), NOW).start == seconds(40)


def test_a_minute_is_billed_at_least() -> None:
    one = weigh(DEAR, KNOWN["dear"], Need(pixels=10**7, pixels_left=10**7), NOW)
    assert (one.takes, one.nanodollars) == (seconds(1), 60 * 300_000)


def test_on_machines_that_are_shared_its_own_seconds_are_its_cost_and_it_goes_there() -> None:
    shared = replace(DEAR, is_shared=True)
    small = Need(pixels=10**7, pixels_left=10**7)
    assert weigh(shared, KNOWN["dear"], small, NOW).nanodollars == 300_000
    route = chosen(SPOT, shared, pixels=10**7, pixels_left=10**7)
    assert route.lane == shared


def test_what_it_is_sure_to_take_counts_how_far_off_that_may_be() -> None:
    one = weigh(SLOW, KNOWN["slow"], Need(pixels=10**7, pixels_left=10**7), NOW)
    assert (one.takes, one.sure) == (seconds(10), seconds(12))
    assert weigh(SLOW, None, Need(pixels=1), NOW).sure is None


WIDE = replace(SPOT, tasks=8)
HOUR_ALONE = 36 * 10**9


def test_nobody_is_paid_for_a_minute_that_has_no_work() -> None:
    one = weigh(WIDE, KNOWN["spot"], Need(pixels=10**9, pixels_left=10**9), NOW)
    assert (one.tasks, one.takes) == (1, seconds(100))
    assert one.words.endswith("on 1 machine of 8 (no more have a minute's work)")
    three = weigh(WIDE, KNOWN["spot"], Need(pixels=2 * 10**9, pixels_left=2 * 10**9), NOW)
    assert (three.tasks, three.takes, three.nanodollars) == (3, seconds(200 / 3), 200 * 70_000)
    all_of_them = weigh(WIDE, KNOWN["spot"], Need(pixels=HOUR_ALONE, pixels_left=HOUR_ALONE), NOW)
    assert (all_of_them.tasks, all_of_them.wide) == (8, "")
    assert weigh(replace(WIDE, price=None), KNOWN["spot"], Need(pixels=1), NOW).tasks == 8


def test_what_nobody_waits_for_has_as_few_machines_as_make_its_deadline() -> None:
    def thrifty(left: float) -> int:
        deadline = NOW + seconds(left)
        need = Need(pixels=HOUR_ALONE, pixels_left=HOUR_ALONE, deadline=deadline, is_thrifty=True)
        one = weigh(WIDE, KNOWN["spot"], need, NOW)
        assert bool(one.late) is (left < 90 + 3672 / 8)
        return one.tasks

    assert [thrifty(left) for left in (86_400, 3800, 3700, 1400, 600, 300)] == [1, 2, 3, 6, 8, 8]
    dear = replace(WIDE, is_spot=False)
    need = Need(pixels=HOUR_ALONE, pixels_left=HOUR_ALONE, is_thrifty=True)
    need = replace(need, deadline=NOW + seconds(3800))
    assert weigh(dear, KNOWN["dear"], need, NOW).tasks == 1, "it is not taken away half of the time"


OUT = Standing(
    lane="spot", speed=1e7, speed_error=1e5, start=seconds(30), closed_until=NOW + seconds(60)
)


def test_what_nobody_waits_for_waits_for_spot_until_the_net_and_then_takes_what_is_sure() -> None:
    def found(left: float, **changes: object) -> Route:
        need = Need(pixels=PIXELS, pixels_left=PIXELS, deadline=NOW + seconds(left))
        need = replace(need, **{"is_thrifty": True, **changes})  # type: ignore[arg-type]  # by name
        known = {**KNOWN, "spot": OUT}
        return route((DEAR, SPOT), Scene(now=NOW, resting={}, busy={}, standings=known, need=need))

    waits = found(3600)
    assert (waits.lane, waits.avoided) == (None, ())
    assert waits.why == (
        "waits for spot, which costs $0.0070 and dear $0.0300; that is taken from 12:47:58 UTC on"
    )
    needed = 2 * 10 + 102 + 600
    assert found(needed + 1).lane is None
    assert found(needed).lane is DEAR
    assert found(3600, is_thrifty=False).lane is DEAR, "somebody waits for it"


def test_the_net_is_as_wide_as_the_dear_lane() -> None:
    need = Need(pixels=HOUR_ALONE, pixels_left=HOUR_ALONE, is_thrifty=True)
    need = replace(need, deadline=NOW + seconds(3800))
    closed = [weigh(SPOT, OUT, replace(need, deadline=NOW + seconds(86_400)), NOW)]
    narrow = weigh(DEAR, KNOWN["dear"], need, NOW)
    wide = weigh(replace(DEAR, tasks=8), KNOWN["dear"], need, NOW)
    assert (narrow.tasks, wide.tasks) == (1, 1)
    assert worth_waiting(narrow, closed, need, NOW) is None
    assert worth_waiting(wide, closed, need, NOW) is not None, "eight machines need 459 s"
    in_one_piece = replace(need, chunks=1)
    assert worth_waiting(wide, closed, in_one_piece, NOW) is None


def test_a_lane_that_rests_for_this_render_is_waited_for_as_well() -> None:
    need = Need(pixels=PIXELS, pixels_left=PIXELS, is_thrifty=True, deadline=NOW + seconds(3600))
    resting = {"spot": NOW + seconds(600)}
    rests = Scene(now=NOW, resting=resting, busy={}, standings=KNOWN, need=need)
    assert route((SPOT, DEAR), rests).lane is None
    barred = Scene(now=NOW, barred=("spot",), resting={}, busy={}, standings=KNOWN, need=need)
    assert route((SPOT, DEAR), barred).lane is DEAR


def test_a_lane_without_a_speed_has_that_of_another_with_its_encoder() -> None:
    like = replace(SPOT, id="like")
    other = replace(SPOT, id="other", encoder_class="h264_nvenc/ada/470")
    paces = paced((DEAR, like, other), {"dear": KNOWN["dear"], "like": Standing(lane="like")})
    assert (paces["like"].speed, paces["like"].speed_error) == (1e7, 0.5e7)
    assert paces["dear"] is KNOWN["dear"]
    assert "other" not in paces


@given(
    work=st.floats(1, 10**5),
    left=st.floats(0, 10**6),
    every=st.floats(1, 60),
    prices=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
)
def test_who_waits_for_a_cheap_lane_that_never_opens_is_still_in_time(
    work: float, left: float, every: float, prices: tuple[int, int]
) -> None:
    """A sweep comes by at least once a minute; what can be made at first is made in the end."""
    dear, spot = (
        replace(lane, price=price(cost), attempt_limit=timedelta(days=99))
        for lane, cost in zip((DEAR, SPOT), prices, strict=True)
    )
    deadline, pixels = NOW + seconds(left), round(work * 1e7)
    need = Need(pixels=pixels, pixels_left=pixels, is_thrifty=True, deadline=deadline)

    def waits(now: datetime) -> bool:
        closed = [weigh(spot, OUT, need, now)]
        return worth_waiting(weigh(dear, KNOWN["dear"], need, now), closed, need, now) is not None

    first = weigh(dear, KNOWN["dear"], need, NOW)
    assume(not first.late)
    assert first.takes is not None
    until = net(first, need, deadline)
    last_in_vain = max(NOW, until - seconds(every / 2))
    taken = last_in_vain + seconds(every) if waits(last_in_vain) else last_in_vain
    assert not waits(taken)
    assert not weigh(dear, KNOWN["dear"], need, taken).late


def test_with_time_to_spare_the_cheapest_is_taken() -> None:
    found = chosen(DEAR, SPOT)
    assert [one.lane.id for one in found.weighed] == ["spot", "dear"]
    assert found.why == "dear costs $0.0300, spot $0.0070"


def test_when_time_gets_short_what_is_sure_is_taken() -> None:
    found = chosen(SPOT, DEAR, left=180)
    assert found.lane is DEAR
    assert found.why == "spot may need 192 s of the 180 s that are left"
    slow = chosen(SLOW, DEAR, left=600)
    assert (slow.lane, slow.why) == (DEAR, "slow may need 1210 s of the 600 s that are left")


def test_what_does_not_fit_into_one_attempt_comes_after_what_does() -> None:
    short = replace(SPOT, attempt_limit=seconds(60))
    found = chosen(short, DEAR)
    assert (found.lane, found.why) == (DEAR, "spot may need 102 s, and an attempt ends after 60 s")
    assert chosen(short).lane is short


def test_where_a_cost_is_not_known_the_order_is_that_of_the_file() -> None:
    free = replace(SPOT, price=None)
    assert chosen(DEAR, free).lane is DEAR
    assert chosen(free, DEAR).lane is free


def test_another_encoder_class_begins_anew_and_is_weighed_so() -> None:
    other = replace(SPOT, encoder_class="h264_nvenc/ada/470")
    found = chosen(DEAR, other, pixels_left=PIXELS // 100, made_by=LANE.encoder_class)
    assert [one.takes for one in found.weighed] == [seconds(100), seconds(1)]
    dearer = chosen(DEAR, replace(other, price=price(250_000)), pixels_left=PIXELS // 4, made_by=LANE.encoder_class)  # fmt: skip  # noqa: E501  # one thought
    assert dearer.lane is DEAR


def test_a_tenants_renders_never_leave_their_places() -> None:
    home = replace(DEAR, id="home", location="eu")
    found = chosen(SPOT, home, locations=("eu",))
    assert found.lane is home
    assert found.why == "spot is in nowhere that is known, and its tenant allows eu only"
    lost = chosen(replace(SPOT, location="us"), locations=("eu", "ch"))
    assert lost.hopeless
    assert lost.why == "no lane is left: spot is in us, and its tenant allows eu, ch only"


def test_a_lane_whose_disk_cannot_hold_the_joined_file_is_not_taken() -> None:
    small = replace(SPOT, disk_bytes=2 * GIB)
    found = chosen(small, DEAR, disk_bytes=3 * GIB)
    assert found.lane is DEAR
    assert found.why == "spot has room for 2.0 GiB, and joining needs about 3.0 GiB"


def test_a_lane_whose_memory_cannot_hold_a_task_is_not_taken() -> None:
    small = replace(SPOT, memory_bytes=2 * GIB)
    found = chosen(small, DEAR, making_bytes=3 * GIB)
    assert found.lane is DEAR
    assert found.why == "spot has 2.0 GiB of memory, and a task needs about 3.0 GiB"
    alone = chosen(small, joining_bytes=3 * GIB)
    assert (alone.hopeless, alone.failure) == (True, FailureClass.OUT_OF_MEMORY)
    other = replace(DEAR, location="us")
    mixed = chosen(small, other, joining_bytes=3 * GIB, locations=("",))
    assert (mixed.hopeless, mixed.failure) == (True, FailureClass.CAPACITY)


def test_what_is_to_be_lossless_is_made_by_libx264_alone() -> None:
    gpu = replace(SPOT, encoder_class="h264_nvenc/ada/470")
    found = chosen(gpu, DEAR, lossless=True)
    assert found.lane is DEAR
    assert found.why == "spot encodes by h264_nvenc, which makes nothing lossless"
    assert chosen(gpu, DEAR).lane is gpu
    alone = chosen(gpu, lossless=True)
    assert (alone.hopeless, alone.failure) == (True, FailureClass.SPEC)


def test_where_files_lie_in_memory_they_are_counted_with_whatever_needs_more() -> None:
    plain = replace(SPOT, memory_bytes=4 * GIB)
    inside = replace(plain, files_in_memory=True)
    making = {"making_bytes": 3 * GIB, "piece_bytes": 2 * GIB, "joining_bytes": GIB}
    joining = {"making_bytes": 3 * GIB, "joining_bytes": GIB, "disk_bytes": 5 * GIB}
    assert chosen(plain, **making).lane is plain
    assert chosen(plain, **joining).lane is plain
    assert "needs about 5.0 GiB with its files" in chosen(inside, **making).why
    assert "needs about 6.0 GiB with its files" in chosen(inside, **joining).why


def test_what_is_needed_is_counted_from_the_plan() -> None:
    plan = starting().plan
    assert plan is not None
    (one,) = plan.outputs
    deadline = NOW + timedelta(hours=1)
    half = need_of(plan, frames=one.frames // 2, made_by="x", deadline=deadline, locations=("eu",))
    assert half.pixels == one.frames * one.width * one.height
    assert (half.pixels_with("x"), half.pixels_with("y")) == (half.pixels // 2, half.pixels)
    assert half.disk_bytes == COPIES * round(half.pixels * 0.0125)
    assert half.making_bytes > OWN_BYTES + FFMPEG_BYTES
    assert half.joining_bytes == OWN_BYTES + joining_bytes(one, plan.audio_of(one))
    assert 0 < half.piece_bytes * COPIES < half.disk_bytes
    none = need_of(plan, frames=0, made_by="x", deadline=deadline, locations=None)
    assert none.pixels_with("y") == none.pixels == none.pixels_left


def test_lossless_images_may_be_made_on_any_lane_and_lossless_videos_may_not() -> None:
    plan = starting().plan
    assert plan is not None
    (one,) = plan.outputs
    for kind in Kind:
        outputs = (replace(one, kind=kind, lossless=True),)
        made = replace(plan, outputs=outputs)
        need = need_of(made, frames=0, made_by=None, deadline=NOW, locations=None)
        assert need.lossless is kind.plays


def test_dollars_read_well() -> None:
    assert [dollars(n) for n in (1.05e9, 123_456_789, 3_200_000)] == ["$1.05", "$0.12", "$0.0032"]
