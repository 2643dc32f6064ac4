"""For the contract suites: other processes, real ones that do not survive their test; a gate."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import schemas
from tests.firestore_gate import Gate, gate

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


@pytest.fixture(scope="module")
def open_firestore_gate(firestore_emulator: str) -> Iterator[Gate]:
    with gate(firestore_emulator) as one:
        yield one


@pytest.fixture
def firestore_gate(open_firestore_gate: Gate) -> Gate:
    """Between a store and Firestore's emulator; it remembers nothing of other tests."""
    open_firestore_gate.forget()
    return open_firestore_gate
