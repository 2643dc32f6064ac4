"""Where Firestore's emulator and a Cloud Storage are found: the environment, this machine, Docker.

Where there is none, the suites over it are skipped at home and fail in CI (`CI` in the
environment): an adapter that has not run its suite does not exist.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.emulators.firestore import firestore_emulator
from infra.emulators.sdk import Absent
from infra.emulators.storage import fake_gcs_server

SDK_IMAGE = "google/cloud-sdk:emulators"
PORT = 8080


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
        if os.environ.get("CI"):
            pytest.fail(f"CI must have it: {reason}")
        pytest.skip(str(reason))


@contextmanager
def firestore() -> Iterator[str]:
    """The Firestore emulator's `host:port`. Raises Absent."""
    if host := os.environ.get("FIRESTORE_EMULATOR_HOST"):
        yield host
        return
    try:
        with firestore_emulator() as host:
            yield host
    except Absent as reason:
        if not _has_docker():
            unset = "FIRESTORE_EMULATOR_HOST is not set, no Docker runs"
            raise Absent(f"{reason}, {unset}") from reason
        with _container() as host:
            yield host


@contextmanager
def storage() -> Iterator[str]:
    """The URL of a server that speaks Cloud Storage's JSON API, without a gate. Raises Absent."""
    if url := os.environ.get("STORAGE_EMULATOR_HOST"):
        yield url
        return
    with fake_gcs_server() as url:
        yield url


def _has_docker() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


@contextmanager
def _container() -> Iterator[str]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    command = f"gcloud emulators firestore start --host-port=0.0.0.0:{PORT}"
    ready = LogMessageWaitStrategy("Dev App Server is now running")
    one = DockerContainer(SDK_IMAGE).with_command(command).with_exposed_ports(PORT)
    with one.waiting_for(ready):
        yield f"{one.get_container_host_ip()}:{one.get_exposed_port(PORT)}"
