"""How a render ends, what may come after that, and what is left to be done."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.core.effects import (
    AnnounceDeadLetter,
    AnnounceDone,
    Launch,
    Look,
    RemoveOutput,
    RemovePieces,
    StopExecution,
    SupersedeOlder,
    Withdraw,
)
from functions.core.machine import advance
from functions.core.observations import PiecesRemoved, Superseded
from functions.core.render import State
from schemas.events import (
    UploadRefused,
)
from schemas.failures import FailureClass
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
    surveyed,
    tick,
    upload,
    verified,
    wants,
)
from tests.unit.tellers import (
    BUDGET,
    CRASH,
    DEPENDENCY,
    POLICY,
    PREEMPTED,
    TWO_LANES,
    all_performed,
    cancel,
    cancelled,
    done,
    failed,
    gave_up,
    in_state,
    letter_of,
    next_attempt,
    replay,
    superseded,
    waiting,
)

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


def test_a_replay_stays_on_the_lane_that_it_asked_for_until_another_replay() -> None:
    render = rendering(facts=TWO_LANES)
    render = all_performed(after(render, over(render, BUDGET), now=NOW))
    assert render.lane == LANE.id
    asked = replay(render, lane=OTHER_LANE.id)
    render = after(render, asked, now=NOW + seconds(1), facts=TWO_LANES)
    assert (render.lane, render.why) == (OTHER_LANE.id, f"the replay asked for {OTHER_LANE.id}")
    for cause in (PREEMPTED, DEPENDENCY):
        render = next_attempt(render, cause, frames=render.frames + 1)
        assert (render.state, render.lane) == (State.STARTING, OTHER_LANE.id)
    render = all_performed(after(render, over(render, BUDGET), now=NOW))
    assert (render.state, render.only_lane) == (State.FAILED, OTHER_LANE.id)
    free = replay(render, at=NOW + seconds(2))
    render = after(render, free, now=NOW + seconds(2), facts=TWO_LANES)
    assert (render.only_lane, render.lane) == (None, LANE.id)


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
