from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from functions.core.effects import (
    AnnounceDeadLetter,
    AnnounceDone,
    Effect,
    Launch,
    Look,
    RemoveOutput,
    RemovePieces,
    StopExecution,
    SupersedeOlder,
    WakeNext,
    Withdraw,
)
from functions.core.lanes import Policy
from functions.core.machine import Impossible, Occurrence, advance, performed
from functions.core.observations import LaunchDenied, PiecesRemoved, Superseded
from functions.core.render import LONGEST_HISTORY, Render, State
from schemas.events import (
    AttemptFailed,
    AttemptPreempted,
    CancelRender,
    ChunkCommitted,
    ExecutionEnded,
    RenderDeadLetter,
    RenderDone,
    RenderProgress,
    ReplayRender,
    StitchStarted,
    UploadRefused,
)
from schemas.failures import Failure, FailureClass
from schemas.ids import render_id
from schemas.pieces import Span
from schemas.wire import to_json
from tests.unit.makers import (
    FACTS,
    LANE,
    NOW,
    OTHER_LANE,
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
    upload,
    verified,
    wants,
)

POLICY = Policy()
BUSY = facts(busy={LANE.id: 1})
TWO_LANES = facts(LANE, OTHER_LANE)
CRASH = failure(FailureClass.CRASH)
PREEMPTED = failure(FailureClass.PREEMPTED)
CAPACITY = failure(FailureClass.CAPACITY)
BUDGET = failure(FailureClass.BUDGET)
DEPENDENCY = failure(FailureClass.DEPENDENCY)
TIMEOUT = failure(FailureClass.TIMEOUT)


def progress(render: Render, frames: int) -> RenderProgress:
    return RenderProgress(render=render.id, attempt=render.attempt, at=NOW, task=0, frames=frames)


def chunk(render: Render, frames: int) -> ChunkCommitted:
    return ChunkCommitted(
        render=render.id,
        attempt=render.attempt,
        at=NOW,
        output_id="full/web-720",
        span=Span(0, frames),
        frames=frames,
    )


def stitch(render: Render) -> StitchStarted:
    return StitchStarted(render=render.id, attempt=render.attempt, at=NOW, output_id="full/web-720")


def preempted(render: Render) -> AttemptPreempted:
    return AttemptPreempted(
        render=render.id, attempt=render.attempt, at=NOW, execution=execution(render), task=1
    )


def gave_up(render: Render, cause: Failure) -> AttemptFailed:
    return AttemptFailed(
        render=render.id,
        attempt=render.attempt,
        at=NOW,
        execution=execution(render),
        failure=cause,
    )


def ended(render: Render, cause: Failure | None = None) -> ExecutionEnded:
    return ExecutionEnded(
        render=render.id,
        attempt=render.attempt,
        at=NOW,
        execution=execution(render),
        failure=cause,
    )


def denied(render: Render, cause: Failure = CAPACITY) -> LaunchDenied:
    return LaunchDenied(render=render.id, attempt=render.attempt, failure=cause)


def cancel(render: Render) -> CancelRender:
    return CancelRender(render=render.id, at=NOW, by="ada", reason="wrong file")


def replay(render: Render) -> ReplayRender:
    return ReplayRender(render=render.id, at=NOW, by="ada", reason="the bucket is back")


def superseded(render: Render) -> Superseded:
    return Superseded(render=render.id, by="r-newer")


def waiting() -> Render:
    return after(None, requested(), now=NOW, facts=BUSY)


def stitching() -> Render:
    render = rendering()
    return after(render, stitch(render), now=NOW)


def failed() -> Render:
    render = rendering()
    return after(render, over(render, failure(FailureClass.BUDGET)), now=NOW)


def cancelled() -> Render:
    render = rendering()
    return after(render, cancel(render), now=NOW)


def done() -> Render:
    render = rendering()
    return after(render, verified(render), now=NOW)


def in_state(state: State) -> Render:
    """A render in that state; the transient ones are never stored, but could be."""
    if state in (State.ACCEPTED, State.PLANNED):
        plain = starting()
        plan = None if state is State.ACCEPTED else plain.plan
        return replace(
            plain, state=state, plan=plan, lane=None, attempt=0, attempts=(), pending=(),
            revisit_at=NOW,
        )  # fmt: skip
    makers = (waiting, starting, rendering, stitching, done, failed, cancelled)
    return next(made for made in (make() for make in makers) if made.state is state)


