from dataclasses import replace
from typing import get_args

import pytest

from functions.core.machine import (
    PASSES,
    TABLE,
    Ignored,
    Impossible,
    Never,
    Occurrence,
    Rule,
    advance,
    cell_of,
    looks_at_others,
)
from functions.core.observations import (
    LaunchAccepted,
    LaunchDenied,
    PiecesRemoved,
    Superseded,
    Surveyed,
    Tick,
)
from functions.core.render import RUNNING, TERMINAL, State
from schemas.events import (
    CancelRender,
    ChunkCommitted,
    ExecutionEnded,
    OutputVerified,
    RenderRequested,
    ReplayRender,
    UploadRefused,
)
from tests.unit.makers import (
    FACTS,
    NOW,
    rendering,
    requested,
    started,
    starting,
    surveyed,
    verified,
)

KINDS = set(get_args(Occurrence))
LEFT_BEHIND = {
    *(OutputVerified, LaunchAccepted, ExecutionEnded, Surveyed),
    *(Tick, PiecesRemoved),
}


def decided_in(state: State | None) -> set[type]:
    return {kind for kind, cell in TABLE[state].items() if isinstance(cell, Rule)}


def ways_from(state: State | None) -> set[State]:
    ways = {to for cell in TABLE[state].values() if isinstance(cell, Rule) for to in cell.to}
    return ways if state is None or state not in PASSES else ways | {*PASSES[state].to}


def reached_from(state: State | None) -> set[State]:
    reached: set[State] = set()
    ahead = ways_from(state)
    while ahead - reached:
        reached |= ahead
        ahead = {to for here in ahead for to in ways_from(here)}
    return reached


def test_every_state_has_an_answer_to_everything_that_can_happen() -> None:
    assert set(TABLE) == {None, *State}
    assert all(set(row) == KINDS for row in TABLE.values())


def test_whatever_is_not_decided_says_why() -> None:
    reasons = {c for row in TABLE.values() for c in row.values() if not isinstance(c, Rule)}
    assert reasons
    assert all(cell.why for cell in reasons if isinstance(cell, Ignored | Never))
    words = [cell.word for cell in reasons if isinstance(cell, Ignored)]
    assert len(words) == len(set(words))


def test_only_a_request_or_a_refusal_opens_a_render() -> None:
    assert decided_in(None) == {RenderRequested, UploadRefused}


def test_nothing_changes_what_is_done_but_that_its_pieces_go() -> None:
    assert decided_in(State.DONE) == {Tick, PiecesRemoved}
    assert ways_from(State.DONE) == set()


def test_only_what_an_attempt_leaves_behind_concerns_what_is_cancelled() -> None:
    assert decided_in(State.CANCELLED) == LEFT_BEHIND
    assert ways_from(State.CANCELLED) == set()


def test_only_what_an_attempt_leaves_behind_or_a_replay_concerns_what_is_failed() -> None:
    assert decided_in(State.FAILED) == LEFT_BEHIND | {ReplayRender}


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL))
def test_whatever_is_under_way_is_moved_by_time_and_can_be_stopped(state: State) -> None:
    assert {Tick, CancelRender, Superseded} <= decided_in(state)


def test_an_attempt_is_heard_alike_in_every_running_state() -> None:
    heard = [decided_in(state) - {LaunchDenied} for state in sorted(RUNNING)]
    assert heard[0] == heard[1] == heard[2]
    assert {LaunchAccepted, LaunchDenied} <= decided_in(State.STARTING)


def test_a_way_leads_elsewhere_and_is_declared_once() -> None:
    for state, row in TABLE.items():
        for cell in row.values():
            ways = cell.to if isinstance(cell, Rule) else ()
            assert len(ways) == len({*ways} - {state})
    assert all(state not in way.to for state, way in PASSES.items())


def test_every_state_can_be_reached_and_every_end_from_whatever_is_under_way() -> None:
    assert reached_from(None) == set(State)
    for state in set(State) - TERMINAL:
        assert reached_from(state) >= TERMINAL


def test_what_is_told_of_an_attempt_never_ordered_is_impossible_and_nothing_happens() -> None:
    render = rendering()
    future = replace(render, attempt=2)
    for event in (started(future), surveyed(future)):
        with pytest.raises(Impossible, match="rendering at attempt 1: that attempt was never"):
            advance(render, event, now=NOW, facts=FACTS)
    unlaunched = replace(render, state=State.WAITING, attempt=0, attempts=())
    with pytest.raises(Impossible, match="AttemptStarted of attempt 0 came to"):
        advance(unlaunched, started(unlaunched), now=NOW, facts=FACTS)


def test_nothing_is_verified_before_there_is_a_plan() -> None:
    render = replace(starting(), state=State.ACCEPTED, plan=None, attempt=0, attempts=())
    with pytest.raises(Impossible, match="OutputVerified of attempt 1"):
        advance(render, verified(starting()), now=NOW, facts=FACTS)


def test_only_a_plan_that_is_missing_makes_a_pair_impossible_in_the_table() -> None:
    never = [(s, k) for s, row in TABLE.items() for k, c in row.items() if isinstance(c, Never)]
    assert {state for state, _ in never} == {State.ACCEPTED}
    assert {kind for _, kind in never} >= {ChunkCommitted, OutputVerified}


def test_what_an_earlier_attempt_tells_is_stale_in_every_state() -> None:
    told = started(rendering())
    for state in State:
        later = replace(rendering(), state=state, attempt=2)
        assert cell_of(later, told) == Ignored("stale", "it tells of an earlier attempt")


def test_news_of_an_attempt_is_written_down_without_a_look_at_other_renders() -> None:
    render = rendering()
    assert not looks_at_others(render, verified(render))
    assert not looks_at_others(render, started(render))
    assert looks_at_others(render, surveyed(render))
    assert looks_at_others(None, requested())
