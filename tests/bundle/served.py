"""The staged functions as the platform serves them: a process an entry point, a clean Python.

Over Google's emulators and our stand-in of Cloud Run; whatever a process says goes to a file.
"""

import base64
import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from infra.emulators.server import free_port, serving
from schemas.events import Event
from schemas.wire import Message, message_of

SOURCE = "//clipline/tests"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
WITHOUT_CHECKOUT = {"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"}
"""Of our own environment, all that a served function gets."""
CALLED = {"x_goog_pubsub_subscription_name": "projects/p/subscriptions/s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an entry point said."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One entry point."""

    target: str
    port: int
    pid: int
    start_seconds: float
    """From the start of its process until it answers; the clients are not made yet."""
    answered: list[float] = field(default_factory=list)
    """Seconds that each request took, the first one, which has the clients made, first."""

    @property
    def memory_bytes(self) -> int:
        """Of its processes, by proportional set size (proc(5)); 0 where the kernel says nothing."""
        return _memory_of(self.pid)

    def post(self, body: bytes, **headers: str) -> Answer:
        """Any request; an underscore in a header's name stands for a hyphen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        began = time.perf_counter()
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", "/", body, named)
            answer = connection.getresponse()
            said = Answer(status=answer.status, body=answer.read())
            self.answered.append(time.perf_counter() - began)
            return said
        finally:
            connection.close()

    def push(self, event: Event) -> Answer:
        """As our push subscriptions do: unwrapped, attributes as headers."""
        message = message_of(event, SOURCE)
        return self.post(message.data, **headers_of(message), **CALLED)

    def push_wrapped(self, message: Message) -> Answer:
        """As a push subscription does that was left as it is."""
        inner = {
            "attributes": dict(message.attributes),
            "data": base64.b64encode(message.data).decode(),
            "messageId": "1",
            "publishTime": NOW.isoformat(),
        }
        body = {"message": inner, "subscription": "projects/p/subscriptions/s"}
        return self.post(json.dumps(body).encode(), content_type="application/json")


def headers_of(message: Message) -> Mapping[str, str]:
    """A message's attributes, as keywords."""
    return {name.replace("-", "_"): value for name, value in message.attributes.items()}


@contextmanager
def serve(
    python: Path, bundle: Path, target: str, environment: Mapping[str, str], log: Path
) -> Iterator[Served]:
    """That entry point of that bundle. Raises NotStarted, with its last words."""
    port = free_port()
    argv = [
        *("env", "--ignore-environment", f"--chdir={bundle}"),
        *(f"{name}={value}" for name, value in {**WITHOUT_CHECKOUT, **environment}.items()),
        *(
            str(python),
            "-P",
            "-m",
            "functions_framework",
            "--target",
            target,
            "--source",
            "main.py",
        ),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    began = time.perf_counter()
    # The framework answers this path by itself, without a call of the function.
    with serving(argv, f"http://127.0.0.1:{port}/favicon.ico", log) as pid:
        yield Served(target=target, port=port, pid=pid, start_seconds=time.perf_counter() - began)


def _memory_of(pid: int) -> int:
    children = [
        int(child)
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for child in path.read_text().split()
    ]
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    (pss,) = (int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return pss * 1024 + sum(map(_memory_of, children))
