"""`clipline budget` as people use it: over a laptop's state, with limits beside its lanes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.core.budget import Budget, Raise, midnight, reset, today
from functions.core.entries import Entry, Outcome
from functions.core.render import State
from functions.handle import handle
from functions.settings import Laptop
from functions.sweep import sweep
from functions.wiring import laptop_ports
from ops.times import clock
from tests.lanes import laptop_lane
from tests.pipeline.desk import Place
from tests.unit.makers import NOW, requested, seconds, upload

DOLLAR = 10**9
LANES = """\
[[lanes]]
id = "laptop/cpu"
executions = 3
start_within_seconds = 120
attempt_limit_seconds = 43200
[budget]
day_dollars = 2
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Laptop(home=tmp_path / "home"), lanes=LANES)


def test_who_waits_for_money_goes_on_after_a_raise_that_is_on_record(place: Place) -> None:
    lane = replace(laptop_lane("libx264/9.0/t1", 1), executions=3)
    ports = replace(laptop_ports(place.home, lane), budget=Budget(day=2 * DOLLAR))
    now = ports.clock()
    dear = Entry(
        lane=lane.id,
        render="r-x",
        attempt=1,
        outcome=Outcome.FINISHED,
        launched_at=now,
        at=now,
        nanodollars=3 * DOLLAR,
    )
    ports.ledger.append([dear])
    renders = [handle(requested(upload=upload(name=f"t/{n}.mp4")), ports) for n in range(2)]
    assert {one.state for one in renders if one} == {State.WAITING}
    assert place.said("budget") == [
        "limit of a render  none",
        "limit of the day   $2.00; beyond it renders wait for the reset",
        "spent today        $3.00 (150% of the limit), by the attempts that have ended",
        "waiting            2 renders, for the reset",
        f"reset              {clock(reset(now))}",
        "next: clipline budget raise --to DOLLARS --reason '…'",
    ]
    (told,) = place.told("clipline.budget-state.v1", "budget")
    assert (told["day_nanodollars"], told["spent_nanodollars"]) == (2 * DOLLAR, 3 * DOLLAR)
    assert (told["is_spent"], told["waiting"], told["raises"]) == (True, 2, [])
    sweep(ports)
    assert ports.renders.count(State.WAITING) == 2
    said = place.said("budget", "raise", "--to", "4.50", "--reason", "a launch", "--by", "ada")
    assert said == [
        f"Raised: $4.50 may be spent until {clock(reset(now))}.",
        "Next: clipline budget",
    ]
    sweep(ports)
    assert ports.renders.count(State.WAITING) == 0
    lines = place.said("budget")
    assert lines[1].startswith("limit of the day   $4.50;")
    assert lines[3] == "waiting            0 renders, for a place, or a moment of their own"
    assert lines[-1].endswith("ada raised it to $4.50: a launch")
    (told,) = place.told("clipline.budget-state.v1", "budget")
    assert (told["day_nanodollars"], told["is_spent"]) == (4.5 * DOLLAR, False)
    (raised,) = told["raises"]
    assert (raised["nanodollars"], raised["by"], raised["reason"]) == (
        4.5 * DOLLAR,
        "ada",
        "a launch",
    )


def test_a_raise_that_raises_nothing_is_refused(place: Place) -> None:
    place.home.state.mkdir(parents=True)
    lower = place.clipline("budget", "raise", "--to", "2", "--reason", "x")
    assert (lower.returncode, lower.stdout) == (4, "")
    assert lower.stderr == "The day's limit is $2.00, which is not less than $2.00.\n"
    kind = "clipline.budget-state.v1"
    (raised,) = place.told(kind, "budget", "raise", "--to", "3", "--reason", "a launch")
    assert (raised["day_nanodollars"], len(raised["raises"])) == (3 * DOLLAR, 1)
    for wrong in ("much", "-1", "0", "1e9", "nan"):
        assert place.clipline("budget", "raise", f"--to={wrong}", "--reason", "x").returncode == 2
    assert place.clipline("budget", "raise", "--to", "9").returncode == 2, "without a reason"
    free = Place(place.home, LANES.partition("[budget]")[0])
    none = free.clipline("budget", "raise", "--to", "9", "--reason", "x")
    assert none.returncode == 4
    assert none.stderr.startswith("There is no day's limit to raise")
    assert free.said("budget")[1] == "limit of the day   none"


def test_a_raise_holds_until_midnight_utc_and_the_highest_counts() -> None:
    def raised(dollars: int, at: datetime) -> Raise:
        return Raise(nanodollars=dollars * DOLLAR, by="ada", reason="x", at=at)

    plain, eve = Budget(day=2 * DOLLAR), midnight(NOW)
    raises = [raised(5, eve), raised(4, NOW), raised(9, eve - seconds(1))]
    assert today(plain, raises, NOW).day == 5 * DOLLAR
    assert today(plain, raises, reset(NOW) - seconds(1)).day == 5 * DOLLAR
    assert today(plain, raises, reset(NOW)).day == 2 * DOLLAR
    assert today(Budget(), raises, NOW).day is None
    assert reset(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
    assert reset(NOW) - midnight(NOW) == timedelta(days=1)
