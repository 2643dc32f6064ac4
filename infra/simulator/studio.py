"""A studio that writes what a file would hold instead of holding it: JSON for pictures and sound.

Making takes virtual time, during which the task is heard, stopped or killed like any other. A look
at a file compares what it says with the plan, so a wrong decision makes a wrong file here as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NotRequired, TypedDict

import msgspec

from infra.simulator.cause import Cause, Unit
from infra.simulator.faults import Fault, Unreachable
from infra.simulator.witness import Witness
from infra.simulator.world import Doing, Process
from render_job.claims import ClaimLost
from render_job.errors import RenderFault, Stopped
from render_job.level import Heard, Level
from render_job.parcel import SUMS, Beside, Parcel
from render_job.studio import Drawn, Part, Terms
from schemas import names
from schemas.certificate import Certificate, Companions, PieceVerdict
from schemas.failures import Failure, FailureClass
from schemas.ids import digest
from schemas.kinds import SEVERAL
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import RECIPE_VERSION, SAMPLE_RATE, AudioPlan, OutputPlan, RenderPlan

MOMENT = 1.5
"""Seconds between two signs of life of an encoder."""
LOOKING = 12.0
"""A decoder is so much faster than an encoder."""


class Made(TypedDict):
    """What a file holds: of which source and output, by which encoder, which frames."""

    source: str
    output: str
    encoder: str
    spans: list[tuple[int, int]]
    """Frames, or samples."""
    beside: NotRequired[list[str]]
    """The names of the files that it refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedStudio:
    """One task's studio."""

    process: Process
    witness: Witness
    encoder_class: str
    frames_a_second: float
    poisoned: Callable[[RenderPlan], bool]
    """Whether the source cannot be decoded to its end."""

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
        """Frame after frame; a poisoned source ends in the middle of the video."""
        self.witness.encoding(self.process, plan, output, span, self.encoder_class)
        self._start(_piece(plan, output, span, self.encoder_class), again=not seek)
        wanted = len(span)
        if seek and self._strikes(Fault.SEEK_MISLED):
            wanted = max(1, wanted - 3)
        made, end = 0, self._end(plan, output, span, wanted)

        def keep() -> None:
            spans = [(span.start, span.start + made)] if made else []
            self._write(path, plan, output.pieces_id, spans)
            self.witness.encoded(self.process, made)
            self.witness.books.runs[self.process.name].frames = made

        try:
            crash = self._strikes(Fault.ENCODER_CRASHED)
            while made < end:
                share = min(end - made, max(1, round(self.frames_a_second * MOMENT)))
                self.process.wait(share / self.frames_a_second, Doing.WORKING)
                made += share
                self._go_on(terms, made)
                if crash:
                    self._trouble(Cause.ENCODER_CRASHED)
                    raise RenderFault(_crashed())
            if end < wanted:
                self._note(Fault.POISONED)
                self._trouble(Cause.UNREADABLE)
                raise RenderFault(_poisoned(span.start + end))
        finally:
            keep()

    def _end(self, plan: RenderPlan, output: OutputPlan, span: Span, wanted: int) -> int:
        """Of the span's frames so many can be had: a poisoned source has its first half alone."""
        middle = output.frames // 2
        if self.poisoned(plan) and span.start <= middle < span.start + wanted:
            return middle - span.start
        return wanted

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
        """A hundred times faster than it is heard; to have heard it first belongs to it."""
        name = names.audio(plan.render, audio.clip, audio.key(plan.upload))
        if level is None:
            self._start(Unit(prefix=name), again=not seek)
        self._spend(audio.samples / SAMPLE_RATE / 100, partial(self._go_on, terms, 0))
        self._write(path, plan, f"sound of {audio.clip}", [(0, audio.samples)])

    def hear_sound(
        self, plan: RenderPlan, audio: AudioPlan, *, source: str, seek: bool, terms: Terms
    ) -> Heard:
        """Twice as fast as it is made, and as loud as music is."""
        name = names.audio(plan.render, audio.clip, audio.key(plan.upload))
        self._start(Unit(prefix=name), again=not seek)
        self._spend(audio.samples / SAMPLE_RATE / 200, partial(self._go_on, terms, 0))
        return Heard(lufs=-23.0, peak=-9.0)

    def join(
        self,
        output: OutputPlan,
        pieces: Sequence[Path],
        sound: Path | None,
        path: Path,
        *,
        terms: Terms,
    ) -> None:
        """All spans in the order of the pieces."""
        parts = [_read(piece) for piece in pieces]
        if len({(part["source"], part["output"], part["encoder"]) for part in parts}) != 1:
            raise RenderFault(_mixed())
        self._start(Unit(prefix=output.object_name, stitch=output.id))
        self._spend(0.2 + output.frames / 20_000, partial(self._go_on, terms, 0))
        spans = [span for part in parts for span in part["spans"]]
        named = output.id if parts[0]["output"] == output.pieces_id else parts[0]["output"]
        whole = Made(**{**parts[0], "output": named, "spans": spans})
        path.write_bytes(msgspec.json.encode(whole))

    def pack(self, output: OutputPlan, joined: Path, *, terms: Terms) -> Parcel:
        """The same spans once more, and two files beside where the kind has any."""
        self._spend(0.1, partial(self._go_on, terms, 0))
        if output.kind not in SEVERAL:
            return Parcel(path=joined)
        made = _read(joined)
        content = digest(made["encoder"], *map(str, made["spans"]))[:12]
        beside = tuple(_part(joined, output, content, name) for name in ("init.mp4", SUMS))
        made["beside"] = [one.name for one in beside]
        path = joined.with_name("announced")
        path.write_bytes(msgspec.json.encode(made))
        return Parcel(path=path, beside=beside)

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
        """Whether what it refers to is there."""
        self._look(output.frames // 10, heard)
        told = _read(parcel.path).get("beside", [])
        faults = () if told == [one.name for one in parcel.beside] else ("files are missing",)
        companions = None
        if parcel.beside:
            folder = parcel.beside[0].name.rpartition("/")[0] + "/"
            companions = Companions(folder=folder, files=2, size_bytes=2, sums_sha256="")
        return replace(
            certificate,
            kind=output.kind,
            companions=companions,
            faults=(*certificate.faults, *faults),
        )

    def keep_whole_gops(self, path: Path, gop: int) -> int:
        """What an encoder that was killed leaves: every GOP that it had finished."""
        if not path.exists():
            return 0
        made = _read(path)
        if not made["spans"]:
            return 0
        ((start, end),) = made["spans"]
        frames = (end - start) // gop * gop
        made["spans"] = [(start, start + frames)] if frames else []
        path.write_bytes(msgspec.json.encode(made))
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
        """Whether it holds exactly these frames of this output."""
        made = _read(path)
        self._look(len(span), heard)
        frames = sum(end - start for start, end in made["spans"])
        right = made["output"] == output.pieces_id and made["spans"] == [(span.start, span.end)]
        return _verdict(frames, () if right else (f"it holds {made['spans']}, not {span}",))

    def check_sound(
        self,
        path: Path,
        audio: AudioPlan,
        *,
        level: Level | None,
        heard: Callable[[], None],
    ) -> PieceVerdict:
        """Whether it is as long as planned."""
        made = _read(path)
        heard()
        samples = sum(end - start for start, end in made["spans"])
        return _verdict(samples, () if samples == audio.samples else ("its length is wrong",))

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
        """Whether its spans tile the output."""
        made, at = _read(path), 0
        self._look(output.frames // 10, heard)
        faults = [] if made["output"] == output.id else ["it is of another output"]
        for start, end in made["spans"]:
            if start != at:
                faults.append(f"frame {at} is followed by frame {start}")
            at = end
        if at != output.frames:
            faults.append(f"it ends at frame {at} of {output.frames}")
        return Certificate(
            planned_frames=output.frames,
            frames=sum(end - start for start, end in made["spans"]),
            frame_rate=output.frame_rate,
            width=output.width,
            height=output.height,
            duration_seconds=output.frames / output.frame_rate,
            pieces=len(pieces),
            seams=len(pieces) - 1,
            audio_samples=audio.samples if audio else None,
            drift_samples=0,
            size_bytes=len(path.read_bytes()),
            sha256=made["source"],
            encoder_class=self.encoder_class,
            recipe=RECIPE_VERSION,
            faults=tuple(faults),
        )

    def _go_on(self, terms: Terms, frames: int) -> None:
        if terms.stop():
            self._trouble(self.witness.books.runs[self.process.name].notice or Cause.STOPPED)
            raise Stopped
        self._hear(terms.heard, frames)

    def _hear(self, heard: Callable[..., None], *frames: int) -> None:
        """Whoever hears it may find that the claim is lost, or nothing at all."""
        try:
            heard(*frames)
        except ClaimLost:
            self._trouble(Cause.CLAIM_LOST)
            raise
        except Unreachable:
            self._trouble(Cause.UNREACHABLE)
            raise

    def _start(self, unit: Unit, *, again: bool = False) -> None:
        self.witness.books.starts(self.process, unit, again=again)

    def _trouble(self, cause: Cause) -> None:
        """Why the work stops here."""
        self.witness.books.runs[self.process.name].trouble = cause

    def _look(self, frames: int, heard: Callable[[], None]) -> None:
        """Decode so many frames."""
        self._spend(frames / self.frames_a_second / LOOKING, heard)

    def _spend(self, seconds: float, heard: Callable[[], None]) -> None:
        """Work for so long, with a sign of life at every moment."""
        while seconds > 0:
            self.process.wait(min(seconds, MOMENT), Doing.WORKING)
            self._hear(heard)
            seconds -= MOMENT

    def _strikes(self, fault: Fault) -> bool:
        process = self.process
        return process.world.fate.strikes(process.name, process.draw, fault, process.render)

    def _note(self, fault: Fault) -> None:
        process = self.process
        process.world.fate.note(f"{process.name} · {fault}", fault, process.render())

    def _write(
        self, path: Path, plan: RenderPlan, output: str, spans: list[tuple[int, int]]
    ) -> None:
        upload = plan.upload
        made = Made(
            source=f"{upload.bucket}/{upload.name}#{upload.generation}",
            output=output,
            encoder=self.encoder_class,
            spans=spans,
        )
        path.write_bytes(msgspec.json.encode(made))


def _piece(plan: RenderPlan, output: OutputPlan, span: Span, encoder: str) -> Unit:
    key = output.key(plan.upload, encoder)
    return Unit(
        prefix=names.pieces(plan.render, output.pieces_id, key),
        span=span,
        hedges=names.claim(plan.render, f"hedge/{output.pieces_id}/{key}/").removesuffix(".json"),
    )


def _part(joined: Path, output: OutputPlan, content: str, name: str) -> Beside:
    """A file beside: what it holds is only its name."""
    path = joined.with_name(name)
    path.write_bytes(name.encode())
    folder = f"{names.leaf(output.object_name)}/{content}"
    return Beside(name=f"{folder}/{name}", path=path, sha256=digest(content, name))


def _read(path: Path) -> Made:
    return msgspec.json.decode(path.read_bytes(), type=Made)


def _verdict(frames: int, faults: tuple[str, ...]) -> PieceVerdict:
    return PieceVerdict(
        frames=frames,
        decoded_frames=frames,
        size_bytes=frames,
        sha256="",
        extradata_md5="",
        faults=faults,
    )


def _poisoned(frame: int) -> Failure:
    said = f"the picture of frame {frame} cannot be decoded"
    return Failure(failure=FailureClass.INPUT, reason="undecodable", message=said)


def _crashed() -> Failure:
    said = "ffmpeg was killed by signal 9"
    return Failure(failure=FailureClass.CRASH, reason="ffmpeg_killed", message=said)


def _mixed() -> Failure:
    said = "pieces of two kinds were to be joined"
    return Failure(failure=FailureClass.INTERNAL, reason="mixed_encoders", message=said)
