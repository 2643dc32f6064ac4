from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.plan import make_plan
from render_job.choose import (
    LEASE,
    Claim,
    Hedge,
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
from schemas.spec import Output, RenderSpec
from schemas.spec_clip import Clip
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
    plain = Claim(
        worker=worker(task), attempt=1, taken_at=NOW, renewed_at=NOW, generation=1, frames=0
    )
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


# ── hedging ──────────────────────────────────────────────────────────────────────────────────

LONG = plan_of(length=1200)
(LONG_OUTPUT,) = LONG.outputs
LAST, LAST_BUT_ONE = LONG_OUTPUT.chunks[-2], LONG_OUTPUT.chunks[-3]
HEDGING = order(tasks=4, hedge=True)
PACE = {LONG_OUTPUT.id: {worker(0): 40.0}}
AGO = NOW - seconds(10)


def hedge(span: Span) -> str:
    """The name of the claim on a hedge."""
    key = LONG_OUTPUT.key(UPLOAD, HEDGING.encoder_class)
    return f"hedge/{LONG_OUTPUT.id}/{key}/{span.start:09}-{span.end:09}"


def at_the_end(holders: dict[Span, Claim], **changes: object) -> Seen:
    """All is made but what these have in hand."""
    made = frozenset(LONG_OUTPUT.chunks) - set(holders)
    claims = {piece(span, LONG_OUTPUT): holder for span, holder in holders.items()}
    return seen(pieces={LONG_OUTPUT.id: made}, claims=claims, paces=PACE, **changes)


def hedged(look: Seen, *, order: Order = HEDGING, task: int = 0) -> Span | None:
    choice = choose(LONG, order, worker(task), look)
    assert isinstance(choice, Hedge | Idle)
    return choice.span if isinstance(choice, Hedge) else None


def with_hedges(look: Seen, hedges: dict[Span, Claim]) -> Seen:
    more = {hedge(span): holder for span, holder in hedges.items()}
    return replace(look, claims={**look.claims, **more})


SLOW = claim(1, taken_at=AGO, frames=10)
LATE = at_the_end({LAST: SLOW})


def test_a_task_that_would_idle_makes_the_piece_of_a_slower_one_as_well() -> None:
    choice = choose(LONG, HEDGING, worker(0), LATE)
    assert choice == Hedge(output=LONG_OUTPUT, span=LAST, claim=hedge(LAST))


def test_where_hedging_is_off_a_task_idles() -> None:
    assert hedged(LATE, order=replace(HEDGING, hedge=False)) is None
    assert not order().hedge


@pytest.mark.parametrize(
    ("holder", "is_hedged"),
    [
        (claim(1, taken_at=AGO, frames=10), True),
        (claim(1, taken_at=AGO, frames=0), True),
        (claim(1, taken_at=AGO, frames=92), True),
        (claim(1, taken_at=AGO, frames=93), False),
        (claim(1, taken_at=AGO, frames=120), False),
        (claim(1, taken_at=NOW - seconds(3), frames=0), False),
        (claim(1, taken_at=NOW - seconds(4), frames=0), True),
    ],
)
def test_it_is_hedged_only_if_its_holder_is_expected_later(holder: Claim, is_hedged: bool) -> None:
    """The chunk has 120 frames: three seconds at this task's pace."""
    assert len(LAST) == 120
    assert hedged(at_the_end({LAST: holder})) == (LAST if is_hedged else None)


def test_of_several_the_one_expected_last_is_hedged() -> None:
    slower, slowest = claim(1, taken_at=AGO, frames=20), claim(2, taken_at=AGO, frames=10)
    assert hedged(at_the_end({LAST: slower, LAST_BUT_ONE: slowest})) == LAST_BUT_ONE
    assert hedged(at_the_end({LAST: slowest, LAST_BUT_ONE: slower})) == LAST


def test_a_task_that_has_made_nothing_yet_does_not_know_whether_it_is_faster() -> None:
    assert hedged(LATE, task=3) is None


def test_nothing_is_hedged_while_anything_is_free() -> None:
    free = at_the_end({LAST: SLOW, LAST_BUT_ONE: claim(2, attempt=0)})
    assert isinstance(choose(LONG, HEDGING, worker(0), free), MakePiece)


def test_what_is_hedged_or_was_is_not_hedged_again() -> None:
    for other in (claim(2), claim(2, renewed_at=NOW - timedelta(hours=1)), claim(2, attempt=0)):
        assert hedged(with_hedges(LATE, {LAST: other})) is None
        part = Span(LAST.start - 60, LAST.end)
        assert hedged(with_hedges(LATE, {part: other})) is None


def test_hedges_stay_within_three_percent_of_the_frames() -> None:
    assert LONG.frames * 3 / 100 == 1080
    assert hedged(with_hedges(LATE, {Span(0, 960): claim(2)})) == LAST
    assert hedged(with_hedges(LATE, {Span(0, 961): claim(2)})) is None


def test_what_another_hedges_is_not_free_when_its_holder_is_gone() -> None:
    gone = claim(1, renewed_at=NOW - LEASE - seconds(1))
    look = at_the_end({LAST: gone})
    assert chosen(0, look, plan=LONG) == LAST
    for told in (ORDER, HEDGING):
        assert chosen(0, with_hedges(look, {LAST: claim(2)}), plan=LONG, order=told) == Idle()
    assert chosen(0, with_hedges(look, {LAST: gone}), plan=LONG) == LAST


def test_of_two_that_hedge_at_once_the_later_gives_way() -> None:
    """They hedge different pieces, and both together would be beyond the share."""
    look = at_the_end({LAST: SLOW, LAST_BUT_ONE: claim(2, taken_at=AGO, frames=9)})
    look = with_hedges(look, {Span(0, 900): claim(3, attempt=0)})
    both = {LAST: claim(0, taken_at=NOW - seconds(1)), LAST_BUT_ONE: claim(3, taken_at=NOW)}
    under_claims = with_hedges(look, both)
    paces = {LONG_OUTPUT.id: {worker(0): 40.0, worker(3): 40.0}}
    under_claims = replace(under_claims, paces=paces)
    assert hedged(under_claims, task=0) == LAST
    assert hedged(under_claims, task=3) is None


crews = st.lists(st.sampled_from([5, 20, 50, 50, 60]), min_size=1, max_size=9)


@settings(max_examples=20)
@given(crews, st.sampled_from([40, 300]), st.booleans())
def test_a_crew_makes_every_piece_whatever_its_speeds_and_hedges_within_its_share(
    speeds: list[int], length: int, hedge: bool
) -> None:
    plan = plan_of(Output(), Output(name="b", height=240), length=length)
    told = order(tasks=len(speeds), deadline=NOW + timedelta(days=9), hedge=hedge)
    crew = Crew(plan=plan, order=told, speeds=speeds, looks_again=True)
    took = crew.run()
    hedges = [one for one in crew.taken if isinstance(one, Hedge)]
    assert len(crew.taken) - len(hedges) == plan.chunks
    assert len({one.claim for one in hedges}) == len(hedges)
    assert sum(len(one.span) for one in hedges) * 100 <= 3 * plan.frames
    assert hedge or not hedges
    assert crew.wasted <= sum(len(one.span) for one in hedges)
    assert took * sum(speeds) >= plan.frames


def test_a_slow_task_keeps_the_others_waiting_for_less_when_they_hedge() -> None:
    plan = plan_of(length=1200)
    speeds = [50] * 7 + [6]
    took = {}
    for hedge in (False, True):
        told = order(tasks=8, deadline=NOW + timedelta(days=9), hedge=hedge)
        crew = Crew(plan=plan, order=told, speeds=speeds)
        took[hedge] = crew.run()
        assert any(isinstance(one, Hedge) for one in crew.taken) == hedge
    assert took[True] < 0.97 * took[False]
