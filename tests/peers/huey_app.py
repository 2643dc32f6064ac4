"""Huey's: it takes a task out of the queue before it does it, so a killed worker loses one."""

import os

from huey import SqliteHuey

from tests.peers.rows import Rows, opened

rows: list[Rows] = []
huey = SqliteHuey(filename=os.environ["BENCH_BROKER"], fsync=True, results=False)


def update(id: int) -> None:
    """The one task."""
    if not rows:
        rows.append(opened())
    rows[0].update(id, 0)


task = huey.task()(update)


def fill(count: int) -> None:
    """Send that many."""
    for number in range(count):
        task(number)
