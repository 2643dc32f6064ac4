"""What several rings need: Google's emulators, each started once for all tests that ask for it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.emulators_pubsub import required, running


@pytest.fixture(scope="session")
def pubsub() -> Iterator[str]:
    """The Pub/Sub emulator's `host:port`; a test takes a project of its own there."""
    with ExitStack() as stack:
        with required():
            host = stack.enter_context(running())
        yield host
