"""What is kept of many histories."""

from infra.simulator.evidence import Violation
from infra.simulator.tally import SHOWN, Broken, Tally


def broken(number: int, invariant: str) -> Tally:
    violation = Violation(invariant=invariant, seen="it", at=1.0)
    return Tally(broken=[Broken(number=number, violation=violation)])


def test_a_rare_violation_is_kept_however_many_others_come_before_it() -> None:
    tally = Tally()
    for number in range(SHOWN + 5):
        tally.merge(broken(number, "often"))
    tally.merge(broken(99, "seldom"))
    tally.merge(broken(100, "seldom"))
    kept = [(one.number, one.violation.invariant) for one in tally.broken]
    assert kept == [*((number, "often") for number in range(SHOWN)), (99, "seldom")]
