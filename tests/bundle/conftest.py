"""The bundle, the Python that it asks for, and its entry points over Google's emulators."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
import pytest

from functions.adapters.cloud_run_jobs import CloudRunJob
from functions.cloud_lanes import CloudLane
from functions.cloud_settings import Cloud
from functions.ports import Ports
from functions.wiring import cloud_ports
from infra.bundle.stage import BUILD, Staged, stage
from infra.emulators.cloud_run import CloudRunEmulator
from infra.emulators.container import Image
from infra.emulators.storage_gate import Gate
from infra.laptop.server import TARGETS
from schemas.wire import to_json
from tests.bundle.clean import clean_python
from tests.bundle.served import Served, serve
from tests.contract.cloud_places import deploy
from tests.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Sequence

BUCKETS = {"CLIPLINE_UPLOADS": "uploads", "CLIPLINE_WORK": "work", "CLIPLINE_OUTPUTS": "outputs"}
BUG = [sys.executable, "-c", "raise SystemExit(70)"]
"""What an execution does here: it ends at once, as a task with a bug does."""

figures: "list[str]" = []
"""Printed at the end of the run."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Every entry point of the bundle, what they work on, and what they publish."""

    served: Mapping[str, Served]
    ports: Ports
    mailbox: Mailbox
    run: CloudRunEmulator
    ends: "Sequence[dict[str, object]]" = field(default_factory=list)
    """What a log sink passes on: an entry for every execution that is over."""


@pytest.fixture(scope="session")
def bundle() -> Staged:
    return stage()


@pytest.fixture(scope="session")
def python(bundle: Staged) -> Path:
    """The clean one."""
    began = time.perf_counter()
    found = clean_python(bundle.folder / "requirements.txt", BUILD)
    figures.append(
        f"bundle: {bundle.files} files, {bundle.size_bytes / 1000:.0f} kB; "
        f"its Python was ready after {time.perf_counter() - began:.1f} s"
    )
    return found


@pytest.fixture(scope="session")
def environment(pubsub: str, firestore_emulator: str, gcs_gate: Gate) -> Mapping[str, str]:
    """What a deployment tells its functions, but for its lanes."""
    return {
        "CLIPLINE_PLACE": "cloud",
        "CLIPLINE_PROJECT": f"bundle-{uuid4().hex[:8]}",
        **BUCKETS,
        "CLIPLINE_PUSH_TOKENS": "unchecked",
        "PUBSUB_EMULATOR_HOST": pubsub,
        "FIRESTORE_EMULATOR_HOST": firestore_emulator,
        "STORAGE_EMULATOR_HOST": gcs_gate.url,
    }


@pytest.fixture(scope="session")
def deployment(
    bundle: Staged,
    python: Path,
    environment: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    from functions.adapters.gcs_objects import connect

    folder, project = tmp_path_factory.mktemp("bundle"), environment["CLIPLINE_PROJECT"]
    ends: list[dict[str, object]] = []
    with ExitStack() as opened:
        client = connect()
        opened.callback(client.close)
        for name in BUCKETS.values():
            if client.lookup_bucket(name) is None:
                client.create_bucket(name)
        run = CloudRunEmulator(folder, images={"renderer": Image(command=BUG)}, on_end=ends.append)
        opened.callback(run.close)
        job = CloudRunJob(project=project, region="us-east4", job="renders")
        deploy(opened.enter_context(grpc.insecure_channel(run.address)), [], job=job)
        told = {
            **environment,
            "CLIPLINE_CLOUD_RUN_EMULATOR": run.address,
            "CLIPLINE_LANES": to_json((_lane(job),)).decode(),
        }
        served = {
            target: opened.enter_context(
                serve(python, bundle.folder, target, told, folder / f"{target}.log")
            )
            for target in TARGETS
        }
        yield Deployment(
            served=served,
            ports=cloud_ports(
                Cloud(
                    project=project,
                    uploads="uploads",
                    work="work",
                    outputs="outputs",
                    pubsub_emulator=environment["PUBSUB_EMULATOR_HOST"],
                )
            ),
            mailbox=Mailbox(environment["PUBSUB_EMULATOR_HOST"], project),
            run=run,
            ends=ends,
        )
        figures.extend(
            f"{target}: serves {one.start_seconds:.1f} s after its start, "
            f"its first request took {one.answered[0]:.1f} s more, "
            f"{one.memory_bytes / 2**20:.0f} MiB in the end"
            for target, one in served.items()
            if one.answered
        )


def _lane(job: CloudRunJob) -> CloudLane:
    return CloudLane(
        id=f"cloud-run/{job.region}/cpu",
        encoder_class="libx264/5.1/t1",
        tasks=1,
        executions=100,
        start_within_seconds=60,
        attempt_limit_seconds=600,
        region=job.region,
        job=job.job,
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for figure in figures:
        terminalreporter.write_line(figure)
