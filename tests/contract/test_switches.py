"""What every store of people's decisions promises."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.adapters.sqlite_switches import SqliteSwitches
from functions.core.budget import Raise
from functions.core.switches import Reach, Switching, pauses
from functions.ports import Switches
from infra.simulator.memory_switches import MemorySwitches

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
FACTORIES: dict[str, Callable[[Path], Switches]] = {
    "memory": lambda folder: MemorySwitches(),
    "sqlite": lambda folder: SqliteSwitches(folder / "switches.db"),
}


@pytest.fixture(params=sorted([*FACTORIES, "firestore"]))
def switches(request: pytest.FixtureRequest, tmp_path: Path) -> Switches:
    """Firestore is Google's emulator, over a project of its own."""
    if request.param != "firestore":
        return FACTORIES[request.param](tmp_path)
    from functions.adapters.firestore_switches import FirestoreSwitches

    return FirestoreSwitches(request.getfixturevalue("firestore"))


def switching(second: int, reach: Reach, name: str = "", *, paused: bool = True) -> Switching:
    at = T0 + timedelta(seconds=second)
    return Switching(reach=reach, name=name, paused=paused, by="ada", reason="why, ü", at=at)


def test_what_was_noted_stays_the_last_first(switches: Switches) -> None:
    assert switches.noted() == ()
    noted = [
        switching(1, Reach.ALL),
        switching(2, Reach.LANE, "cloud-run/us-east4/l4"),
        switching(3, Reach.ALL, paused=False),
        switching(4, Reach.TENANT, "acme"),
    ]
    for one in noted:
        switches.note(one)
    assert switches.noted() == tuple(reversed(noted))
    assert [one.what for one in pauses(switches.noted())] == [
        "lane cloud-run/us-east4/l4",
        "tenant acme",
    ]


def test_raises_stay_and_are_found_from_a_moment_on_the_last_first(switches: Switches) -> None:
    assert switches.raises(T0) == ()
    raises = [
        Raise(nanodollars=10**11 * number, by="ada", reason="a launch, ü", at=T0 + timedelta(0, n))
        for number, n in ((1, 0), (2, 7), (3, 9))
    ]
    for one in raises:
        switches.note_raise(one)
    assert switches.raises(T0) == tuple(reversed(raises))
    assert switches.raises(T0 + timedelta(seconds=7)) == (raises[2], raises[1])
    assert switches.raises(T0 + timedelta(seconds=10)) == ()
    assert switches.noted() == (), "a raise is no pause"
