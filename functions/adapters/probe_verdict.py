"""Which uploads are rendered: a sentence for each reason to refuse one.

The limits are in `schemas/uploads.py`.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import NoReturn

from functions.ports import NotRenderable
from schemas.failures import Failure, FailureClass
from schemas.media import Media
from schemas.uploads import LIMITS, SOUND_DECODERS, VIDEO_DECODERS

_EPSILON = Fraction(1, 1 << 31)
_WORD = re.compile(r"[a-zA-Z0-9_,]{1,80}")
_UNPRINTABLE = re.compile(r"[^\w .:/-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an upload is refused: what is wrong with which field, and what would have been right.

    `{found}` in the sentence is what was found there, `{limit}` the limit.
    """

    field: str
    sentence: str
    limit: str


_PICTURES = "H.264, HEVC, VP8, VP9, AV1, MPEG-4, MPEG-2, ProRes, DNxHD or Motion JPEG"
_SOUNDS = "AAC, MP3, Opus, Vorbis, FLAC, ALAC, AC-3, AMR or PCM"
_FILES = "MP4, MOV, Matroska, WebM, MPEG-TS or AVI"
_HOURS = f"{LIMITS.duration // timedelta(hours=1)} hours"
_GAP = f"{LIMITS.gap // timedelta(seconds=1)}"

