"""A folder may await sidecars: who comes when, over stores in memory, the clock moved by hand.

Nothing is launched: the day has no money.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.budget import Budget
from functions.core.lanes import Policy
from functions.core.render import Render, State
from functions.core.tenants import FolderDefault, Tenant
from functions.forgotten import find_forgotten
from functions.handle import handle
from functions.intake import admit
from functions.ports import Ports
from functions.spec_origin import SPEC_METADATA
from infra.simulator.memory_ledger import MemoryLedger
from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.memory_renders import MemoryRenders
from infra.simulator.memory_switches import MemorySwitches
from infra.simulator.prober import NoImages, SimulatedProber
from schemas.events import Event, ObjectFinalized, RenderRequested, SpecSource, UploadRefused
from schemas.ids import SIDECAR_SUFFIX
from tests.lanes import laptop_lane

WAIT = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
NAME = "acme/shorts/a.mp4"
SIDECAR = f"{NAME}{SIDECAR_SUFFIX}"
OF_FOLDER = '{"outputs": [{"preset": "vertical-1080"}]}'
OF_SIDECAR = '{"outputs": [{"height": 90}]}'
OF_METADATA = '{"outputs": [{"height": 45}]}'
FILM = msgspec.json.encode((9, True, False))
SHORTS = FolderDefault(spec=OF_FOLDER, await_sidecar_seconds=int(WAIT.total_seconds()))


class Dies(Exception):
    """Whoever works is gone."""


@dataclass
class Place:
    """What there is, and everybody who works there, one after another."""

    default: FolderDefault = SHORTS
    now: datetime = datetime(2026, 11, 30, 9, tzinfo=UTC)
    queue: deque[Event] = field(default_factory=deque)
    dies: Callable[[Event], bool] = lambda event: False
    """Whether the one who would publish it dies just before."""

    def __post_init__(self) -> None:
        self.uploads, self.work, outputs = (
            MemoryObjects(name, lambda: self.now) for name in ("uploads", "work", "outputs")
        )
        self.ports = Ports(
            clock=lambda: self.now,
            draw=lambda: 0.0,
            rest=lambda length: None,
            renders=MemoryRenders(),
            ledger=MemoryLedger(),
            switches=MemorySwitches(),
            uploads=self.uploads,
            work=self.work,
            outputs=outputs,
            publisher=self,
            prober=SimulatedProber(),
            images=NoImages(),
            lanes=(laptop_lane("libx264/9.0/t1", 1),),
            backends={},
            budget=Budget(day=0),
            policy=Policy(),
            tenants={"acme": Tenant(defaults={"acme/shorts/": self.default})},
        )

    def publish(self, topic: str, event: Event) -> None:
        if self.dies(event):
            self.dies = lambda event: False
            raise Dies
        self.queue.append(event)

    def put(self, name: str, data: bytes, *, spec: str = "", is_told: bool = True) -> None:
        info = self.uploads.write(name, data, metadata={SPEC_METADATA: spec} if spec else {})
        if is_told:
            event = ObjectFinalized(
                bucket="uploads", name=name, generation=info.generation, at=info.updated
            )
            self.queue.append(event)
        self.work_off()

    def work_off(self) -> None:
        """Take what is on the way; of a render only that it is opened."""
        while self.queue:
            event = self.queue.popleft()
            if isinstance(event, ObjectFinalized):
                admit(event, self.ports)
            elif isinstance(event, RenderRequested | UploadRefused):
                handle(event, self.ports)

    def sweep(self) -> list[str]:
        """One look through the uploads; the names that were told."""
        find_forgotten(self.ports)
        told = [event.name for event in self.queue if isinstance(event, ObjectFinalized)]
        self.work_off()
        return told

    def sweep_until(self, moment: datetime) -> None:
        """Every minute, up to that moment and not at it."""
        while self.now + MINUTE < moment:
            self.now += MINUTE
            self.sweep()

    @property
    def renders(self) -> list[Render]:
        """The oldest first."""
        return list(reversed(self.ports.renders.newest(limit=100)))

    @property
    def sources(self) -> list[SpecSource]:
        return [render.spec_source for render in self.renders]


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_sidecar_that_was_there_before_its_video_is_not_waited_for(place: Place) -> None:
    place.put(SIDECAR, OF_SIDECAR.encode())
    assert place.renders == []
    place.put(NAME, FILM)
    assert [(r.spec_source, r.spec_text) for r in place.renders] == [
        (SpecSource.SIDECAR, OF_SIDECAR)
    ]


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "its event is lost"])
def test_a_sidecar_that_comes_in_time_is_the_only_render(place: Place, is_told: bool) -> None:
    start = place.now
    place.put(NAME, FILM)
    place.sweep_until(start + WAIT / 2)
    assert place.renders == []
    place.put(SIDECAR, OF_SIDECAR.encode(), is_told=is_told)
    place.sweep_until(start + 20 * WAIT)
    assert [(r.spec_source, r.spec_text) for r in place.renders] == [
        (SpecSource.SIDECAR, OF_SIDECAR)
    ]
    assert place.renders[0].created_at < start + WAIT


def test_without_one_the_folders_default_is_made_when_the_time_is_over(place: Place) -> None:
    start = place.now
    place.put(NAME, FILM)
    place.sweep_until(start + WAIT)
    assert place.renders == []
    place.now = start + WAIT
    assert place.sweep() == [NAME]
    assert [(r.spec_source, r.spec_text) for r in place.renders] == [(SpecSource.FOLDER, OF_FOLDER)]
    place.sweep_until(start + 20 * WAIT)
    assert len(place.renders) == 1


def test_nobody_is_told_of_an_upload_that_has_time(place: Place) -> None:
    start = place.now
    place.put(NAME, FILM)
    told = []
    while place.now + MINUTE < start + WAIT:
        place.now += MINUTE
        told += place.sweep()
    assert told == []


def test_a_sidecar_that_comes_too_late_supersedes_the_default(place: Place) -> None:
    start = place.now
    place.put(NAME, FILM)
    place.sweep_until(start + WAIT + 2 * MINUTE)
    assert place.sources == [SpecSource.FOLDER]
    place.put(SIDECAR, OF_SIDECAR.encode())
    assert place.sources == [SpecSource.FOLDER, SpecSource.SIDECAR]
    assert place.renders[0].state is State.CANCELLED


def test_an_upload_that_brings_its_spec_waits_for_none(place: Place) -> None:
    place.put(NAME, FILM, spec=OF_METADATA)
    assert [(r.spec_source, r.spec_text) for r in place.renders] == [
        (SpecSource.METADATA, OF_METADATA)
    ]


def test_an_upload_outside_the_folder_waits_for_none_and_has_the_built_in_spec(
    place: Place,
) -> None:
    place.put("acme/shorts.mp4", FILM)
    assert [(r.spec_source, r.spec_text) for r in place.renders] == [(SpecSource.DEFAULT, None)]


def test_a_folder_that_awaits_none_makes_its_default_at_once() -> None:
    place = Place(default=FolderDefault(spec=OF_FOLDER))
    place.put(NAME, FILM)
    assert place.sources == [SpecSource.FOLDER]


def test_a_folder_may_await_sidecars_without_a_default_of_its_own() -> None:
    place = Place(default=FolderDefault(await_sidecar_seconds=600))
    start = place.now
    place.put(NAME, FILM)
    place.sweep_until(start + WAIT)
    assert place.renders == []
    place.sweep_until(start + WAIT + 2 * MINUTE)
    assert place.sources == [SpecSource.DEFAULT]


def test_a_new_generation_has_its_own_time(place: Place) -> None:
    start = place.now
    place.put(NAME, FILM)
    place.sweep_until(start + WAIT - MINUTE)
    place.put(NAME, FILM)
    again = place.now
    place.sweep_until(again + WAIT)
    assert place.renders == []
    place.sweep_until(again + WAIT + 2 * MINUTE)
    assert place.sources == [SpecSource.FOLDER]


def test_no_video_is_refused_only_when_its_time_is_over(place: Place) -> None:
    start = place.now
    place.put(NAME, msgspec.json.encode((0, True, False)))
    place.sweep_until(start + WAIT)
    assert place.renders == []
    place.sweep_until(start + WAIT + 2 * MINUTE)
    assert [render.state for render in place.renders] == [State.FAILED]


@pytest.mark.parametrize("kind", [ObjectFinalized, RenderRequested], ids=["sweep", "on_upload"])
def test_whoever_dies_when_the_time_is_over_the_render_comes(
    place: Place, kind: type[Event]
) -> None:
    start = place.now
    place.put(NAME, FILM)
    place.sweep_until(start + WAIT)
    place.now = start + WAIT
    place.dies = lambda event: isinstance(event, kind)
    with pytest.raises(Dies):
        place.sweep()
    place.queue.clear()
    assert place.renders == []
    place.sweep_until(start + WAIT + 3 * MINUTE)
    assert place.sources == [SpecSource.FOLDER]


def test_the_log_says_until_when_it_waits(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "clipline.intake"):
        place.put(NAME, FILM)
    (record,) = caplog.records
    assert record.message == f"{NAME} waits for its sidecar until 2026-11-30 09:10:00 UTC"
    assert (record.__dict__["action"], record.__dict__["until"]) == (
        "awaits_sidecar",
        "2026-11-30T09:10:00+00:00",
    )


@given(
    wait=st.integers(1, 3600),
    pauses=st.lists(st.integers(1, 400), min_size=1, max_size=40),
    comes=st.none() | st.integers(0, 5000),
)
@settings(max_examples=60, deadline=None)
def test_whenever_one_looks_nothing_is_lost_and_nothing_is_too_early(
    wait: int, pauses: list[int], comes: int | None
) -> None:
    place = Place(default=FolderDefault(spec=OF_FOLDER, await_sidecar_seconds=wait))
    start = place.now
    over = start + timedelta(seconds=wait)
    place.put(NAME, FILM)
    sidecar = None if comes is None else start + timedelta(seconds=comes)
    for pause in pauses:
        before, place.now = place.now, place.now + timedelta(seconds=pause)
        if sidecar is not None and before <= sidecar < place.now:
            looked, place.now = place.now, sidecar
            place.put(SIDECAR, OF_SIDECAR.encode(), is_told=False)
            place.now = looked
        place.sweep()
        is_there = sidecar is not None and sidecar < place.now
        if place.now < over and not is_there:
            assert place.renders == []
        if place.now >= over:
            assert place.renders
    if SpecSource.FOLDER in place.sources:
        assert place.renders[0].created_at >= over
