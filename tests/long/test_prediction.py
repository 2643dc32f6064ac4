"""A plan of replays foretells what is rendered: the small form of the bench.

How near it comes to what that takes and costs is for the bench to judge, on a quiet machine.
"""

from pathlib import Path

from tests.bench_prediction import a_trial, told


def test_what_is_foretold_of_real_failures_is_what_a_replay_does(tmp_path: Path) -> None:
    with a_trial(tmp_path, seed=5) as trial:
        outcomes = trial.outcomes(5, sizes=((12, 270), (20, 360)))
    assert outcomes, "nothing failed, however often its encoders were killed"
    words = "\n".join(told(outcomes))
    for one in outcomes:
        assert one.frames == one.item.frames_to_render > 0
        assert one.item.lane == "laptop/cpu"
        assert one.item.nanodollars is not None
        assert one.foreseen > 0, words
        assert one.booked > 0, words
