"""Where a Pub/Sub emulator is found: the environment names one, the SDK has it, or Docker.

Where there is none, the suites over it are skipped at home and fail in CI (`CI` in the
environment): an adapter that has not run its suite does not exist.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.emulators.pubsub import pubsub_emulator
from infra.emulators.sdk import Absent

IMAGE = "google/cloud-sdk:emulators"
PORT = 8085


@contextmanager
def required() -> Iterator[None]:
    """Inside it an absent emulator skips the test at home, and fails it in CI."""
    try:
        yield
    except Absent as reason:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have a Pub/Sub emulator: {reason}")
        pytest.skip(f"needs a Pub/Sub emulator: {reason}")


@contextmanager
def running() -> Iterator[str]:
    """Its `host:port`. Raises Absent."""
    if host := os.environ.get("PUBSUB_EMULATOR_HOST"):
        yield host
        return
    try:
        with pubsub_emulator() as host:
            yield host
    except Absent as reason:
        if not _has_docker():
            raise Absent(f"{reason}, PUBSUB_EMULATOR_HOST is not set, no Docker runs") from reason
        with _container() as host:
            yield host


def _has_docker() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


@contextmanager
def _container() -> Iterator[str]:
    """In Google's image, as it is shipped: without our class (`infra/emulators/pubsub.py`)."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    command = f"gcloud beta emulators pubsub start --host-port=0.0.0.0:{PORT}"
    ready = LogMessageWaitStrategy("Server started, listening")
    one = DockerContainer(IMAGE).with_command(command).with_exposed_ports(PORT)
    with one.waiting_for(ready):
        yield f"{one.get_container_host_ip()}:{one.get_exposed_port(PORT)}"
