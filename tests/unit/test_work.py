"""A task that cannot go on says why."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from errno import ENOSPC
from pathlib import Path

import pytest

from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.prober import NoImages
from render_job.choose import Worker
from render_job.clock import SystemClock
from render_job.encoder import Encoder
from render_job.errors import Exit
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.overlays import Overlays
from render_job.tools import Task, Tools
from render_job.work import work
from schemas import names
from schemas.events import AttemptFailed, AttemptStarted, Event
from schemas.failures import FailureClass
from schemas.ports import NotPublished, ObjectInfo, StoreRefused, StoreUnavailable
from tests.unit.makers import NOW, after, order, requested

STUDIO = FfmpegStudio(encoder=Encoder(path="ffmpeg", version="9.0", source="system"))


@dataclass
class Told:
    """A publisher that remembers."""

    events: list[Event] = field(default_factory=list)

    def publish(self, topic: str, event: Event) -> None:
        self.events.append(event)


class Deaf(Told):
    """A bus that takes nothing."""

    def publish(self, topic: str, event: Event) -> None:
        super().publish(topic, event)
        raise NotPublished("503 unavailable")


class Broken(MemoryObjects):
    """A store on a disk that fails as soon as it is looked at."""

    def __init__(self, error: Exception) -> None:
        super().__init__("work", lambda: NOW)
        self._error = error

    def list(
        self, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[ObjectInfo]:
        raise self._error


@dataclass
class Mute(Told):
    """A publisher whose own disk fails."""

    error: OSError = field(default_factory=OSError)

    def publish(self, topic: str, event: Event) -> None:
        super().publish(topic, event)
        raise self.error


def task(store: MemoryObjects, told: Told, scratch: Path) -> Task:
    plan = after(None, requested(), now=NOW).plan
    assert plan is not None
    tools = Tools(
        uploads=MemoryObjects("uploads", lambda: NOW),
        work=store,
        outputs=MemoryObjects("outputs", lambda: NOW),
        publisher=told,
        studio=STUDIO,
        overlays=Overlays(uploads=MemoryObjects("uploads", lambda: NOW), images=NoImages()),
        clock=SystemClock(),
        scratch=scratch,
        stop=lambda: False,
    )
    return Task(
        plan=plan,
        order=order(render=plan.render, encoder_class=STUDIO.encoder_class),
        worker=Worker(execution="e-1", task=0),
        tools=tools,
    )


def test_a_full_disk_is_a_dependency_s_failure(tmp_path: Path) -> None:
    told = Told()
    full = OSError(ENOSPC, "No space left on device")
    assert work(task(Broken(full), told, tmp_path)) is Exit.REPORTED
    failed = told.events[-1]
    assert isinstance(failed, AttemptFailed)
    assert failed.failure.failure is FailureClass.DEPENDENCY
    assert failed.failure.reason == "disk_full"


def test_an_error_that_tells_nothing_of_the_disk_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        work(task(Broken(ConnectionError("refused")), Told(), tmp_path))


def test_a_bus_that_takes_nothing_stops_no_work(tmp_path: Path) -> None:
    told = Deaf()
    closed = MemoryObjects("work", lambda: NOW)
    closed.write(names.cancelled(task(closed, told, tmp_path).plan.render), b"{}")
    assert work(task(closed, told, tmp_path)) is Exit.REPORTED
    assert isinstance(told.events[-1], AttemptStarted)


def test_a_failure_that_no_bus_takes_is_not_taken_for_told(tmp_path: Path) -> None:
    told = Deaf()
    full = OSError(ENOSPC, "No space left on device")
    assert work(task(Broken(full), told, tmp_path)) is Exit.UNAVAILABLE
    assert isinstance(told.events[-1], AttemptFailed)


def test_a_store_that_does_not_answer_is_nobody_s_bug(tmp_path: Path) -> None:
    told = Told()
    away = StoreUnavailable("renders/r-1: 503")
    assert work(task(Broken(away), told, tmp_path)) is Exit.UNAVAILABLE
    assert not any(isinstance(event, AttemptFailed) for event in told.events)


def test_a_store_that_keeps_the_task_out_is_a_dependency_s_failure(tmp_path: Path) -> None:
    told = Told()
    shut = StoreRefused("renders/r-1: 403 no storage.objects.list")
    assert work(task(Broken(shut), told, tmp_path)) is Exit.REPORTED
    failed = told.events[-1]
    assert isinstance(failed, AttemptFailed)
    assert failed.failure.failure is FailureClass.DEPENDENCY
    assert failed.failure.reason == "store_refused"


def test_who_may_not_even_own_the_attempt_says_so_by_the_exit_code(tmp_path: Path) -> None:
    class Shut(MemoryObjects):
        def read(self, name: str) -> bytes:
            raise StoreRefused(f"{name}: 403")

    told = Told()
    assert work(task(Shut("work", lambda: NOW), told, tmp_path)) is Exit.REFUSED
    assert told.events == []


def test_a_disk_that_is_full_for_the_report_as_well_is_told_by_the_exit_code(
    tmp_path: Path,
) -> None:
    full = OSError(ENOSPC, "No space left on device")
    mute = Mute(error=full)
    assert work(task(Broken(full), mute, tmp_path)) is Exit.DISK
    assert isinstance(mute.events[-1], AttemptFailed)


def test_a_report_that_fails_for_another_reason_is_a_bug(tmp_path: Path) -> None:
    full = OSError(ENOSPC, "No space left on device")
    with pytest.raises(ConnectionError):
        work(task(Broken(full), Mute(error=ConnectionError("refused")), tmp_path))
