"""One event of one render over the laptop's adapters, while others come in between."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from functions.adapters.sqlite_renders import SqliteRenders
from functions.core.observations import Tick
from functions.core.quotas import Limit
from functions.core.render import Render, State
from functions.errors import TryAgainLater
from functions.handle import handle
from functions.ports import Conflict, Ports
from functions.settings import Laptop
from functions.wiring import laptop_ports
from schemas.ids import render_id
from schemas.ports import StoreUnavailable
from tests.lanes import LAPTOP_LANE, laptop_lane
from tests.unit.makers import requested, upload


@pytest.fixture
def place(tmp_path: Path) -> Laptop:
    return Laptop(home=tmp_path / "laptop")


@pytest.fixture
def ports(place: Laptop) -> Ports:
    """A lane with room for one render; launches are noted, and nobody runs them."""
    return laptop_ports(place, laptop_lane("libx264/9.0/t1", 2))


class Forestalled(SqliteRenders):
    """Just before each save that is to run a render, the others do what they do."""

    def __init__(self, path: Path, others: Callable[[], object]) -> None:
        super().__init__(path)
        self._others = others

    def save(
        self,
        render: Render,
        *,
        version: int,
        room: int | None = None,
        shared: Sequence[Limit] = (),
    ) -> None:
        if render.state is State.STARTING:
            self._others()
        super().save(render, version=version, room=room, shared=shared)


def test_a_place_that_was_free_when_it_decided_may_be_taken_when_it_saves(
    place: Laptop, ports: Ports
) -> None:
    first, second = (requested(upload=upload(name=f"acme/{name}.mp4")) for name in "ab")
    forestalled = Forestalled(place.renders, lambda: handle(first, ports))
    late = handle(second, replace(ports, renders=forestalled))
    assert late is not None
    assert late.state is State.WAITING
    assert late.why == f"waits for a lane: {LAPTOP_LANE} runs 1 of 1"
    winner = ports.renders.load(render_id(first.upload))
    assert winner is not None
    assert winner.render.state is State.STARTING


def test_of_many_at_once_one_starts_and_the_others_wait(ports: Ports) -> None:
    events = [requested(upload=upload(name=f"acme/{number}.mp4")) for number in range(8)]
    together = Barrier(len(events))

    def asked(number: int) -> None:
        together.wait()
        handle(events[number], ports)

    with ThreadPoolExecutor(len(events)) as pool:
        list(pool.map(asked, range(len(events))))
    states = sorted(render.state for render in ports.renders.newest(limit=9))
    assert states == [State.STARTING] + [State.WAITING] * 7
    assert ports.renders.running(LAPTOP_LANE) == 1


def test_who_is_always_forestalled_is_asked_to_come_again(place: Laptop, ports: Ports) -> None:
    def another_save() -> None:
        raise Conflict("somebody else was first")

    forestalled = Forestalled(place.renders, another_save)
    with pytest.raises(TryAgainLater):
        handle(requested(), replace(ports, renders=forestalled))
    assert ports.renders.newest(limit=1) == ()


class Unlucky(SqliteRenders):
    """The first time that a render is to be cancelled, the store is gone."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.failures = 1

    def save(
        self,
        render: Render,
        *,
        version: int,
        room: int | None = None,
        shared: Sequence[Limit] = (),
    ) -> None:
        if render.state is State.CANCELLED and self.failures:
            self.failures -= 1
            raise StoreUnavailable("the answer is lost")
        super().save(render, version=version, room=room, shared=shared)


def test_who_is_superseded_is_told_even_if_the_first_telling_fails(
    place: Laptop, ports: Ports
) -> None:
    """Once the effect was marked as performed before the older render was told: it went on."""
    older = requested(upload=upload(generation=1))
    newer = requested(upload=upload(generation=2))
    handle(older, ports)
    unlucky = replace(ports, renders=Unlucky(place.renders))
    with pytest.raises(StoreUnavailable):
        handle(newer, unlucky)
    later = replace(unlucky, clock=lambda: ports.clock() + ports.policy.effect_grace)
    handle(Tick(render=render_id(newer.upload)), later)
    stored = ports.renders.load(render_id(older.upload))
    assert stored is not None
    assert stored.render.state is State.CANCELLED
