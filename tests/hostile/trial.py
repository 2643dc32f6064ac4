"""One upload through everything, with a secret beside it and ports at which somebody may knock.

An end is `verified`, or the reason of a typed failure. What must never be is in `End.wrong`: words
of the secret in anything that was made or said, its colour in a picture, a knock at a port.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av

from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.gcs_window import window
from functions.adapters.pyav_images import PyavImages
from functions.adapters.pyav_probe import PyavProber
from functions.core.plan import make_plan
from functions.ports import NotRenderable
from infra.simulator.memory_objects import MemoryObjects
from render_job.choose import Worker
from render_job.clock import SystemClock
from render_job.encoder import find_ffmpeg
from render_job.errors import Exit
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.overlays import Overlays
from render_job.tools import Task, Tools
from render_job.work import work
from schemas.events import AttemptFailed, Event, OutputVerified
from schemas.failures import Failure
from schemas.ids import Upload
from schemas.media import Media, VideoStream
from schemas.plan import Order
from schemas.ports import NameRefused
from schemas.spec import parse_spec
from schemas.spec_fields import SpecFault
from tests.hostile.kitchen import MAGENTA, Kitchen

TOKEN = b"the-secret-of-another-tenant"
LONGEST = timedelta(seconds=60)
"""What an attempt may take; every end must be well within."""
WHOLE = Fraction(12)
"""Seconds up to which a video is rendered whole; of a longer one both ends are."""

PLAUSIBLE = Media(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    size_bytes=1,
    seekable=True,
    video=VideoStream(
        codec="h264",
        width=160,
        height=90,
        rotation=0,
        pixel_format="yuv420p",
        sample_aspect=Fraction(1),
        time_base=Fraction(1, 12800),
        frame_rate=Fraction(25),
        frames=50,
        first_pts=0,
        end_pts=25600,
        largest_gap=512,
    ),
    audio=None,
)
"""What a prober that was fooled would say. Of no sound: the pictures are to be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one upload ended."""

    word: str
    """`verified`, or a failure's reason."""
    failure: Failure | None = None
    by: str = "task"
    """Who said so: the prober, the plan or the task."""
    seconds: float = 0.0
    wrong: tuple[str, ...] = ()
    """What must never happen, and did."""

    @property
    def kind(self) -> str:
        """The class, for tables."""
        return self.failure.failure.value if self.failure else "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a trial takes place: the uploads of two tenants, a scratch folder, and doors."""

    folder: Path
    door: socket.socket
    other_door: socket.socket
    """The same port for datagrams."""

    @property
    def port(self) -> int:
        """The number of both doors."""
        return int(self.door.getsockname()[1])

    @property
    def uploads(self) -> DirectoryObjects:
        """The bucket that all tenants share."""
        return DirectoryObjects(self.folder / "uploads", "uploads")

    @property
    def movie(self) -> Path:
        """Another tenant's film: all of it is of one colour, and it says the token."""
        return self.folder / "uploads" / "team" / "secret.ts"

    @property
    def text(self) -> Path:
        """Another tenant's words."""
        return self.folder / "uploads" / "team" / "secret.txt"

    def knocks(self) -> list[str]:
        """Who came to a door since it was last looked at."""
        found = []
        try:
            while True:
                self.door.accept()[0].close()
                found.append("a connection was made")
        except BlockingIOError:
            pass
        try:
            while True:
                self.other_door.recv(2048)
                found.append("a datagram was sent")
        except BlockingIOError:
            return found


