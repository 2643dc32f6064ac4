"""A cloud of two releases over Google's emulators: which its functions are of, and which its image.

Both releases are up all the time. To deploy is to say to which of them pushes and clocks go, and
which image the job has: as on Cloud Run, what is in hand is finished by whoever has it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.adapters.pubsub_listener import PubSubListener
from functions.cloud_settings import cloud
from functions.core.render import Render
from functions.ports import Ports
from functions.sought import Sought
from functions.wiring import cloud_ports
from infra.bundle.stage import stage
from infra.emulators.services import JOB, PROJECT, REGION, EmulatedServices
from infra.smoke.heard import Heard
from schemas.topics import Topic
from tests.upgrade.image import RUN
from tests.upgrade.releases import CHECKOUT

HERE = Path(__file__).parent
ROOM = 2
"""Renders that may run at once: the others wait to be launched, by whichever release."""
PATIENCE = 120.0
LISTENED = (Topic.RENDER_DONE, Topic.RENDER_DEAD_LETTER)


@dataclass(frozen=True, kw_only=True)
class Release:
    """One that is up: the names of its functions, and the port that they are served on."""

    port: int
    targets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TwoReleases:
    """The cloud, with the releases by name."""

    services: EmulatedServices
    releases: Mapping[str, Release]
    heard: Heard
    ports: Ports

    @contextmanager
    def deployed(self, *, functions: str, image: str) -> Iterator[None]:
        """Until the end of the context both halves are of those releases."""
        self.services.deploy_job(image, tasks=1)
        serving = self.releases[functions]
        with self.services.functions_at(serving.port, serving.targets):
            yield

    def renders(self, tenant: str) -> list[Render]:
        """All of that tenant."""
        return list(self.ports.renders.newest(limit=100, sought=Sought(tenant=tenant)))


@contextmanager
def two_releases(folders: Mapping[str, Path], scratch: Path) -> Iterator[TwoReleases]:
    """Up, with nothing deployed. Raises Absent where an emulator is not on this machine."""
    sockets = {name: scratch / f"{name}.socket" for name in folders}
    runs = {n: [sys.executable, "-I", "-S", "-c", RUN, str(s)] for n, s in sockets.items()}
    with _environment_put_back(), ExitStack() as up:
        services = EmulatedServices(scratch / "tasks", runs)
        up.callback(services.close)
        listener = PubSubListener(
            PROJECT, LISTENED, name="upgrade", emulator=os.environ["PUBSUB_EMULATOR_HOST"]
        )
        up.callback(listener.close)
        releases = {
            name: up.enter_context(_up(folder, sockets[name], scratch / name))
            for name, folder in folders.items()
        }
        yield TwoReleases(
            services=services,
            releases=releases,
            heard=Heard(listener),
            ports=cloud_ports(cloud()),
        )


@contextmanager
def _up(release: Path, path: Path, scratch: Path) -> Iterator[Release]:
    """Its functions out of its bundle, and its image."""
    bundle = stage(release, scratch).folder
    words = ("-P", str(HERE / "image.py"), str(path))
    with _python(words, scratch / "image.log", path=release) as image:
        encoder_class, places = image
        assert all(one.startswith(f"{release}/") for one in places), places
        lane = {
            "id": f"cloud-run/{REGION}/cpu",
            "encoder_class": encoder_class,
            "tasks": 1,
            "executions": ROOM,
            "start_within_seconds": 180,
            "attempt_limit_seconds": 3600,
            "region": REGION,
            "job": JOB,
        }
        words = ("-P", str(HERE / "serve.py"), str(bundle))
        told = {"CLIPLINE_LANES": json.dumps([lane])}
        with _python(words, scratch / "functions.log", path=CHECKOUT, told=told) as functions:
            port, targets, places = functions
            assert all(one.startswith(f"{bundle}/") for one in places), places
            yield Release(port=port, targets=tuple(targets))


@contextmanager
def _python(
    words: tuple[str, ...], log: Path, *, path: Path, told: Mapping[str, str] | None = None
) -> Iterator[list[Any]]:
    """Of a Python with that folder on its path, what it says first.

    Afterwards it is ended, and all that it forked.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *words],
            env={**os.environ, "PYTHONPATH": str(path), **(told or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    with process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said, log.read_text()
            yield json.loads(said)
        finally:
            os.killpg(process.pid, signal.SIGTERM)


@contextmanager
def _environment_put_back() -> Iterator[None]:
    """Emulators are known by it, and other tests have others."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
