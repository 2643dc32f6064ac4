"""What is planned for a poster, thumbnails and HLS."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.core.kinds import LONGEST_SIDE, MOST_TILES
from functions.core.plan import make_plan
from schemas.kinds import Kind
from schemas.pieces import Span, tiling
from schemas.plan import OutputPlan, RenderPlan
from schemas.spec import parse_spec
from schemas.spec_fields import SpecFault
from schemas.wire import from_json, to_json
from tests.unit.makers import UPLOAD, media


def plan_of(outputs: str, *, length: Fraction | int = 20, clips: str = "[{}]") -> RenderPlan:
    spec = parse_spec(f'{{"clips": {clips}, "outputs": [{outputs}]}}')
    return make_plan(UPLOAD, media(length=length), spec, folder="acme/trip/beach")


def only(outputs: str, **changes: Fraction | int) -> OutputPlan:
    (plan,) = plan_of(outputs, **changes).outputs  # type: ignore[arg-type]  # a length
    return plan


def test_a_poster_is_one_frame_from_the_middle_of_the_clip() -> None:
    poster = only('{"kind": "poster"}')
    assert (poster.frames, poster.offset, poster.lossless) == (1, 300, True)
    assert poster.in_clip(Span(0, 1)) == Span(300, 301)
    assert poster.object_name == "acme/trip/beach/full/poster.jpg"


def test_a_poster_is_the_frame_that_is_shown_at_its_moment() -> None:
    assert only('{"kind": "poster", "at": 3.999}').offset == 119
    assert only('{"kind": "poster", "at": 4, "image": "png"}').offset == 120


def test_a_moment_beyond_the_clip_is_a_fault_that_names_it() -> None:
    with pytest.raises(SpecFault) as caught:
        plan_of('{}, {"kind": "poster", "at": 5}', clips='[{"end": 5}]')
    assert caught.value.field == "outputs[1].at"
    assert caught.value.limit == "less than the length of clip full (5.000 s)"


def test_images_have_no_sound_and_where_nothing_plays_none_is_made() -> None:
    plan = plan_of('{"kind": "poster"}, {"kind": "thumbnails"}')
    assert plan.audio == ()
    plan = plan_of('{"kind": "poster"}, {"kind": "hls"}')
    assert [plan.audio_of(output) is None for output in plan.outputs] == [True, False]


def test_hls_is_made_as_an_mp4_is_and_cut_every_six_seconds() -> None:
    film, hls = plan_of('{}, {"kind": "hls"}').outputs
    assert (hls.chunks, hls.gop, hls.crf) == (film.chunks, film.gop, film.crf)
    assert hls.segment_frames == 180
    assert hls.object_name == "acme/trip/beach/full/hls-720.m3u8"


def test_thumbnails_are_two_seconds_apart_or_a_hundred() -> None:
    assert (only('{"kind": "thumbnails"}').step, only('{"kind": "thumbnails"}').frames) == (60, 10)
    assert only('{"kind": "thumbnails"}', length=1000).frames == 100


@given(
    length=st.fractions(min_value=Fraction(1, 20), max_value=500, max_denominator=30),
    every=st.fractions(min_value=Fraction(1, 10), max_value=100, max_denominator=10),
)
def test_every_thumbnail_is_of_the_clip_and_of_the_middle_of_its_time(
    length: Fraction, every: Fraction
) -> None:
    assume(length / every < MOST_TILES - 50)
    sheet = only(f'{{"kind": "thumbnails", "every": {float(every)}}}', length=length)
    shown = sheet.in_clip(Span(0, sheet.frames))
    assert shown.end <= sheet.clip_frames
    assert sheet.frames <= sheet.columns * sheet.rows <= MOST_TILES + sheet.columns
    assert (sheet.frames - 1) * sheet.step < sheet.clip_frames
    assert sheet.clip_frames - shown.end <= sheet.step
    assert tiling(sheet.chunks, sheet.frames) == sheet.chunks


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ('"every": 0.1', "outputs[0].every"),
        ('"height": 1080, "columns": 6, "every": 4', "outputs[0].columns"),
    ],
)
def test_a_sheet_that_no_phone_could_show_is_a_fault(wish: str, field: str) -> None:
    with pytest.raises(SpecFault) as caught:
        plan_of(f'{{"kind": "thumbnails", {wish}}}', length=100)
    assert caught.value.field == field
    assert str(LONGEST_SIDE) in caught.value.limit or str(MOST_TILES) in caught.value.limit


def test_a_plan_of_an_earlier_release_is_an_mp4() -> None:
    plan = only("{}")
    fields = ("kind", "offset", "step", "clip_frames", "columns", "rows", "segment_frames")
    text = to_json(plan).decode()
    for name in fields:
        start = text.index(f'"{name}":')
        end = min(at for at in (text.find(",", start), text.find("}", start)) if at > 0)
        text = text[:start] + text[end + 1 if text[end] == "," else end :]
    old = from_json(text.replace(",}", "}").encode(), OutputPlan)
    assert old == plan
    assert old.kind is Kind.MP4
