"""When a render may be done, and from what that is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.core.render import Render
from functions.made import Made, made
from infra.simulator.memory_objects import MemoryObjects
from ops.progress import eta
from schemas import names
from schemas.pieces import Span
from tests.unit.makers import NOW, rendering

RENDER = rendering()
assert RENDER.plan is not None
PLAN = RENDER.plan
(OUTPUT,) = PLAN.outputs
FRAMES = PLAN.frames


def on(tasks: int) -> Render:
    """The same with so many machines."""
    return replace(RENDER, attempts=(replace(RENDER.attempts[-1], tasks=tasks),))


def so_far(frames: int, seconds: float) -> Made:
    return Made(committed=frames, in_hand=0, timed=frames, seconds=seconds)


def likely(render: Render, found: Made) -> float:
    told = eta(render, found)
    assert told is not None
    assert told.soonest < told.likely < told.latest
    return told.likely


def test_nothing_is_told_before_anybody_has_said_how_long_a_frame_takes() -> None:
    assert eta(RENDER, Made(committed=0, in_hand=0)) is None
    assert eta(RENDER, Made(committed=100, in_hand=0)) is None
    assert eta(replace(RENDER, plan=None), so_far(100, 10)) is None


def test_one_machine_makes_the_rest_as_fast_as_it_made_the_beginning() -> None:
    quarter = FRAMES // 4
    found = so_far(quarter, seconds=quarter / 10)
    assert likely(on(1), found) == pytest.approx((FRAMES - quarter) / 10, rel=0.1)


def test_it_is_the_pace_of_what_was_made_whoever_looks_and_whenever() -> None:
    slow, fast = so_far(60, seconds=60), so_far(60, seconds=6)
    assert likely(on(1), slow) > 8 * likely(on(1), fast)


def test_more_machines_are_done_sooner_but_for_the_last_chunk() -> None:
    found = so_far(60, seconds=60)
    one, two = likely(on(1), found), likely(on(2), found)
    assert one / 2 < two < one
    assert likely(on(10**6), found) == likely(on(PLAN.chunks), found)


def test_what_was_made_since_a_task_was_heard_is_not_left() -> None:
    found = so_far(60, seconds=60)
    later = replace(found, unheard=3.0)
    assert likely(on(1), found) - likely(on(1), later) == pytest.approx(3.0)


def test_what_is_joined_only_is_nearly_done() -> None:
    assert likely(on(1), so_far(FRAMES, seconds=FRAMES)) < 0.05 * FRAMES + 1


def test_pieces_say_how_long_they_took_and_claims_since_when_they_are_held() -> None:
    clock = [NOW]
    work = MemoryObjects("work", lambda: clock[0])
    assert made(RENDER, work) == Made(committed=0, in_hand=0, by_output={OUTPUT.id: 0})
    first, length = OUTPUT.chunks[0], len(OUTPUT.chunks[0])
    work.write(names.piece(RENDER.id, OUTPUT.pieces_id, "k", first), b"", metadata={"seconds": "7"})
    silent = Span(first.end, first.end + 10)
    work.write(names.piece(RENDER.id, OUTPUT.pieces_id, "k", silent), b"", metadata={})
    begun = names.claim(RENDER.id, f"piece/{OUTPUT.pieces_id}/k/{silent.end:09}")
    work.write(begun, b"", metadata={"execution": "e", "task": "0", "attempt": "1"})
    assert made(RENDER, work).timed == length
    since = NOW.isoformat()
    clock[0] += timedelta(seconds=3)
    work.write(begun, b"", metadata={"frames": "30", "taken": since})
    found = made(RENDER, work)
    assert (found.in_hand, found.timed, found.seconds) == (30, length + 30, 10)
    assert found.unheard == 0
    clock[0] += timedelta(seconds=1)
    assert made(RENDER, work).unheard == 1
    clock[0] += timedelta(hours=1)
    assert made(RENDER, work).unheard == 4
