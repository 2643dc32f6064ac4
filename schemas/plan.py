"""The frozen plan of a render: all that a task needs to know, decided once and never again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from schemas.assets import Asset
from schemas.ids import Upload, digest
from schemas.kinds import Kind
from schemas.media import Media
from schemas.pieces import Span
from schemas.priority import Priority
from schemas.spec_overlays import Position
from schemas.spec_picture import Fit

SAMPLE_RATE = 48_000
"""Samples a second of every output's audio."""

RECIPE_VERSION = "1"
"""Raise it whenever `render_job/recipe.py` would make other bytes: two recipes never mix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPlan:
    """An image on every picture of an output; places and sizes are pixels of the output."""

    asset: Asset
    x: int
    y: int
    width: int
    height: int
    opacity: int = 100
    """Percent of the image's own."""
    hdr: int | None = None
    """The picture's transfer, where it is PQ or HLG: then the image has to be made as bright."""

    @property
    def key(self) -> str:
        """Differs wherever the picture would."""
        where = (self.x, self.y, self.width, self.height, self.opacity, *_said(self.hdr))
        return f"{self.asset.name}#{self.asset.generation}@{','.join(map(str, where))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionPlan:
    """Captions on an output's pictures; sizes are pixels of the output."""

    asset: Asset
    offset: Fraction
    """Seconds of the captions' own time at which the output begins."""
    text_size: int
    """The height of a line."""
    margin: int
    """To the edge that they stand at."""
    position: Position = Position.BOTTOM
    hdr: int | None = None
    """As of a MarkPlan."""

    @property
    def key(self) -> str:
        """Differs wherever the picture would."""
        how = (self.offset, self.text_size, self.margin, self.position, *_said(self.hdr))
        return f"{self.asset.name}#{self.asset.generation}@{','.join(map(str, how))}"


