"""One true render, the looks that a task takes at it, and what a corruption is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

from render_job import recipe, recipe_sound
from render_job.encoder import find_ffmpeg
from render_job.ffmpeg import run
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.level import Heard, Level, first_level
from render_job.sound import not_lost
from render_job.studio import Part, Terms
from schemas.certificate import Certificate, PieceVerdict
from schemas.ids import Upload
from schemas.media import Media
from schemas.pieces import Span
from schemas.plan import AudioPlan, OutputPlan, RenderPlan
from tests.sources import media_of, plan_of, sound_of, tool

LIMIT = timedelta(seconds=20)
RATE = Fraction(30000, 1001)
SPANS = (Span(0, 36), Span(36, 72), Span(72, 96))
FIRST = SPANS[0]
"""The piece that is spoilt where one is."""


LEVEL = first_level(Fraction(-20), Heard(lufs=-28.0, peak=-11.8))
"""What the sound of this render needs to have 20 LUFS below full scale, as it is measured."""

Change = tuple[str, str]
"""A word of the recipe and what stands there instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One render, made by the recipe and verified, and the means to make it wrong."""

    folder: Path
    source: Path
    media: Media
    plan: OutputPlan
    audio: AudioPlan
    studio: FfmpegStudio

    pieces: dict[Span, Part] = field(default_factory=dict)
    """The true pieces."""

    @property
    def output(self) -> Path:
        """The true output."""
        return self.folder / "output.mp4"

    @property
    def sound(self) -> Path:
        """The true sound."""
        return self.folder / "sound.m4a"

    def path(self, span: Span) -> Path:
        """Where the true piece is."""
        return self.folder / f"{span.start}-{span.end}.mp4"

    def seen(self, path: Path, span: Span, name: str | None = None) -> Part:
        """The piece with its verdict, as if it were committed under the name of that span."""
        verdict = self.studio.check_pictures(path, self.plan, span, self.media.video, heard=unheard)
        name = name or f"pieces/{span}"
        return Part(path=path, name=name, verdict=replace(verdict, subject=name))

    def verdict(self, path: Path) -> PieceVerdict:
        """What a task says of that sound before it commits it."""
        return not_lost(
            self.studio.check_sound(path, self.audio, level=None, heard=unheard), self.source_heard
        )

    def source_heard(self) -> Heard:
        """The source's own sound over the clip."""
        upload = Upload(bucket="uploads", name="a.mp4", generation=1)
        plan = RenderPlan(
            render="r-0123456789abcdef",
            upload=upload,
            media=self.media,
            outputs=(self.plan,),
            audio=(self.audio,),
        )
        terms = Terms(limit=LIMIT, heard=lambda frames: None, stop=lambda: False)
        return self.studio.hear_sound(
            plan, self.audio, source=f"file:{self.source}", seek=False, terms=terms
        )

    def heard(self, path: Path, name: str = "sound") -> Part:
        """The sound with its verdict, as if it were committed."""
        verdict = self.verdict(path)
        return Part(path=path, name=name, verdict=replace(verdict, subject=name))

    def encode(
        self, out: Path, *changes: Change, span: Span = FIRST, plan: OutputPlan | None = None
    ) -> Path:
        """Make a piece by the recipe, changed."""
        words = recipe.video(
            plan or self.plan,
            self.media.video,
            self.media.seekable,
            span,
            input_url=f"file:{self.source}",
            ffmpeg=self.studio.encoder.path,
            threads=1,
        )
        run(_changed(words, changes), limit=LIMIT, into=out)
        return out

    def voice(
        self,
        out: Path,
        *changes: Change,
        plan: AudioPlan | None = None,
        level: Level | None = None,
    ) -> Path:
        """Make a sound by the recipe, changed."""
        words = recipe_sound.sound(
            plan or self.audio,
            self.media.seekable,
            input_url=f"file:{self.source}",
            out=out,
            ffmpeg=self.studio.encoder.path,
            level=level,
        )
        run(_changed(words, changes), limit=LIMIT)
        return out

    def join(self, pieces: Sequence[Path], sound: Path | None, out: Path) -> Path:
        """Join without a look at whether the pieces fit together."""
        listing = out.with_suffix(".ffconcat")
        listing.write_text("".join(f"file 'file:{piece}'\n" for piece in pieces))
        run(
            recipe.join(listing, sound, self.plan, out, ffmpeg=self.studio.encoder.path),
            limit=LIMIT,
        )
        return out

    def copied(self, out: Path, words: str, *more: Path, of: Path | None = None) -> Path:
        """The output copied by ffmpeg with these words, as tidily as the recipe joins."""
        inputs = [word for path in (of or self.output, *more) for word in ("-i", str(path))]
        tidy = "-movie_timescale 240000 -video_track_timescale 30000 -fflags +bitexact"
        tool(
            *("-nostdin", "-v", "error", "-y", *inputs, "-c", "copy", "-movflags", "+faststart"),
            *(*tidy.split(), *words.split(), str(out)),
        )
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Stitched:
    """An output and the parts from which it is said to be joined; the true ones, if none."""

    path: Path
    pieces: Mapping[Span, Part] | None = None
    sound: Part | None = None


