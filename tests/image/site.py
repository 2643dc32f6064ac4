"""Where containers of the image work: as Cloud Run has it, with stand-ins for all that they reach.

container ── internal network ──► the bridge's own address ─┬─► the storage gate
  read-only root, /tmp in memory,                           └─► a relay to Pub/Sub's emulator
  a memory limit, no capabilities, nobody's uid
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from functions.core.plan import make_plan
from infra.laptop.subscriptions import PUSH_PATHS
from schemas import names
from schemas.events import Event
from schemas.ids import Upload
from schemas.pieces import Span, cut_into_chunks
from schemas.plan import Order, RenderPlan
from schemas.spec import Output, RenderSpec
from schemas.spec_picture import Quality
from schemas.wire import to_json
from tests.mailbox import Mailbox
from tests.pipeline.laptop import until
from tests.sources import media_of

if TYPE_CHECKING:
    from docker.models.containers import Container

    from functions.adapters.gcs_objects import GcsObjects

RESULTS = next(name for name, path in PUSH_PATHS.items() if path == "/on_result/")
MEMORY = "1g"
DISK = "128m"
"""Of the memory: what is in /tmp counts."""
HOSTILE = "/hostile"


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a container may use."""

    memory: str = MEMORY
    disk: str = DISK
    cores: float = 1.0


@dataclass(frozen=True, kw_only=True)
class End:
    """How a container ended."""

    code: int
    killed_for_memory: bool
    words: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a task, perhaps still under way."""

    container: "Container"

    def is_over(self) -> bool:
        """Whether it has ended."""
        self.container.reload()
        return bool(self.container.status == "exited")

    def words(self) -> str:
        """All that it has said so far."""
        return str(self.container.logs().decode(errors="replace"))

    def send(self, signal: str) -> None:
        """That signal, to the task alone."""
        self.container.kill(signal=signal)

    def memory_bytes(self) -> int:
        """What it uses now, its /tmp included, as `docker stats` reckons it."""
        told = self.container.stats(stream=False, one_shot=True)["memory_stats"]
        if "usage" not in told:
            return 0  # it has ended
        files = told["stats"].get("total_inactive_file", told["stats"].get("inactive_file", 0))
        return int(told["usage"]) - int(files)

    def peak_bytes(self) -> int:
        """The most that it was seen to use until it ended; what is brief may be missed."""
        peak = 0
        while not self.is_over():
            peak = max(peak, self.memory_bytes())
        return peak

    def stop(self, grace: timedelta) -> float:
        """SIGTERM, grace, SIGKILL; the seconds that it took."""
        began = time.monotonic()
        self.container.stop(timeout=round(grace.total_seconds()))
        return time.monotonic() - began

    def end(self) -> End:
        """How it ended, as soon as it has."""
        until(self.is_over, f"a container ends, which said: {self.words()[-2000:]}", 120)
        state = self.container.attrs["State"]
        return End(code=state["ExitCode"], killed_for_memory=state["OOMKilled"], words=self.words())

    def seconds_until(self, word: str) -> float:
        """From its start to the first line with that word, by Docker's own clock."""
        lines = self.container.logs(timestamps=True).decode(errors="replace").splitlines()
        said = next(line.split()[0] for line in lines if word in line)
        started = self.container.attrs["State"]["StartedAt"]
        return (_moment(said) - _moment(started)).total_seconds()


