"""What counts as tried, and as impossible."""

from collections import Counter

from infra.simulator.course import Course
from infra.simulator.coverage import ENOUGH, IMPOSSIBLE, STATES, untried
from infra.simulator.faults import Fault
from infra.simulator.report import missed
from infra.simulator.tally import Tally

EVERYTHING = {
    (fault, state): 1 for fault in Fault for state in STATES if (fault, state) not in IMPOSSIBLE
}
GAP = (Fault.PREEMPTED, "stitching")


def test_every_pair_can_occur_or_says_why_not() -> None:
    assert not untried(EVERYTHING)
    assert len(EVERYTHING) + len(IMPOSSIBLE) == len(Fault) * len(STATES)


def test_a_pair_that_never_occurred_is_missed_once_there_are_renders_enough() -> None:
    struck = Counter(EVERYTHING)
    del struck[GAP]
    few = Tally(ends=Counter(done=ENOUGH - 1), struck=struck)
    many = Tally(ends=Counter(done=ENOUGH), struck=struck)
    course = Course(seed="1")
    assert missed(few, course) == ()
    assert missed(many, course) == (GAP,)


def test_with_other_odds_nothing_is_missed() -> None:
    course = Course(seed="1", odds={Fault.PREEMPTED: 0.5})
    assert missed(Tally(ends=Counter(done=ENOUGH)), course) == ()
