"""What the adapter of managed instance groups does with the service: over a stand-in."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest

from functions.adapters.mig_pool import MigPool
from functions.core.group import Condition, Machine, Shortage
from functions.errors import GroupRefused, TryAgainLater
from functions.machine_groups import MachineGroup
from infra.emulators.instance_groups import QUOTA, STOCK_OUT, InstanceGroupEmulator

GROUP = MachineGroup(project="p", where="zones/us-central1-a", name="gpu", most=5)
SLEEPS = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); signal.pause()"


def boot(name: str, told: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """A machine whose worker never finds anything to do."""
    return subprocess.Popen([sys.executable, "-IS", "-c", SLEEPS], env=dict(told))


@pytest.fixture
def emulator() -> Iterator[InstanceGroupEmulator]:
    emulator = InstanceGroupEmulator(GROUP.path, boot)
    yield emulator
    emulator.close()


@pytest.fixture
def group(emulator: InstanceGroupEmulator) -> MigPool:
    return MigPool(GROUP, emulator=emulator.address)


def of(group: MigPool, name: str) -> Machine | None:
    return next((one for one in group.listed() if one.name == name), None)


def condition(group: MigPool, name: str) -> Condition | None:
    one = of(group, name)
    return one.condition if one else None


def running(group: MigPool, until: Callable[..., None], *names: str) -> None:
    group.create(names)
    until(lambda: all(condition(group, n) is Condition.RUNNING for n in names), "they run")


def test_a_machine_is_made_by_name_and_deleted_by_name(
    emulator: InstanceGroupEmulator, group: MigPool, until: Callable[..., None]
) -> None:
    running(group, until, "gpu-1", "gpu-2")
    assert emulator.target_size == 2
    one = of(group, "gpu-1")
    assert one is not None
    group.delete([one])
    until(lambda: of(group, "gpu-1") is None, "it is gone")
    assert condition(group, "gpu-2") is Condition.RUNNING
    assert emulator.target_size == 1
    group.delete([one])
    assert emulator.target_size == 1


def test_names_that_are_there_already_are_no_error_and_nothing_is_doubled(
    emulator: InstanceGroupEmulator, group: MigPool, until: Callable[..., None]
) -> None:
    running(group, until, "gpu-1")
    group.create(["gpu-1", "gpu-2"])
    assert [one.name for one in group.listed()] == ["gpu-1"]
    group.create(["gpu-2"])
    assert emulator.target_size == 2


def test_an_answer_that_is_lost_is_tried_again_later_and_makes_each_machine_once(
    emulator: InstanceGroupEmulator, group: MigPool
) -> None:
    emulator.lose()
    with pytest.raises(TryAgainLater):
        group.create(["gpu-1"])
    group.create(["gpu-1"])
    assert emulator.target_size == 1


def test_a_preempted_machine_is_gone_and_nobody_makes_it_anew(
    emulator: InstanceGroupEmulator, group: MigPool, until: Callable[..., None]
) -> None:
    running(group, until, "gpu-1")
    emulator.preempt("gpu-1")
    until(lambda: condition(group, "gpu-1") is Condition.GONE, "it has stopped")
    assert emulator.created == ["gpu-1"]
    assert emulator.target_size == 1, "until somebody deletes it"


def test_a_machine_that_ignores_its_notice_is_ended(
    emulator: InstanceGroupEmulator, group: MigPool, until: Callable[..., None]
) -> None:
    running(group, until, "gpu-1")
    emulator.preempt("gpu-1", timedelta(0))
    until(lambda: condition(group, "gpu-1") is Condition.GONE, "it has stopped")


@pytest.mark.parametrize(
    ("error", "shortage"), [(STOCK_OUT, Shortage.STOCK_OUT), (QUOTA, Shortage.QUOTA)]
)
def test_a_machine_that_cannot_be_had_says_why_and_so_does_the_group_later(
    emulator: InstanceGroupEmulator,
    group: MigPool,
    until: Callable[..., None],
    error: tuple[str, str],
    shortage: Shortage,
) -> None:
    emulator.starve(error)
    group.create(["gpu-1"])
    until(lambda: bool(group.lacks()), "it was tried")
    one = of(group, "gpu-1")
    assert one is not None
    assert (one.condition, one.shortage, one.is_alive) == (Condition.COMING, shortage, False)
    (lack,) = group.lacks()
    assert lack.shortage is shortage
    assert error[1] in lack.words
    group.delete([one])
    until(lambda: of(group, "gpu-1") is None, "it is not tried any more")
    assert group.lacks() == [lack]


def test_an_error_of_another_kind_is_no_lack(
    emulator: InstanceGroupEmulator, group: MigPool, until: Callable[..., None]
) -> None:
    emulator.starve(("CONDITION_NOT_MET", "the template has no such disk"))
    group.create(["gpu-1"])
    until(lambda: of(group, "gpu-1") is not None, "it is tried")
    assert group.lacks() == []


def test_many_machines_are_listed_page_by_page(
    emulator: InstanceGroupEmulator, group: MigPool
) -> None:
    emulator.starve(STOCK_OUT)
    names = [f"gpu-{number:04}" for number in range(600)]
    group.create(names)
    assert [one.name for one in group.listed()] == names


@pytest.mark.parametrize(
    ("status", "kind"), [(503, TryAgainLater), (429, TryAgainLater), (403, GroupRefused)]
)
def test_what_the_service_says_is_tried_again_or_mended(
    emulator: InstanceGroupEmulator, group: MigPool, status: int, kind: type[Exception]
) -> None:
    for ask in (group.listed, group.lacks, lambda: group.create(["gpu-1"])):
        emulator.refuse(status, "no")
        with pytest.raises(kind):
            ask()
    assert emulator.target_size == 0


def test_a_group_that_is_not_there_is_somebody_s_to_mend(emulator: InstanceGroupEmulator) -> None:
    other = MachineGroup(project="p", where="zones/us-central1-a", name="another", most=1)
    with pytest.raises(GroupRefused, match="404"):
        MigPool(other, emulator=emulator.address).listed()


def test_a_service_that_is_away_is_asked_again_later(emulator: InstanceGroupEmulator) -> None:
    away = MigPool(GROUP, emulator="127.0.0.1:9")
    with pytest.raises(TryAgainLater):
        away.listed()
