"""Where a plan puts what is drawn on pictures, and whose files it may take."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.plan import make_plan
from schemas.assets import Asset, is_asset
from schemas.plan import RenderPlan
from schemas.spec import Output, RenderSpec
from schemas.spec_clip import Clip
from schemas.spec_fields import SpecFault
from schemas.spec_overlays import Captions, Corner, Position, Watermark
from tests.unit.makers import TICKS, UPLOAD, media

LOGO = Asset(name="acme/brand/logo.png", generation=7, size_bytes=99, width=400, height=200)
TEXT = Asset(name="acme/beach.srt", generation=8, size_bytes=99)


def planned(
    output: Output, *clips: Clip, assets: tuple[Asset, ...] = (LOGO, TEXT), name: str = UPLOAD.name
) -> RenderPlan:
    spec = RenderSpec(clips=clips or (Clip(),), outputs=(output,))
    upload = replace(UPLOAD, name=name)
    return make_plan(upload, media(first_pts=900), spec, folder="f", assets=assets)


@pytest.mark.parametrize(
    ("corner", "place"),
    [
        (Corner.TOP_LEFT, (28, 28)),
        (Corner.TOP_RIGHT, (1060, 28)),
        (Corner.BOTTOM_LEFT, (28, 596)),
        (Corner.BOTTOM_RIGHT, (1060, 596)),
        (Corner.CENTER, (544, 312)),
    ],
)
def test_a_watermark_sits_where_it_is_asked_for(corner: Corner, place: tuple[int, int]) -> None:
    asked = Watermark(image="brand/logo.png", corner=corner)
    mark = planned(Output(watermark=asked)).outputs[0].watermark
    assert mark is not None
    assert mark.asset == LOGO
    assert (mark.x, mark.y) == place
    assert (mark.width, mark.height) == (192, 96)


@given(
    st.integers(8, 2160).map(lambda side: side * 2),
    st.integers(8, 2160).map(lambda side: side * 2),
    st.integers(1, 4096),
    st.integers(1, 4096),
    st.integers(1, 100),
    st.integers(0, 25),
    st.sampled_from(Corner),
)
def test_a_watermark_lies_in_the_picture_whatever_its_shape(
    width: int, height: int, wide: int, high: int, percent: int, margin: int, corner: Corner
) -> None:
    asked = Watermark(image="brand/logo.png", width=percent, margin=margin, corner=corner)
    image = replace(LOGO, width=wide, height=high)
    output = Output(width=width, height=height, watermark=asked)
    mark = planned(output, assets=(image,)).outputs[0].watermark
    assert mark is not None
    assert 0 <= mark.x <= width - mark.width
    assert 0 <= mark.y <= height - mark.height
    assert mark.width <= max(2, width * percent / 100 + 1)
    assert mark.x % 2 == mark.y % 2 == mark.width % 2 == mark.height % 2 == 0


def test_captions_keep_the_time_of_the_whole_video() -> None:
    output = Output(captions=Captions(file="beach.srt"))
    one, two = planned(output, Clip(name="a"), Clip(name="b", start=Fraction(5, 2))).outputs
    assert one.captions is not None
    assert two.captions is not None
    assert (one.captions.offset, two.captions.offset) == (Fraction(0), Fraction(5, 2))
    assert two.start_pts == 900 + 5 * TICKS // 2
    assert one.captions.asset == TEXT
    assert (one.captions.text_size, one.captions.margin) == (40, 50)


def test_upright_captions_leave_room_below_them() -> None:
    tall = Output(width=1080, height=1920, captions=Captions(file="beach.srt"))
    top = replace(tall, captions=Captions(file="beach.srt", position=Position.TOP))
    low, high = planned(tall).outputs[0].captions, planned(top).outputs[0].captions
    assert low is not None
    assert high is not None
    assert low.margin > 2 * high.margin


@pytest.mark.parametrize(
    ("name", "image"),
    [("acme/trip/beach.mp4", "brand/logo.png"), ("acme/a.mp4", "acme/brand/logo.png")],
)
def test_a_file_that_was_not_found_is_a_fault_of_the_spec(name: str, image: str) -> None:
    with pytest.raises(SpecFault) as caught:
        planned(Output(watermark=Watermark(image=image)), assets=(TEXT,), name=name)
    assert caught.value.field == "outputs[0].watermark.image"
    assert caught.value.value == f"acme/{image}"


def test_an_upload_without_a_folder_cannot_name_a_tenants_file() -> None:
    with pytest.raises(SpecFault) as caught:
        planned(Output(watermark=Watermark(image="acme/brand/logo.png")), name="beach.mp4")
    assert caught.value.limit == "a file of default"
    same = Asset(name="logo.png", generation=1, size_bytes=1, width=1, height=1)
    mark = Output(watermark=Watermark(image="logo.png"))
    assert planned(mark, assets=(same,), name="beach.mp4").outputs[0].watermark


@pytest.mark.parametrize("name", ["a.png", "x/a.JPG", "a.jpeg", "a.webp", "b.srt", "b.VTT"])
def test_what_is_named_by_specs_is_no_upload(name: str) -> None:
    assert is_asset(name)
    assert not is_asset(f"{name}.mp4")
