"""The sweep over the laptop's adapters, its store's clock moved by hand."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.adapters.directory_objects import DirectoryObjects
from functions.core.reminders import reminders
from functions.forgotten import CURSOR, Pass, find_forgotten
from functions.handle import handle
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_ports
from schemas.events import Event, ObjectFinalized
from schemas.ids import SIDECAR_SUFFIX
from schemas.ports import ObjectInfo
from schemas.wire import from_json
from tests.lanes import laptop_lane
from tests.unit.makers import requested, upload

SECOND = timedelta(seconds=1)
NAMES = ("acme/a.mp4", "acme/b.mp4", "acme/c.mp4")


class Uploads(DirectoryObjects):
    """The uploads, whose clock stands still until it is moved."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


class Work(DirectoryObjects):
    """The work bucket of a process that may die before its next write."""

    dies = False

    def write(
        self,
        name: str,
        data: bytes,
        *,
        if_generation_match: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        if self.dies:
            self.dies = False
            raise KeyboardInterrupt
        return super().write(name, data, if_generation_match=if_generation_match, metadata=metadata)


@dataclass
class Told:
    """A Publisher that remembers what was told when, and does something `then`, once."""

    uploads: Uploads
    events: list[tuple[str, datetime]] = field(default_factory=list)
    then: Callable[[], object] | None = None

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def publish(self, topic: str, event: Event) -> None:
        assert topic == "uploads"
        assert isinstance(event, ObjectFinalized)
        info = self.uploads.stat(event.name)
        assert info is not None
        assert (event.generation, event.at) == (info.generation, info.updated)
        self.events.append((event.name, self.uploads.now()))
        then, self.then = self.then, None
        if then:
            then()


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """An uploads bucket and those who sweep it."""

    ports: Ports
    uploads: Uploads
    work: Work
    told: Told

    @property
    def grace(self) -> timedelta:
        return self.ports.policy.upload_grace

    def put(self, *names: str) -> datetime:
        """Uploads of which nobody tells, all at about one moment; the clock stands there."""
        infos = [self.uploads.write(name, b"film") for name in names]
        self.uploads.moment = max(info.updated for info in infos)
        return self.uploads.moment

    def sweep(self, *, page: int = 500) -> list[str]:
        """Sweep once; the names that were told."""
        before = len(self.told.names)
        find_forgotten(self.ports, page=page)
        return self.told.names[before:]

    def is_swept(self, kind: str, page: int) -> bool:
        """One sweep that may die before its write, or be overtaken by another before that."""
        self.work.dies = kind == "dies"
        self.told.then = (lambda: self.overtake(page)) if kind == "overtaken" else None
        try:
            self.sweep(page=page)
        except KeyboardInterrupt:
            return False
        return True

    def overtake(self, page: int) -> None:
        self.uploads.moment += SECOND
        self.sweep(page=page)

    def due(self, name: str, at: datetime | None = None) -> int:
        """How many reminders of it are due."""
        info = self.uploads.stat(name)
        assert info is not None
        return reminders((at or self.uploads.now()) - info.updated, self.grace)

    def heard(self, name: str) -> int:
        """How many of them were due when it was last told."""
        return max((self.due(name, at) for one, at in self.told.events if one == name), default=0)


def opened(folder: Path) -> Bucket:
    place = Laptop(home=folder)
    uploads = Uploads(place.uploads, "uploads")
    uploads.moment = DirectoryObjects.now(uploads)
    work, told = Work(place.work, "work"), Told(uploads)
    ports = replace(
        laptop_ports(place, laptop_lane("libx264/9.0/t1", 1)),
        uploads=uploads,
        work=work,
        publisher=told,
    )
    return Bucket(ports=ports, uploads=uploads, work=work, told=told)


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return opened(tmp_path / "laptop")


def test_an_upload_is_told_once_its_event_had_time_to_come(bucket: Bucket) -> None:
    bucket.put("acme/a.mp4")
    assert bucket.sweep() == []
    bucket.uploads.moment += bucket.grace - timedelta(microseconds=1)
    assert bucket.sweep() == []
    bucket.uploads.moment += timedelta(microseconds=1)
    assert bucket.sweep() == ["acme/a.mp4"]
    assert bucket.sweep() == []


def test_many_uploads_that_wait_are_told_a_few_times_each(bucket: Bucket) -> None:
    names = [f"acme/{number}.mp4" for number in range(9)]
    bucket.put(*names)
    for _ in range(3 * 100):
        bucket.uploads.moment += bucket.grace / 3
        bucket.sweep()
    assert Counter(bucket.told.names) == dict.fromkeys(names, 7)


def test_an_upload_that_has_a_render_is_not_told(bucket: Bucket) -> None:
    bucket.put("acme/a.mp4", "acme/b.mp4")
    info = bucket.uploads.stat("acme/a.mp4")
    assert info is not None
    known = upload(bucket="uploads", name=info.name, generation=info.generation)
    handle(requested(upload=known), bucket.ports)
    bucket.uploads.moment += bucket.grace
    assert bucket.sweep() == ["acme/b.mp4"]


def test_a_sidecar_is_told_beside_its_video_and_not_alone(bucket: Bucket) -> None:
    sidecar = f"acme/a.mp4{SIDECAR_SUFFIX}"
    bucket.put(sidecar)
    bucket.uploads.moment += bucket.grace
    assert bucket.sweep() == []
    bucket.put("acme/a.mp4")
    bucket.uploads.moment += 2 * bucket.grace
    assert bucket.sweep() == ["acme/a.mp4", sidecar]


def test_nothing_is_written_while_nothing_is_due(bucket: Bucket) -> None:
    bucket.put("acme/a.mp4")
    for _ in range(3):
        bucket.sweep()
    assert bucket.work.stat(CURSOR) is None
    bucket.uploads.moment += bucket.grace
    bucket.sweep()
    written = bucket.work.stat(CURSOR)
    assert written is not None
    bucket.uploads.moment += bucket.grace - SECOND
    bucket.sweep()
    assert bucket.work.stat(CURSOR) == written


@pytest.mark.parametrize(
    "left", [b'{"after": "acme/b.mp4"}', b"", b"[]", b'{"began": 7, "previous": null}', b"\xff"]
)
def test_a_cursor_of_an_earlier_version_or_a_damaged_one_starts_anew(
    bucket: Bucket, left: bytes
) -> None:
    bucket.put(*NAMES)
    bucket.uploads.moment += 3 * bucket.grace
    bucket.work.write(CURSOR, left)
    assert bucket.sweep() == [*NAMES]
    assert bucket.sweep() == []


def test_a_lost_cursor_costs_one_reminder(bucket: Bucket) -> None:
    bucket.put(*NAMES)
    bucket.uploads.moment += 3 * bucket.grace
    assert bucket.sweep() == [*NAMES]
    bucket.work.delete(CURSOR)
    assert bucket.sweep() == [*NAMES]
    assert bucket.sweep() == []


def test_the_slower_of_two_sweeps_leaves_the_cursor_to_the_quicker(bucket: Bucket) -> None:
    bucket.put(*NAMES)
    bucket.uploads.moment += bucket.grace
    assert bucket.is_swept("overtaken", 500)
    assert bucket.told.names == [NAMES[0], *NAMES, *NAMES[1:]]
    assert from_json(bucket.work.read(CURSOR), Pass).began == bucket.uploads.moment


def test_what_comes_behind_a_page_that_was_read_is_the_next_pass(bucket: Bucket) -> None:
    bucket.put("acme/b.mp4", "acme/c.mp4")
    bucket.uploads.moment += bucket.grace
    assert bucket.sweep(page=1) == ["acme/b.mp4"]
    bucket.put("acme/a.mp4")
    bucket.uploads.moment += bucket.grace
    assert bucket.sweep(page=1) == ["acme/c.mp4"]
    assert bucket.sweep(page=1) == []
    assert "acme/a.mp4" in bucket.sweep(page=1)


pauses = st.one_of(st.integers(0, 20_000), st.integers(0, 2_000_000)).map(
    lambda milliseconds: timedelta(milliseconds=milliseconds)
)


@given(pauses=st.lists(pauses, min_size=1, max_size=30))
@settings(max_examples=20, deadline=None)
def test_a_sweep_tells_what_became_due_since_the_one_before(
    tmp_path_factory: pytest.TempPathFactory, pauses: list[timedelta]
) -> None:
    bucket = opened(tmp_path_factory.mktemp("bucket") / "laptop")
    bucket.put(*NAMES)
    for pause in pauses:
        before = [bucket.due(name) for name in NAMES]
        bucket.uploads.moment += pause
        now = [bucket.due(name) for name in NAMES]
        due = [name for name, was, is_ in zip(NAMES, before, now, strict=True) if is_ > was]
        assert bucket.sweep() == due


@given(
    steps=st.lists(
        st.tuples(pauses, st.sampled_from(["calm", "calm", "calm", "dies", "overtaken"])),
        min_size=1,
        max_size=40,
    ),
    page=st.integers(1, 4),
)
@settings(max_examples=40, deadline=None)
def test_whatever_comes_between_no_reminder_is_missed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[timedelta, str]], page: int
) -> None:
    bucket = opened(tmp_path_factory.mktemp("bucket") / "laptop")
    bucket.put(*NAMES)
    sweeps_of_a_pass = len(NAMES) // page + 1
    swept: list[list[int]] = []
    for pause, kind in steps:
        bucket.uploads.moment += pause
        if bucket.is_swept(kind, page):
            swept.append([bucket.due(name) for name in NAMES])
        # The pass under way when a reminder falls due does not tell it, the one after it does.
        if len(swept) >= 2 * sweeps_of_a_pass:
            due = swept[-2 * sweeps_of_a_pass]
            assert all(bucket.heard(name) >= due for name, due in zip(NAMES, due, strict=True))
