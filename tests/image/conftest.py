"""The image, and a place for its containers. Docker absent: skipped at home, and fails in CI."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra.emulators.storage_gate import gate
from tests import emulators
from tests.absent import absent
from tests.image.relay import relay
from tests.image.site import Site, internal_network
from tests.mailbox import Mailbox
from tests.pipeline.laptop import small_video
from tests.sources import tool

IMAGE = os.environ.get("CLIPLINE_IMAGE", "clipline-render")
PYTHON = "/opt/clipline/bin/python"
BUCKETS = ("uploads", "work", "outputs")

figures: list[str] = []
"""Printed at the end of the run."""


@pytest.fixture(scope="session")
def docker() -> Iterator[Any]:
    """Docker's own client."""
    from docker import from_env
    from docker.errors import DockerException, ImageNotFound

    try:
        client = from_env()
        image = client.images.get(IMAGE)
    except ImageNotFound:
        absent(f"there is no image {IMAGE}: make image")
    except DockerException as error:
        absent(f"no Docker answers: {error}")
    figures.append(f"image: {image.attrs['Size'] / 1e6:.0f} MB")
    yield client
    client.close()


@pytest.fixture(scope="session")
def encoder_class(docker: Any) -> str:
    """As the image says it."""
    told = docker.containers.run(
        IMAGE,
        ["-I", "-m", "render_job.encoder"],
        entrypoint=PYTHON,
        network_mode="none",
        remove=True,
    )
    return str(told.decode().strip())


@pytest.fixture(scope="session")
def site(docker: Any, encoder_class: str, pubsub: str) -> Iterator[Site]:
    # Here, not above: the client library takes a third of a second to import.
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    from functions.adapters.gcs_objects import GcsObjects

    project = f"image-{uuid4().hex[:8]}"
    with ExitStack() as opened:
        open_ = opened.enter_context
        network, here = open_(internal_network(docker))
        with emulators.required():
            storage = open_(gate(open_(emulators.storage()), host=here))
        client = Client(
            project=project,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": storage.url},
        )
        opened.callback(client.close)
        for name in BUCKETS:
            if client.lookup_bucket(name) is None:
                client.create_bucket(name)
        uploads, work, outputs = (GcsObjects(client, name) for name in BUCKETS)
        made = Site(
            image=IMAGE,
            encoder_class=encoder_class,
            network=network,
            storage_url=storage.url,
            pubsub=open_(relay(here, pubsub)),
            project=project,
            uploads=uploads,
            work=work,
            outputs=outputs,
            mailbox=Mailbox(pubsub, project),
        )
        try:
            yield made
        finally:
            for one in made.started:
                one.stop()


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is made once."""
    return tmp_path_factory.mktemp("sources")


@pytest.fixture(scope="session")
def long_video(sources: Path) -> Path:
    """32 s, at 160x90."""
    once = small_video(sources / "once.mp4", seconds=16)
    path = sources / "long.mp4"
    tool(
        *("-nostdin", "-v", "error", "-stream_loop", "1", "-i", str(once)),
        *("-c", "copy", "-t", "32", str(path)),
    )
    return path


@pytest.fixture(scope="session")
def slow_video(sources: Path) -> Path:
    """12 s of 1280x720, which a part of a core takes long to encode."""
    return _synthetic(sources / "slow.mp4", "1280x720", rate=25, seconds=12)


@pytest.fixture(scope="session")
def large_video(sources: Path) -> Path:
    """4 s of 4K, whose encoder takes most of a gigabyte."""
    return _synthetic(sources / "large.mp4", "3840x2160", rate=10, seconds=4)


def _synthetic(path: Path, size: str, *, rate: int, seconds: int) -> Path:
    tool(
        *(
            "-nostdin",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            f"testsrc2=s={size}:r={rate}:d={seconds}",
        ),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", str(path)),
    )
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for figure in figures:
        terminalreporter.write_line(figure)
