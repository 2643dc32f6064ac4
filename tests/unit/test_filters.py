"""The frame that an output asks for, in ffmpeg's words."""

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render_job.filters import graph
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import OutputPlan
from schemas.spec_picture import Fit
from tests.unit.test_recipe import PLAN, SOURCE

TALL = replace(PLAN, width=1080, height=1920)
TURNED = replace(SOURCE, rotation=90)


def framed(plan: OutputPlan, source: VideoStream = SOURCE) -> str:
    """What comes between the choice of pictures and the encoder's form."""
    words = graph(plan, source, Span(0, 60), from_start=True)
    return words.split("end_pts=60,")[1].split(",format=yuv420p,settb")[0]


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (None, "scale=1080:1920:flags=bicubic,setsar=1"),
        (Fit.COVER, "crop=404:720:438:0,scale=1080:1920:flags=bicubic,setsar=1"),
        (Fit.CONTAIN, "scale=1080:608:flags=bicubic,pad=1080:1920:0:656,setsar=1"),
        (
            Fit.BLUR,
            "split[whole][part];[part]crop=404:720:438:0,scale=134:240:flags=area,"
            "format=yuv420p,gblur=sigma=6:steps=3,lutyuv=y=val*3/4+4,"
            "scale=1080:1920:flags=bicubic,setsar=1[back];[whole]scale=1080:608:flags=bicubic,"
            "setsar=1[front];[back][front]overlay=0:656:format=yuv420,setsar=1",
        ),
    ],
)
def test_each_fit_has_its_words(fit: Fit | None, words: str) -> None:
    assert framed(replace(TALL, fit=fit)) == words


@pytest.mark.parametrize("fit", Fit)
def test_a_picture_of_the_frames_own_shape_is_only_scaled(fit: Fit) -> None:
    wide = replace(PLAN, width=1920, height=1080, fit=fit)
    words = framed(wide).removeprefix("crop=1280:720:0:0,")
    assert words == "scale=1920:1080:flags=bicubic,setsar=1"


def test_a_turned_picture_is_measured_as_it_is_seen() -> None:
    assert framed(replace(TALL, fit=Fit.COVER), TURNED).startswith("crop=720:1280:0:0,")
    assert framed(replace(PLAN, fit=Fit.CONTAIN), TURNED).startswith("scale=202:360:")


def test_pixels_that_are_not_square_are_counted_as_they_are_seen() -> None:
    dvd = replace(SOURCE, width=720, height=576, sample_aspect=Fraction(16, 11))
    cover = replace(PLAN, width=576, height=576, fit=Fit.COVER)
    assert framed(cover, dvd).startswith("crop=396:576:162:0,scale=576:576:")


def test_fields_are_joined_before_any_picture_is_chosen() -> None:
    words = graph(replace(PLAN, deinterlace=True), SOURCE, Span(0, 60), from_start=True)
    assert words.startswith("bwdif=mode=send_frame:parity=auto:deint=interlaced,settb=1/30000,")
    assert "bwdif" not in graph(PLAN, SOURCE, Span(0, 60), from_start=True)


sides = st.integers(16, 4000)


@given(
    sides,
    sides,
    sides,
    sides,
    st.fractions(Fraction(1, 3), Fraction(3), max_denominator=99),
    st.sampled_from([0, 90, 180, 270]),
)
def test_what_is_cropped_lies_in_the_picture_and_what_is_padded_in_the_frame(
    width: int, height: int, across: int, down: int, aspect: Fraction, rotation: int
) -> None:
    source = replace(SOURCE, width=width, height=height, sample_aspect=aspect, rotation=rotation)
    seen = (height, width) if rotation in (90, 270) else (width, height)
    plan = replace(PLAN, width=across // 2 * 2, height=down // 2 * 2)
    crop = re.match(r"crop=(\d+):(\d+):(\d+):(\d+)", framed(replace(plan, fit=Fit.COVER), source))
    assert crop is not None
    wide, high, x, y = map(int, crop.groups())
    assert 2 <= wide <= seen[0] - x
    assert 2 <= high <= seen[1] - y
    assert wide in (seen[0], wide // 2 * 2)
    assert x % 2 == y % 2 == 0
    words = framed(replace(plan, fit=Fit.CONTAIN), source)
    inner = re.match(r"scale=(\d+):(\d+)", words)
    assert inner is not None
    wide, high = map(int, inner.groups())
    pad = re.search(r"pad=\d+:\d+:(\d+):(\d+)", words)
    x, y = map(int, pad.groups()) if pad else (0, 0)
    assert 2 <= wide <= plan.width - 2 * x
    assert 2 <= high <= plan.height - 2 * y
    assert wide == plan.width or high == plan.height
    assert x % 2 == y % 2 == 0