def _said(hdr: int | None) -> tuple[str, ...]:
    """Nothing where it is not said, so that the keys of earlier releases stay."""
    return () if hdr is None else (f"hdr={hdr}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """One output of one clip: its frames are numbered 0 to `frames` at `frame_rate`."""

    clip: str
    output: str
    start_pts: int
    """Source ticks (of the video stream's time base) shown as output frame 0."""
    frame_rate: Fraction
    frames: int
    gop: int
    """Frames between key frames; every chunk starts on this grid."""
    chunks: tuple[Span, ...]
    width: int
    height: int
    crf: int
    """x264's constant rate factor; 0 with `lossless` is the source's pictures, bit for bit."""
    preset: str
    lossless: bool
    object_name: str
    """Where the verified file goes in the outputs bucket."""
    fit: Fit | None = None
    """How the picture comes into a frame of another shape; None where it has the source's."""
    deinterlace: bool = False
    """Whether pictures that say that they are interlaced are made whole."""
    watermark: MarkPlan | None = None
    captions: CaptionPlan | None = None
    sound: str = ""
    """Which of the clip's sounds is its own: an AudioPlan's `variant`."""
    kind: Kind = Kind.MP4
    offset: int = 0
    """The clip's frame that is shown as frame 0: a poster is one from within."""
    step: int = 1
    """How many of the clip's frames lie between two neighbours; only thumbnails leave some out."""
    clip_frames: int = 0
    """Of thumbnails, how long the clip is, in its own frames: until then the last one stands."""
    columns: int = 0
    """Of a sheet of thumbnails, how many stand in a row."""
    rows: int = 0
    segment_frames: int = 0
    """Of an HLS output, how long a segment is: whole GOPs. Only the last one may be shorter."""
    shared: str = ""
    """Under which output's id its pieces lie, where several of a clip have the same pictures."""

    @property
    def id(self) -> str:
        """`clip/output`, unique within the render."""
        return f"{self.clip}/{self.output}"

    @property
    def pieces_id(self) -> str:
        """The same for all outputs that are joined of the same pieces."""
        return self.shared or self.id

    @property
    def clip_rate(self) -> Fraction:
        """Frames a second of the clip, of which every `step`-th is shown."""
        return self.frame_rate * self.step

    def in_clip(self, span: Span) -> Span:
        """The clip's frames from the span's first to its last, with those left out between."""
        first = self.offset + span.start * self.step
        return Span(first, self.offset + (span.end - 1) * self.step + 1)

    def key(self, upload: Upload, encoder_class: str) -> str:
        """Names the pieces that may be joined: same source, picture, recipe and encoder."""
        wanted = (self.start_pts, self.frame_rate, self.gop, self.width, self.height)
        encoder = (self.crf, self.preset, self.lossless, RECIPE_VERSION, encoder_class)
        source = (upload.bucket, upload.name, upload.generation)
        return digest(*map(str, (*source, *wanted, *encoder, *self._more())))[:16]

    def _more(self) -> tuple[str, ...]:
        """What plans could not say at first; nothing where it is not said, so that keys stay.

        Into which files pieces are joined is not seen in them, and in a key only where they are an
        output's own, as they always were at first.
        """
        more = {
            "fit": self.fit,
            "deinterlace": self.deinterlace or None,
            "watermark": self.watermark and self.watermark.key,
            "captions": self.captions and self.captions.key,
            "kind": None if self.shared or self.kind is Kind.MP4 else self.kind,
            "offset": self.offset or None,
            "step": None if self.step == 1 else self.step,
            "clip_frames": self.clip_frames or None,
            "columns": self.columns or None,
            "rows": self.rows or None,
            "segment_frames": None if self.shared else self.segment_frames or None,
        }
        return tuple(f"{wish}={value}" for wish, value in more.items() if value is not None)


def once(outputs: Iterable[OutputPlan]) -> Sequence[OutputPlan]:
    """Of those that share their pieces only the first: all pieces are made for these."""
    return [*{output.pieces_id: output for output in reversed([*outputs])}.values()][::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPlan:
    """The sound of one clip, rendered once and joined to each of its outputs of that length."""

    clip: str
    start_seconds: Fraction
    """Where the clip starts on the source's own time line."""
    samples: int
    """The exact length at SAMPLE_RATE, silence included."""
    bitrate: int
    variant: str = ""
    """Tells apart the sounds of a clip whose outputs are not of one length; empty for the first."""
    loudness: Fraction | None = None
    """LUFS to bring it to; None leaves it as it is."""

    @property
    def id(self) -> str:
        """Unique within the render."""
        return f"{self.clip}/{self.variant}" if self.variant else self.clip

    def key(self, upload: Upload) -> str:
        """Names the rendered sound, as OutputPlan.key names pictures."""
        source = (upload.bucket, upload.name, upload.generation)
        wanted = (self.start_seconds, self.samples, self.bitrate, RECIPE_VERSION)
        level = () if self.loudness is None else (f"{self.loudness} LUFS",)
        return digest(*map(str, (*source, *wanted, *level)))[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderPlan:
    """What will be made of one upload. Outputs are in the order in which they are worked on."""

    render: str
    upload: Upload
    media: Media
    outputs: tuple[OutputPlan, ...]
    audio: tuple[AudioPlan, ...]

    @property
    def frames(self) -> int:
        """Output frames of all outputs together; those of shared pieces once."""
        return sum(output.frames for output in once(self.outputs))

    @property
    def chunks(self) -> int:
        """Chunks of all outputs together; those that are shared once."""
        return sum(len(output.chunks) for output in once(self.outputs))

    @property
    def folders(self) -> frozenset[str]:
        """Where it delivers: an output is named FOLDER/CLIP/OUTPUT.EXT, so it is one folder."""
        return frozenset(output.object_name.rsplit("/", 2)[0] for output in self.outputs)

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The files that are drawn on its outputs, each once, in their order."""
        drawn = (part for output in self.outputs for part in (output.watermark, output.captions))
        return tuple(dict.fromkeys(part.asset for part in drawn if part is not None))

    def audio_of(self, output: OutputPlan) -> AudioPlan | None:
        """The sound that the output is joined with, or None: a silent source, or an image."""
        if not output.kind.plays:
            return None
        mine = (output.clip, output.sound)
        return next((a for a in self.audio if (a.clip, a.variant) == mine), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one attempt is told, beside the plan: written once, before it is launched."""

    render: str
    attempt: int
    lane: str
    encoder_class: str
    tasks: int
    deadline: datetime
    """The attempt ends itself before this moment."""
    hedge: bool = False
    """Whether an idle task may make what another has in hand as well."""
    takes: timedelta | None = None
    """The work of one of its tasks, as long as it is sure to be at most; None if nobody knows."""
    priority: Priority = Priority.NORMAL
    """Where it stands in a pool's queue."""
