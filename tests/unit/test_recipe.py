"""The recipe's words, and the arithmetic behind them."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render_job import recipe, recipe_sound
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import AudioPlan, OutputPlan
from schemas.uploads import DEMUXERS, SOUND_DECODERS, VIDEO_DECODERS

NTSC = Fraction(30000, 1001)
SOURCE = VideoStream(
    codec="h264",
    width=1280,
    height=720,
    rotation=0,
    pixel_format="yuv420p",
    sample_aspect=Fraction(1),
    time_base=Fraction(1, 30000),
    frame_rate=NTSC,
    frames=1800,
    first_pts=0,
    end_pts=1800 * 1001,
    largest_gap=1001,
)
PLAN = OutputPlan(
    clip="full",
    output="web",
    start_pts=0,
    frame_rate=NTSC,
    frames=1800,
    gop=60,
    chunks=(),
    width=640,
    height=360,
    crf=21,
    preset="veryfast",
    lossless=False,
    object_name="web.mp4",
)
SOUND = AudioPlan(clip="full", start_seconds=Fraction(9, 2), samples=480_480, bitrate=160_000)
MIDDLE = Span(600, 1200)
RATES = st.fractions(min_value=1, max_value=60, max_denominator=1001)


def command(
    span: Span = MIDDLE,
    *,
    plan: OutputPlan = PLAN,
    source: VideoStream = SOURCE,
    seekable: bool = True,
    seek: bool = True,
) -> list[str]:
    return recipe.video(
        plan, source, seekable, span, input_url="file:/in", ffmpeg="ffmpeg", threads=1, seek=seek
    )


def after(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


def test_the_filters_count_in_whole_ticks_and_frames() -> None:
    plan = replace(PLAN, start_pts=90_000)
    assert after(command(plan=plan), "-vf").split(",") == [
        "settb=1/30000",
        "setpts=PTS-(90000)",
        "fps=30000/1001:round=near",
        "tpad=stop=2:stop_mode=clone",
        "trim=start_pts=600:end_pts=1200",
        "scale=640:360:flags=bicubic",
        "setsar=1",
        "format=yuv420p",
        "settb=1001/30000",
        "setpts=PTS-600",
    ]


def test_decoding_begins_one_gap_and_three_frames_before_the_picture_wanted() -> None:
    assert after(command(), "-ss") == "19.886533"  # (600 - 4) * 1001 / 30000
    after_a_hole = replace(SOURCE, largest_gap=135_000)
    assert after(command(source=after_a_hole), "-ss") == "15.419900"


def test_without_an_index_decoding_begins_twelve_seconds_earlier() -> None:
    assert after(command(seekable=False), "-ss") == "7.886533"


@pytest.mark.parametrize("span", [Span(0, 60), Span(1, 60), Span(4, 60)])
def test_near_the_start_there_is_no_seek_and_a_late_start_is_filled(span: Span) -> None:
    words = command(span)
    assert "-ss" not in words
    assert ":start_time=0" in after(words, "-vf")


def test_a_seek_can_be_declined() -> None:
    assert "-ss" not in command(seek=False)


def test_a_clip_from_the_middle_seeks_for_its_first_frame_too() -> None:
    assert after(command(Span(0, 60), plan=replace(PLAN, start_pts=900_000)), "-ss") == "29.866533"


def test_a_time_line_may_begin_below_zero() -> None:
    source = replace(SOURCE, first_pts=-3_000_000)
    plan = replace(PLAN, start_pts=-3_000_000)
    assert after(command(Span(60, 120), plan=plan, source=source), "-ss") == "-98.131467"


def test_the_hardening_stands_before_the_input_it_guards() -> None:
    words = command()
    guarded = words[: words.index("-i")]
    for option in ("-max_pixels", "-max_streams", "-max_alloc", "-codec_whitelist"):
        assert option in guarded
    assert after(guarded, "-protocol_whitelist") == "file"
    assert not {"hls", "dash", "concat", "sdp"} & {*after(guarded, "-format_whitelist").split(",")}


def test_other_protocols_are_named_by_the_caller() -> None:
    words = recipe_sound.sound(
        SOUND, True, input_url="http://x", out=Path("a"), ffmpeg="f", protocols=("http", "tcp")
    )
    assert after(words, "-protocol_whitelist") == "http,tcp"


def test_only_a_source_on_this_machine_is_read_by_http() -> None:
    assert recipe.protocols_of("http://127.0.0.1:4711/x") == ("http", "tcp")
    for url in (
        "file:/a",
        "http://127.0.0.1.example.com/x",
        "http://169.254.169.254/",
        "https://x",
    ):
        assert recipe.protocols_of(url) == ("file",)


def test_threads_are_pinned_for_decoder_filters_and_encoder() -> None:
    words = command()
    assert [words[n + 1] for n, word in enumerate(words) if word == "-threads"] == ["1", "1"]
    assert after(words, "-filter_threads") == "1"


def test_lossless_keeps_the_sources_pixel_format_where_it_can() -> None:
    plan = replace(PLAN, lossless=True)
    deep = replace(SOURCE, pixel_format="yuv420p10le")
    assert "format=yuv420p10le" in after(command(plan=plan, source=deep), "-vf")
    assert "format=yuv420p," in after(command(plan=PLAN, source=deep), "-vf")
    odd = replace(SOURCE, pixel_format="bgra")
    assert "format=yuv420p," in after(command(plan=plan, source=odd), "-vf")
    assert after(command(plan=plan), "-qp") == "0"
    assert "-crf" not in command(plan=plan)


def test_the_sound_is_cut_to_the_sample() -> None:
    words = recipe_sound.sound(SOUND, True, input_url="file:/in", out=Path("/a"), ffmpeg="ffmpeg")
    assert after(words, "-ss") == "3.500000"
    assert "asetpts=PTS-(216000)" in after(words, "-af")
    assert after(words, "-af").endswith("apad,atrim=end_sample=480480")
    assert words[-1] == "file:/a"


def test_a_join_takes_the_sound_only_if_there_is_one() -> None:
    silent = recipe.join(Path("/list"), None, PLAN, Path("/out"), ffmpeg="ffmpeg")
    assert silent.count("-i") == 1
    assert "1:a:0" not in silent
    loud = recipe.join(Path("/list"), Path("/a"), PLAN, Path("/out"), ffmpeg="ffmpeg")
    assert loud.count("-i") == 2
    assert "1:a:0" in loud


@given(RATES)
def test_every_frame_is_a_whole_number_of_ticks(rate: Fraction) -> None:
    ticks = recipe.frame_ticks(rate)
    assert Fraction(ticks, recipe.timescale(rate)) == 1 / rate
    assert recipe.FINEST_TIMESCALE <= recipe.timescale(rate) <= recipe.LARGEST_TIMESCALE


@given(RATES, st.integers(0, 1799), st.booleans())
def test_decoding_never_begins_after_the_picture_wanted(
    rate: Fraction, start: int, seekable: bool
) -> None:
    plan = replace(PLAN, frame_rate=rate)
    words = command(Span(start, 1800), plan=plan, seekable=seekable)
    if "-ss" in words:
        wanted = start / rate
        assert 0 < Fraction(after(words, "-ss")) < wanted - SOURCE.largest_gap * SOURCE.time_base


def test_what_is_admitted_is_what_a_task_may_open() -> None:
    """Once MPEG, ASF and FLV passed the prober, and failed only when a machine had started."""
    words = command(Span(0, 36))
    assert after(words, "-format_whitelist").split(",") == list(DEMUXERS)
    may_open = set(after(words, "-codec_whitelist").split(","))
    for decoders in (*VIDEO_DECODERS.values(), *SOUND_DECODERS.values()):
        assert may_open.issuperset(decoders)
