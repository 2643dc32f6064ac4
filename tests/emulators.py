"""Where Google's services are found on this machine: the environment, what is installed, or Docker.

    an address in the environment ─► what is installed here ─► a container (testcontainers)

That order is everyone's; `CLIPLINE_EMULATORS=containers` leaves out the middle. Where there is
none, the suites over it are skipped at home and fail in CI (`CI` in the environment): an adapter
that has not run its suite does not exist.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from infra.emulators.firestore import firestore_emulator
from infra.emulators.pubsub import pubsub_emulator
from infra.emulators.sdk import Absent
from infra.emulators.server import free_port
from infra.emulators.storage import fake_gcs_server
from tests.absent import absent

SDK_IMAGE = "google/cloud-sdk:emulators"
STORAGE_IMAGE = "fsouza/fake-gcs-server:1.54.0"
ADDRESSES = ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", "STORAGE_EMULATOR_HOST")


def header() -> str:
    """One line for the start of a run: where each is looked for first."""
    then = "containers" if _only_containers() else "what is installed, else containers"
    places = (
        f"{name.partition('_')[0].lower()}: {os.environ.get(name, then)}" for name in ADDRESSES
    )
    return f"emulators: {'; '.join(places)}"


def _only_containers() -> bool:
    return os.environ.get("CLIPLINE_EMULATORS") == "containers"


@contextmanager
def environment(**names: str) -> Iterator[None]:
    """The process with those variables set: the client libraries find their emulator by them."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def required() -> Iterator[None]:
    """Inside it an absent emulator skips the test at home, and fails it in CI."""
    try:
        yield
    except Absent as reason:
        absent(reason)


def pubsub() -> AbstractContextManager[str]:
    """The Pub/Sub emulator's `host:port`. Raises Absent.

    In a container it is as it is shipped, without our class (`infra/emulators/pubsub.py`).
    """
    command = "gcloud beta emulators pubsub start --host-port=0.0.0.0:8085"
    contained = _container(command, 8085, "Server started, listening")
    return _found("PUBSUB_EMULATOR_HOST", pubsub_emulator, contained)


def firestore() -> AbstractContextManager[str]:
    """The Firestore emulator's `host:port`. Raises Absent."""
    command = "gcloud emulators firestore start --host-port=0.0.0.0:8080"
    contained = _container(command, 8080, "Dev App Server is now running")
    return _found("FIRESTORE_EMULATOR_HOST", firestore_emulator, contained)


def storage() -> AbstractContextManager[str]:
    """The URL of a server that speaks Cloud Storage's JSON API. Raises Absent."""
    return _found("STORAGE_EMULATOR_HOST", fake_gcs_server, _contained_storage())


@contextmanager
def _found(
    name: str,
    local: Callable[[], AbstractContextManager[str]],
    contained: AbstractContextManager[str],
) -> Iterator[str]:
    if host := os.environ.get(name):
        yield host
        return
    try:
        if _only_containers():
            raise Absent("only containers are asked for")
        with local() as host:
            yield host
    except Absent as reason:
        if not _has_docker():
            raise Absent(f"{reason}, {name} is not set, no Docker runs") from reason
        with contained as host:
            yield host


def _has_docker() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


@contextmanager
def _container(command: str, port: int, ready: str) -> Iterator[str]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    one = DockerContainer(SDK_IMAGE).with_command(command).with_exposed_ports(port)
    with one.waiting_for(LogMessageWaitStrategy(ready)):
        yield f"{one.get_container_host_ip()}:{one.get_exposed_port(port)}"


@contextmanager
def _contained_storage() -> Iterator[str]:
    """On a port that is chosen here, since the server must know it."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    port = free_port()
    one = DockerContainer(STORAGE_IMAGE).with_bind_ports(4443, port)
    one.with_command(
        f"-scheme http -port 4443 -backend memory -external-url http://127.0.0.1:{port}"
    )
    with one.waiting_for(HttpWaitStrategy(4443, "/storage/v1/b")):
        yield f"http://127.0.0.1:{port}"