def next_attempt(render: Render, cause: Failure, *, frames: int = 0) -> Render:
    """The attempt ends for that cause; a pause that follows is waited for."""
    now = render.updated_at + seconds(1)
    render = after(render, accepted(render), started(render), now=now, facts=TWO_LANES)
    render = after(render, over(render, cause, frames=frames), now=now, facts=TWO_LANES)
    if render.state is State.WAITING:
        assert render.not_before is not None
        render = after(render, tick(render), now=render.not_before, facts=TWO_LANES)
    return render


def all_performed(render: Render) -> Render:
    for effect in effects(render):
        render = performed(render, effect)
    return render


def letter_of(render: Render) -> RenderDeadLetter:
    (letter,) = wants(render, AnnounceDeadLetter)
    return cast("AnnounceDeadLetter", letter).event


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


# ── again, elsewhere, later or not at all ────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [FailureClass.CAPACITY, FailureClass.PREEMPTED])
def test_capacity_and_preemption_never_use_up_retries(kind: FailureClass) -> None:
    render = rendering()
    for number in range(1, 30):
        render = next_attempt(render, failure(kind), frames=number)
        assert (render.state, render.attempt) == (State.STARTING, number + 1)
    assert (render.retries, render.barred) == (0, ())


def test_a_crash_is_tried_again_twice_after_a_pause() -> None:
    render = rendering()
    paused = after(render, over(render, CRASH, frames=1), now=NOW)
    assert paused.state is State.WAITING
    assert paused.not_before == paused.revisit_at == NOW + seconds(1)
    assert advance(paused, tick(paused), now=NOW, facts=FACTS) is paused
    for number in (2, 3):
        render = next_attempt(render, CRASH, frames=number)
        assert (render.state, render.attempt, render.retries) == (
            State.STARTING, number, number - 1
        )  # fmt: skip
    render = next_attempt(render, CRASH, frames=4)
    assert (render.state, render.failure) == (State.FAILED, CRASH)
    letter = letter_of(render)
    assert [record.cause for record in letter.attempts] == [CRASH] * 3
    assert (letter.frames_committed, letter.frames_planned) == (4, 600)


def test_the_same_input_fault_twice_ends_it_at_once() -> None:
    def fault(frame: int) -> Failure:
        return failure(FailureClass.INPUT, message=f"frame {frame} cannot be decoded")

    render = next_attempt(rendering(), fault(12), frames=1)
    assert render.state is State.STARTING
    render = next_attempt(render, fault(700), frames=2)
    assert (render.state, render.why) == (State.FAILED, "the same input fault came twice")


def test_three_barren_attempts_bar_their_lane_whatever_the_cause() -> None:
    render = rendering(facts=TWO_LANES)
    for cause in (PREEMPTED, CAPACITY):
        render = next_attempt(render, cause)
        assert (render.lane, render.barred) == (LANE.id, ())
    render = next_attempt(render, DEPENDENCY)
    assert (render.lane, render.barred) == (OTHER_LANE.id, (LANE.id,))
    assert render.why == f"{LANE.id} is barred"


def test_what_ends_by_itself_bars_a_lane_for_a_while_only() -> None:
    render = rendering(facts=TWO_LANES)
    for cause in (DEPENDENCY, DEPENDENCY, CAPACITY):
        render = next_attempt(render, cause)
    assert (render.lane, render.barred) == (OTHER_LANE.id, ())
    assert render.why == f"{LANE.id} rests"
    (rest,) = render.resting
    render = after(render, over(render, PREEMPTED, frames=60), now=rest.until, facts=TWO_LANES)
    assert render.lane == LANE.id


def test_an_attempt_that_commits_something_clears_its_lane() -> None:
    render = rendering(facts=TWO_LANES)
    for frames in (0, 0, 60, 60, 60):
        render = next_attempt(render, PREEMPTED, frames=frames)
        assert render.resting == ()
    (rest,) = next_attempt(render, PREEMPTED, frames=60).resting
    assert rest.lane == LANE.id


