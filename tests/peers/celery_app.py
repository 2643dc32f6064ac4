"""Celery's: acknowledged late, so that a task whose worker dies is done again."""

import os

from celery import Celery

from tests.peers.rows import Rows, opened

rows: list[Rows] = []
broker = os.environ["BENCH_BROKER"]
app = Celery("peers", broker=broker)
app.conf.task_acks_late = True
app.conf.task_ignore_result = True
if broker.startswith("filesystem:"):
    folder = os.environ["BENCH_FOLDER"]
    app.conf.broker_transport_options = {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": folder + "-control",
    }


def update(id: int) -> None:
    """The one task."""
    if not rows:
        rows.append(opened())
    rows[0].update(id, 0)


task = app.task(update, name="update")


def fill(count: int) -> None:
    """Send that many."""
    for number in range(count):
        task.delay(number)
