"""A whole render of a real file by one task, over stores in memory: from a spec to its outputs."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from functions.core.plan import make_plan
from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.prober import NoImages
from render_job.choose import Worker
from render_job.clock import SystemClock
from render_job.encoder import find_ffmpeg
from render_job.errors import Exit
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.overlays import Overlays
from render_job.tools import Task, Tools
from render_job.work import work
from schemas.certificate import Certificate
from schemas.events import AttemptFailed, Event, OutputVerified
from schemas.ids import Upload
from schemas.spec import parse_spec
from tests.pipeline.test_delivery import Shelf, Told
from tests.sources import media_of
from tests.unit.makers import order


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """One task whose render is yet to be made."""

    task: Task
    folder: Path

    def run(self) -> Exit:
        """Work until nothing is left."""
        return work(self.task)

    @property
    def outputs(self) -> MemoryObjects:
        """Where it delivers."""
        assert isinstance(self.task.tools.outputs, MemoryObjects)
        return self.task.tools.outputs

    @property
    def events(self) -> list[Event]:
        """What it told."""
        assert isinstance(self.task.tools.publisher, Told)
        return self.task.tools.publisher.events

    def names(self) -> list[str]:
        """Of all that was delivered."""
        return [info.name for info in self.outputs.list()]

    def certificate(self, output_id: str) -> Certificate:
        """Of an output that was announced."""
        told = {e.output_id: e for e in self.events if isinstance(e, OutputVerified)}
        return told[output_id].certificate

    def failures(self) -> list[str]:
        """What it gave up for."""
        return [e.failure.message for e in self.events if isinstance(e, AttemptFailed)]

    def fetched(self) -> Path:
        """A folder with all that was delivered, as a reader would copy it."""
        copy = self.folder / "copy"
        for name in self.names():
            path = copy / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self.outputs.download(name, path)
        return copy


def workshop(
    source: Path, folder: Path, spec: str, *, studio: FfmpegStudio | None = None
) -> Workshop:
    """The task, with nothing made yet. What is made of `a.mp4` goes to `team/a/CLIP/`."""
    clock, studio = SystemClock(), studio or FfmpegStudio(encoder=find_ffmpeg())
    shelf = Shelf(source)
    info = shelf.write("team/a.mp4", b"")
    upload = Upload(bucket="uploads", name=info.name, generation=info.generation)
    plan = make_plan(upload, media_of(source), parse_spec(spec), folder="team/a")
    tools = Tools(
        uploads=shelf,
        work=MemoryObjects("work", clock.now),
        outputs=MemoryObjects("outputs", clock.now),
        publisher=Told(),
        studio=studio,
        overlays=Overlays(uploads=shelf, images=NoImages()),
        clock=clock,
        scratch=folder / "scratch",
        stop=lambda: False,
    )
    ordered = order(
        render=plan.render,
        encoder_class=studio.encoder_class,
        deadline=clock.now() + timedelta(minutes=5),
    )
    task = Task(plan=plan, order=ordered, worker=Worker(execution="e", task=0), tools=tools)
    return Workshop(task=task, folder=folder)