Deed = Callable[[Bench, Path], Path | Stitched]
"""Makes the spoilt file at that path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """One way to be wrong, and the words in which that is told."""

    name: str
    of: str
    """`piece`, `sound`, `level` (a sound that was to have LEVEL) or `output`."""
    deed: Deed
    told: str = field(default="")
    """Part of a fault; empty for what no look at one file can tell."""


def unheard() -> None:
    """Nobody waits for a sign of life."""


def make_bench(source: Path, folder: Path) -> Bench:
    """A render of 96 frames of 160x90 with sound. A fault in it is a fault of the verification."""
    media = media_of(source)
    plan = replace(plan_of(media, rate=RATE, lossless=False), frames=96, chunks=SPANS)
    bench = Bench(
        folder=folder,
        source=source,
        media=media,
        plan=plan,
        audio=sound_of(media, plan),
        studio=FfmpegStudio(encoder=find_ffmpeg()),
    )
    for span in SPANS:
        bench.pieces[span] = bench.seen(bench.encode(bench.path(span), span=span), span)
    bench.voice(bench.sound)
    bench.join([bench.path(span) for span in SPANS], bench.sound, bench.output)
    return bench


def certify(bench: Bench, it: Stitched) -> Certificate:
    """What the task that joined it would say."""
    return bench.studio.check_output(
        it.path,
        bench.plan,
        bench.audio,
        bench.pieces if it.pieces is None else it.pieces,
        it.sound or bench.heard(bench.sound),
        heard=unheard,
    )


def judge(bench: Bench, of: str, made: Path | Stitched) -> tuple[str, ...]:
    """The faults that the look finds which a task takes at such a file."""
    if isinstance(made, Stitched):
        return certify(bench, made).faults
    if of == "piece":
        return bench.studio.check_pictures(
            made, bench.plan, FIRST, bench.media.video, heard=unheard
        ).faults
    if of == "sound":
        return bench.verdict(made).faults
    if of == "level":
        return bench.studio.check_sound(made, bench.audio, level=LEVEL, heard=unheard).faults
    return certify(bench, Stitched(path=made)).faults


def _changed(words: list[str], changes: Sequence[Change]) -> list[str]:
    """The value after an option is replaced, or put before the output; else a part of a word."""
    told = list(words)
    for old, new in changes:
        if old in told:
            told[len(told) - told[::-1].index(old)] = new
        elif old.startswith("-"):
            at = len(told) - 1 - told[::-1].index("-f")
            told[at:at] = [old, new]
        else:
            assert any(old in word for word in told), old
            told = [word.replace(old, new) for word in told]
    return told
