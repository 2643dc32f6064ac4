"""A lane without machines: its render runs elsewhere at once, and the others do not try it."""

from typing import TYPE_CHECKING

import pytest

from functions.core.render import State
from infra.simulator.history import live
from infra.simulator.stockouts import Cell, report

if TYPE_CHECKING:
    from infra.simulator.evidence import Moved


@pytest.mark.parametrize("out", [1, 2])
def test_who_is_refused_runs_elsewhere_as_soon_as_the_next_lane_starts(out: int) -> None:
    moved: list[Moved] = []
    launches = done = 0
    for apart in (1.0, 5.0, 60.0):
        outcome = live(Cell(out=out, minutes=120, renders=20, apart=apart).recipe)
        assert not outcome.violations
        assert outcome.counts.ends == {State.DONE.value: 20}
        moved += outcome.counts.moved
        launches += outcome.counts.launches
        done += 20
    refused = [one for one in moved if not one.hung]
    assert refused
    assert sum(o.after for o in refused) <= 1.1 * sum(o.start for o in refused)
    hung = [one for one in moved if one.hung]
    assert all(one.after - one.start < 2 * 60 + 10 for one in hung), "a sweep, or two"
    assert launches / done <= 1.5


def test_where_nothing_is_out_nobody_moves_and_the_report_says_so() -> None:
    head, line, all_of_them = report([Cell(out=0, minutes=0, renders=3, apart=1.0)])
    assert head.split()[-3:] == ["refused", "hung", "launches"]
    assert line.split() == ["0", "of", "3", "0", "min", "3", "/", "1", "s", "-", "-", "1.00"]
    assert all_of_them.split() == ["all", "-", "-", "1.00"]
