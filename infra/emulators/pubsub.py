"""Google's Pub/Sub emulator, launched without its wrapper and with a class that its jar lacks.

Version 0.8.20 was put together from two versions of gRPC: `io.grpc.InternalStatus` has no
`asRuntimeException(Status, Metadata, boolean)`, so every client that goes away ends in a
NoSuchMethodError inside the server, which then goes on delivering to streams that nobody reads.
Seen: of 1,000 messages a subscriber that came back got 100. The class below has the method and
stands before the jar. It is compiled, 0.7 s of a processor, only where the jar needs it.

The `gcloud beta emulators` wrapper cannot take it, and leaves the Java process behind when it is
stopped.
"""

import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.emulators.sdk import Absent, component, program
from infra.emulators.server import free_port, serving

COMPONENT = "pubsub-emulator"
MAIN = "com.google.cloud.pubsub.testing.v1.Main"
JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""For a short life on a small machine; it keeps everything in memory."""
COMPILER = ("-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-proc:none")
"""For one class: half of the processor time that javac takes as it comes."""
LACKING = "io/grpc/InternalStatus.class"
SIGNATURE = b"(Lio/grpc/Status;Lio/grpc/Metadata;Z)Lio/grpc/StatusRuntimeException;"
"""As it stands in a class file that has the method."""
SHIM = """
package io.grpc;

public final class InternalStatus {
  public static final Metadata.Key<String> MESSAGE_KEY = Status.MESSAGE_KEY;
  public static final Metadata.Key<Status> CODE_KEY = Status.CODE_KEY;

  public static StatusRuntimeException asRuntimeExceptionWithoutStacktrace(
      Status status, Metadata trailers) {
    return new StatusRuntimeException(status, trailers);
  }

  public static StatusRuntimeException asRuntimeException(
      Status status, Metadata trailers, boolean fillInStackTrace) {
    return new StatusRuntimeException(status, trailers);
  }
}
"""


@contextmanager
def pubsub_emulator() -> Iterator[str]:
    """Its `host:port`, with nothing on it yet. Raises Absent, or NotStarted."""
    jar, java = _jar(), program("java", of="Java 11 or newer")
    port = free_port()
    with TemporaryDirectory(prefix="clipline-pubsub-") as scratch:
        path = [str(jar)]
        if lacks_a_method(jar):
            path.insert(0, str(_compiled(jar, Path(scratch))))
        argv = [java, *JVM, "-cp", ":".join(path), MAIN, "--host=127.0.0.1", f"--port={port}"]
        with serving(argv, f"http://127.0.0.1:{port}/", Path(scratch) / "log"):
            yield f"127.0.0.1:{port}"


def lacks_a_method(jar: Path) -> bool:
    """Whether the emulator in that jar needs our class."""
    with zipfile.ZipFile(jar) as archive:
        return LACKING in archive.namelist() and SIGNATURE not in archive.read(LACKING)


def _jar() -> Path:
    jars = sorted((component(COMPONENT) / "lib").glob("cloud-pubsub-emulator-*-all.jar"))
    if not jars:
        raise Absent(f"the component {COMPONENT} has no jar where it used to be")
    return jars[-1]


def _compiled(jar: Path, scratch: Path) -> Path:
    """The folder with our class."""
    compiler = program("javac", of="a JDK, since this version lacks a method")
    source = scratch / "InternalStatus.java"
    source.write_text(SHIM)
    classes = scratch / "classes"
    words = [*COMPILER, "-cp", str(jar), "-d", str(classes), str(source)]
    subprocess.run([compiler, *words], check=True, timeout=60)
    return classes
