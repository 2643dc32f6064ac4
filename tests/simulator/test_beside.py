"""Live clips beside a running replay, in virtual time: the small form of the bench."""

import pytest

from infra.simulator.burst import REGION
from tests.bench_beside import EVERY, Arm, Beside, beside

LETTERS, MINUTES = 60, 4
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> dict[Arm, Beside]:
    return {
        arm: beside(arm, LETTERS, MINUTES, tmp_path_factory.mktemp("beside") / "home")
        for arm in Arm
    }


def test_live_clips_wait_no_longer_beside_a_replay_than_without(arms: dict[Arm, Beside]) -> None:
    alone, paced, unpaced = (arms[arm] for arm in Arm)
    assert len(alone.waits) == len(paced.waits) == MINUTES * 60 / EVERY
    for share in (0.5, 0.95, 1.0):
        assert paced.wait(share) <= 1.05 * alone.wait(share) + 1
    assert unpaced.wait(0.95) > 1.2 * alone.wait(0.95), "and that is not by itself so"


def test_the_replay_has_what_is_left_and_is_done(arms: dict[Arm, Beside]) -> None:
    """Live clips have 20 of 60 launches a minute, and 15 more are kept for them."""
    launches = REGION.launches_a_minute
    assert launches is not None
    left = launches * 3 / 4 - 60 / EVERY
    for arm in (Arm.PACED, Arm.UNPACED):
        assert len(arms[arm].replayed) == LETTERS
    assert arms[Arm.PACED].took < 60 * LETTERS / left + 180
    assert arms[Arm.PACED].took > 60 * (LETTERS / left - 1)
