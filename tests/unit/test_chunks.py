"""What has the same pictures is made once, whatever files it becomes."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.need import need_of
from functions.core.plan import make_plan
from schemas.kinds import Kind
from schemas.plan import RenderPlan, once
from schemas.spec import Output, RenderSpec
from schemas.spec_clip import Clip
from schemas.spec_kinds import Wish
from schemas.spec_picture import Quality
from tests.unit.makers import NOW, UPLOAD, media

FILM = Output(name="film")
STREAM = Output(name="stream", wish=Wish(kind=Kind.HLS))


def plan_of(*outputs: Output, clips: tuple[Clip, ...] = (Clip(),), **changes: Any) -> RenderPlan:
    spec = RenderSpec(clips=clips, outputs=outputs)
    return make_plan(UPLOAD, media(**changes), spec, folder="f")


def shared(plan: RenderPlan) -> list[str]:
    return [output.shared for output in plan.outputs]


@pytest.mark.parametrize("outputs", [(FILM, STREAM), (STREAM, FILM)], ids=["mp4", "hls"])
def test_an_mp4_and_an_hls_of_one_picture_are_joined_of_the_same_pieces(
    outputs: tuple[Output, ...],
) -> None:
    one, other = plan_of(*outputs, length=120).outputs
    assert one.pieces_id == other.pieces_id == one.id
    assert one.chunks == other.chunks
    assert one.key(UPLOAD, "x") == other.key(UPLOAD, "x")
    assert {one.kind, other.kind} == {Kind.MP4, Kind.HLS}


def test_presets_of_a_small_source_are_the_same_pictures() -> None:
    high = Output(name="web-1080", height=1080)
    assert shared(plan_of(FILM, high, width=320, height=180)) == ["full/film", "full/film"]
    assert shared(plan_of(FILM, high)) == ["", ""]


@pytest.mark.parametrize(
    "other",
    [
        replace(STREAM, quality=Quality.SMALL),
        replace(STREAM, height=240),
        replace(STREAM, frame_rate=Fraction(15)),
        Output(name="still", wish=Wish(kind=Kind.POSTER)),
        Output(name="sheet", height=90, wish=Wish(kind=Kind.THUMBNAILS)),
    ],
    ids=lambda output: output.name,
)
def test_other_pictures_are_made_by_themselves(other: Output) -> None:
    assert shared(plan_of(FILM, other)) == ["", ""]


def test_posters_of_one_moment_stay_apart() -> None:
    still = Output(name="still", wish=Wish(kind=Kind.POSTER))
    assert shared(plan_of(still, replace(still, name="again"))) == ["", ""]


def test_clips_share_nothing_with_each_other() -> None:
    clips = (Clip(name="a"), Clip(name="b"))
    plan = plan_of(FILM, STREAM, clips=clips)
    assert shared(plan) == ["a/film", "a/film", "b/film", "b/film"]


@given(st.integers(1, 900))
def test_with_a_stream_beside_it_a_film_has_the_chunks_that_it_has_alone(length: int) -> None:
    alone, both = plan_of(FILM, length=length), plan_of(FILM, STREAM, length=length)
    assert both.outputs[0].chunks == both.outputs[1].chunks == alone.outputs[0].chunks
    assert (both.frames, both.chunks) == (alone.frames, alone.chunks)
    needs = [
        need_of(plan, frames=0, made_by=None, deadline=NOW, locations=None).pixels
        for plan in (alone, both)
    ]
    assert needs[0] == needs[1]


def test_of_what_is_shared_the_first_that_is_left_stands_for_all() -> None:
    plan = plan_of(FILM, STREAM, Output(name="small", height=240))
    assert [output.output for output in once(plan.outputs)] == ["film", "small"]
    assert [output.output for output in once(plan.outputs[1:])] == ["stream", "small"]


def test_an_output_of_its_own_has_the_key_that_it_always_had() -> None:
    """So that what an earlier release has committed is found; a shared one has a new key."""
    (alone,) = plan_of(STREAM).outputs
    _, beside = plan_of(FILM, STREAM).outputs
    assert alone.key(UPLOAD, "libx264/9.0.2/t1") == "593a34e9a7c8fffb"
    assert alone.key(UPLOAD, "x") != beside.key(UPLOAD, "x")
