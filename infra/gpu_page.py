"""The page that says what of a render runs where on a GPU: read off the commands themselves."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from render_job import recipe
from render_job.engines import Engine, is_decoded_on_gpu
from render_job.gpu import ARCHITECTURES, ENCODED, FRAMES, LEAST_DRIVERS
from render_job.studio import NOTHING, Drawn
from schemas.assets import Asset
from schemas.kinds import Kind
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import MarkPlan, OutputPlan
from schemas.spec_picture import Fit

SOURCE = VideoStream(
    codec="h264",
    width=1920,
    height=1080,
    rotation=0,
    pixel_format="yuv420p",
    sample_aspect=Fraction(1),
    time_base=Fraction(1, 30_000),
    frame_rate=Fraction(30),
    frames=1800,
    first_pts=0,
    end_pts=1_800_000,
    largest_gap=1000,
)
PLAIN = OutputPlan(
    clip="full",
    output="web",
    start_pts=0,
    frame_rate=Fraction(30),
    frames=1800,
    gop=60,
    chunks=(Span(0, 1800),),
    width=1280,
    height=720,
    crf=21,
    preset="veryfast",
    lossless=False,
    object_name="web.mp4",
)
TALL = replace(PLAIN, width=1080, height=1920)
MARK = MarkPlan(
    asset=Asset(name="a/logo.png", generation=1, size_bytes=1, width=64, height=64),
    x=8,
    y=8,
    width=64,
    height=64,
)
CAPTIONS = Drawn(captions=Path("captions.ass"), fonts=Path("fonts"))


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a spec may ask for, or that a source may be, and an example of it."""

    said: str
    plan: OutputPlan = PLAIN
    source: VideoStream = SOURCE
    drawn: Drawn = NOTHING


FEATURES: Sequence[Feature] = (
    Feature("`height` alone"),
    Feature("`frame_rate`", replace(PLAIN, frame_rate=Fraction(15))),
    Feature("`width` and `height`, `fit`: `cover`", replace(TALL, fit=Fit.COVER)),
    Feature("`fit`: `contain`", replace(TALL, fit=Fit.CONTAIN)),
    Feature("`fit`: `blur`", replace(TALL, fit=Fit.BLUR)),
    Feature("`watermark`", replace(PLAIN, watermark=MARK), drawn=Drawn(mark=Path("mark"))),
    Feature("`captions`", drawn=CAPTIONS),
    Feature("`deinterlace` of an interlaced source", replace(PLAIN, deinterlace=True)),
    Feature("`kind`: `hls`", replace(PLAIN, kind=Kind.HLS, segment_frames=180)),
    Feature("a source that is turned", source=replace(SOURCE, rotation=90)),
    Feature("a source in HEVC or VP9", source=replace(SOURCE, codec="hevc")),
    Feature("a source of 10 bits, HDR", source=replace(SOURCE, pixel_format="yuv420p10le")),
    Feature("a source of full range", source=replace(SOURCE, full_range=True)),
    Feature("a source in AV1, ProRes, MPEG-2 …", source=replace(SOURCE, codec="av1")),
    Feature("a source wider or higher than 4096", source=replace(SOURCE, width=7680, height=4320)),
)


def page() -> str:
    """The whole page."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield from (
        "# What runs where on a GPU",
        "",
        "Written from the code by `make schemas`: do not edit. **Not run**: no GPU with an encoder "
        "was at hand. What is tried are the commands, word for word and beside the processor's "
        "(`tests/unit/test_engines.py`), and what is said of each way in which a GPU can be "
        "missing (`tests/unit/test_gpu.py`). Frames, their times, the grid of key frames and the "
        "container are asked for in the same words as of libx264; pictures are scaled and coded "
        "otherwise, so pieces of the two are never joined.",
        "",
        "| asked for | decoded by | on the GPU | by the processor | encoded by |",
        "| --- | --- | --- | --- | --- |",
    )
    for feature in FEATURES:
        decoder = (
            "NVDEC"
            if is_decoded_on_gpu(Engine.NVENC, feature.plan, feature.source)
            else ("processor")
        )
        words = _graph(feature)
        gpu, cpu = _sides(words)
        yield f"| {feature.said} | {decoder} | {gpu} | {cpu} | NVENC |"
    yield from (
        "| `kind`: `poster`, `thumbnails` | processor | | all of it | libx264, then as an image |",
        "| `quality`: `lossless` | processor | | | libx264: a lane with NVENC is not chosen |",
        "| sound, `loudness` | processor | | `aresample`, `volume`, `alimiter` | processor (AAC) |",
        "| joining, HLS, images, verification | | | all of it | |",
        "",
        "`settb`, `setpts`, `fps`, `trim`, `tpad` and `select` choose pictures and change none of "
        "them; `tpad` knows no pictures of the GPU, so they are fetched before it. ffmpeg itself "
        "would turn a picture before all other filters, where one of the GPU cannot be turned: so "
        "we do, once it is fetched. `crop` leaves a picture of the GPU as it is: it is cropped "
        "afterwards as well. A `scale` to the size that a picture has already does nothing.",
        "",
        "A matrix that mirrors is not known to the plan. ffmpeg mirrors by itself, so what the "
        "processor decodes is right; what NVDEC decodes would be turned and not mirrored.",
        "",
        "## Before anything is made",
        "",
        f"A task of a lane of `{Engine.NVENC}` looks first (`render_job/gpu.py`): is there a "
        "driver, is it new enough for this ffmpeg's NVENC, which generation is the GPU of, do "
        f"{FRAMES} frames come out of its encoder (`{' '.join(ENCODED)}`), and do they come back "
        "through NVDEC and `scale_cuda`? If not, the attempt fails as `dependency` with what to "
        "do, or as `capacity` where others use the GPU up, and goes on by the rules of its class. "
        "`python -m render_job.encoder h264_nvenc` does the same by hand.",
        "",
        "The encoder class is `h264_nvenc/GENERATION/DRIVER`: one of "
        f"{', '.join(f'`{name}`' for name, _ in ARCHITECTURES)}, and the first number of the least "
        "driver that the ffmpeg takes, which its binary tells: "
        f"{', '.join(LEAST_DRIVERS)}. Debian 12's asks for 470.57.02, which Cloud Run's 535 has; a "
        "newer ffmpeg would refuse it.",
    )


def _graph(feature: Feature) -> str:
    words = recipe.video(
        *(feature.plan, feature.source, True, Span(600, 1200)),
        input_url="file:in",
        ffmpeg="ffmpeg",
        threads=1,
        drawn=feature.drawn,
        engine=Engine.NVENC,
    )
    option = "-vf" if "-vf" in words else "-filter_complex"
    return words[words.index(option) + 1]


UNCHANGING = frozenset(
    [
        "settb",
        "setpts",
        "fps",
        "trim",
        "tpad",
        "select",
        "setsar",
        "null",
        "split",
        "format",
        "hwdownload",
    ]
)
"""Filters that change no picture, or only where it lies."""
_NAME = re.compile(r"(?:\[\w+\])*(\w+)")


def _sides(graph: str) -> tuple[str, str]:
    """The filters that change pictures, on the GPU and on the processor, each once."""
    parts = (part for part in re.split(r"(?<!\\)[,;]", graph))
    names = [name[1] for name in map(_NAME.match, parts) if name and name[1] not in UNCHANGING]
    gpu = [name for name in names if name.endswith("_cuda")]
    return _told(gpu), _told([name for name in names if name not in gpu])


def _told(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))
