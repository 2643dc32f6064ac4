"""What every Ledger promises."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.adapters.sqlite_ledger import SqliteLedger
from functions.core.admission import Gate
from functions.core.entries import Entry, Outcome
from functions.core.quotas import Limit
from functions.ports import Ledger
from infra.simulator.memory_ledger import MemoryLedger

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
A, B = "cloud-run/us-east4/l4", "batch/us-central1/l4/spot"
LONG_AGO = T0 - timedelta(days=1)
FACTORIES: dict[str, Callable[[Path], Ledger]] = {
    "memory": lambda folder: MemoryLedger(),
    "sqlite": lambda folder: SqliteLedger(folder / "ledger.db"),
}


@pytest.fixture(params=sorted([*FACTORIES, "firestore"]))
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """Firestore is Google's emulator, over a project of its own."""
    if request.param != "firestore":
        return FACTORIES[request.param](tmp_path)
    from functions.adapters.firestore_ledger import FirestoreLedger

    return FirestoreLedger(request.getfixturevalue("firestore"))


def entry(number: int = 1, outcome: Outcome = Outcome.LAUNCHED, **changes: object) -> Entry:
    """One launch a second."""
    moment = T0 + timedelta(seconds=number)
    plain = Entry(
        lane=A, render=f"r-{number}", attempt=1, outcome=outcome, launched_at=moment, at=moment
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


def test_what_was_appended_comes_back_the_newest_first(ledger: Ledger) -> None:
    first = entry(1, Outcome.PREEMPTED, ran=timedelta(seconds=61.5), pixels=2**40)
    ledger.append([first, entry(3, Outcome.STARTED), entry(2, Outcome.REFUSED, lane=B)])
    assert ledger.recent([A], LONG_AGO, limit=9) == (entry(3, Outcome.STARTED), first)
    assert set(ledger.recent([A, B], LONG_AGO, limit=9)) == {
        first,
        entry(3, Outcome.STARTED),
        entry(2, Outcome.REFUSED, lane=B),
    }


def test_a_key_is_written_once_and_never_changed(ledger: Ledger) -> None:
    ledger.append([entry(1, Outcome.STARTED)])
    later = entry(1, Outcome.STARTED, at=T0 + timedelta(hours=1))
    ledger.append([later, entry(1, Outcome.FINISHED)])
    assert set(ledger.recent([A], LONG_AGO, limit=9)) == {
        entry(1, Outcome.STARTED),
        entry(1, Outcome.FINISHED),
    }


def test_of_each_lane_the_newest_are_read_and_none_from_before(ledger: Ledger) -> None:
    ledger.append([entry(n, Outcome.STARTED, lane=lane) for n in range(5) for lane in (A, B)])
    found = ledger.recent([A, B], LONG_AGO, limit=2)
    assert sorted((one.lane, one.render) for one in found) == [
        (B, "r-3"),
        (B, "r-4"),
        (A, "r-3"),
        (A, "r-4"),
    ]
    assert [one.render for one in ledger.recent([A], entry(3).at, limit=9)] == ["r-4"]
    assert ledger.recent(["worker/none"], LONG_AGO, limit=9) == ()


def test_an_open_gate_lets_everybody_pass_and_writes_the_launch_down(ledger: Ledger) -> None:
    assert ledger.admit(entry(1), Gate())
    assert ledger.recent([A], LONG_AGO, limit=9) == (entry(1),)


def test_a_gate_counts_the_launches_of_a_minute(ledger: Ledger) -> None:
    gate = Gate(a_minute=2)
    assert [ledger.admit(entry(n), gate) for n in (1, 2, 3)] == [True, True, False]
    assert ledger.admit(entry(3, lane=B), gate)
    assert not ledger.admit(entry(60), gate)
    assert ledger.admit(entry(61), gate)


SHARED = Limit(name="us-east4 launches a minute", weights={A: 1, B: 1}, most=2)


def test_a_gate_counts_the_launches_of_a_minute_on_all_lanes_that_share_a_limit(
    ledger: Ledger,
) -> None:
    gate = Gate(shared=(SHARED,))
    assert ledger.admit(entry(1), gate)
    assert ledger.admit(entry(2, lane=B), gate)
    assert not ledger.admit(entry(3, lane=B), gate)
    assert not ledger.admit(entry(3), gate)
    assert ledger.admit(entry(3, lane="worker/none"), Gate())
    assert ledger.admit(entry(61, lane=B), gate), "a minute after the first"
    assert not ledger.admit(entry(61), gate)
    both = Gate(a_minute=1, shared=(SHARED,))
    assert ledger.admit(entry(130), both)
    assert not ledger.admit(entry(131), both), "its own limit as well"


def test_a_launch_that_has_passed_passes_again(ledger: Ledger) -> None:
    gate = Gate(a_minute=1)
    assert ledger.admit(entry(1), gate)
    assert ledger.admit(entry(1), gate)
    assert len(ledger.recent([A], LONG_AGO, limit=9)) == 1


def test_a_gate_counts_what_is_under_way_until_it_has_an_outcome(ledger: Ledger) -> None:
    gate = Gate(under_way=1, patience=timedelta(seconds=180))
    assert ledger.admit(entry(1), gate)
    assert not ledger.admit(entry(2), gate)
    ledger.append([entry(1, Outcome.REFUSED)])
    assert ledger.admit(entry(3), gate)
    assert not ledger.admit(entry(4), gate)
    assert ledger.admit(entry(184), gate), "the start deadline of the third is over"


def test_a_render_does_not_stand_in_its_own_way(ledger: Ledger) -> None:
    gate = Gate(under_way=1)
    assert ledger.admit(entry(1), gate)
    assert ledger.admit(entry(2, render="r-1", attempt=2), gate)


@pytest.mark.parametrize(
    "gate",
    [Gate(a_minute=3), Gate(under_way=3), Gate(shared=(replace(SHARED, most=3),))],
    ids=["rate", "under way", "shared"],
)
def test_of_many_that_ask_at_once_only_as_many_pass_as_the_gate_says(
    request: pytest.FixtureRequest, ledger: Ledger, gate: Gate
) -> None:
    if isinstance(ledger, MemoryLedger):
        assert sum(ledger.admit(entry(n), gate) for n in range(8)) == 3
        return
    lanes = (A, B) if gate.shared else (A,)
    with ThreadPoolExecutor(4) as pool:
        asked = pool.map(
            lambda n: ledger.admit(entry(n, lane=lanes[n % len(lanes)]), gate), range(8)
        )
        assert sum(asked) == 3


def test_what_has_been_spent_is_summed_over_all_lanes_since_a_moment(ledger: Ledger) -> None:
    assert ledger.spent(LONG_AGO) == 0
    ledger.append([entry(1, Outcome.FINISHED, nanodollars=10**12)])
    ledger.append([entry(2, Outcome.PREEMPTED, lane=B, nanodollars=5), entry(3, Outcome.STARTED)])
    ledger.append([entry(2, Outcome.PREEMPTED, lane=B, nanodollars=5)])
    assert ledger.spent(LONG_AGO) == 10**12 + 5
    assert ledger.spent(entry(2).at) == 5
    assert ledger.spent(entry(3).at) == 0
