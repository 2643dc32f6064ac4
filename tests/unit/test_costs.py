"""The lines of `clipline show` that say where time and money went."""

from dataclasses import replace

from ops.costs import cost_lines
from tests.unit.makers import rendering
from tests.unit.tellers import PREEMPTED
from tests.unit.test_waste import RENDER, record


def test_where_time_and_money_went_is_said_with_what_was_lost_last() -> None:
    lost = record(started=0, ended=100, cause=PREEMPTED, made=9, made_at=75, cost=400_000_000)
    well = record(started=12, ended=112, made=9, cost=400_000_000)
    assert list(cost_lines(replace(RENDER, attempts=(lost, replace(well, number=2))))) == [
        "spent    212.0 s, $0.80 on 2 attempts, of that lost: 25.0 s, $0.10",
        "            175.0 s    $0.70  useful",
        "             12.0 s  $0.0000  waited for machines",
        "             25.0 s    $0.10  preempted",
    ]


def test_where_nobody_pays_no_money_is_said_and_before_the_first_end_nothing() -> None:
    well = record(started=12, ended=112, made=9)
    assert list(cost_lines(replace(RENDER, attempts=(well,)))) == [
        "spent    112.0 s on 1 attempt, nothing of it lost",
        "            100.0 s           useful",
        "             12.0 s           waited for machines",
    ]
    assert list(cost_lines(rendering())) == []
