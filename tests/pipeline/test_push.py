"""Pub/Sub's emulator pushes to the functions, served by the real functions-framework.

Over the laptop's stores, with the laptop's subscriptions: what is told here is that of a real push,
its redelivery and its dead letters. What the emulator does otherwise than the service stands in
`tests/contract/buses.py`.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from functions import wiring
from functions.core.render import State
from functions.ports import Ports
from infra.emulators.server import free_port
from infra.emulators.topics import declare
from infra.laptop.server import SOURCE as MAIN
from infra.laptop.server import Server
from infra.laptop.subscriptions import PUSH_PATHS, subscriptions
from schemas.events import ExecutionEnded
from schemas.failures import Failure, FailureClass
from schemas.ids import render_id
from schemas.topics import Topic
from schemas.wire import Message, message_of
from tests.contract.buses import SOURCE, EmulatedPlace
from tests.pipeline.arrivals import ARRIVALS
from tests.pipeline.kept import kept
from tests.pipeline.laptop import until
from tests.unit.makers import requested, upload

LOSING = Path(__file__).with_name("losing_answers.py")
LOG_ENTRIES = Path(__file__).parents[1] / "data" / "cloud_run_log_entries.json"
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
UPLOADS = 24
IMPATIENT: dict[str, dict[str, Any]] = {
    # What a redeploy cuts off is answered by nobody, and comes again after the ack deadline.
    "start-render": {"ack_deadline": timedelta(seconds=2)},
    "on-result": {"max_delivery_attempts": 5},
}
"""Changes of the laptop's subscriptions, so that the tests end soon."""


@pytest.fixture
def ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ports]:
    monkeypatch.setenv("CLIPLINE_HOME", str(tmp_path / "laptop"))
    monkeypatch.setenv("CLIPLINE_ENCODER_CLASS", "libx264/9.0/t1")
    monkeypatch.setenv("CLIPLINE_TASKS", "2")
    wiring.ports.cache_clear()
    yield wiring.ports()
    wiring.ports.cache_clear()


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    with kept("clipline") as records:
        yield records


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def place(pubsub: str, port: int) -> Iterator[EmulatedPlace]:
    """Every subscription of the path, pushed to that port, where nobody listens yet."""
    one = EmulatedPlace(pubsub, f"test-{uuid4().hex[:12]}")
    endpoints = {name: f"http://127.0.0.1:{port}{path}" for name, path in PUSH_PATHS.items()}
    impatient = [replace(s, **IMPATIENT.get(s.name, {})) for s in subscriptions()]
    declare(pubsub, one.project, impatient, endpoints)
    yield one
    # Nothing of it is pushed into the next test.
    declare(pubsub, one.project, [])
    one.close()


@contextmanager
def serving(
    port: int, source: Path = MAIN, targets: Sequence[str] = ("on_result",)
) -> Iterator[None]:
    server = Server(targets, source, port)
    yield
    server.close()


def test_pushed_twice_and_through_a_redeploy_every_request_opens_one_render(
    place: EmulatedPlace, ports: Ports, port: int
) -> None:
    """Each event published twice, each push answered 503 first, and the server away twice."""
    ARRIVALS.clear()
    events = [requested(upload=upload(name=f"acme/{number}.mp4")) for number in range(UPLOADS)]
    wanted = {render_id(event.upload) for event in events}

    def opened() -> set[str]:
        return {render.id for render in ports.renders.newest(limit=2 * UPLOADS)}

    for event in events[: UPLOADS // 2] * 2:
        place.publish(Topic.RENDER_REQUESTS, event)
    with serving(port, LOSING, ("start_render",)):
        until(lambda: len(opened()) >= UPLOADS // 4, "a few renders are opened")
    for event in events[UPLOADS // 2 :] * 2:
        place.publish(Topic.RENDER_REQUESTS, event)
    with serving(port, LOSING, ("start_render",)):
        until(lambda: len(ARRIVALS) == 2 * UPLOADS, "every message has arrived")
        until(lambda: min(ARRIVALS.values()) >= 2, "every message has arrived twice")
    assert opened() == wanted
    assert ARRIVALS.total() >= 4 * UPLOADS
    states = [render.state for render in ports.renders.newest(limit=2 * UPLOADS)]
    assert states.count(State.STARTING) == 1
    assert states.count(State.WAITING) == UPLOADS - 1
    # None was given up: the first thing on the dead-letter topic is our own.
    place.publish_message("start-render-undeliverable", Message(attributes={}, data=b"the first"))
    (first,) = place.receive("start-render-undeliverable")
    assert first.data == b"the first"


def test_a_poison_message_ends_on_the_dead_letter_topic_and_holds_nobody_up(
    place: EmulatedPlace, ports: Ports, port: int, records: list[logging.LogRecord]
) -> None:
    misplaced, wanted = requested(), requested(upload=upload(name="acme/other.mp4"))
    with serving(port, targets=("on_result", "start_render")):
        place.publish_message(Topic.RENDER_RESULTS, Message(attributes={}, data=b"poison"))
        place.publish(Topic.RENDER_RESULTS, misplaced)
        place.publish(Topic.RENDER_REQUESTS, wanted)
        until(lambda: ports.renders.load(render_id(wanted.upload)) is not None, "it is opened")
        letters = place.receive("on-result-undeliverable", 2)
    assert {letter.data for letter in letters} == {
        b"poison",
        message_of(misplaced, SOURCE).data,
    }
    counts = [letter.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] for letter in letters]
    assert counts == ["5", "5"]
    name = f"projects/{place.project}/subscriptions/on-result"
    refused = [vars(one) for one in records if one.name == "clipline.main"]
    told = Counter((one["subscription"], one["reason"]) for one in refused)
    assert told == {(name, "NotAnEvent"): 5, (name, "BelongsElsewhere"): 5}


def test_an_end_is_taken_wrapped_in_our_words_and_in_the_place_s_own(
    place: EmulatedPlace, ports: Ports, port: int, records: list[logging.LogRecord]
) -> None:
    """Nobody knows the render: the event is read, and that is all that is asked here."""
    notice = json.loads(LOG_ENTRIES.read_text())["timeout"]
    failure = Failure(failure=FailureClass.CRASH, reason="r", message="m")
    ended = ExecutionEnded(render="r-1", attempt=1, execution="e", failure=failure, at=NOW)

    def orphans() -> list[str]:
        return [vars(one)["event"] for one in records if vars(one).get("action") == "orphan"]

    with serving(port, targets=("on_execution",)):
        place.publish(Topic.EXECUTION_EVENTS, ended)
        # One after the other: two that fall due again in one moment the emulator never sends again.
        until(lambda: len(orphans()) == 1, "the first end is heard of")
        place.publish_message(
            Topic.EXECUTION_EVENTS,
            Message(
                attributes={"logging.googleapis.com/timestamp": NOW.isoformat()},
                data=json.dumps(notice).encode(),
            ),
        )
        until(lambda: len(orphans()) == 2, "the second end is heard of")
    assert orphans() == ["ExecutionEnded", "ExecutionEnded"]
    assert not [one for one in records if one.name == "clipline.main"]