def test_waiting_for_a_place_does_not_forgive_a_barren_lane() -> None:
    render = rendering()
    for number in (1, 2):
        render = after(render, over(render, PREEMPTED), now=NOW, facts=BUSY)
        assert (render.state, render.barren) == (State.WAITING, number)
        render = after(render, tick(render), now=NOW)
    (rest,) = after(render, over(render, PREEMPTED), now=NOW, facts=BUSY).resting
    assert rest.lane == LANE.id


def test_when_every_lane_is_barred_it_fails_for_the_last_cause() -> None:
    render = rendering()
    for cause in (PREEMPTED, PREEMPTED, TIMEOUT):
        render = after(render, over(render, cause), now=NOW)
    assert (render.state, render.failure) == (State.FAILED, TIMEOUT)
    assert render.why == f"every lane is barred ({LANE.id})"


def test_when_every_lane_rests_it_waits_for_the_first_to_wake() -> None:
    render = rendering()
    for _ in range(3):
        render = after(render, over(render, PREEMPTED), now=NOW)
    assert (render.state, render.revisit_at) == (State.WAITING, NOW + POLICY.rest)
    render = after(render, tick(render), now=NOW + POLICY.rest)
    assert (render.state, render.lane, render.barren) == (State.STARTING, LANE.id, 0)


def test_a_denied_launch_is_the_end_of_its_attempt() -> None:
    render = starting()
    render = after(render, denied(render), now=NOW)
    assert (render.state, render.retries) == (State.WAITING, 0)
    assert render.not_before == NOW + seconds(10)
    assert not wants(render, Launch)
    render = after(render, tick(render), now=NOW + seconds(10))
    assert (render.state, render.attempt) == (State.STARTING, 2)


def test_what_was_drawn_shortens_the_pause_after_an_attempt() -> None:
    render = starting()
    render = after(render, denied(render), now=NOW, facts=facts(draw=0.5))
    assert render.not_before == render.revisit_at == NOW + seconds(7.5)


def test_a_launch_denied_when_it_is_repeated_leaves_the_first_alone() -> None:
    render = starting()
    render = after(render, accepted(render), now=NOW)
    assert advance(render, denied(render), now=NOW, facts=FACTS) is render


@pytest.mark.parametrize("end", [CAPACITY, failure(FailureClass.BUDGET)], ids=["waits", "failed"])
def test_a_launch_that_comes_after_its_attempt_was_given_up_is_stopped(end: Failure) -> None:
    render = starting()
    unseen = replace(over(render, end), owner=None)
    render = all_performed(after(render, unseen, now=NOW))
    assert render.state in (State.WAITING, State.FAILED)
    late = after(render, accepted(render), now=NOW)
    assert effects(late) == [StopExecution(lane=LANE.id, execution=execution(render))]
    assert replace(late, pending=()) == render


def test_a_launch_is_remembered_whose_first_sign_was_progress_and_not_its_start() -> None:
    render = starting()
    render = after(render, progress(render, 5), accepted(render), now=NOW)
    assert render.current is not None
    assert (render.state, render.current.execution) == (State.RENDERING, execution(render))
    render = after(render, started(render), now=NOW)
    other = replace(accepted(render), execution="launched-twice")
    assert advance(render, other, now=NOW, facts=FACTS) is render


def test_no_start_by_the_start_deadline_leads_to_the_next_attempt() -> None:
    render = starting()
    render = after(render, accepted(render), now=NOW)
    render = after(render, surveyed(render, owned=False), now=NOW + seconds(29))
    assert (render.state, render.revisit_at) == (State.STARTING, NOW + LANE.start_within)
    late = NOW + LANE.start_within
    render = after(all_performed(render), tick(render), now=late)
    assert [type(effect) for effect in effects(render)] == [Look]
    render = after(render, surveyed(render, owned=False), now=late)
    assert render.state is State.WAITING
    assert wants(render, StopExecution) == [StopExecution(lane=LANE.id, execution=f"{render.id}-1")]
    assert render.current is not None
    assert render.current.cause is not None
    assert render.current.cause.failure is FailureClass.CAPACITY
    render = after(render, tick(render), now=late + seconds(10))
    assert (render.state, render.attempt, render.retries) == (State.STARTING, 2, 0)


