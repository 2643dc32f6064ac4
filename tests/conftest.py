"""What several rings need: Google's emulators, each started once for all tests that ask for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from infra.emulators.storage_gate import Gate, gate
from tests import emulators
from tests.buckets import Buckets

if TYPE_CHECKING:
    from google.cloud.firestore import Client


@pytest.fixture(scope="session")
def pubsub() -> Iterator[str]:
    """The Pub/Sub emulator's `host:port`; a test takes a project of its own there."""
    with emulators.required(), emulators.pubsub() as host:
        yield host


@pytest.fixture(scope="session")
def gcs_gate() -> Iterator[Gate]:
    """What STORAGE_EMULATOR_HOST names, for this process and those that it starts."""
    with (
        emulators.required(),
        emulators.storage() as behind,
        gate(behind, remembers=True) as one,
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
