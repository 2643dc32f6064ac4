"""What is reckoned of memory, beside what was measured by `make bench-memory`."""

from dataclasses import replace

import pytest

from functions.core.memory import MIB, joining_bytes, making_bytes
from schemas.media import AudioStream, Media, VideoStream
from schemas.plan import AudioPlan, OutputPlan
from tests.unit.test_recipe import PLAN, SOUND, SOURCE

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "1440p": (2560, 1440), "2160p": (3840, 2160)}
MEASURED = [
    ("720p", 8, "720p", "veryfast", 127),
    ("720p", 8, "720p", "medium", 222),
    ("720p", 8, "720p", "ultrafast", 74),
    ("1080p", 8, "1080p", "veryfast", 231),
    ("1080p", 8, "1080p", "medium", 426),
    ("1080p", 8, "1080p", "ultrafast", 112),
    ("1440p", 8, "1440p", "veryfast", 361),
    ("1440p", 8, "1440p", "medium", 687),
    ("1440p", 8, "1440p", "ultrafast", 167),
    ("2160p", 8, "2160p", "veryfast", 750),
    ("2160p", 8, "2160p", "medium", 1491),
    ("2160p", 8, "2160p", "ultrafast", 309),
    ("2160p", 8, "720p", "veryfast", 221),
    ("2160p", 8, "1080p", "medium", 515),
    ("720p", 8, "2160p", "veryfast", 640),
    ("1080p", 10, "1080p", "veryfast", 263),
    ("2160p", 10, "1080p", "veryfast", 430),
]
"""Source and its bits, output, preset, MiB at the peak: 2026-11-29, ffmpeg 9.0.2, one thread."""


def media_of(video: VideoStream, audio: AudioStream | None = None) -> Media:
    return Media(container="mov,mp4", size_bytes=1, seekable=True, video=video, audio=audio)


def plan_of(output: str, preset: str) -> OutputPlan:
    width, height = SIZES[output]
    return replace(PLAN, width=width, height=height, preset=preset)


@pytest.mark.parametrize(("source", "bits", "output", "preset", "mib"), MEASURED)
def test_no_less_is_reckoned_than_was_measured_and_not_much_more(
    source: str, bits: int, output: str, preset: str, mib: int
) -> None:
    width, height = SIZES[source]
    pixels = "yuv420p" if bits == 8 else "yuv420p10le"
    video = replace(SOURCE, width=width, height=height, pixel_format=pixels)
    reckoned = making_bytes(plan_of(output, preset), media_of(video)) / MIB
    assert mib <= reckoned <= 1.25 * mib


def test_a_preset_that_nobody_measured_counts_as_the_dearest() -> None:
    dearest = making_bytes(plan_of("1080p", "medium"), media_of(SOURCE))
    assert making_bytes(plan_of("1080p", "placebo"), media_of(SOURCE)) == dearest


def test_an_upload_of_hours_has_an_index_that_ffmpeg_keeps() -> None:
    """Measured: 161 MiB more for 10 hours of 24 frames a second and AAC than for a minute."""
    ticks = 36_000 * 30_000
    video = replace(SOURCE, frames=864_000, end_pts=ticks)
    sound = AudioStream(codec="aac", sample_rate=48_000, channels=2)
    long = making_bytes(PLAN, media_of(video, sound)) - making_bytes(PLAN, media_of(SOURCE, sound))
    assert 161 <= long / MIB <= 1.25 * 161


def test_what_is_joined_needs_more_the_longer_it_is() -> None:
    short, long = (replace(PLAN, frames=frames) for frames in (1440, 864_000))
    sounds = [
        AudioPlan(clip=SOUND.clip, start_seconds=SOUND.start_seconds, samples=samples, bitrate=1)
        for samples in (2_880_000, 1_728_000_000)
    ]
    few, many = (joining_bytes(*one) / MIB for one in zip((short, long), sounds, strict=True))
    assert few < 60
    assert 400 < many < 500
    assert joining_bytes(short, None) < few * MIB