def test_an_attempt_past_its_lanes_limit_is_stopped() -> None:
    render = rendering()
    limit = NOW + LANE.attempt_limit + POLICY.silence
    alive = after(render, surveyed(render), now=limit - seconds(1))
    assert alive.state is State.RENDERING
    stopped = after(render, surveyed(render, frames=60), now=limit)
    assert (stopped.state, stopped.attempt) == (State.STARTING, 2)
    assert stopped.attempts[0].cause is not None
    assert stopped.attempts[0].cause.reason == "attempt_limit"
    assert wants(stopped, StopExecution)


def test_an_attempt_on_a_lane_that_was_taken_away_is_stopped() -> None:
    render = rendering()
    moved = after(render, surveyed(render), now=NOW, facts=facts(OTHER_LANE))
    assert moved.lane == OTHER_LANE.id
    assert wants(moved, StopExecution)


def test_a_full_lane_is_waited_for_and_taken_when_it_is_free() -> None:
    render = waiting()
    assert (render.state, render.attempt) == (State.WAITING, 0)
    assert render.revisit_at == NOW + POLICY.wait
    assert render.why == f"waits for a place: {LANE.id} runs 1 of 1"
    still = after(render, tick(render), now=NOW + POLICY.wait, facts=BUSY)
    assert (still.state, still.revisit_at) == (State.WAITING, NOW + 2 * POLICY.wait)
    assert after(still, tick(still), now=NOW).state is State.STARTING


# ── the deadline ─────────────────────────────────────────────────────────────────────────────


def test_what_still_waits_at_its_deadline_fails() -> None:
    render = waiting()
    render = after(render, tick(render), now=NOW + POLICY.deadline, facts=BUSY)
    assert render.state is State.FAILED
    assert render.failure is not None
    assert render.failure.reason == "render_deadline"


def test_what_still_runs_at_its_deadline_is_stopped_and_fails_with_what_it_made() -> None:
    render = rendering()
    end = NOW + POLICY.deadline
    render = after(render, surveyed(render, frames=333), now=end)
    assert render.state is State.FAILED
    assert wants(render, StopExecution)
    letter = letter_of(render)
    assert letter.frames_committed == 333
    assert letter.attempts[-1].ended_at == end
    assert letter.attempts[-1].cause == letter.failure
    assert letter.attempts[-1].frames_after == 333


def test_steady_progress_does_not_carry_a_render_past_its_deadline() -> None:
    render = rendering()
    render = after(render, progress(render, 9), now=NOW + POLICY.deadline - seconds(2))
    assert render.revisit_at == NOW + POLICY.deadline
    assert wants(after(render, tick(render), now=NOW + POLICY.deadline), Look)


def test_a_pause_never_lasts_past_the_deadline() -> None:
    render = rendering()
    end = NOW + POLICY.deadline
    paused = after(render, over(render, CAPACITY, frames=1), now=end - seconds(3))
    assert paused.not_before == paused.revisit_at == end
    assert after(paused, tick(paused), now=end).state is State.FAILED


# ── cancelled, superseded ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["accepted", "planned", "waiting", "starting", "rendering",
                                   "stitching"])  # fmt: skip
def test_whatever_is_under_way_can_be_cancelled(state: str) -> None:
    render = in_state(State(state))
    render = after(render, cancel(render), now=NOW)
    assert render.state is State.CANCELLED
    launched = state in ("starting", "rendering", "stitching")
    assert render.revisit_at == (NOW + POLICY.silence if launched else None)
    assert render.failure is not None
    assert render.failure.message == "cancelled by ada: wrong file"
    assert wants(render, Withdraw)
    assert not wants(render, Launch)
    assert not wants(render, AnnounceDeadLetter)
    assert bool(wants(render, StopExecution)) == (state in ("rendering", "stitching"))


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED])
def test_what_has_ended_cannot_be_cancelled(state: State) -> None:
    render = in_state(state)
    assert advance(render, cancel(render), now=NOW, facts=FACTS) is render
    assert advance(render, superseded(render), now=NOW, facts=FACTS) is render


def test_a_cancelled_render_removes_an_output_that_comes_late() -> None:
    render = all_performed(cancelled())
    late = after(render, verified(render), now=NOW)
    assert late.state is State.CANCELLED
    assert effects(late) == [RemoveOutput(name="acme/full/web-720.mp4", generation=7)]


