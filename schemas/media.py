"""What an upload is: the description that the prober makes and the planner relies on."""

from dataclasses import dataclass
from fractions import Fraction

PQ, HLG = 16, 18
"""Transfer characteristics of high dynamic range, as H.273 numbers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStream:
    """The video stream that is rendered; times are integer ticks of `time_base` seconds."""

    codec: str
    width: int
    """Pixels as stored, before rotation."""
    height: int
    rotation: int
    """Clockwise degrees the picture must be turned for display: 0, 90, 180 or 270."""
    pixel_format: str
    sample_aspect: Fraction
    time_base: Fraction
    frame_rate: Fraction
    """The average rate; the output's rate unless the spec says otherwise."""
    frames: int
    first_pts: int
    """The smallest presentation time, in ticks."""
    end_pts: int
    """Where the last frame ends: its presentation time and duration, in ticks."""
    largest_gap: int
    """Ticks between the two neighbouring frames furthest apart: the least pre-roll that shows the
    right frame at a cut. One frame's worth where the rate is constant."""
    interlaced: bool = False
    """Whether its first picture was woven of two fields, or the container says that all are."""
    matrix: int = 2
    """How its colours are coded, as H.273 numbers matrix coefficients; 2 is not known."""
    full_range: bool = False
    """Whether black is 0 and white the largest value."""
    transfer: int = 2
    """How its numbers mean light, as H.273 numbers transfer characteristics; 2 is not known."""

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height as seen: rotated and with square pixels."""
        width = max(1, round(self.width * self.sample_aspect))
        return (self.height, width) if self.rotation in (90, 270) else (width, self.height)

    @property
    def hdr(self) -> int | None:
        """Its transfer where that is PQ or HLG."""
        return self.transfer if self.transfer in (PQ, HLG) else None

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame's start to the last frame's end."""
        return (self.end_pts - self.first_pts) * self.time_base

    @property
    def frame_seconds(self) -> Fraction:
        """How long each frame is shown where the rate is constant, and elsewhere on average.

        So frame N, counted from 0, begins N times this after the first.
        """
        return self.duration / self.frames


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream:
    """The first audio stream."""

    codec: str
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What a container holds, read from its index."""

    container: str
    """ffmpeg's demuxer name, such as `mov,mp4,m4a,3gp,3g2,mj2`."""
    size_bytes: int
    seekable: bool
    """Whether the container has an index to seek by; a transport stream has none."""
    video: VideoStream
    audio: AudioStream | None
