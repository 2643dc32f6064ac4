"""What a task makes of real files: what it commits, what it delivers, and what it refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.prober import NoImages
from render_job.aside import MOST
from render_job.choose import MakePiece, MakeSound, Stitch, Worker
from render_job.claims import Held, take
from render_job.clock import SystemClock
from render_job.deliver import deliver
from render_job.errors import Exit, RenderFault
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.level import Level
from render_job.overlays import Overlays
from render_job.piece import make_piece
from render_job.sound import make_sound
from render_job.studio import Terms
from render_job.survey import sound_name
from render_job.tools import Task, Tools
from render_job.work import work
from schemas import names
from schemas.certificate import PieceVerdict
from schemas.events import Event, OutputVerified
from schemas.failures import FailureClass
from schemas.ids import Upload
from schemas.pieces import Span
from schemas.plan import SAMPLE_RATE, AudioPlan, RenderPlan
from schemas.wire import from_json, to_json
from tests.corruptions.bench import SPANS, Bench, make_bench
from tests.corruptions.damage import flip
from tests.corruptions.sounds import SILENCE
from tests.sources import Sources, tool
from tests.unit.makers import order

RENDER = "r-0123456789abcdef"


@dataclass
class Told:
    events: list[Event] = field(default_factory=list)

    def publish(self, topic: str, event: Event) -> None:
        self.events.append(event)


class Shelf(MemoryObjects):
    """Uploads that ffmpeg can open: there is one, and it is a file."""

    def __init__(self, source: Path) -> None:
        super().__init__("uploads", SystemClock().now)
        self._source = source

    @contextmanager
    def readable(self, name: str, *, generation: int) -> Iterator[str]:
        yield f"file:{self._source}"


@dataclass(frozen=True, kw_only=True)
class PastTheSound(FfmpegStudio):
    """Its seeks land behind the last sound, and the recipe fills up with silence."""

    bench: Bench
    always: bool = False
    """Without a seek as well."""
    missing: int = 0
    """Samples by which it is too short."""

    def make_sound(
        self,
        plan: RenderPlan,
        audio: AudioPlan,
        path: Path,
        *,
        source: str,
        seek: bool,
        level: Level | None,
        terms: Terms,
    ) -> None:
        if seek or self.always:
            short = replace(audio, samples=audio.samples - self.missing)
            self.bench.voice(path, ("apad", SILENCE), plan=short)
        else:
            super().make_sound(
                plan, audio, path, source=source, seek=seek, level=level, terms=terms
            )


@dataclass(frozen=True, kw_only=True)
class Shop:
    """One task, all pieces and the sound of whose render it has committed."""

    task: Task

    @property
    def work(self) -> MemoryObjects:
        assert isinstance(self.task.tools.work, MemoryObjects)
        return self.task.tools.work

    def piece(self, span: Span) -> str:
        (output,) = self.task.plan.outputs
        key = output.key(self.task.plan.upload, self.task.order.encoder_class)
        return names.piece(RENDER, output.id, key, span)

    def make(self) -> None:
        (output,), (audio,) = self.task.plan.outputs, self.task.plan.audio
        for span in SPANS:
            wanted = MakePiece(output=output, span=span, claim=f"piece/{span.start}")
            with self.claimed(wanted.claim) as held:
                make_piece(self.task, wanted, held)
        with self.claimed("sound") as held:
            make_sound(self.task, MakeSound(audio=audio, claim="sound"), held)

    def deliver(self) -> OutputVerified:
        (output,) = self.task.plan.outputs
        with self.claimed("stitch") as held:
            deliver(self.task, Stitch(output=output, spans=SPANS, claim="stitch"), held)
        assert isinstance(self.task.tools.publisher, Told)
        found = self.task.tools.publisher.events[-1]
        assert isinstance(found, OutputVerified)
        return found

    def spoil(self, name: str, data: bytes) -> None:
        """Other bytes under that name, and all that was said of the true ones."""
        info = self.work.stat(name)
        assert info
        self.work.write(name, data, metadata=info.metadata)

    def verdict(self, name: str) -> PieceVerdict:
        info = self.work.stat(name)
        assert info
        return from_json(info.metadata["verdict"].encode(), PieceVerdict)

    @contextmanager
    def claimed(self, work: str) -> Iterator[Held]:
        task = self.task
        held = take(task.tools.work, task.order, task.worker, work, None, clock=task.tools.clock)
        assert held
        yield held

    def set_aside_once(self) -> None:
        """Try to join what stands."""
        (output,) = self.task.plan.outputs
        with self.claimed("stitch") as held:
            deliver(self.task, Stitch(output=output, spans=SPANS, claim="stitch"), held)
        held.release()

    def set_aside(self, name: str) -> str:
        """Why it was, when the output was to be joined; nothing stands then."""
        self.set_aside_once()
        (output,) = self.task.plan.outputs
        assert self.task.tools.outputs.stat(output.object_name) is None
        assert self.work.stat(name) is None
        (kept,) = self.work.list(names.aside(RENDER, name, None))
        return kept.metadata["why"]


@pytest.fixture(scope="module")
def bench(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(sources.path("ntsc"), tmp_path_factory.mktemp("bench"))


def shop(bench: Bench, scratch: Path, studio: FfmpegStudio | None = None) -> Shop:
    shelf, clock = Shelf(bench.source), SystemClock()
    info = shelf.write("team/video.mp4", b"")
    upload = Upload(bucket="uploads", name=info.name, generation=info.generation)
    plan = RenderPlan(
        render=RENDER,
        upload=upload,
        media=bench.media,
        outputs=(replace(bench.plan, object_name="team/video/full/test.mp4"),),
        audio=(bench.audio,),
    )
    tools = Tools(
        uploads=shelf,
        work=MemoryObjects("work", clock.now),
        outputs=MemoryObjects("outputs", clock.now),
        publisher=Told(),
        studio=studio or bench.studio,
        overlays=Overlays(uploads=shelf, images=NoImages()),
        clock=clock,
        scratch=scratch,
        stop=lambda: False,
    )
    ordered = order(
        render=RENDER,
        encoder_class=bench.studio.encoder_class,
        deadline=clock.now() + timedelta(minutes=5),
    )
    it = Shop(
        task=Task(plan=plan, order=ordered, worker=Worker(execution="e", task=0), tools=tools)
    )
    it.make()
    return it


def test_what_was_committed_is_delivered_with_its_certificate(bench: Bench, tmp_path: Path) -> None:
    it = shop(bench, tmp_path)
    certificate = it.deliver().certificate
    assert certificate.verified
    assert (certificate.pieces, certificate.frames, certificate.drift_samples) == (3, 96, 0)


def test_its_certificate_says_what_it_has_cost_and_no_more(bench: Bench, tmp_path: Path) -> None:
    before = SystemClock().spent()
    it = shop(bench, tmp_path)
    effort = it.deliver().certificate.effort
    after = SystemClock().spent()
    assert effort is not None
    rounding = 0.002  # each of its parts is said to the millisecond
    assert 0 < effort.encoding_cpu_seconds <= after.children - before.children + rounding
    assert 0 < effort.verifying_cpu_seconds <= after.own - before.own + rounding


def test_a_piece_that_rotted_in_the_bucket_is_not_delivered(bench: Bench, tmp_path: Path) -> None:
    it = shop(bench, tmp_path)
    name = it.piece(SPANS[1])
    data = bytearray(it.work.read(name))
    flip(0.5)(data)
    it.spoil(name, bytes(data))
    assert "its bytes are not those that were verified" in it.set_aside(name)


def test_a_piece_under_the_name_of_another_is_not_delivered(bench: Bench, tmp_path: Path) -> None:
    it = shop(bench, tmp_path)
    other = it.work.stat(it.piece(SPANS[1]))
    assert other
    it.work.write(it.piece(SPANS[0]), it.work.read(other.name), metadata=other.metadata)
    assert "it was made as another one" in it.set_aside(it.piece(SPANS[0]))


def test_a_sound_that_was_exchanged_is_not_delivered(bench: Bench, tmp_path: Path) -> None:
    it = shop(bench, tmp_path)
    silence = bench.voice(tmp_path / "silence.m4a", ("apad", SILENCE))
    name = sound_name(it.task.plan, it.task.plan.audio[0])
    it.spoil(name, silence.read_bytes())
    assert "its bytes are not those that were verified" in it.set_aside(name)


def test_a_piece_without_a_verdict_is_not_delivered(bench: Bench, tmp_path: Path) -> None:
    it = shop(bench, tmp_path)
    name = it.piece(SPANS[0])
    it.work.write(name, it.work.read(name))
    assert "it was never verified" in it.set_aside(name)


def test_a_piece_of_an_earlier_release_is_delivered(bench: Bench, tmp_path: Path) -> None:
    it = shop(bench, tmp_path)
    name = it.piece(SPANS[0])
    before = replace(it.verdict(name), subject="")
    it.work.write(name, it.work.read(name), metadata={"verdict": to_json(before).decode()})
    assert it.deliver().certificate.verified


def test_a_damaged_piece_is_set_aside_and_made_anew(bench: Bench, tmp_path: Path) -> None:
    """Left there, every attempt and every replay would have met it again."""
    it = shop(bench, tmp_path)
    damaged, whole = it.piece(SPANS[0]), it.piece(SPANS[1])
    it.spoil(damaged, b"nothing that could be a piece")
    before = it.work.stat(whole)
    assert work(it.task) is Exit.REPORTED
    (output,) = it.task.plan.outputs
    assert it.task.tools.outputs.stat(output.object_name) is not None
    assert it.work.stat(whole) == before
    (kept,) = it.work.list(names.aside(RENDER, damaged, None))
    assert it.work.read(kept.name) == b"nothing that could be a piece"


def test_a_store_that_damages_a_piece_again_and_again_is_at_fault(
    bench: Bench, tmp_path: Path
) -> None:
    it = shop(bench, tmp_path)
    name = it.piece(SPANS[0])
    for _ in range(MOST):
        it.work.write(name, b"nothing that could be a piece")
        it.set_aside_once()
    it.work.write(name, b"nothing that could be a piece")
    with pytest.raises(RenderFault) as caught:
        it.set_aside_once()
    assert caught.value.failure.failure is FailureClass.DEPENDENCY
    assert caught.value.failure.reason == "store_damages"


def test_where_nothing_is_heard_the_sound_is_made_again_without_seeking(
    bench: Bench, tmp_path: Path
) -> None:
    it = shop(bench, tmp_path, PastTheSound(encoder=bench.studio.encoder, bench=bench))
    assert not it.verdict(sound_name(it.task.plan, it.task.plan.audio[0])).silent
    assert it.deliver().certificate.verified


@pytest.mark.parametrize("seconds", [None, 0.2])
def test_a_sound_that_stays_silent_though_its_source_is_not_is_no_sound(
    seconds: float | None, bench: Bench, tmp_path: Path
) -> None:
    """Also of so short a clip that no loudness can be measured in it."""
    if seconds is not None:
        bench = replace(bench, audio=replace(bench.audio, samples=round(seconds * SAMPLE_RATE)))
    with pytest.raises(RenderFault, match=r"nothing is heard, and its source has -") as caught:
        shop(
            bench,
            tmp_path,
            PastTheSound(encoder=bench.studio.encoder, bench=bench, always=True),
        )
    failure = caught.value.failure
    assert (failure.failure, failure.reason) == (FailureClass.INTERNAL, "sound_lost")


def test_a_silent_sound_that_is_no_whole_one_is_the_fault_of_the_source(
    bench: Bench, tmp_path: Path
) -> None:
    deaf = PastTheSound(encoder=bench.studio.encoder, bench=bench, always=True, missing=1)
    with pytest.raises(RenderFault, match="samples long") as caught:
        shop(bench, tmp_path, deaf)
    failure = caught.value.failure
    assert (failure.failure, failure.reason) == (FailureClass.INPUT, "sound_not_verified")


def test_a_source_that_is_silent_is_delivered_silent(bench: Bench, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.mp4"
    mute = "-c:v copy -af volume=0 -c:a aac"
    tool("-nostdin", "-v", "error", "-i", str(bench.source), *mute.split(), str(quiet))
    it = shop(replace(bench, source=quiet), tmp_path)
    assert it.verdict(sound_name(it.task.plan, it.task.plan.audio[0])).silent
    assert it.deliver().certificate.verified