def test_an_output_announced_before_the_cancellation_stays() -> None:
    render = rendering(spec=THREE_OUTPUTS)
    fact = verified(render)
    render = after(render, fact, cancel(render), now=NOW)
    assert render.state is State.CANCELLED
    assert advance(render, fact, now=NOW, facts=FACTS) is render


def test_a_newer_upload_looks_for_older_ones_and_they_are_cancelled() -> None:
    newer = upload(generation=UPLOAD.generation + 1)
    opened = after(None, requested(upload=newer), now=NOW, facts=facts(newest=UPLOAD.age_key))
    assert opened.state is State.STARTING
    assert wants(opened, SupersedeOlder) == [SupersedeOlder(upload=newer)]
    older = rendering()
    older = after(older, Superseded(render=older.id, by=opened.id), now=NOW)
    assert older.state is State.CANCELLED
    assert older.failure is not None
    assert (older.failure.reason, older.failure.message) == (
        "superseded", f"superseded by {opened.id}"
    )  # fmt: skip
    assert wants(older, StopExecution)


@pytest.mark.parametrize("newer", [{"generation": UPLOAD.generation + 1}, {"revision": 7}])
def test_an_older_request_that_arrives_late_is_born_cancelled(newer: dict[str, int]) -> None:
    newest = upload(**newer).age_key
    render = after(None, requested(), now=NOW, facts=facts(newest=newest))
    assert (render.state, render.attempt) == (State.CANCELLED, 0)
    assert not wants(render, Launch)
    assert wants(render, Withdraw)


def test_an_overtaken_render_is_not_launched_again() -> None:
    newest = upload(generation=UPLOAD.generation + 1).age_key
    render = waiting()
    assert after(render, tick(render), now=NOW, facts=facts(newest=newest)).state is State.CANCELLED
    render = failed()
    assert after(render, replay(render), now=NOW, facts=facts(newest=newest)).state is (
        State.CANCELLED
    )


# ── verified whenever, replayed ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["waiting", "starting", "rendering", "stitching", "failed"])
@pytest.mark.parametrize("attempt", [0, 1, 7])
def test_a_verified_output_is_accepted_from_any_attempt(state: str, attempt: int) -> None:
    render = in_state(State(state))
    render = after(render, verified(render, attempt=attempt), now=NOW)
    assert (render.state, render.failure, render.settled) == (State.DONE, None, True)
    assert len(wants(render, AnnounceDone)) == 1


def test_a_failed_render_stays_failed_until_its_last_output_is_found() -> None:
    render = rendering(spec=THREE_OUTPUTS)
    render = after(render, over(render, failure(FailureClass.BUDGET)), now=NOW)
    for wanted in (State.FAILED, State.FAILED, State.DONE):
        render = after(render, verified(render), now=NOW)
        assert render.state is wanted


def test_a_replay_goes_on_with_everything_anew_but_its_identity_and_its_work() -> None:
    render = rendering(spec=THREE_OUTPUTS, facts=TWO_LANES)
    render = after(render, verified(render), now=NOW)
    for cause, frames in ((PREEMPTED, 0), (PREEMPTED, 0), (DEPENDENCY, 0), (PREEMPTED, 7)):
        render = next_attempt(render, cause, frames=frames)
    assert render.barred == (LANE.id,)
    render = after(render, over(render, failure(FailureClass.BUDGET), frames=9), now=NOW)
    later = NOW + timedelta(days=3)
    again = after(all_performed(render), replay(render), now=later, facts=TWO_LANES)
    assert (again.id, again.state, again.failure) == (render.id, State.STARTING, None)
    assert (again.attempt, again.lane) == (render.attempt + 1, LANE.id)
    assert (again.retries, again.barren, again.barred) == (0, 0, ())
    assert again.deadline == later + POLICY.deadline
    assert (again.outputs, again.plan) == (render.outputs, render.plan)
    assert again.frames == 9


def test_each_failure_writes_a_letter_of_its_own() -> None:
    render = after(None, requested(spec="nonsense"), now=NOW)
    assert letter_of(render).id == f"{render.id}/failed/1"
    render = all_performed(render)
    render = after(render, replay(render), now=NOW + seconds(60))
    assert letter_of(render).id == f"{render.id}/failed/2"