@dataclass(frozen=True, kw_only=True)
class Site:
    """One network and what can be reached in it. Containers are removed when it closes."""

    image: str
    encoder_class: str
    network: str
    storage_url: str
    pubsub: str
    project: str
    uploads: "GcsObjects"
    work: "GcsObjects"
    outputs: "GcsObjects"
    mailbox: Mailbox
    started: list[Any] = field(default_factory=list)

    def order(
        self,
        source: Path,
        *,
        chunk_seconds: int,
        height: int = 90,
        quality: Quality = Quality.SMALL,
    ) -> "Ordered":
        """A render of that file, planned and ordered as the functions do it, in equal chunks."""
        info = self.uploads.upload(f"acme/{uuid4().hex[:8]}.mp4", source)
        upload = Upload(bucket="uploads", name=info.name, generation=info.generation)
        spec = RenderSpec(outputs=(Output(name="web", height=height, quality=quality),))
        plan = make_plan(upload, media_of(source), spec, folder=names.output_folder(upload))
        (output,) = plan.outputs
        frames = round(chunk_seconds * output.frame_rate)
        chunks = cut_into_chunks(output.frames, gop=output.gop, length=lambda left: frames)
        plan = replace(plan, outputs=(replace(output, chunks=chunks),))
        order = Order(
            render=plan.render,
            attempt=1,
            lane="cloud-run/here/cpu",
            encoder_class=self.encoder_class,
            tasks=4,
            deadline=datetime.now(UTC) + timedelta(minutes=10),
        )
        for name, value in (
            (names.plan(plan.render), plan),
            (names.order(plan.render, 1), order),
        ):
            self.work.write(name, to_json(value), if_generation_match=0)
        return Ordered(site=self, plan=plan)

    def run(
        self,
        *words: str,
        environment: Mapping[str, str],
        room: Room = Room(),
        hostile: Path | None = None,
    ) -> Run:
        """The image, started with those arguments; a `hostile` folder is where it starts."""
        # Here, not above: what runs elsewhere does without Docker's client.
        from testcontainers.core.container import DockerContainer

        one = DockerContainer(self.image).with_command(list(words))
        for name, value in environment.items():
            one.with_env(name, value)
        one.with_tmpfs_mount("/tmp", f"size={room.disk},mode=1777")
        if hostile is not None:
            one.with_volume_mapping(hostile, HOSTILE, "ro")
        one.with_kwargs(
            working_dir=HOSTILE if hostile is not None else None,
            read_only=True,
            network=self.network,
            mem_limit=room.memory,
            memswap_limit=room.memory,
            nano_cpus=int(room.cores * 1e9),
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=256,
        )
        self.started.append(one)
        one.start()
        return Run(container=one.get_wrapped_container())

    def environment(self, execution: str, task: int) -> Mapping[str, str]:
        """What Cloud Run and the deployment tell a task."""
        return {
            "CLIPLINE_PLACE": "cloud",
            "CLIPLINE_PROJECT": self.project,
            "CLIPLINE_UPLOADS": "uploads",
            "CLIPLINE_WORK": "work",
            "CLIPLINE_OUTPUTS": "outputs",
            "CLOUD_RUN_EXECUTION": execution,
            "CLOUD_RUN_TASK_INDEX": str(task),
            "STORAGE_EMULATOR_HOST": self.storage_url,
            "PUBSUB_EMULATOR_HOST": self.pubsub,
        }


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """One render that tasks may work on."""

    site: Site
    plan: RenderPlan

    def start(self, task: int = 0, *, execution: str = "e-1", room: Room = Room()) -> Run:
        """One run of one task."""
        return self.site.run(
            *("--render", self.plan.render, "--attempt", "1"),
            environment=self.site.environment(execution, task),
            room=room,
        )

    def told(self) -> list[Event]:
        """What its tasks have told so far."""
        events = self.site.mailbox.events(RESULTS)
        return [one for one in events if getattr(one, "render", None) == self.plan.render]

    def pieces(self) -> list[Span]:
        """The frames of what is committed."""
        infos = self.site.work.list(f"{names.home(self.plan.render)}pieces/")
        return sorted(span for info in infos if (span := names.span_of(info.name)))

    def frames_in_hand(self) -> int:
        """Frames that the busiest task said, with its claim, that it has made of its piece."""
        claims = self.site.work.list(f"{names.home(self.plan.render)}claims/")
        return max((int(one.metadata.get("frames", "0")) for one in claims), default=0)

    def delivered(self, folder: Path) -> Path:
        """The delivered file, downloaded."""
        (output,) = self.plan.outputs
        path = folder / f"{self.plan.render}.mp4"
        self.site.outputs.download(output.object_name, path)
        return path


def encoded(words: str) -> list[str]:
    """Frames that were begun, by the lines of a task's log."""
    return [line.split()[-1] for line in words.splitlines() if " encode " in line]


def committed(words: str) -> list[str]:
    """Frames that were committed."""
    return [line.split()[-1] for line in words.splitlines() if " commit " in line]


@contextmanager
def internal_network(client: Any) -> Iterator[tuple[str, str]]:
    """A network that leads nowhere, and this machine's address in it."""
    network = client.networks.create(f"clipline-{uuid4().hex[:8]}", internal=True)
    try:
        network.reload()
        (range_,) = network.attrs["IPAM"]["Config"]
        yield network.name, range_["Gateway"]
    finally:
        network.remove()


def _moment(text: str) -> datetime:
    """Docker tells nanoseconds, which datetime does not take."""
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")
