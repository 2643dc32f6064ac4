from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.plan import make_plan
from render_job.choose import (
    LEASE,
    Claim,
    Idle,
    Leave,
    MakePiece,
    MakeSound,
    Seen,
    Stitch,
    Worker,
    choose,
)
from schemas.pieces import Span
from schemas.plan import Order, OutputPlan, RenderPlan
from schemas.spec import Clip, Output, RenderSpec
from tests.crew import Crew, worker
from tests.unit.makers import NOW, UPLOAD, media, order, seconds

ORDER = order(tasks=4)


def plan_of(*outputs: Output, length: int = 120, audio: bool = False) -> RenderPlan:
    spec = RenderSpec(clips=(Clip(),), outputs=outputs or (Output(),))
    return make_plan(UPLOAD, media(length=length, audio=audio), spec, folder="acme/beach")


PLAN = plan_of()
(OUTPUT,) = PLAN.outputs


def piece(span: Span, output: OutputPlan = OUTPUT, order: Order = ORDER) -> str:
    """The name of the claim on a piece."""
    return f"piece/{output.id}/{output.key(UPLOAD, order.encoder_class)}/{span.start:09}"


def claim(task: int, **changes: object) -> Claim:
    plain = Claim(worker=worker(task), attempt=1, renewed_at=NOW, generation=1, frames=0)
    return replace(plain, **changes)  # type: ignore[arg-type]  # the fields are the test's business


def seen(**changes: object) -> Seen:
    return replace(Seen(now=NOW), **changes)  # type: ignore[arg-type]  # as above


def chosen(task: int, look: Seen, *, plan: RenderPlan = PLAN, order: Order = ORDER) -> object:
    """The span of the piece that is chosen, or the choice itself if it is another."""
    choice = choose(plan, order, worker(task), look)
    return choice.span if isinstance(choice, MakePiece) else choice


@pytest.mark.parametrize(
    ("look", "why"),
    [
        (seen(cancelled=True), "the render is cancelled"),
        (seen(closed=True), "attempt 1 was given up"),
        (seen(delivered=frozenset({OUTPUT.id})), "every output is delivered"),
        (seen(now=ORDER.deadline), "the attempt's time is over"),
    ],
)
def test_a_task_leaves_when_nothing_is_left_for_it(look: Seen, why: str) -> None:
    assert choose(PLAN, ORDER, worker(0), look) == Leave(why=why)


def test_sound_comes_first_for_every_task_and_then_what_can_be_joined() -> None:
    plan = plan_of(Output(), Output(name="b"), audio=True)
    whole = {OUTPUT.id: frozenset(plan.outputs[0].chunks)}
    for task in range(4):
        assert isinstance(chosen(task, seen(pieces=whole), plan=plan), MakeSound)
        heard = seen(pieces=whole, sound=frozenset({"full"}))
        assert isinstance(chosen(task, heard, plan=plan), Stitch)


def test_the_longest_chunks_are_taken_first_and_by_a_task_alone_strictly() -> None:
    look = seen(claims={piece(OUTPUT.chunks[0]): claim(0), piece(OUTPUT.chunks[1]): claim(1)})
    assert chosen(2, look) == OUTPUT.chunks[2]
    made = frozenset(OUTPUT.chunks[1:6])
    short_first = seen(pieces={OUTPUT.id: made | {Span(0, 420)}})
    assert chosen(0, short_first) == OUTPUT.chunks[6]


def test_tasks_that_are_idle_together_reach_for_different_pieces() -> None:
    assert [chosen(task, seen()) for task in range(4)] == list(OUTPUT.chunks[:4])
    busy = seen(claims={piece(OUTPUT.chunks[0]): claim(1)})
    assert [chosen(task, busy) for task in (0, 2, 3)] == list(OUTPUT.chunks[1:4])


def test_where_fewer_pieces_than_idle_tasks_are_left_each_task_still_finds_one() -> None:
    look = seen(pieces={OUTPUT.id: frozenset(OUTPUT.chunks[:-2])})
    last_two = set(OUTPUT.chunks[-2:])
    assert {chosen(task, look) for task in range(4)} == last_two


def test_what_a_task_has_claimed_it_goes_on_with() -> None:
    mine = OUTPUT.chunks[3]
    for others in range(4):
        claims = {piece(span): claim(task) for task, span in enumerate(OUTPUT.chunks[:others])}
        assert chosen(3, seen(claims={**claims, piece(mine): claim(3)})) == mine


@pytest.mark.parametrize(
    ("standing", "is_free"),
    [
        (claim(1), False),
        (claim(1, renewed_at=NOW - LEASE), False),
        (claim(1, renewed_at=NOW - LEASE - seconds(1)), True),
        (claim(1, attempt=0), True),
        (claim(1, worker=Worker(execution="e-9", task=1)), False),
    ],
)
def test_a_claim_stands_until_it_is_not_renewed_or_its_attempt_is_over(
    standing: Claim, is_free: bool
) -> None:
    made = frozenset(OUTPUT.chunks[1:])
    look = seen(pieces={OUTPUT.id: made}, claims={piece(OUTPUT.chunks[0]): standing})
    assert chosen(0, look) == (OUTPUT.chunks[0] if is_free else Idle())


@given(st.lists(st.integers(5, 90), min_size=1, max_size=9), st.sampled_from([40, 120, 300]))
def test_a_crew_makes_every_piece_once_whatever_its_speeds(speeds: list[int], length: int) -> None:
    plan = plan_of(Output(), Output(name="b", height=240), length=length)
    crew = Crew(
        plan=plan, order=order(tasks=len(speeds), deadline=FAR), speeds=speeds, looks_again=True
    )
    took = crew.run()
    assert len(crew.taken) == plan.chunks
    assert took * sum(speeds) >= plan.frames


FAR = NOW + timedelta(days=9)