def test_a_replay_delivered_twice_replays_once() -> None:
    failing = all_performed(after(None, requested(spec="nonsense"), now=NOW))
    command = replay(failing)
    again = all_performed(after(failing, command, now=NOW + seconds(60)))
    assert again.failures == 2
    assert advance(again, command, now=NOW + seconds(61), facts=FACTS) is again


def test_a_refused_upload_cannot_be_replayed() -> None:
    refused = UploadRefused(upload=UPLOAD, failure=failure(FailureClass.INPUT), at=NOW)
    render = after(None, refused, now=NOW)
    assert advance(render, replay(render), now=NOW, facts=FACTS) is render


@pytest.mark.parametrize("state", sorted(set(State) - {State.FAILED}))
def test_only_what_failed_can_be_replayed(state: State) -> None:
    render = in_state(state)
    assert advance(render, replay(render), now=NOW, facts=FACTS) is render


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


# ── after the end ────────────────────────────────────────────────────────────────────────────


def test_pieces_of_what_is_done_are_removed_after_a_while_and_in_several_goes() -> None:
    render = all_performed(done())
    due = render.due_at
    assert due is not None
    render = after(render, tick(render), now=due)
    assert effects(render) == [RemovePieces()]
    render = after(all_performed(render), PiecesRemoved(render=render.id, more=True), now=due)
    assert render.due_at == due
    render = after(render, tick(render), now=due)
    render = after(all_performed(render), PiecesRemoved(render=render.id, more=False), now=due)
    assert render.due_at is None


def test_pieces_of_what_failed_outlive_its_dead_letter() -> None:
    render = all_performed(after(rendering(), over(rendering(), BUDGET), now=NOW))
    assert (render.state, render.settled) == (State.FAILED, True)
    assert render.due_at == NOW + POLICY.keep_failed
    assert POLICY.keep_failed > timedelta(days=31)


def test_a_replay_keeps_the_pieces_that_were_about_to_go() -> None:
    render = all_performed(after(rendering(), over(rendering(), BUDGET), now=NOW))
    going = after(render, tick(render), now=NOW + POLICY.keep_failed)
    assert wants(going, RemovePieces)
    again = after(going, replay(going), now=NOW + POLICY.keep_failed)
    assert not wants(again, RemovePieces)
    assert not again.settled


def test_after_a_cancellation_what_still_works_is_stopped_until_it_is_gone() -> None:
    render = all_performed(after(rendering(), cancel(rendering()), now=NOW))
    look_at = NOW + POLICY.silence
    render = after(render, tick(render), now=look_at)
    assert wants(render, Look)
    render = after(all_performed(render), surveyed(render), now=look_at)
    assert effects(render) == [StopExecution(lane=LANE.id, execution=execution(render))]
    assert not render.settled
    render = after(all_performed(render), over(render, None), now=look_at)
    assert render.settled


def test_a_task_that_gave_up_does_not_mean_that_the_others_have_ended() -> None:
    """Once it did: what they delivered after a cancellation was never looked for."""
    told = after(rendering(), gave_up(rendering(), DEPENDENCY), now=NOW)
    (look,) = (effect for effect in effects(told) if isinstance(effect, Look))
    assert (look.ended, look.gave_up) == (None, DEPENDENCY)
    render = all_performed(after(told, cancel(told), now=NOW))
    seen = replace(surveyed(render), gave_up=DEPENDENCY)
    assert not after(render, seen, now=NOW).settled


def test_an_attempt_is_over_as_soon_as_one_of_its_tasks_gave_up() -> None:
    render = all_performed(rendering())
    render = after(render, replace(surveyed(render), gave_up=CRASH), now=NOW)
    assert render.state is State.WAITING
    assert render.current is not None
    assert render.current.cause == CRASH


def test_an_earlier_attempt_may_deliver_until_its_time_is_over() -> None:
    render = rendering()
    render = after(render, over(render, PREEMPTED, frames=60), now=NOW)
    render = after(render, accepted(render), started(render), now=NOW)
    render = all_performed(after(render, over(render, BUDGET, frames=70), now=NOW))
    gone_at = NOW + LANE.attempt_limit + POLICY.silence
    assert (render.settled, render.due_at) == (False, gone_at)
    render = after(render, tick(render), now=gone_at)
    assert wants(render, Look)
    render = after(all_performed(render), over(render, BUDGET, frames=70), now=gone_at)
    assert render.settled
