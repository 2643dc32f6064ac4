"""What a render costs its store, however many tasks report."""

from dataclasses import replace

from infra.simulator.fleet import LANES
from infra.simulator.history import Recipe, live
from infra.simulator.scenario import Deed, Scenario


def test_thirty_two_tasks_write_a_render_about_once_a_second_at_most() -> None:
    wide = replace(LANES[0], scarcity=0, lane=replace(LANES[0].lane, tasks=32))
    upload = Deed(at=1.0, verb="upload", name="wide.mp4", seconds=1200)
    recipe = Recipe(seed="wide", scenario=Scenario(deeds=(upload,)), odds={}, lanes=(wide,))
    outcome = live(recipe)
    assert not outcome.violations
    counts = outcome.counts
    assert counts.ends == {"done": 1}
    (seconds,) = counts.lifetimes
    assert seconds > 30
    assert counts.saves / seconds <= 1
