"""Dramatiq's: it acknowledges after the work by itself."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.peers.rows import Rows, opened

rows: list[Rows] = []
dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_BROKER"]))


def update(id: int) -> None:
    """The one task."""
    if not rows:
        rows.append(opened())
    rows[0].update(id, 0)


actor = dramatiq.actor(update)


def fill(count: int) -> None:
    """Send that many."""
    for number in range(count):
        actor.send(number)
