"""A plan of replays foretells what is rendered and what it takes: the small form of the bench."""

from pathlib import Path

from tests.bench_prediction import a_trial, told

FAR_OFF = 3.0
"""Times; the bench says how far off it is on a quiet machine, and this one runs tests."""


def test_what_is_foretold_of_real_failures_is_what_a_replay_does(tmp_path: Path) -> None:
    with a_trial(tmp_path, seed=5) as trial:
        outcomes = trial.outcomes(5, sizes=((8, 180), (12, 270)))
    words = "\n".join(told(outcomes))
    assert len(outcomes) >= 3, words
    assert any(one.item.frames_committed for one in outcomes), words
    for one in outcomes:
        assert one.frames == one.item.frames_to_render > 0
        assert one.item.lane == "laptop/cpu"
        assert one.item.nanodollars is not None
    foreseen, booked = sum(o.foreseen for o in outcomes), sum(o.booked for o in outcomes)
    assert 1 / FAR_OFF < foreseen / booked < FAR_OFF, words
    assert 0 < booked < sum(o.seconds for o in outcomes), "no second is booked that nobody saw"
