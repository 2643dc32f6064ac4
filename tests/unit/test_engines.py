"""The same output by two engines, argument by argument. The GPU's commands were not run."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from render_job import recipe
from render_job.engines import Engine, engine_of, is_decoded_on_gpu, shrunk
from render_job.errors import RenderFault
from render_job.studio import NOTHING, Drawn
from schemas.assets import Asset
from schemas.kinds import Kind
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import MarkPlan, OutputPlan
from schemas.spec_picture import Fit
from tests.unit.test_recipe import MIDDLE, PLAN, SOURCE, after

TALL = replace(PLAN, width=1080, height=1920, fit=Fit.COVER)
TURNED = replace(SOURCE, rotation=90)


def command(
    plan: OutputPlan = PLAN,
    source: VideoStream = SOURCE,
    span: Span = MIDDLE,
    engine: Engine = Engine.NVENC,
    drawn: Drawn = NOTHING,
) -> list[str]:
    return recipe.video(
        *(plan, source, True, span),
        input_url="file:/in",
        ffmpeg="ffmpeg",
        threads=1,
        engine=engine,
        drawn=drawn,
    )


def test_a_gpus_command_is_word_for_word() -> None:
    guarded = recipe.hardened(("file",))
    assert command() == [
        *("ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-y"),
        *("-filter_threads", "1", "-filter_complex_threads", "1", *guarded),
        *("-seek_timestamp", "1", "-noaccurate_seek", "-ss", "19.886533"),
        *("-hwaccel", "cuda", "-hwaccel_output_format", "cuda", "-extra_hw_frames", "8"),
        *("-noautorotate", "-threads", "1", "-copyts", "-i", "file:/in", "-map", "0:V:0", "-vf"),
        "settb=1/30000,setpts=PTS-(0),fps=30000/1001:round=near,trim=start_pts=598,"
        "scale_cuda=640:360:format=nv12:interp_algo=bicubic,hwdownload,format=nv12,setsar=1,"
        "tpad=stop=2:stop_mode=clone,trim=start_pts=600:end_pts=1200,"
        "scale=640:360:flags=bicubic,setsar=1,format=yuv420p,settb=1001/30000,setpts=PTS-600",
        *("-an", "-sn", "-dn", "-fps_mode", "passthrough"),
        *("-c:v", "h264_nvenc", "-preset", "p5", "-tune", "hq", "-rc", "vbr", "-cq", "21"),
        *("-b:v", "0", "-g", "60", "-no-scenecut", "1", "-strict_gop", "1", "-forced-idr", "1"),
        *("-bf", "2", "-b_ref_mode", "0", "-profile:v", "high", "-frames:v", "600"),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-video_track_timescale", "30000"),
        *("-flush_packets", "1", "-movflags"),
        *("+frag_keyframe+empty_moov+delay_moov+default_base_moof", "-f", "mp4", "pipe:1"),
    ]


@pytest.mark.parametrize("plan", [PLAN, TALL, replace(PLAN, step=10, kind=PLAN.kind)])
@pytest.mark.parametrize("source", [SOURCE, TURNED])
@pytest.mark.parametrize("span", [Span(0, 60), MIDDLE])
def test_seek_frames_grid_and_container_are_the_processors(
    plan: OutputPlan, source: VideoStream, span: Span
) -> None:
    ours, theirs = (command(plan, source, span, engine) for engine in Engine)
    for option in ("-g", "-frames:v", "-bf", "-video_track_timescale", "-movflags", "-fps_mode"):
        assert after(ours, option) == after(theirs, option)
    assert ("-ss" in ours) == ("-ss" in theirs)
    if "-ss" in ours:
        assert after(ours, "-ss") == after(theirs, "-ss")
    exact = ("settb=", "setpts=", "fps=", "trim=start_pts=", "tpad=", "select=", "format=yuv420p")
    words = [
        [word for word in after(one, "-vf").split(",") if word.startswith(exact)]
        for one in (ours, theirs)
    ]
    early = max(0, plan.in_clip(span).start - 2)
    assert words[1].pop(3) == f"trim=start_pts={early}"
    assert words[0] == words[1]


@pytest.mark.parametrize(
    ("plan", "source", "words", "size"),
    [
        (PLAN, SOURCE, "scale_cuda=640:360:", (640, 360)),
        (TALL, SOURCE, "scale_cuda=3414:1920:", (3414, 1920)),
        (replace(TALL, fit=Fit.CONTAIN), SOURCE, "scale_cuda=1080:608:", (1080, 608)),
        (replace(TALL, fit=Fit.BLUR), SOURCE, "scale_cuda=1080:608:", (1080, 608)),
        (TALL, TURNED, "scale_cuda=1920:1080:", (1080, 1920)),
        (replace(PLAN, fit=Fit.CONTAIN), replace(SOURCE, sample_aspect=Fraction(1, 2)),
         "scale_cuda=320:360:", (320, 360)),
    ],
)  # fmt: skip
def test_the_gpu_makes_the_picture_as_small_as_it_comes_into_the_frame(
    plan: OutputPlan, source: VideoStream, words: str, size: tuple[int, int]
) -> None:
    small = shrunk(Engine.NVENC, plan, source)
    assert small is not None
    assert small.words[0].startswith(words)
    assert small.words[1:3] == ("hwdownload", "format=nv12")
    assert (small.left.width, small.left.height) == size
    assert (small.left.rotation, small.left.sample_aspect) == (0, Fraction(1))


def test_a_turned_picture_is_turned_by_us_and_only_once() -> None:
    words = command(TALL, TURNED)
    assert "-noautorotate" in words
    graph = after(words, "-vf")
    assert graph.count("transpose=clock") == 1
    assert graph.index("hwdownload") < graph.index("transpose") < graph.index("crop=1080:1920:0:0")
    half = after(command(TALL, replace(SOURCE, rotation=180)), "-vf")
    assert "hflip,vflip" in half
    assert "transpose=cclock" in after(command(TALL, replace(SOURCE, rotation=270)), "-vf")


def test_what_is_drawn_is_drawn_by_the_processor() -> None:
    mark = MarkPlan(
        asset=Asset(name="a/logo.png", generation=1, size_bytes=9, width=9, height=9),
        x=1,
        y=1,
        width=8,
        height=8,
    )
    drawn = Drawn(mark=Path("/m"), captions=Path("/c.ass"), fonts=Path("/f"))
    graph = after(command(replace(PLAN, watermark=mark), drawn=drawn), "-filter_complex")
    places = [graph.index(word) for word in ("hwdownload", "overlay=1:1", "ass=filename")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("plan", "source"),
    [
        (replace(PLAN, deinterlace=True), SOURCE),
        (PLAN, replace(SOURCE, codec="av1")),
        (PLAN, replace(SOURCE, codec="prores")),
        (PLAN, replace(SOURCE, pixel_format="yuv420p10le")),
        (PLAN, replace(SOURCE, pixel_format="yuv422p")),
        (PLAN, replace(SOURCE, full_range=True)),
        (PLAN, replace(SOURCE, width=64)),
        (PLAN, replace(SOURCE, width=7680, height=4320)),
    ],
)
def test_what_nvdec_is_not_asked_for_is_filtered_as_for_libx264(
    plan: OutputPlan, source: VideoStream
) -> None:
    assert not is_decoded_on_gpu(Engine.NVENC, plan, source)
    ours, theirs = (command(plan, source, engine=engine) for engine in Engine)
    assert "-hwaccel" not in theirs
    assert after(ours, "-vf") == after(theirs, "-vf")
    assert after(theirs, "-c:v") == "h264_nvenc"


@pytest.mark.parametrize("kind", [Kind.POSTER, Kind.THUMBNAILS])
def test_the_pictures_of_an_image_are_the_processors_on_any_machine(kind: Kind) -> None:
    image = replace(PLAN, kind=kind, lossless=True, crf=0, preset="ultrafast", gop=1)
    ours, theirs = (command(image, engine=engine) for engine in Engine)
    assert ours == theirs
    assert after(theirs, "-c:v") == "libx264"


def test_no_lossless_video_is_made_by_nvenc() -> None:
    with pytest.raises(RenderFault, match="makes nothing lossless"):
        command(replace(PLAN, lossless=True, preset="ultrafast"))


def test_the_engine_is_the_one_that_was_ordered() -> None:
    assert engine_of("h264_nvenc/ada/470") is Engine.NVENC
    assert engine_of("libx264/5.1.9/t1") is Engine.X264
    assert engine_of("another/1") is Engine.X264
