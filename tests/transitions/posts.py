"""Requests a second that one server process answers over one connection, one after the other."""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.events import RenderProgress
from schemas.wire import message_of
from tests.transitions.machine import CHECKOUT, Done, Machine, cpu_of

WARM_UP = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server process of `tests/transitions/ours.py`."""

    render: str
    """A render of its home that was cancelled while it ran, where it has one."""
    port: int
    pid: int


@contextmanager
def serving(machine: Machine, name: str) -> Iterator[Serving]:
    """Until the `with` is left."""
    words = [sys.executable, "-m", "tests.transitions.ours", name, str(machine.fresh()), "0"]
    with machine.pinned(working=True):
        server = subprocess.Popen(
            words, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    assert server.stdin is not None
    assert server.stdout is not None
    with server, server.stdin, server.stdout:
        render, port = server.stdout.readline().strip(), int(server.stdout.readline())
        yield Serving(render=render, port=port, pid=server.pid)


def posted(machine: Machine, server: Serving, path: str, count: int) -> Done:
    """The same message again and again; it changes nothing, and is answered with 2xx."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    late = RenderProgress(render=server.render, attempt=1, task=0, frames=1, at=at)
    message = message_of(late, "//clipline/bench")

    def post(times: int) -> None:
        for _ in range(times):
            connection.request("POST", path, message.data, dict(message.attributes))
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 204), answer.status

    with machine.pinned(working=False):
        post(WARM_UP)
        began, cpu = time.perf_counter(), cpu_of(server.pid)
        post(count)
        seconds, cpu = time.perf_counter() - began, cpu_of(server.pid) - cpu
    connection.close()
    return Done(count=count, seconds=seconds, cpu=cpu)
