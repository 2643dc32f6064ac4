from datetime import timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core import retry
from infra.laptop.misbehaviour import LONGEST_DELAY, Misbehaviour, Target, Unreadable, read
from infra.laptop.subscriptions import ACK_DEADLINES
from schemas.failures import FailureClass
from tests.unit.makers import failure

MANY = 400
SEEDS = st.integers(min_value=0, max_value=10**6).map(str)


@given(SEEDS)
def test_the_same_seed_is_the_same_plan(seed: str) -> None:
    one, two = read(seed), read(seed)
    assert list(islice(one.kills(), MANY)) == list(islice(two.kills(), MANY))
    assert list(islice(one.fates(), MANY)) == list(islice(two.fates(), MANY))


def test_another_seed_is_another_plan() -> None:
    one, two = read("1"), read("2")
    assert list(islice(one.kills(), MANY)) != list(islice(two.kills(), MANY))
    assert list(islice(one.fates(), MANY)) != list(islice(two.fates(), MANY))


@given(SEEDS)
def test_kills_come_as_often_as_was_wished(seed: str) -> None:
    pauses = [kill.after for kill in islice(read(f"{seed},every=8").kills(), MANY)]
    mean = sum(pauses, timedelta(0)) / MANY
    assert timedelta(seconds=7) < mean < timedelta(seconds=9)
    assert pauses[0] < timedelta(seconds=3), "a short render meets a kill as well"


@given(SEEDS)
def test_no_more_ffmpegs_are_killed_than_a_render_forgives(seed: str) -> None:
    kills = islice(read(f"{seed},ffmpeg=1").kills(), MANY)
    encoders = sum(kill.target is Target.ENCODER for kill in kills)
    forgiven = [
        retry.decide(
            failure(FailureClass.CRASH), retries=crash, barren=1, previous=None, draw=0.0
        ).again
        for crash in range(encoders + 1)
    ]
    assert forgiven == [True] * encoders + [False]


@given(SEEDS)
def test_who_is_killed_is_as_was_wished(seed: str) -> None:
    def kinds(wish: str) -> set[tuple[Target, bool]]:
        return {(kill.target, kill.notice) for kill in islice(read(wish).kills(), MANY)}

    assert kinds(f"{seed},notice=0,ffmpeg=0") == {(Target.TASK, False), (Target.TASKS, False)}
    assert kinds(f"{seed},notice=1,ffmpeg=0") == {(Target.TASK, True), (Target.TASKS, True)}
    assert (Target.ENCODER, True) not in kinds(seed)


@given(SEEDS)
def test_messages_come_late_or_twice_but_come(seed: str) -> None:
    fates = list(islice(read(f"{seed},messages=0.5").fates(), MANY))
    assert all(1 <= len(fate.copies) <= 2 for fate in fates)
    assert all(timedelta(0) <= copy <= LONGEST_DELAY for fate in fates for copy in fate.copies)
    assert min(ACK_DEADLINES.values()) > LONGEST_DELAY
    disturbed = sum(fate.copies != (timedelta(0),) for fate in fates)
    assert 0.3 * MANY < disturbed < 0.7 * MANY
    calm = islice(read(f"{seed},messages=0").fates(), MANY)
    assert {fate.copies for fate in calm} == {(timedelta(0),)}


def test_a_wish_says_how_much() -> None:
    wish = read("seven,every=2.5,notice=0,ffmpeg=0.1,messages=1")
    assert wish == Misbehaviour(
        seed="seven", every=timedelta(seconds=2.5), notice=0, ffmpeg=0.1, messages=1
    )


@pytest.mark.parametrize(
    "wish",
    ["", "every=3", "7,evry=3", "7,every", "7,every=0", "7,every=x", "7,notice=2", "7,ffmpeg=nan"],
)
def test_a_wish_that_cannot_be_read_is_refused(wish: str) -> None:
    with pytest.raises(Unreadable):
        read(wish)
