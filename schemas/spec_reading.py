"""What `clipline spec` says with `--json`: how a spec reads, and what would be made of it."""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import ClassVar

from schemas.spec_kinds import MP4, Wish
from schemas.spec_overlays import Captions, Watermark
from schemas.spec_picture import Deinterlace, Fit, Picture, Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecVerdict:
    """Whether a spec may be sent; `field`, `value` and `limit` of its first fault, if not."""

    TYPE: ClassVar = "clipline.spec-verdict.v1"
    valid: bool
    clips: int = 0
    outputs: int = 0
    """Of each clip: clips times outputs is how many files are asked for."""
    field: str = ""
    value: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """What a known video makes of an asked output."""

    object_name: str
    """In the outputs bucket, unless another render of that upload's name has been there."""
    width: int
    height: int
    frames: int
    frame_rate: Fraction
    seconds: Fraction
    chunks: int
    audio_samples: int | None
    """At 48,000 a second; None where there is no sound."""
    files: int = 1
    """With those that the named one refers to."""
    pictures_of: str = ""
    """Which other file's pictures these are, so that none are made for it; empty for its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOutput:
    """One file that a spec asks for: a clip as an output."""

    TYPE: ClassVar = "clipline.asked-output.v1"
    clip: str
    output: str
    start: Fraction
    """Seconds from the start of the video; of a clip by frames 0, and its end None."""
    end: Fraction | None
    """Seconds; None is the video's end."""
    height: int
    """At most, where there is no width: a smaller video is not enlarged."""
    quality: Quality
    width: int | None = None
    """With a width, width and height are exact."""
    fit: Fit | None = None
    """None where the output has the video's shape."""
    frame_rate: Fraction | None = None
    """At most; None is the video's."""
    deinterlace: Deinterlace = Deinterlace.AUTO
    wish: Wish = MP4
    """Its kind, and what was asked of that."""
    loudness: Fraction | None = None
    """LUFS that its sound is brought to; None leaves it as it is."""
    watermark: Watermark | None = None
    captions: Captions | None = None
    start_frame: int | None = None
    """Of a clip by frames, its first one, counted from 0."""
    end_frame: int | None = None
    """The first that is not in it any more; None is the video's end."""
    planned: PlannedFile | None = None
    """None where no video was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecForecast:
    """The last line of what is explained of a video: all its files together.

    `takes` and `nanodollars` are by what has run of late where it would run, and None where nobody
    knows: `why` says why then, or why they are a guess.
    """

    TYPE: ClassVar = "clipline.spec-forecast.v1"
    files: int
    frames: int
    """To be encoded: pictures that two files share are counted once."""
    chunks: int
    lane: str | None = None
    """Where it would run if it were asked for now."""
    takes: timedelta | None = None
    """From the first task to the last one's end: the wait for machines is not in it."""
    nanodollars: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetOffer(Picture):
    """One preset that a spec may name, and all that it says of the picture."""

    TYPE: ClassVar = "clipline.preset.v1"
    preset: str
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOffer:
    """One quality that a spec may ask for, and what the encoder is told then."""

    TYPE: ClassVar = "clipline.quality.v1"
    quality: Quality
    crf: int
    """x264's constant rate factor: 6 more is about half the bytes."""
    preset: str
    lossless: bool
    default: bool
