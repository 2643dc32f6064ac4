"""Which uploads are rendered: the limits, and a sentence for each reason to refuse one."""

import re
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import NoReturn

from functions.ports import NotRenderable
from schemas.failures import Failure, FailureClass
from schemas.media import Media

CODECS = frozenset(
    {"av1", "dnxhd", "flv1", "h263", "h264", "hevc", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4"}
    | {"msmpeg4v2", "msmpeg4v3", "prores", "vc1", "vp8", "vp9", "wmv1", "wmv2", "wmv3"}
)
MOST_STREAMS = 32
MOST_PIXELS = 8192 * 4320
HIGHEST_RATE = 240
"""Frames a second."""
LONGEST = timedelta(hours=12)
LARGEST_GAP = timedelta(seconds=60)
"""A still picture for longer than this is more often a damaged time than a film."""
ASPECTS = Fraction(1, 20), Fraction(20)
_EPSILON = Fraction(1, 1 << 31)
_WORD = re.compile(r"[a-zA-Z0-9_,]{1,80}")
_UNPRINTABLE = re.compile(r"[^\w .:/-]")

SENTENCES = {
    "codec": "is encoded as {found}, which is not rendered here: export it as H.264 in MP4",
    "empty_file": "is empty, 0 bytes: upload it again",
    "encrypted": "is encrypted: export it without protection",
    "gap": "has a gap of {found} seconds between two frames and the limit is 60: export it again",
    "no_video_stream": "has no video stream: upload a file with one",
    "not_a_video": "is no MP4, MOV, Matroska, WebM, MPEG-TS or AVI file: export it as MP4",
    "too_costly": "took more than {found}, the limit for a look into it: export it as MP4",
    "too_fast": "has {found} frames a second and the limit is 240: export it with fewer",
    "too_large": "has {found} pixels and the limit is 8192x4320: export it smaller",
    "too_long": "is {found} long and the limit is 12 hours: cut it into parts",
    "too_many_streams": "has {found} streams and the limit is 32: export it with one video and"
    " one audio stream",
    "truncated": "was cut off or damaged, its index is missing or points beyond its end:"
    " upload it again",
    "unreadable_container": "looks like a video but cannot be read: export it again as MP4",
    "unreadable_video": "has a video stream of which no picture can be decoded: export it again",
    "zero_duration": "has a video of no duration: export it again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the child says before it looks closer."""

    streams: int
    codec: str
    width: int
    height: int


def judge_found(name: str, found: Found) -> None:
    """Raises NotRenderable for what is not worth a closer look."""
    if found.streams > MOST_STREAMS:
        refuse(name, "too_many_streams", found=str(found.streams))
    if found.codec not in CODECS:
        refuse(name, "codec", found=found.codec)
    if found.width * found.height > MOST_PIXELS:
        refuse(name, "too_large", found=f"{found.width}x{found.height}")


def judge(name: str, media: Media) -> None:
    """Raises NotRenderable for what cannot be rendered, or cannot be true."""
    video = media.video
    judge_found(name, Found(streams=1, codec=video.codec, width=video.width, height=video.height))
    if not _is_possible(media):
        refuse(name, "unreadable_container", detail=repr(media)[:1000])
    if video.end_pts <= video.first_pts:
        refuse(name, "zero_duration")
    rate = max(video.frame_rate, video.frames / video.duration)
    if rate > HIGHEST_RATE and video.frames > 1:
        refuse(name, "too_fast", found=f"{float(rate):.1f}")
    if video.duration > LONGEST.total_seconds():
        refuse(name, "too_long", found=str(timedelta(seconds=round(video.duration))))
    if video.largest_gap * video.time_base > LARGEST_GAP.total_seconds():
        refuse(name, "gap", found=str(round(video.largest_gap * video.time_base)))


def _is_possible(media: Media) -> bool:
    """Whether the values are such as a container can hold: a hijacked child says anything."""
    video, audio = media.video, media.audio
    sound = (audio.codec, audio.sample_rate, audio.channels) if audio else ("none", 1, 1)
    words = (media.container, video.pixel_format, sound[0])
    counts = (video.width, video.height, video.frames, *sound[1:])
    ticks = (video.first_pts, video.end_pts, video.largest_gap)
    return (
        all(_WORD.fullmatch(word) for word in words)
        and all(0 < count < 1 << 31 for count in counts)
        and all(abs(tick) < 1 << 62 for tick in ticks)
        and all(_EPSILON < number < 1 << 31 for number in (video.time_base, video.frame_rate))
        and video.rotation in (0, 90, 180, 270)
        and 0 <= video.matrix < 256
        and ASPECTS[0] <= video.sample_aspect <= ASPECTS[1]
    )


def refuse(name: str, reason: str, *, found: str = "", detail: str = "") -> NoReturn:
    """Raises NotRenderable with the sentence for that reason; `found` is what was measured."""
    printable = _UNPRINTABLE.sub("?", found)[:100]
    sentence = f"'{name}' {SENTENCES[reason].format(found=printable)}."
    raise NotRenderable(
        Failure(failure=FailureClass.INPUT, reason=reason, message=sentence, detail=detail)
    )
