"""Where pictures and sound are made, joined and looked at. What to make is decided elsewhere.

The real one runs ffmpeg and PyAV (`render_job/ffmpeg_studio.py`); the simulator's writes files that
only say what they would hold, so that every decision of a task can be tried by the thousand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from render_job.level import Heard, Level
from render_job.parcel import Parcel
from schemas.certificate import Certificate, PieceVerdict
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import AudioPlan, OutputPlan, RenderPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a piece of work runs: how long, who hears of it, and what ends it."""

    limit: timedelta
    heard: Callable[[int], None]
    """Told the frames made so far, at least every half second; whatever it raises ends the work."""
    stop: Callable[[], bool]
    """Asked ten times a second; true ends the work with Stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece or a sound fetched to be joined, and what was said of it when it was made."""

    path: Path
    name: str
    """Of the object that it was fetched from."""
    verdict: PieceVerdict | None
    """None where the object carries none: then it was never verified."""
    generation: int = 0
    """Of that object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Local files of what is drawn on an output's pictures; None where the plan has none."""

    mark: Path | None = None
    """The watermark's pixels as red, green, blue, opacity, in the size that its asset says."""
    light: Path | None = None
    """A table that turns the watermark's colours into those of an HDR picture."""
    captions: Path | None = None
    """A script for libass."""
    fonts: Path | None = None
    """Its letters, where there is a script."""

    @property
    def reads(self) -> tuple[Path, ...]:
        """What ffmpeg must be let read besides its inputs."""
        return tuple(p for p in (self.light, self.captions, self.fonts) if p is not None)


NOTHING = Drawn()


class Studio(Protocol):
    """Every method writes or reads local files, and raises RenderFault where it cannot go on.

    What makes something also raises Stopped, or whatever `terms.heard` raised; the file then
    holds all that was made until then.
    """

    @property
    def encoder_class(self) -> str:
        """What is made here can be joined to what was made under this name, and to nothing else."""

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
        """Encode these frames of the output. `seek=False` decodes the source from its start."""

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
        """Encode the sound of one clip, at that level if there is one."""

    def hear_sound(
        self, plan: RenderPlan, audio: AudioPlan, *, source: str, seek: bool, terms: Terms
    ) -> Heard:
        """How loud the clip's sound is in the source."""

    def join(
        self,
        output: OutputPlan,
        pieces: Sequence[Path],
        sound: Path | None,
        path: Path,
        *,
        terms: Terms,
    ) -> None:
        """Join the pieces, in frame order, and the sound, without decoding anything."""

    def pack(self, output: OutputPlan, joined: Path, *, terms: Terms) -> Parcel:
        """Make the files of the output's kind from the joined one; an MP4 is that itself."""

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
        """Look at every file of the parcel; `certificate` is that of the joined file."""

    def keep_whole_gops(self, path: Path, gop: int) -> int:
        """Cut the file at its last whole GOP; how many frames are left, 0 for not even one."""

    def check_pictures(
        self,
        path: Path,
        output: OutputPlan,
        span: Span,
        source: VideoStream,
        *,
        heard: Callable[[], None],
    ) -> PieceVerdict:
        """Decode a piece from end to end. `heard` is called all the while, and may raise."""

    def check_sound(
        self,
        path: Path,
        audio: AudioPlan,
        *,
        level: Level | None,
        heard: Callable[[], None],
    ) -> PieceVerdict:
        """Decode a clip's sound from end to end; measure it, where it was to have a level."""

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
        """Compare the joined file with the plan and with its parts, packet by packet.

        Each part is first compared with its own verdict. `sound` is None where `audio` is.
        """
