"""What an output's pictures are like: their size, their rate and what the encoder is told."""

from dataclasses import dataclass
from fractions import Fraction

from schemas.media import VideoStream
from schemas.spec_picture import Picture, Quality

FASTEST = Fraction(60)
"""Frames a second of an output; a faster source is thinned out."""
STANDARD_RATES = tuple(
    Fraction(n, d)
    for n, d in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1),
                 (60000, 1001), (60, 1))
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """What x264 is told."""

    crf: int
    preset: str
    lossless: bool = False


ENCODERS = {
    Quality.SMALL: Encoder(crf=26, preset="veryfast"),
    Quality.BALANCED: Encoder(crf=21, preset="veryfast"),
    Quality.BEST: Encoder(crf=18, preset="medium"),
    Quality.LOSSLESS: Encoder(crf=0, preset="ultrafast", lossless=True),
}


def output_rate(video: VideoStream, most: Fraction | None = None) -> Fraction:
    """The source's average rate or `most`, whichever is slower, and never above FASTEST.

    Snapped to a standard rate within 0.05 %, so that 29.97 is 30000/1001 whoever says it.
    """
    rate = min(video.frame_rate, FASTEST, FASTEST if most is None else most)
    for standard in STANDARD_RATES:
        if abs(rate / standard - 1) <= Fraction(1, 2000):
            return standard
    return max(rate.limit_denominator(1001), Fraction(1))


def output_size(video: VideoStream, picture: Picture) -> tuple[int, int]:
    """Width and height as asked; where only a height is, even and in the source's shape.

    Then it is never larger than a source of at least two pixels.
    """
    if picture.width is not None:
        return picture.width, picture.height
    width, height = video.display_size
    target = min(picture.height, height)
    return _even(Fraction(width * target, height), width), _even(Fraction(target), height)


def _even(length: Fraction, most: int) -> int:
    return max(2, 2 * min(round(length / 2), most // 2))
