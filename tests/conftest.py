"""What several rings need: Google's emulators, each started once for all tests that ask for it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from infra.emulators.storage_gate import Gate, gate
from tests import emulators
from tests.buckets import Buckets

if TYPE_CHECKING:
    from google.cloud.firestore import Client

    from tests.sources import Sources

RINGS = ("pipeline", "contract", "infra", "simulator", "unit")
"""In the order in which they are begun: a long test begun last would be waited for alone."""
APART = frozenset({"long", "upgrade"})
"""Folders of which every test takes too long for `make test`."""
SERVERS = {
    **{"pubsub": "pubsub", "gcs": "stores", "gcs_gate": "stores"},
    **{"firestore": "stores", "firestore_emulator": "stores"},
    "deployed": "deployed",
}
"""Fixtures that start a server for a whole process, and which are best in one process."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Several processes at work share the suite by files and, where a server is needed, by it."""
    for item in items:
        if APART.intersection(item.path.parts):
            item.add_marker(pytest.mark.long)
        asked = {*getattr(item, "fixturenames", ()), *re.split(r"[\[\]-]", item.name)}
        servers = [group for name, group in SERVERS.items() if name in asked]
        item.add_marker(pytest.mark.xdist_group((servers or [item.path.stem])[0]))
    items.sort(key=lambda item: _ring(item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Ends where the groups do nothing: each process would start servers and render anew."""
    ungrouped = [id for id in ids if "@" not in id]
    if node.config.option.dist == "loadgroup" and ungrouped:
        pytest.exit(f"this pytest-xdist does not group tests: {ungrouped[0]}", returncode=4)


def _ring(path: Path) -> int:
    return next((n for n, ring in enumerate(RINGS) if ring in path.parts), len(RINGS))


def pytest_report_header() -> str:
    return emulators.header()


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> "Sources":
    """Made once for all processes of a run, since most begin by decoding seconds of 720p."""
    # Here, not above: PyAV is nothing that the quick ring needs.
    from tests.sources import Sources

    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "sources"
    folder.mkdir(exist_ok=True)
    return Sources(folder)


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
