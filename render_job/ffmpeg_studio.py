"""The studio that ships: ffmpeg makes, PyAV looks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from render_job import recipe, recipe_sound
from render_job.encoder import THREADS, Encoder, encoder_class
from render_job.ffmpeg import run
from render_job.fragments import cut, whole_gops
from render_job.level import Heard, Level
from render_job.loudness import heard_of
from render_job.pack import pack, verify_parcel
from render_job.parcel import Parcel
from render_job.stitch import join
from render_job.studio import Drawn, Part, Terms
from render_job.verify import verify_output, verify_piece, verify_sound
from schemas.certificate import Certificate, PieceVerdict
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import AudioPlan, OutputPlan, RenderPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class FfmpegStudio:
    """A Studio over one ffmpeg that was seen to work. A `source` is a URL that it can open."""

    encoder: Encoder
    noted: Callable[[Sequence[str]], None] = field(default=lambda argv: None)
    """Told each command that makes pictures or sound, before it runs."""

    @property
    def encoder_class(self) -> str:
        """The ffmpeg's release and the threads it is given."""
        return encoder_class(self.encoder, THREADS)

    def make_pictures(
        self,
        plan: RenderPlan,
        output: OutputPlan,
        span: Span,
        path: Path,
        *,
        source: str,
        seek: bool,
        terms: Terms,
        drawn: Drawn,
    ) -> None:
        """Encode these frames, a fragment a GOP."""
        argv = recipe.video(
            output,
            plan.media.video,
            plan.media.seekable,
            span,
            input_url=source,
            ffmpeg=self.encoder.path,
            threads=THREADS,
            seek=seek,
            protocols=recipe.protocols_of(source),
            drawn=drawn,
            engine=self.encoder.engine,
        )
        self.noted(argv)
        run(
            argv,
            limit=terms.limit,
            into=path,
            on_progress=terms.heard,
            stop=terms.stop,
            reads=drawn.reads,
        )

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
        """Encode the sound, to the sample."""
        argv = recipe_sound.sound(
            audio,
            plan.media.seekable,
            input_url=source,
            out=path,
            ffmpeg=self.encoder.path,
            level=level,
            seek=seek,
            protocols=recipe.protocols_of(source),
        )
        self.noted(argv)
        run(argv, limit=terms.limit, on_progress=terms.heard, stop=terms.stop)

    def hear_sound(
        self, plan: RenderPlan, audio: AudioPlan, *, source: str, seek: bool, terms: Terms
    ) -> Heard:
        """Decode it once, exactly as it will be made."""
        argv = recipe_sound.measure(
            audio,
            plan.media.seekable,
            input_url=source,
            ffmpeg=self.encoder.path,
            seek=seek,
            protocols=recipe.protocols_of(source),
        )
        words: list[str] = []
        run(
            argv,
            limit=terms.limit,
            on_progress=terms.heard,
            on_words=words.append,
            stop=terms.stop,
        )
        return heard_of(words[-1])

    def join(
        self,
        output: OutputPlan,
        pieces: Sequence[Path],
        sound: Path | None,
        path: Path,
        *,
        terms: Terms,
    ) -> None:
        """Join by the concat demuxer."""
        join(
            pieces,
            sound,
            output,
            path,
            ffmpeg=self.encoder.path,
            limit=terms.limit,
            on_progress=terms.heard,
            stop=terms.stop,
        )

    def pack(self, output: OutputPlan, joined: Path, *, terms: Terms) -> Parcel:
        """See `render_job/pack.py`."""
        return pack(output, joined, ffmpeg=self.encoder.path, terms=terms)

    def check_parcel(
        self,
        parcel: Parcel,
        output: OutputPlan,
        joined: Path,
        certificate: Certificate,
        pieces: Sequence[Part],
        sound: Part | None,
        *,
        heard: Callable[[], None],
    ) -> Certificate:
        """See `render_job/pack.py`."""
        return verify_parcel(parcel, output, joined, certificate, pieces, sound, heard=heard)

    def keep_whole_gops(self, path: Path, gop: int) -> int:
        """Read the boxes' heads and cut behind the last whole fragment."""
        if not path.exists():
            return 0
        size, frames = whole_gops(path, gop)
        cut(path, size)
        return frames

    def check_pictures(
        self,
        path: Path,
        output: OutputPlan,
        span: Span,
        source: VideoStream,
        *,
        heard: Callable[[], None],
    ) -> PieceVerdict:
        """See `render_job/verify.py`."""
        return verify_piece(path, output, span, source, heard=heard)

    def check_sound(
        self,
        path: Path,
        audio: AudioPlan,
        *,
        level: Level | None,
        heard: Callable[[], None],
    ) -> PieceVerdict:
        """See `render_job/verify.py`."""
        return verify_sound(path, audio, level=level, heard=heard)

    def check_output(
        self,
        path: Path,
        output: OutputPlan,
        audio: AudioPlan | None,
        pieces: Mapping[Span, Part],
        sound: Part | None,
        *,
        heard: Callable[[], None],
    ) -> Certificate:
        """See `render_job/verify.py`."""
        return verify_output(
            path, output, audio, pieces, sound, encoder_class=self.encoder_class, heard=heard
        )