@contextmanager
def scene(folder: Path, kitchen: Kitchen) -> Iterator[Scene]:
    """Secrets planted, doors open."""
    with (
        socket.create_server(("127.0.0.1", 0)) as door,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        door.setblocking(False)
        other.bind(door.getsockname())
        other.setblocking(False)
        it = Scene(folder=folder, door=door, other_door=other)
        it.uploads.upload("team/secret.ts", kitchen.path("secret"))
        it.uploads.write("team/secret.txt", TOKEN * 40)
        it.uploads.upload("team/secret.mp4", kitchen.path("secret_mp4"))
        yield it


@dataclass
class _Told:
    """A publisher that remembers."""

    events: list[Event] = field(default_factory=list)

    def publish(self, topic: str, event: Event) -> None:
        self.events.append(event)


class Served(DirectoryObjects):
    """The bucket as in the cloud: ffmpeg reads an upload through a port of this machine."""

    @contextmanager
    def readable(self, name: str, *, generation: int) -> Iterator[str]:
        """See `functions/adapters/gcs_window.py`."""
        info = self.stat(name)
        size = info.size_bytes if info else 0
        with window(lambda *span: self.read_range(name, *span, generation=generation), size) as url:
            yield url


def trial(
    it: Scene, path: Path, name: str, *, fooled: Media | None = None, served: bool = False
) -> End:
    """The upload's end. `fooled` is what the prober is taken to have said, in its place."""
    began = time.monotonic()
    store = Served(it.folder / "uploads", "uploads") if served else it.uploads
    try:
        info = store.upload(name, path, if_generation_match=None)
    except NameRefused:
        return End(word="name_refused", by="store")
    outputs = MemoryObjects("outputs", SystemClock().now)
    stock = MemoryObjects("work", SystemClock().now)
    end = _ended(it, store, info.generation, name, fooled, stock, outputs)
    wrong = [*end.wrong, *it.knocks(), *_leaks(end, stock, outputs, it.folder / "look.mp4")]
    return End(
        word=end.word,
        failure=end.failure,
        by=end.by,
        seconds=time.monotonic() - began,
        wrong=tuple(dict.fromkeys(wrong)),
    )


def _ended(
    it: Scene,
    store: DirectoryObjects,
    generation: int,
    name: str,
    fooled: Media | None,
    stock: MemoryObjects,
    outputs: MemoryObjects,
) -> End:
    try:
        media = fooled or PyavProber().probe(store, name, generation=generation)
    except NotRenderable as refusal:
        return End(word=refusal.failure.reason, failure=refusal.failure, by="prober")
    upload = Upload(bucket="uploads", name=name, generation=generation)
    try:
        plan = make_plan(upload, media, parse_spec(_spec(media)), folder="team/film")
    except SpecFault as fault:
        return End(word=fault.failure.reason, failure=fault.failure, by="plan")
    clock, told = SystemClock(), _Told()
    encoder = FfmpegStudio(encoder=find_ffmpeg())
    tools = Tools(
        uploads=store,
        work=stock,
        outputs=outputs,
        publisher=told,
        studio=encoder,
        overlays=Overlays(uploads=store, images=PyavImages()),
        clock=clock,
        scratch=it.folder / "scratch",
        stop=lambda: False,
    )
    order = Order(
        render=plan.render,
        attempt=1,
        lane="here",
        encoder_class=encoder.encoder_class,
        tasks=1,
        deadline=clock.now() + LONGEST,
    )
    code = work(Task(plan=plan, order=order, worker=Worker(execution="e", task=0), tools=tools))
    failed = next((e for e in told.events if isinstance(e, AttemptFailed)), None)
    if failed is not None:
        return End(word=failed.failure.reason, failure=failed.failure)
    done = {event.output_id for event in told.events if isinstance(event, OutputVerified)}
    if code is not Exit.REPORTED or done != {output.id for output in plan.outputs}:
        return End(word="nothing", wrong=(f"it ended with {code.name} and {len(done)} outputs",))
    return End(word="verified")


def _spec(media: Media) -> str:
    """A small picture of all of it, or of its ends."""
    clips = '[{"name": "full"}]'
    if (length := media.video.duration) > WHOLE:
        late = float(int(length - 2))
        clips = f'[{{"name": "head", "end": 2}}, {{"name": "tail", "start": {late}}}]'
    return f'{{"clips": {clips}, "outputs": [{{"height": 64, "quality": "small"}}]}}'


def _leaks(end: End, stock: MemoryObjects, outputs: MemoryObjects, path: Path) -> list[str]:
    """Words of the secret in what was made or said, or its colour in a picture."""
    found = []
    said = f"{end.failure.message} {end.failure.detail}" if end.failure else ""
    if TOKEN.decode() in said:
        found.append("the secret is in the failure")
    for store in (stock, outputs):
        for info in list(store.list()):
            data = store.read(info.name)
            if TOKEN in data:
                found.append(f"the secret's words are in {store.bucket}")
            if info.name.endswith(".mp4") and _shows(data, path):
                found.append(f"the secret is seen in {store.bucket}")
    return found


def _shows(data: bytes, path: Path) -> bool:
    """Whether any frame has the colour of the secret film in its middle."""
    path.write_bytes(data)
    try:
        with av.open(f"file:{path}") as container:
            for frame in container.decode(video=0):
                planes = [bytes(plane) for plane in frame.planes]
                middle = [plane[len(plane) // 2] for plane in planes]
                if all(abs(a - b) < 12 for a, b in zip(middle[1:], MAGENTA[1:], strict=True)):
                    return True
    except av.FFmpegError:
        return False
    return False
