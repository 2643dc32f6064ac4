"""Other processes for the contract suites, real ones, and none survives its test; emulators."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import schemas
from tests import emulators
from tests.gcs_gate import Buckets, Gate, gate

if TYPE_CHECKING:
    from google.cloud.firestore import Client

CHECKOUT = Path(schemas.__file__).parents[1]
StartPython = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_python() -> Iterator[StartPython]:
    """Starts `python -c CODE ARGS…` with this checkout importable; its output is text."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def gcs_gate() -> Iterator[Gate]:
    """What STORAGE_EMULATOR_HOST names, for this process and those that it starts."""
    with (
        emulators.required(),
        emulators.storage() as behind,
        gate(behind) as one,
        emulators.environment(STORAGE_EMULATOR_HOST=one.url),
    ):
        yield one


@pytest.fixture
def gcs(gcs_gate: Gate) -> Iterator[Buckets]:
    """Cloud Storage, as far as it is imitated."""
    # Here, not above: the client library takes a third of a second to import.
    from functions.adapters.gcs_objects import connect

    client = connect()
    yield Buckets(gcs_gate, client)
    client.close()


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[str]:
    """What FIRESTORE_EMULATOR_HOST names, for this process and those that it starts."""
    with (
        emulators.required(),
        emulators.firestore() as host,
        emulators.environment(FIRESTORE_EMULATOR_HOST=host),
    ):
        yield host


@pytest.fixture
def firestore(firestore_emulator: str) -> Iterator["Client"]:
    """A client of a project without documents: each project is a database of its own."""
    # Here, not above: the client library takes half a second to import.
    from functions.adapters.firestore_renders import connect

    client = connect(f"test-{uuid4().hex[:12]}")
    yield client
    client.close()


def until(claim: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Returns as soon as the claim holds; fails the test when it does not in time."""
    give_up = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {seconds} s in vain until {what}")
        time.sleep(0.005)


@pytest.fixture(name="until")
def the_wait() -> Callable[..., None]:
    return until
