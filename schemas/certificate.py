"""What was checked about a made file: a verdict is a value, and an empty list of faults passes."""

from dataclasses import dataclass
from fractions import Fraction

from schemas.kinds import Kind
from schemas.loudness import Loudness


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """CPU seconds that a file has cost, in all processes and threads, as the system counts them."""

    encoding_cpu_seconds: float
    """Of ffmpeg: making, measuring, joining, and its start."""
    verifying_cpu_seconds: float
    """Of looking at what it made."""

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(
            encoding_cpu_seconds=round(self.encoding_cpu_seconds + other.encoding_cpu_seconds, 3),
            verifying_cpu_seconds=round(
                self.verifying_cpu_seconds + other.verifying_cpu_seconds, 3
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceVerdict:
    """A piece that was decoded from end to end before it was committed."""

    frames: int
    decoded_frames: int
    size_bytes: int
    sha256: str
    extradata_md5: str
    """Digest of the H.264 parameter sets: pieces that differ here are never joined."""
    faults: tuple[str, ...] = ()
    silent: bool = False
    """A sound in which nothing can be heard: the source is silent there, or was misread."""
    loudness: Loudness | None = None
    """Of a sound for which one was asked, as it was measured."""
    subject: str = ""
    """The name of the object that this was said of; empty in verdicts of earlier releases."""
    alone: str = ""
    """`blank` or `times` where every fault is of that one kind, and the pictures else are whole."""
    effort: Effort | None = None
    """What it has cost; None in verdicts of earlier releases."""

    @property
    def passed(self) -> bool:
        """Whether the piece may be committed."""
        return not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """The files that the announced one refers to; they stood before it did."""

    folder: str
    """Where they lie, relative to the announced file; named by their digests."""
    files: int
    size_bytes: int
    """Of all of them."""
    sums_sha256: str
    """SHA-256 of `SHA256SUMS` in that folder, which has the SHA-256 of each other file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How an output was checked, carried by its done event.

    `frames` are the packets found in the finished file, `planned_frames` those that were wanted; of
    a poster or thumbnails, the pictures that the image was made of. `size_bytes` and `sha256` are
    those of the announced file.
    """

    planned_frames: int
    frames: int
    frame_rate: Fraction
    width: int
    height: int
    duration_seconds: Fraction
    pieces: int
    seams: int
    """Joins between pieces, each checked for an unbroken step of time."""
    audio_samples: int | None
    """Samples of sound in the finished file; None for a silent source."""
    drift_samples: int
    """How much longer (positive) or shorter the sound is than the picture, in samples."""
    size_bytes: int
    sha256: str
    encoder_class: str
    recipe: str
    loudness: Loudness | None = None
    """How loud the sound was made and found to be; None where no loudness was asked for."""
    kind: Kind = Kind.MP4
    companions: Companions | None = None
    """None where the output is one file."""
    effort: Effort | None = None
    """What it has cost with all its parts, a sound that several outputs share in each of them; None
    where a part does not say."""
    faults: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether the file may be given its final name."""
        return not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Where the verified file is: the exact generation that the certificate speaks of."""

    bucket: str
    name: str
    generation: int
