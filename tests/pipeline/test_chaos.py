"""What `make run CHAOS=seed` is made of, apart from the run itself."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.adapters.sqlite_bus import SqliteBus
from infra.laptop.exits import Status
from infra.laptop.misbehaviour import read
from infra.laptop.unruly_bus import UnrulyBus
from schemas.subscriptions import Subscription
from schemas.wire import Message
from tests.pipeline.laptop import CHECKOUT, a_home

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
PUSH = Subscription(name="push", topic="results", push=True)
SAID = [f"word {number}" for number in range(60)]


def test_the_unruly_bus_loses_nothing(tmp_path: Path) -> None:
    bus = SqliteBus(tmp_path / "bus.db", source="//clipline/test", clock=lambda: T0)
    bus.declare([PUSH])
    for word in SAID:
        bus.publish_message("results", Message(attributes={}, data=word.encode()))
    unruly = UnrulyBus(bus, read("7").fates())
    heard = []
    for tick in range(100):
        now = T0 + tick * timedelta(seconds=0.1)
        while due := unruly.lease(4, now):
            assert len(due) <= 4
            heard += [delivery.data.decode() for delivery in due]
            for delivery in due:
                unruly.ack(delivery.ack_id)
    assert set(heard) == set(SAID)
    assert len(heard) == len(SAID) + unruly.doubled
    assert unruly.taken == len(SAID)
    assert unruly.doubled > 0
    assert unruly.delayed > 0
    assert heard != sorted(heard, key=SAID.index)
    assert bus.peek("push") == ()


def test_what_the_unruly_bus_held_when_it_was_dropped_comes_again(tmp_path: Path) -> None:
    bus = SqliteBus(tmp_path / "bus.db", source="//clipline/test", clock=lambda: T0)
    bus.declare([PUSH])
    for word in SAID:
        bus.publish_message("results", Message(attributes={}, data=word.encode()))
    first = UnrulyBus(bus, read("7,messages=1").fates())
    heard = []
    for delivery in first.lease(100, T0):
        heard.append(delivery.data.decode())
        first.ack(delivery.ack_id)
    assert 0 < len(heard) < len(SAID)
    for pause in (PUSH.ack_deadline, PUSH.ack_deadline + PUSH.max_backoff):
        heard += [delivery.data.decode() for delivery in bus.lease(100, T0 + pause)]
    assert set(heard) == set(SAID)


def test_who_does_not_ask_for_chaos_does_not_load_it() -> None:
    asked = "import sys, infra.laptop.__main__; sys.exit('infra.laptop.storm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], cwd=CHECKOUT, check=False).returncode == 0


def test_a_wish_for_chaos_that_cannot_be_read_starts_nothing(tmp_path: Path) -> None:
    with a_home(tmp_path) as home:
        status, said = home.run("--chaos", "7,every=never")
        assert (status, said) == (
            Status.UNSUITABLE,
            "CHAOS=7,every=never cannot be read: every=never is no number.\n",
        )
        assert not home.place.home.exists()
