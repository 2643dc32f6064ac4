from typing import get_args

import pytest

from functions.core.machine import TABLE, Occurrence
from functions.core.observations import LaunchAccepted, LaunchDenied, Superseded, Tick
from functions.core.render import RUNNING, TERMINAL, State
from schemas.events import (
    CancelRender,
    OutputVerified,
    RenderRequested,
    ReplayRender,
    UploadRefused,
)

OPENING = {RenderRequested, UploadRefused}


def test_every_state_has_a_row() -> None:
    assert set(TABLE) == set(State)


def test_every_occurrence_that_does_not_open_a_render_has_a_place_in_the_table() -> None:
    placed = {kind for row in TABLE.values() for kind in row}
    assert placed == set(get_args(Occurrence)) - OPENING


def test_nothing_changes_what_is_done() -> None:
    assert TABLE[State.DONE] == {}


def test_only_a_late_output_concerns_what_is_cancelled() -> None:
    assert set(TABLE[State.CANCELLED]) == {OutputVerified}


def test_only_a_late_output_or_a_replay_concerns_what_is_failed() -> None:
    assert set(TABLE[State.FAILED]) == {OutputVerified, ReplayRender}


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL))
def test_whatever_is_under_way_is_moved_by_time_and_can_be_stopped(state: State) -> None:
    assert {Tick, CancelRender, Superseded} <= set(TABLE[state])


def test_an_attempt_is_heard_alike_in_every_running_state() -> None:
    launch = {LaunchAccepted, LaunchDenied}
    heard = [set(TABLE[state]) - launch for state in sorted(RUNNING)]
    assert heard[0] == heard[1] == heard[2]
    assert launch <= set(TABLE[State.STARTING])
