"""One output of one source, made by the real recipe: in one go, or in pieces that are joined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

from functions.core.pictures import output_rate, output_size
from render_job import recipe, recipe_sound
from render_job.encoder import encoder_class, find_ffmpeg
from render_job.ffmpeg import run
from render_job.stitch import join
from render_job.studio import NOTHING, Drawn, Part
from render_job.verify import verify_output, verify_piece, verify_sound
from schemas.certificate import Certificate
from schemas.media import Media
from schemas.pieces import Span
from schemas.plan import AudioPlan, OutputPlan
from schemas.spec_picture import Picture
from tests.sources import Sources, frame_md5s, media_of, plan_of, sound_of, whole

LIMIT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A source, its plan and where its files go."""

    source: Path
    media: Media
    plan: OutputPlan
    folder: Path
    drawn: Drawn = NOTHING

    def piece(self, span: Span) -> Path:
        """Made as a task makes it."""
        path = self.folder / f"{span.start}-{span.end}.mp4"
        self.make(span, path)
        return path

    def make(self, span: Span, path: Path, *, seek: bool = True) -> None:
        """Run the command; `seek=False` decodes from the source's start."""
        command = self.command(span, seek=seek)
        run(command, limit=LIMIT, into=path, reads=self.drawn.reads)

    def command(self, span: Span, *, seek: bool = True) -> list[str]:
        """What ffmpeg is told."""
        return recipe.video(
            self.plan,
            self.media.video,
            self.media.seekable,
            span,
            input_url=f"file:{self.source}",
            ffmpeg=find_ffmpeg().path,
            threads=1,
            seek=seek,
            drawn=self.drawn,
        )

    def pictures_to_the_end(self) -> Sequence[str]:
        """What ffmpeg shows from the clip's start on where no plan says how many frames."""
        tick, start = self.media.video.time_base, self.plan.start_pts
        rate = f"fps={self.plan.frame_rate}:round=near:start_time=0"
        return frame_md5s(
            *("-copyts", self.source, "-fps_mode", "passthrough"),
            *("-vf", f"settb={tick},setpts=PTS-({start}),{rate}"),
        )

    def single(self) -> Path:
        """All of it in one go, from the source's start."""
        path = self.folder / "single.mp4"
        self.make(whole(self.plan), path, seek=False)
        return path

    def pieces(self) -> dict[Span, Path]:
        """Of every planned chunk."""
        return {span: self.piece(span) for span in self.plan.chunks}

    def sound(self) -> Path | None:
        """Of the whole clip, verified."""
        if self.media.audio is None:
            return None
        plan, out = sound_of(self.media, self.plan), self.folder / "sound.mp4"
        url, ffmpeg = f"file:{self.source}", find_ffmpeg().path
        run(
            recipe_sound.sound(plan, self.media.seekable, input_url=url, out=out, ffmpeg=ffmpeg),
            limit=LIMIT,
        )
        verdict = verify_sound(out, plan)
        assert verdict.passed, verdict.faults
        return out

    def output(self, pieces: Mapping[Span, Path], name: str) -> tuple[Path, Certificate]:
        """The pieces joined with the sound, and what the verification says of that."""
        out, sound = self.folder / name, self.sound()
        ffmpeg = find_ffmpeg()
        join(list(pieces.values()), sound, self.plan, out, ffmpeg=ffmpeg.path, limit=LIMIT)
        audio = sound_of(self.media, self.plan) if sound else None
        encoder = encoder_class(ffmpeg, 1)
        parts = parts_of(self, pieces)
        heard = None if audio is None or sound is None else sound_part(sound, audio)
        return out, verify_output(out, self.plan, audio, parts, heard, encoder_class=encoder)


def parts_of(it: Work, pieces: Mapping[Span, Path]) -> Mapping[Span, Part]:
    """The pieces with their verdicts."""
    return {
        span: Part(path=path, name="", verdict=verify_piece(path, it.plan, span, it.media.video))
        for span, path in pieces.items()
    }


def sound_part(path: Path, plan: AudioPlan) -> Part:
    """The sound with its verdict."""
    return Part(path=path, name="", verdict=verify_sound(path, plan))


def work(
    sources: Sources,
    name: str,
    folder: Path,
    *,
    rate: Fraction,
    start: Fraction = Fraction(0),
    lossless: bool = True,
) -> Work:
    """One of our sources at that rate from `start` seconds on; made whole if woven."""
    return work_of(sources.path(name), folder, rate=rate, start=start, lossless=lossless)


def work_of(
    source: Path,
    folder: Path,
    *,
    rate: Fraction | None = None,
    start: Fraction = Fraction(0),
    lossless: bool = True,
    height: int | None = None,
) -> Work:
    """Any video in about six chunks, at its own rate and size where nothing else is said."""
    media = media_of(source)
    rate = output_rate(media.video) if rate is None else rate
    size = None if height is None else output_size(media.video, Picture(height=height))
    length = max(24, int((media.video.duration - start) * rate) // 6)
    plan = plan_of(media, rate=rate, start=start, length=length, lossless=lossless, size=size)
    plan = replace(plan, deinterlace=media.video.interlaced)
    return Work(source=source, media=media, plan=plan, folder=folder)
