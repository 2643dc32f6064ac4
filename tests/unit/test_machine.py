"""From asked to delivered, and what is told of it on the way."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from functions.core.effects import (
    AnnounceDone,
    Effect,
    Launch,
    Look,
    StopExecution,
    SupersedeOlder,
    WakeNext,
    Withdraw,
)
from functions.core.lanes import Policy
from functions.core.machine import Impossible, Occurrence, advance, performed
from functions.core.render import LONGEST_HISTORY, Render, State
from schemas.events import (
    RenderDone,
    UploadRefused,
)
from schemas.failures import FailureClass
from schemas.ids import render_id
from schemas.wire import to_json
from tests.unit.makers import (
    FACTS,
    LANE,
    NOW,
    THREE_OUTPUTS,
    UPLOAD,
    accepted,
    after,
    effects,
    execution,
    facts,
    failure,
    over,
    rendering,
    requested,
    seconds,
    started,
    starting,
    surveyed,
    tick,
    verified,
    wants,
)
from tests.unit.tellers import (
    BUSY,
    CRASH,
    POLICY,
    PREEMPTED,
    all_performed,
    cancel,
    cancelled,
    chunk,
    denied,
    done,
    ended,
    failed,
    gave_up,
    in_state,
    letter_of,
    preempted,
    progress,
    replay,
    stitch,
    stitching,
    superseded,
    waiting,
)

# ── the whole way ────────────────────────────────────────────────────────────────────────────


def test_a_render_goes_from_asked_to_delivered() -> None:
    render = after(None, requested(), now=NOW)
    assert (render.id, render.state) == (render_id(UPLOAD), State.STARTING)
    assert (render.attempt, render.lane, render.why) == (1, LANE.id, "the only lane here")
    assert [type(effect) for effect in effects(render)] == [SupersedeOlder, Launch]

    render = after(all_performed(render), accepted(render), now=NOW + seconds(1))
    assert render.current is not None
    assert (render.state, render.current.execution) == (State.STARTING, execution(render))

    render = after(render, started(render), now=NOW + seconds(5))
    assert render.current is not None
    assert (render.state, render.current.started_at) == (State.RENDERING, NOW + seconds(5))

    render = after(render, chunk(render, 150), now=NOW + seconds(15))
    assert (render.state, render.frames) == (State.RENDERING, 150)

    render = after(render, stitch(render), now=NOW + seconds(30))
    assert render.state is State.STITCHING

    fact = verified(render)
    render = after(render, fact, now=NOW + seconds(40))
    assert (render.state, render.outputs, render.missing) == (State.DONE, (fact,), ())
    assert render.plan is not None
    assert render.frames == render.plan.frames == 600
    assert render.current is not None
    assert render.current.ended_at == NOW + seconds(40)
    announced = RenderDone(
        render=render.id,
        at=fact.at,
        tenant="acme",
        upload=UPLOAD,
        output_id="full/web-720",
        delivered=fact.delivered,
        certificate=fact.certificate,
    )
    assert effects(render) == [AnnounceDone(event=announced), WakeNext()]
    assert render.due_at == NOW + seconds(40) + POLICY.effect_grace
    assert all_performed(render).due_at == NOW + seconds(40) + POLICY.keep_done


def test_an_order_tells_the_attempt_all_it_needs() -> None:
    (launch,) = wants(starting(), Launch)
    order = cast("Launch", launch).order
    assert (order.attempt, order.lane, order.tasks) == (1, LANE.id, LANE.tasks)
    assert order.encoder_class == LANE.encoder_class
    assert order.deadline == NOW + LANE.attempt_limit


@pytest.mark.parametrize("hedge", [False, True])
def test_only_on_a_lane_that_hedges_an_attempt_may(hedge: bool) -> None:
    (launch,) = wants(starting(facts=facts(replace(LANE, hedge=hedge))), Launch)
    assert cast("Launch", launch).order.hedge is hedge
    assert not LANE.hedge


def test_an_attempt_is_told_an_end_no_later_than_its_renders() -> None:
    short = facts(policy=Policy(deadline=timedelta(minutes=9)))
    (launch,) = wants(starting(facts=short), Launch)
    assert cast("Launch", launch).order.deadline == NOW + timedelta(minutes=9)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.PLANNED])
def test_a_state_that_waits_for_nothing_is_passed_through(state: State) -> None:
    render = in_state(state)
    assert render.state is state
    assert after(render, tick(render), now=NOW).state is State.STARTING
    assert after(render, tick(render), now=NOW, facts=BUSY).state is State.WAITING


def test_of_several_outputs_each_is_announced_and_the_last_makes_it_done() -> None:
    render = rendering(spec=THREE_OUTPUTS)
    states = []
    while render.missing:
        render = after(render, verified(render), now=NOW)
        states.append(render.state)
    assert states == [State.RENDERING, State.RENDERING, State.DONE]
    assert len(wants(render, AnnounceDone)) == 3
    assert len(wants(render, WakeNext)) == 1


def test_an_unknown_output_is_nobodys() -> None:
    render = rendering()
    assert advance(render, verified(render, "full/huge"), now=NOW, facts=FACTS) is render


# ── opening ──────────────────────────────────────────────────────────────────────────────────


def test_an_event_about_no_render_opens_none() -> None:
    render = rendering()
    for event in (tick(render), started(render), verified(render), cancel(render)):
        assert advance(None, event, now=NOW, facts=FACTS) is None


def test_a_refused_upload_is_a_failed_render_with_its_letter() -> None:
    refusal = failure(FailureClass.INPUT, reason="no_video_stream")
    render = after(None, UploadRefused(upload=UPLOAD, failure=refusal, at=NOW), now=NOW)
    assert (render.state, render.failure, render.attempt) == (State.FAILED, refusal, 0)
    letter = letter_of(render)
    assert (letter.failure, letter.advice, letter.number) == (refusal, refusal.advice, 1)
    assert letter.fingerprint == refusal.fingerprint


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ('{"clips": [{"start": 21}]}', "clips[0].start is 21, but must be less than"),
        ('{"codec": "av1"}', "codec is an unknown field"),
        ("nonsense", "spec is not JSON"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_before_any_launch(spec: str, words: str) -> None:
    render = after(None, requested(spec=spec), now=NOW)
    assert render.state is State.FAILED
    assert render.failure is not None
    assert render.failure.failure is FailureClass.SPEC
    assert words in render.failure.message
    assert letter_of(render).spec_text == spec
    assert not wants(render, Launch)


def test_without_any_lane_a_render_fails_and_says_so() -> None:
    render = after(None, requested(), now=NOW, facts=replace(FACTS, lanes=()))
    assert render.state is State.FAILED
    assert render.failure is not None
    assert render.failure.reason == "no_lane"


def test_what_no_lane_has_the_memory_for_fails_before_anything_is_started() -> None:
    small = replace(FACTS, lanes=(replace(LANE, memory_bytes=64 << 20),))
    render = after(None, requested(), now=NOW, facts=small)
    assert render.failure is not None
    assert (render.state, render.failure.failure) == (State.FAILED, FailureClass.OUT_OF_MEMORY)
    assert "has 0.1 GiB of memory, and a task needs about 0.3 GiB" in render.failure.message
    assert not wants(render, Launch)


# ── once is enough ───────────────────────────────────────────────────────────────────────────

REPEATED: dict[str, tuple[State, Occurrence]] = {
    "requested again": (State.STARTING, requested()),
    "requested when done": (State.DONE, requested()),
    "launch accepted": (State.STARTING, accepted(starting())),
    "launch denied": (State.STARTING, denied(starting())),
    "started": (State.STARTING, started(starting())),
    "progress": (State.STARTING, progress(starting(), 10)),
    "chunk": (State.STARTING, chunk(starting(), 10)),
    "stitch": (State.RENDERING, stitch(rendering())),
    "verified": (State.STITCHING, verified(stitching())),
    "verified when failed": (State.FAILED, verified(failed())),
    "verified when cancelled": (State.CANCELLED, verified(cancelled())),
    "preempted": (State.RENDERING, preempted(rendering())),
    "gave up": (State.RENDERING, gave_up(rendering(), CRASH)),
    "ended": (State.RENDERING, ended(rendering(), CRASH)),
    "surveyed running": (State.RENDERING, surveyed(rendering(), frames=60)),
    "surveyed over": (State.RENDERING, over(rendering(), CRASH)),
    "surveyed preempted": (State.STITCHING, over(stitching(), PREEMPTED)),
    "cancelled": (State.WAITING, cancel(waiting())),
    "superseded": (State.RENDERING, superseded(rendering())),
    "replayed": (State.FAILED, replay(failed())),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_repeated_event_changes_nothing(name: str) -> None:
    state, event = REPEATED[name]
    once = after(in_state(state), event, now=NOW + seconds(3))
    written = to_json(once)
    assert advance(once, event, now=NOW + seconds(3), facts=FACTS) is once
    if name != "surveyed running":
        assert advance(once, event, now=NOW + seconds(4), facts=FACTS) is once
    assert to_json(once) == written


@pytest.mark.parametrize("state", sorted(State))
def test_a_render_is_never_mutated_whatever_happens_to_it(state: State) -> None:
    render = in_state(state)
    written = to_json(render)
    for _, event in REPEATED.values():
        try:
            changed = advance(render, event, now=NOW + seconds(3), facts=FACTS)
        except Impossible:
            changed = render
        assert to_json(render) == written
        assert (changed is render) == (changed == render)


@pytest.mark.parametrize("state", [State.STARTING, State.RENDERING, State.STITCHING])
def test_an_event_of_an_earlier_attempt_is_stale(state: State) -> None:
    render = in_state(state)
    later = replace(
        render,
        attempt=2,
        attempts=(*render.attempts, replace(render.attempts[0], number=2)),
    )
    stale: list[Occurrence] = [
        accepted(render),
        denied(render),
        started(render),
        progress(render, 99),
        chunk(render, 99),
        stitch(render),
        preempted(render),
        gave_up(render, CRASH),
        ended(render, CRASH),
        over(render, CRASH),
        surveyed(render, frames=99),
    ]
    for event in stale:
        assert advance(later, event, now=NOW + timedelta(hours=2), facts=FACTS) is later


def test_a_tick_before_anything_is_due_changes_nothing() -> None:
    for render in (starting(), rendering(), stitching(), done(), failed(), cancelled()):
        assert advance(render, tick(render), now=NOW + seconds(1), facts=FACTS) is render


def test_what_is_done_stays_as_it_is() -> None:
    render = done()
    for event in (event for _, event in REPEATED.values()):
        assert advance(render, event, now=NOW + timedelta(days=9), facts=FACTS) is render


# ── news of an attempt ───────────────────────────────────────────────────────────────────────


def test_progress_is_not_written_more_often_than_every_two_seconds() -> None:
    render = rendering()
    assert advance(render, progress(render, 30), now=NOW + seconds(1.9), facts=FACTS) is render
    later = after(render, progress(render, 30), now=NOW + seconds(2))
    assert later.frames == 30
    assert later.revisit_at == NOW + seconds(2) + POLICY.silence


def test_progress_never_counts_backward() -> None:
    render = rendering()
    render = after(render, progress(render, 90), now=NOW + seconds(3))
    assert after(render, progress(render, 30), now=NOW + seconds(6)).frames == 90


def test_the_first_sign_of_an_attempt_may_be_its_progress() -> None:
    render = starting()
    render = after(render, progress(render, 5), now=NOW + seconds(1))
    assert (render.state, render.frames) == (State.RENDERING, 5)
    late = after(render, started(render), now=NOW + seconds(2))
    assert late.current is not None
    assert (late.state, late.current.execution) == (State.RENDERING, execution(late))
    assert late.current.started_at is not None


def test_a_start_told_after_the_stitch_does_not_turn_it_back() -> None:
    render = starting()
    render = after(render, stitch(render), started(render), now=NOW)
    assert render.state is State.STITCHING
    assert render.current is not None
    assert render.current.execution == execution(render)


def test_a_preempted_task_is_only_told_of_because_others_go_on() -> None:
    render = rendering()
    told = after(render, preempted(render), now=NOW)
    assert replace(told, why="", updated_at=NOW) == replace(render, why="", updated_at=NOW)
    assert "preempted" in told.why


def test_silence_leads_to_a_look_and_the_look_to_the_truth() -> None:
    render = all_performed(rendering())
    quiet = NOW + POLICY.silence
    assert advance(render, tick(render), now=quiet - seconds(1), facts=FACTS) is render
    render = after(render, tick(render), now=quiet)
    assert effects(render) == [
        Look(attempt=1, lane=LANE.id, execution=execution(render), ended=None)
    ]
    alive = after(render, surveyed(render, frames=120), now=quiet)
    assert (alive.state, alive.frames) == (State.RENDERING, 120)
    assert alive.revisit_at == quiet + POLICY.silence


def test_an_end_is_believed_only_after_a_look() -> None:
    render = all_performed(rendering())
    notice = ended(render, CRASH)
    told = after(render, notice, now=NOW)
    assert told.state is State.RENDERING
    assert effects(told) == [
        Look(attempt=1, lane=LANE.id, execution=execution(render), ended=notice)
    ]


def test_a_task_that_gave_up_stops_the_others() -> None:
    render = all_performed(rendering())
    told = after(render, gave_up(render, CRASH), now=NOW)
    assert told.state is State.RENDERING
    assert [type(effect) for effect in effects(told)] == [Look, StopExecution]


def test_a_look_finds_a_start_that_was_never_told() -> None:
    render = starting()
    found = after(render, surveyed(render, frames=4), now=NOW + seconds(9))
    assert found.state is State.RENDERING
    assert found.current is not None
    assert found.current.execution == execution(render)


def test_an_execution_that_ended_well_without_its_outputs_has_crashed() -> None:
    render = rendering()
    render = after(render, over(render, None), now=NOW)
    assert render.current is not None
    assert render.current.cause is not None
    assert render.current.cause.reason == "ended_without_output"
    assert "full/web-720" in render.current.cause.message


# ── effects and the document ─────────────────────────────────────────────────────────────────


def test_others_perform_an_effect_only_after_its_grace() -> None:
    render = starting()
    assert render.overdue(NOW + POLICY.effect_grace - seconds(1)) == ()
    assert render.overdue(NOW + POLICY.effect_grace) == tuple(effects(render))


def test_a_performed_effect_is_gone_and_performing_it_again_changes_nothing() -> None:
    render = starting()
    one, *rest = effects(render)
    assert effects(performed(render, one)) == rest
    assert performed(performed(render, one), one) == performed(render, one)


def test_an_effect_that_is_pending_is_not_wanted_twice() -> None:
    render = rendering()
    render = after(render, gave_up(render, CRASH), now=NOW)
    render = after(render, cancel(render), now=NOW + seconds(9))
    kinds: list[type[Effect]] = [StopExecution, Withdraw, WakeNext]
    assert [len(wants(render, kind)) for kind in kinds] == [1, 1, 1]


def test_a_launch_not_yet_performed_is_dropped_with_its_attempt() -> None:
    render = starting()
    assert wants(render, Launch)
    for end in (cancel(render), denied(render), superseded(render), over(render, CRASH)):
        assert not wants(after(render, end, now=NOW), Launch)


def last_history(render: Render) -> tuple[int, int]:
    return render.attempts[0].number, render.attempts[-1].number


@pytest.mark.parametrize("forgetful", [False, True], ids=["performed", "nothing performed"])
def test_after_two_hundred_attempts_the_document_is_far_below_one_mebibyte(
    forgetful: bool,
) -> None:
    qualities = ", ".join(f'{{"height": {height}}}' for height in (240, 360, 480, 720))
    length = 600 if forgetful else 36_000
    render = starting(spec=f'{{"outputs": [{qualities}]}}', length=length)
    noisy = failure(FailureClass.PREEMPTED, detail="x" * 5000)
    now: datetime = NOW
    for number in range(1, 201):
        now += seconds(60)
        render = after(render, accepted(render), started(render), ended(render, noisy), now=now)
        render = after(render, over(render, noisy, frames=number), now=now)
        assert render.attempt == number + 1
        if not forgetful:
            render = all_performed(render)
    assert last_history(render) == (201 - LONGEST_HISTORY + 1, 201)
    assert len(to_json(render)) < 2**20 / 2
