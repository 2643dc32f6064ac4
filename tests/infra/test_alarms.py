"""Each alert over logs is made true and false again, by what the code really logs.

The functions work over the laptop's stores, by a clock that is moved; nothing starts unless it is
said that it has.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import functions_framework
import pytest

from functions.core.budget import Budget
from functions.core.entries import Entry as LedgerEntry
from functions.core.entries import Outcome
from functions.core.prices import DOLLAR, Price, PricePart
from functions.core.switches import Reach, Switching
from functions.handle import handle
from functions.logs import JsonLines
from functions.ports import Ports
from functions.settings import Laptop
from functions.sweep import sweep
from functions.watch import tell
from functions.wiring import laptop_ports
from infra.laptop.server import SOURCE
from schemas.events import (
    AttemptStarted,
    ExecutionEnded,
    RenderRequested,
    UploadRefused,
)
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload, render_id
from tests.infra.alarms import Alarm, Entry, alarms, metrics
from tests.infra.conftest import Deployed
from tests.unit.makers import LANE, NOW, requested, verified

MINUTE = timedelta(minutes=1)
PRICE = Price(
    parts=(PricePart(what="a vCPU", nanodollars_a_second=DOLLAR, read_on="2026-01-01", source="x"),)
)
PLACE = replace(LANE, start_within=timedelta(hours=2), executions=1, price=PRICE)
BROKEN = Failure(failure=FailureClass.INPUT, reason="not_a_video", message="It is no video.")


class Recorder(logging.Handler):
    """Entries as Cloud Logging would have them, at the moment of our own clock."""

    def __init__(self, life: "Life") -> None:
        super().__init__()
        self.life = life
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        payload = json.loads(self.format(record))
        self.life.entries.append(Entry(at=self.life.now, service="clipline-sweep", payload=payload))


@dataclass
class Life:
    """A pipeline, what it has said, and what time it is there."""

    ports: Ports
    now: datetime = NOW
    entries: list[Entry] = field(default_factory=list)
    uploads: int = 0

    def sweep(self) -> None:
        done = sweep(self.ports)
        tell(self.ports, ticked=done.ticked, found=done.found)

    def minutes(self, count: int, *, swept: bool = True) -> None:
        for _ in range(count):
            self.now += MINUTE
            if swept:
                self.sweep()

    def upload(self) -> Upload:
        self.uploads += 1
        return Upload(bucket="uploads", name=f"acme/{self.uploads}.mp4", generation=self.uploads)

    def ask(self) -> str:
        event = replace(requested(), upload=self.upload(), at=self.now)
        assert isinstance(event, RenderRequested)
        handle(event, self.ports)
        return render_id(event.upload)

    def start(self, render: str) -> None:
        attempt, execution = self.current(render)
        started = AttemptStarted(render=render, attempt=attempt, execution=execution, at=self.now)
        handle(started, self.ports)

    def current(self, render: str) -> tuple[int, str]:
        """The attempt that is under way, and its execution."""
        stored = self.ports.renders.load(render)
        assert stored is not None
        current = stored.render.current
        assert current is not None
        assert current.execution is not None
        return current.number, current.execution

    def finish(self, render: str) -> None:
        stored = self.ports.renders.load(render)
        assert stored is not None
        assert stored.render.plan is not None
        for output in stored.render.plan.outputs:
            handle(verified(stored.render, output.id), self.ports)

    def fail(self) -> None:
        handle(UploadRefused(upload=self.upload(), failure=BROKEN, at=self.now), self.ports)

    def die(self, render: str) -> None:
        attempt, execution = self.current(render)
        gone = Failure(failure=FailureClass.CRASH, reason="killed", message="It died.")
        ended = ExecutionEnded(
            render=render, attempt=attempt, execution=execution, failure=gone, at=self.now
        )
        handle(ended, self.ports)

    def rings(self, alarm: Alarm) -> bool:
        return alarm.rings(self.entries, self.now)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with lived(tmp_path) as one:
        yield one


@contextmanager
def lived(folder: Path) -> Iterator[Life]:
    ports = laptop_ports(Laptop(home=folder / "home"), PLACE)
    life = Life(ports)
    life.ports = replace(ports, clock=lambda: life.now)
    recorder, source = Recorder(life), logging.getLogger("clipline")
    level = source.level
    source.addHandler(recorder)
    source.setLevel(logging.INFO)
    try:
        yield life
    finally:
        source.removeHandler(recorder)
        source.setLevel(level)


@pytest.fixture(scope="module")
def known(deployed: Deployed) -> dict[str, Alarm]:
    return alarms(deployed.deployment)


def test_each_alert_over_logs_is_tried_here(known: dict[str, Alarm]) -> None:
    assert set(known) == {
        "day-nearly-spent",
        "failures",
        "no-lane-starts",
        "refused",
        "stumbled",
        "sweep_is_silent",
    }


def test_work_that_waits_while_no_lane_starts_rings_until_one_does(
    life: Life, known: dict[str, Alarm]
) -> None:
    alarm = known["no-lane-starts"]
    first, _ = life.ask(), life.ask()
    life.minutes(14)
    assert not life.rings(alarm)
    life.minutes(3)
    assert life.rings(alarm)
    life.start(first)
    life.minutes(3)
    assert not life.rings(alarm)


def test_work_that_waits_behind_what_runs_is_no_stock_out(
    life: Life, known: dict[str, Alarm]
) -> None:
    first, _ = life.ask(), life.ask()
    life.start(first)
    life.minutes(40)
    assert not any(known["no-lane-starts"].rings(life.entries, one.at) for one in life.entries)


def test_what_somebody_paused_wakes_nobody(life: Life, known: dict[str, Alarm]) -> None:
    for paused in (True, False):
        life.ports.switches.note(
            Switching(reach=Reach.ALL, paused=paused, by="ana", reason="a trial", at=life.now)
        )
        if paused:
            life.ask()
            life.minutes(40)
            assert not life.rings(known["no-lane-starts"])
    life.minutes(2)
    assert life.rings(known["no-lane-starts"]), "nothing starts, and nobody holds it back now"


def test_more_than_one_failure_in_twenty_rings_until_ten_minutes_after(
    life: Life, known: dict[str, Alarm]
) -> None:
    alarm = known["failures"]
    for _ in range(20):
        render = life.ask()
        life.start(render)
        life.finish(render)
    life.fail()
    assert not life.rings(alarm), "1 of 21"
    life.fail()
    assert life.rings(alarm), "2 of 22"
    life.minutes(10)
    assert not life.rings(alarm)


def test_a_thousand_dead_letters_of_one_fingerprint_raise_one_page(
    life: Life, known: dict[str, Alarm]
) -> None:
    moments = []
    for minute in range(30):
        for _ in range(50 if minute < 20 else 0):
            life.fail()
        life.now += MINUTE
        moments.append(life.now)
    failed = [one for one in life.entries if one.payload.get("action") == "failed"]
    assert len(failed) == 1000
    assert len({one.payload["fingerprint"] for one in failed}) == 1
    assert known["failures"].incidents(life.entries, moments) == 1
    assert sum(alarm.incidents(life.entries, moments) for alarm in known.values()) == 2, (
        "and one that the sweep is silent, which it was"
    )


def test_a_sweep_that_is_silent_for_five_minutes_rings_until_it_is_heard(
    life: Life, known: dict[str, Alarm]
) -> None:
    alarm = known["sweep_is_silent"]
    life.minutes(2)
    assert not life.rings(alarm)
    life.minutes(4, swept=False)
    assert not life.rings(alarm)
    life.minutes(1, swept=False)
    assert life.rings(alarm)
    life.minutes(1)
    assert not life.rings(alarm)


def test_four_fifths_of_the_days_money_ring_until_the_next_day(
    life: Life, known: dict[str, Alarm]
) -> None:
    alarm = known["day-nearly-spent"]
    life.ports = replace(life.ports, budget=Budget(day=100 * DOLLAR))
    for number, dollars in enumerate((79, 1)):
        assert not life.rings(alarm)
        paid = LedgerEntry(
            lane=PLACE.id,
            render=f"r-{number}",
            attempt=1,
            outcome=Outcome.FINISHED,
            launched_at=life.now,
            at=life.now,
            nanodollars=dollars * DOLLAR,
        )
        life.ports.ledger.append([paid])
        life.minutes(1)
    assert life.rings(alarm)
    life.now += timedelta(days=1)
    life.minutes(5)
    assert not life.rings(alarm)


def test_a_render_that_cannot_be_ticked_is_a_ticket(life: Life, known: dict[str, Alarm]) -> None:
    alarm = known["stumbled"]
    life.ports = replace(life.ports, backends={})
    with pytest.raises(KeyError):
        life.ask()
    life.minutes(1)
    assert life.rings(alarm)
    life.ports = replace(life.ports, backends=laptop_ports(Laptop(home=Path("/")), PLACE).backends)
    life.now += timedelta(hours=1)
    assert not life.rings(alarm)


def test_a_request_that_is_refused_is_a_ticket(life: Life, known: dict[str, Alarm]) -> None:
    client = functions_framework.create_app("on_result", str(SOURCE)).test_client()
    assert not life.rings(known["refused"])
    assert client.post("/", data=b"no event at all").status_code == 400
    assert life.rings(known["refused"])
    life.now += 6 * MINUTE
    assert not life.rings(known["refused"])


def test_every_metric_counts_and_reads_what_is_really_said(life: Life, deployed: Deployed) -> None:
    """A field that the code does not say would be a metric that is empty for ever."""
    life.ports = replace(life.ports, budget=Budget(day=1))
    wasted = life.ask()
    life.start(wasted)
    life.now += MINUTE
    life.die(wasted)
    life.ports = replace(life.ports, budget=Budget())
    life.minutes(2)
    life.start(wasted)
    life.finish(wasted)
    said = {one.payload.get("action") for one in life.entries}
    assert {"attempt-started", "attempt-ended", "done", "swept"} <= said
    for metric in metrics(deployed.deployment).values():
        if metric.resource.name != "measured":
            continue
        counted = [one for one in life.entries if metric.counts(one)]
        assert counted, f"{metric.type} counts nothing"
        for entry in counted:
            assert None not in metric.reads(entry).values(), (metric.type, entry)