REASONS = {
    "codec": Reason(
        field="video.codec", limit=_PICTURES,
        sentence="is encoded as {found}, which is not rendered here: export it as H.264 in MP4",
    ),
    "empty_file": Reason(
        field="size", limit="more than 0 bytes", sentence="is empty, 0 bytes: upload it again",
    ),
    "encrypted": Reason(
        field="video", limit="not encrypted",
        sentence="is encrypted: export it without protection",
    ),
    "file_too_large": Reason(
        field="size", limit=f"{LIMITS.size_bytes} bytes",
        sentence="has {found} and the limit is {limit}: export it smaller",
    ),
    "gap": Reason(
        field="video.gap", limit=f"{_GAP} seconds",
        sentence="has a gap of {found} between two frames and the limit is {limit}:"
        " export it again",
    ),
    "no_video_stream": Reason(
        field="video", limit="at least one video stream",
        sentence="has no video stream: upload a file with one",
    ),
    "not_a_video": Reason(
        field="container", limit=_FILES,
        sentence="is no MP4, MOV, Matroska, WebM, MPEG-TS or AVI file: export it as MP4",
    ),
    "sound_codec": Reason(
        field="sound.codec", limit=_SOUNDS,
        sentence="has sound encoded as {found}, which is not rendered here: export it as AAC",
    ),
    "sound_shape": Reason(
        field="sound",
        limit=f"{LIMITS.sample_rates[0]} to {LIMITS.sample_rates[1]} samples a second"
        f" of at most {LIMITS.channels} channels",
        sentence="has sound of {found} and the limit is {limit}: export it with AAC stereo",
    ),
    "too_costly": Reason(
        field="cost", limit="the look's share of memory, bytes and time",
        sentence="took more than {found}, the limit for a look into it: export it as MP4",
    ),
    "too_fast": Reason(
        field="video.frame_rate", limit=f"{LIMITS.frame_rate} frames a second",
        sentence="has {found} and the limit is {limit}: export it with fewer",
    ),
    "too_large": Reason(
        field="video.pixels", limit=f"{LIMITS.pixels} pixels",
        sentence="has pictures of {found} and the limit is {limit} (8192x4320): export it smaller",
    ),
    "too_long": Reason(
        field="video.duration", limit=_HOURS,
        sentence="is {found} long and the limit is {limit}: cut it into parts",
    ),
    "too_many_streams": Reason(
        field="streams", limit=f"{LIMITS.streams} streams",
        sentence="has {found} and the limit is {limit}: export it with one video and one audio"
        " stream",
    ),
    "truncated": Reason(
        field="container", limit="a whole file",
        sentence="was cut off or damaged, its index is missing or points beyond its end:"
        " upload it again",
    ),
    "unreadable_container": Reason(
        field="container", limit="one that can be read",
        sentence="looks like a video but cannot be read: export it again as MP4",
    ),
    "unreadable_video": Reason(
        field="video", limit="pictures that can be decoded",
        sentence="has a video stream of which no picture can be decoded: export it again",
    ),
    "zero_duration": Reason(
        field="video.duration", limit="more than 0 seconds",
        sentence="has a video of no duration: export it again",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the child says before it looks closer."""

    streams: int
    codec: str
    width: int
    height: int


def judge_size(name: str, size_bytes: int) -> None:
    """Raises NotRenderable for a file that is not even opened."""
    if not size_bytes:
        refuse(name, "empty_file", found="0 bytes")
    if size_bytes > LIMITS.size_bytes:
        refuse(name, "file_too_large", found=f"{size_bytes} bytes")


def judge_found(name: str, found: Found) -> None:
    """Raises NotRenderable for what is not worth a closer look."""
    if found.streams > LIMITS.streams:
        refuse(name, "too_many_streams", found=f"{found.streams} streams")
    if found.codec not in VIDEO_DECODERS:
        refuse(name, "codec", found=found.codec)
    if found.width * found.height > LIMITS.pixels:
        refuse(name, "too_large", found=f"{found.width}x{found.height}")


def judge(name: str, media: Media) -> None:
    """Raises NotRenderable for what cannot be rendered, or cannot be true."""
    video, audio = media.video, media.audio
    judge_found(name, Found(streams=1, codec=video.codec, width=video.width, height=video.height))
    if not _is_possible(media):
        refuse(name, "unreadable_container", detail=repr(media)[:1000])
    if video.end_pts <= video.first_pts:
        refuse(name, "zero_duration", found="0 seconds")
    rate = max(video.frame_rate, video.frames / video.duration)
    if rate > LIMITS.frame_rate and video.frames > 1:
        refuse(name, "too_fast", found=f"{float(rate):.1f} frames a second")
    if video.duration > LIMITS.duration.total_seconds():
        refuse(name, "too_long", found=str(timedelta(seconds=round(video.duration))))
    gap = video.largest_gap * video.time_base
    if gap > LIMITS.gap.total_seconds():
        refuse(name, "gap", found=f"{round(gap)} seconds")
    if audio is not None and audio.codec not in SOUND_DECODERS:
        refuse(name, "sound_codec", found=audio.codec)
    low, high = LIMITS.sample_rates
    if audio is not None and not (
        low <= audio.sample_rate <= high and audio.channels <= LIMITS.channels
    ):
        refuse(
            name,
            "sound_shape",
            found=f"{audio.sample_rate} samples a second of {audio.channels} channels",
        )


def _is_possible(media: Media) -> bool:
    """Whether the values are such as a container can hold: a hijacked child says anything."""
    video, audio = media.video, media.audio
    sound = (audio.codec, audio.sample_rate, audio.channels) if audio else ("none", 1, 1)
    words = (media.container, video.pixel_format, sound[0])
    counts = (video.width, video.height, video.frames, *sound[1:])
    ticks = (video.first_pts, video.end_pts, video.largest_gap)
    low, high = LIMITS.aspects
    return (
        all(_WORD.fullmatch(word) for word in words)
        and all(0 < count < 1 << 31 for count in counts)
        and all(abs(tick) < 1 << 62 for tick in ticks)
        and all(_EPSILON < number < 1 << 31 for number in (video.time_base, video.frame_rate))
        and video.rotation in (0, 90, 180, 270)
        and all(0 <= number < 256 for number in (video.matrix, video.transfer))
        and low <= video.sample_aspect <= high
    )


def refuse(name: str, reason: str, *, found: str = "", detail: str = "") -> NoReturn:
    """Raises NotRenderable with the sentence for that reason; `found` is what was measured."""
    why = REASONS[reason]
    printable = _UNPRINTABLE.sub("?", found)[:100]
    sentence = why.sentence.format(found=printable, limit=why.limit)
    raise NotRenderable(
        Failure(
            failure=FailureClass.INPUT,
            reason=reason,
            message=f"'{name}' {sentence}.",
            detail=detail,
            field=why.field,
            value=printable or reason.replace("_", " "),
            limit=why.limit,
        )
    )
