"""Google's Firestore emulator, launched without its wrapper, which would leave Java behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.emulators.sdk import component, program
from infra.emulators.server import free_port, serving

COMPONENT = "cloud-firestore-emulator"
MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
JVM = ("-Duser.language=en", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""It speaks English only, as its own script says; the rest is for a short life."""


@contextmanager
def firestore_emulator() -> Iterator[str]:
    """Its `host:port`; every project is an empty database. Raises Absent, or NotStarted."""
    jar, java = component(COMPONENT) / "cloud-firestore-emulator.jar", program("java", of="Java 17")
    port = free_port()
    argv = [java, *JVM, "-cp", str(jar), MAIN, "start", "--host=127.0.0.1", f"--port={port}"]
    with (
        TemporaryDirectory(prefix="clipline-firestore-") as scratch,
        serving(argv, f"http://127.0.0.1:{port}/", Path(scratch) / "log"),
    ):
        yield f"127.0.0.1:{port}"
