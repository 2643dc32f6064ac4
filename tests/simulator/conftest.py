"""What is slow to find, found once."""

import pytest

from infra.simulator.history import Recipe
from infra.simulator.scenario import Deed, Scenario
from infra.simulator.shrink import Shrunk, shrink
from tests.simulator.planted import COURSE, TWICE, planted


@pytest.fixture(scope="session")
def shrunk() -> Shrunk:
    uploads = [
        Deed(at=at, verb="upload", name=f"{at}.mp4", seconds=30) for at in (5.0, 40.0, 41.0, 90.0)
    ]
    scenario = Scenario(deeds=(*uploads, Deed(at=95.0, verb="cancel", name="40.0.mp4")))
    seeds = (Recipe(seed=str(n), scenario=scenario, odds=COURSE.odds) for n in range(50))
    broken = next(r for r in seeds if planted(r).violations and len(planted(r).struck) > 10)
    return shrink(broken, TWICE, planted)
