import json
from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.chunks import MOST_CHUNKS
from functions.core.pictures import output_rate
from functions.core.plan import LONGEST_CLIP, make_plan
from schemas import names
from schemas.assets import Asset
from schemas.ids import render_id
from schemas.pieces import tiling
from schemas.plan import SAMPLE_RATE, CaptionPlan, MarkPlan, OutputPlan, RenderPlan
from schemas.spec import Output, RenderSpec
from schemas.spec_clip import Clip
from schemas.spec_fields import SpecFault
from schemas.spec_overlays import Position
from schemas.spec_picture import Deinterlace, Fit, Quality
from schemas.wire import from_json, to_json
from tests import bench_chunks as bench
from tests.unit.makers import TICKS, UPLOAD, media, video

FOLDER = "acme/trip/beach"
NTSC_FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


def plan_of(
    *clips: Clip, outputs: tuple[Output, ...] = (Output(),), audio: bool = True, **changes: object
) -> RenderPlan:
    spec = RenderSpec(clips=clips or (Clip(),), outputs=outputs)
    return make_plan(UPLOAD, media(audio=audio, **changes), spec, folder=FOLDER)


def only(plan: RenderPlan) -> OutputPlan:
    (output,) = plan.outputs
    return output


@pytest.mark.parametrize(
    ("source", "rate"),
    [
        (NTSC_FILM, NTSC_FILM),
        (Fraction("23.976"), NTSC_FILM),
        (Fraction("23.98"), NTSC_FILM),
        (Fraction(24), Fraction(24)),
        (Fraction("25.001"), Fraction(25)),
        (Fraction("29.97"), NTSC),
        (Fraction(90_000 * 599, 1_799_123), NTSC),
        (Fraction("30.01"), Fraction(30)),
        (Fraction("59.94"), Fraction(60000, 1001)),
        (Fraction("60.02"), Fraction(60)),
        (Fraction(120), Fraction(60)),
        (Fraction(240000, 1001), Fraction(60)),
        (Fraction("27.5"), Fraction(55, 2)),
        (Fraction(15), Fraction(15)),
        (Fraction(1, 4), Fraction(1)),
    ],
    ids=str,
)
def test_a_rate_is_snapped_to_a_standard_one_and_is_60_at_most(
    source: Fraction, rate: Fraction
) -> None:
    assert output_rate(video(frame_rate=source)) == rate


@given(st.fractions(Fraction(1), Fraction(1000), max_denominator=10**6))
def test_a_rate_stays_within_a_thousandth_of_the_source_unless_it_is_thinned(
    source: Fraction,
) -> None:
    rate = output_rate(video(frame_rate=source))
    assert abs(rate / min(source, Fraction(60)) - 1) < Fraction(1, 1000)
    assert rate <= 60


@pytest.mark.parametrize(
    ("stored", "rotation", "aspect", "wanted", "made"),
    [
        ((1920, 1080), 0, 1, 720, (1280, 720)),
        ((1920, 1080), 0, 1, 1080, (1920, 1080)),
        ((1920, 1080), 0, 1, 4320, (1920, 1080)),
        ((640, 360), 0, 1, 720, (640, 360)),
        ((1920, 1080), 90, 1, 720, (404, 720)),
        ((1920, 1080), 270, 1, 1920, (1080, 1920)),
        ((1920, 1080), 180, 1, 720, (1280, 720)),
        ((1440, 1080), 0, Fraction(4, 3), 1080, (1920, 1080)),
        ((1281, 723), 0, 1, 1080, (1280, 722)),
        ((1279, 721), 0, 1, 1080, (1278, 720)),
        ((1, 1), 0, 1, 720, (2, 2)),
    ],
)
def test_an_output_has_the_shape_of_what_is_seen_and_is_never_larger(
    stored: tuple[int, int],
    rotation: int,
    aspect: Fraction | int,
    wanted: int,
    made: tuple[int, int],
) -> None:
    output = only(
        plan_of(
            width=stored[0],
            height=stored[1],
            rotation=rotation,
            sample_aspect=Fraction(aspect),
            outputs=(Output(height=wanted),),
        )
    )
    assert (output.width, output.height) == made


@pytest.mark.parametrize(
    ("source", "most", "rate"),
    [
        (Fraction(24), Fraction(30), Fraction(24)),
        (NTSC, Fraction(30), NTSC),
        (Fraction(30), Fraction("29.97"), NTSC),
        (Fraction(60), Fraction(30), Fraction(30)),
        (Fraction(240), Fraction(60), Fraction(60)),
        (Fraction(25), Fraction("12.5"), Fraction(25, 2)),
        (Fraction(25), None, Fraction(25)),
    ],
    ids=str,
)
def test_an_output_is_never_faster_than_its_source_or_than_asked(
    source: Fraction, most: Fraction | None, rate: Fraction
) -> None:
    assert only(plan_of(frame_rate=source, outputs=(Output(frame_rate=most),))).frame_rate == rate


def test_outputs_of_two_rates_share_a_sound_only_where_they_are_equally_long() -> None:
    fast, slow = Output(), Output(name="slow", frame_rate=Fraction(24))
    plan = plan_of(Clip(end=Fraction(10)), outputs=(fast, slow))
    assert [sound.id for sound in plan.audio] == ["full"]
    plan = plan_of(Clip(end=Fraction("9.98")), Clip(name="b"), outputs=(fast, slow))
    assert [sound.id for sound in plan.audio] == ["full", "full/480000", "b"]
    for output in plan.outputs:
        sound = plan.audio_of(output)
        assert sound is not None
        assert sound.clip == output.clip
        assert sound.samples == round(output.frames / output.frame_rate * SAMPLE_RATE)


@pytest.mark.parametrize("rotation", [0, 90])
def test_an_output_with_a_width_has_exactly_its_size(rotation: int) -> None:
    output = Output(width=1080, height=1920, fit=Fit.BLUR)
    made = only(plan_of(width=320, height=180, rotation=rotation, outputs=(output,)))
    assert (made.width, made.height, made.fit) == (1080, 1920, Fit.BLUR)
    assert only(plan_of()).fit is None


def test_only_what_is_interlaced_is_made_whole_and_only_where_it_may_be() -> None:
    never = Output(name="b", deinterlace=Deinterlace.NEVER)
    made = plan_of(interlaced=True, outputs=(Output(), never)).outputs
    assert [output.deinterlace for output in made] == [True, False]
    assert not only(plan_of()).deinterlace


@given(st.integers(2, 5000), st.integers(2, 5000), st.integers(16, 4320))
def test_sizes_are_even_and_within_the_source_and_the_wish(
    width: int, height: int, wanted: int
) -> None:
    output = only(plan_of(width=width, height=height, outputs=(Output(height=wanted),)))
    assert output.width % 2 == output.height % 2 == 0
    assert 2 <= output.width <= width
    assert 2 <= output.height <= min(height, wanted + 1)


@pytest.mark.parametrize(
    ("clip", "start_pts", "frames"),
    [
        (Clip(), 900, 600),
        (Clip(end=Fraction(5)), 900, 150),
        (Clip(start=Fraction(5)), 900 + 5 * TICKS, 450),
        (Clip(start=Fraction(5), end=Fraction(7)), 900 + 5 * TICKS, 60),
        (Clip(start=Fraction(15), end=Fraction(99)), 900 + 15 * TICKS, 150),
        (Clip(start=Fraction("1.25"), end=Fraction("1.30")), 900 + TICKS * 5 // 4, 2),
    ],
)
def test_a_clip_is_counted_from_the_first_picture_and_ends_with_the_video(
    clip: Clip, start_pts: int, frames: int
) -> None:
    output = only(plan_of(clip, first_pts=900, end_pts=900 + 20 * TICKS))
    assert (output.start_pts, output.frames) == (start_pts, frames)


@pytest.mark.parametrize(
    ("clip", "start_pts", "frames"),
    [
        (Clip(start_frame=0), 900, 600),
        (Clip(start_frame=0, end_frame=1), 900, 1),
        (Clip(start_frame=150), 900 + 5 * TICKS, 450),
        (Clip(start_frame=150, end_frame=210), 900 + 5 * TICKS, 60),
        (Clip(start_frame=599, end_frame=600), 900 + 599 * 3000, 1),
        (Clip(start_frame=450, end_frame=9000), 900 + 15 * TICKS, 150),
    ],
)
def test_a_clip_by_frames_is_those_frames(clip: Clip, start_pts: int, frames: int) -> None:
    output = only(plan_of(clip, first_pts=900, end_pts=900 + 20 * TICKS))
    assert (output.start_pts, output.frames) == (start_pts, frames)


@given(
    st.sampled_from([NTSC_FILM, Fraction(25), NTSC, Fraction(60), Fraction("12.7")]),
    st.sampled_from([1000, 12_800, TICKS]),
    st.integers(0, 1_999),
    st.integers(1, 900),
)
def test_frames_of_a_constant_rate_are_found_though_its_ticks_are_coarse(
    rate: Fraction, ticks: int, first: int, length: int
) -> None:
    """Each frame at its own rounded time, as Matroska has them to the millisecond."""
    times = [round(n / rate * ticks) for n in range(2_001)]
    clip = Clip(start_frame=first, end_frame=first + length)
    source = {"time_base": Fraction(1, ticks), "frames": 2_000, "end_pts": times[-1]}
    output = only(plan_of(clip, outputs=(Output(),), audio=True, frame_rate=rate, **source))
    assert abs(output.start_pts - times[first]) <= 1
    assert output.frames == min(length, 2_000 - first)


def test_frames_of_a_source_without_a_constant_rate_are_even_parts_of_its_length() -> None:
    clip = Clip(start_frame=99, end_frame=198)
    output = only(plan_of(clip, frames=396, frame_rate=Fraction(99, 5)))
    assert (output.start_pts, output.frames) == (5 * TICKS, 99)


def test_frames_are_the_sources_whatever_the_rate_of_the_output() -> None:
    clip, slow = Clip(start_frame=240, end_frame=480), Output(frame_rate=Fraction(30))
    output = only(plan_of(clip, frame_rate=Fraction(240), frames=4_800, outputs=(slow,)))
    assert (output.start_pts, output.frames) == (TICKS, 30)


@pytest.mark.parametrize(
    ("clip", "field", "limit"),
    [
        (Clip(name="b", start_frame=600), "clips[1].start_frame", "number of frames (600)"),
        (Clip(name="b", start=Fraction(20)), "clips[1].start", "less than the video's length (20"),
        (Clip(name="b", start=Fraction(10**6 - 1)), "clips[1].start", "less than the video's"),
        (Clip(name="b", start=Fraction("19.99")), "clips[1]", "at least one frame long"),
        (Clip(name="b", end=Fraction("0.01")), "clips[1]", "at least one frame long"),
    ],
)
def test_a_clip_without_a_picture_is_refused_with_its_place(
    clip: Clip, field: str, limit: str
) -> None:
    with pytest.raises(SpecFault) as caught:
        plan_of(Clip(), clip)
    assert caught.value.field == field
    assert limit in caught.value.limit


@pytest.mark.parametrize("end_pts", [(LONGEST_CLIP + 1) * TICKS, 2**63 - 1])
def test_a_video_of_any_length_is_refused_before_its_chunks_are_listed(end_pts: int) -> None:
    with pytest.raises(SpecFault) as caught:
        plan_of(end_pts=end_pts)
    assert caught.value.field == "clips[0]"
    assert caught.value.limit == "at most 100000 s long"


def test_a_render_has_a_bounded_number_of_chunks() -> None:
    clips = [Clip(name=f"c{i}") for i in range(20)]
    with pytest.raises(SpecFault) as caught:
        plan_of(*clips, end_pts=60_000 * TICKS)
    assert caught.value.field == "spec"
    assert caught.value.limit == f"at most {MOST_CHUNKS} in all"


@given(
    st.sampled_from([NTSC_FILM, Fraction(25), NTSC, Fraction(60), Fraction("12.7")]),
    st.fractions(Fraction(1, 4), Fraction(4000), max_denominator=1000),
)
def test_chunks_tile_the_frames_on_the_gop_grid_and_are_neither_short_nor_long(
    rate: Fraction, length: Fraction
) -> None:
    output = only(plan_of(frame_rate=rate, length=length))
    assert tiling(output.chunks, output.frames) == output.chunks
    assert all(chunk.start % output.gop == 0 for chunk in output.chunks)
    assert all(a.end == b.start for a, b in pairwise(output.chunks))
    assert abs(output.gop / rate - 2) < Fraction(1, 10)
    assert abs(output.frames / rate - length) <= 1 / rate
    assert all(len(chunk) / rate < 20 for chunk in output.chunks)
    assert all(len(chunk) / rate > Fraction("3.9") for chunk in output.chunks[:-1])
    assert all(len(a) >= len(b) for a, b in pairwise(output.chunks[:-1]))


@pytest.mark.parametrize(
    ("length", "seconds"),
    [
        (3, [3]),
        (12, [4, 4, 4]),
        (16, [4, 4, 4, 4]),
        (30, [8, 8, 8, 6]),
        (60, [16, 16, 16, 12]),
        (120, [16, 16, 16, 16, 16, 16, 12, 6, 4, 2]),
    ],
)
def test_a_short_render_is_quartered_and_a_longer_one_ends_in_short_chunks(
    length: int, seconds: list[int]
) -> None:
    assert [len(chunk) / 30 for chunk in only(plan_of(length=length)).chunks] == seconds


def test_only_the_end_of_the_whole_render_is_cut_short() -> None:
    one, two = plan_of(outputs=(Output(), Output(name="b", height=90)), length=600).outputs
    assert {len(chunk) / 30 for chunk in one.chunks} == {16, 8}
    assert [len(chunk) / 30 for chunk in two.chunks[-6:]] == [4, 4, 4, 4, 4, 2]


def test_thirty_two_tasks_share_a_long_render_well() -> None:
    assert bench.efficiency(bench.planned(3600), 32, rounds=1) >= 0.93


@pytest.mark.parametrize("length", [16, 30, 60, 120, 300])
def test_two_tasks_lose_nothing_by_the_short_chunks_at_the_end(length: int) -> None:
    now, before = bench.planned(length), bench.quarters(length)
    assert bench.efficiency(now, 2) >= 0.99 * bench.efficiency(before, 2)


@pytest.mark.parametrize("length", [30, 60, 120, 300, 600, 3600])
def test_chunks_cost_three_percent_at_most_by_themselves(length: int) -> None:
    assert bench.fixed_share(bench.planned(length)) <= 0.03


@given(
    st.sampled_from([NTSC_FILM, Fraction(25), NTSC, Fraction(60)]),
    st.fractions(Fraction(0), Fraction(15), max_denominator=1000),
)
def test_the_sound_is_as_long_as_the_pictures_to_half_a_sample(
    rate: Fraction, start: Fraction
) -> None:
    plan = plan_of(Clip(start=start), frame_rate=rate, outputs=(Output(), Output(name="b")))
    sound = plan.audio_of(plan.outputs[0])
    assert sound is not None
    for output in plan.outputs:
        assert abs(sound.samples - output.frames / rate * SAMPLE_RATE) <= Fraction(1, 2)
        assert sound.start_seconds == Fraction(output.start_pts, TICKS)


def test_a_silent_source_has_no_sound_and_others_have_one_for_each_clip() -> None:
    clips = (Clip(name="a"), Clip(name="b", start=Fraction(3)))
    assert plan_of(*clips, audio=False).audio == ()
    assert [sound.clip for sound in plan_of(*clips).audio] == ["a", "b"]


def test_every_clip_is_made_as_every_output_and_named_after_both() -> None:
    clips = (Clip(name="intro", end=Fraction(5)), Clip(name="rest", start=Fraction(5)))
    outputs = (Output(), Output(name="tiny", height=240))
    plan = plan_of(*clips, outputs=outputs)
    assert [output.object_name for output in plan.outputs] == [
        "acme/trip/beach/intro/web-720.mp4",
        "acme/trip/beach/intro/tiny.mp4",
        "acme/trip/beach/rest/web-720.mp4",
        "acme/trip/beach/rest/tiny.mp4",
    ]
    assert names.output_folder(UPLOAD) == FOLDER
    assert plan.outputs[0].id == "intro/web-720"
    assert plan.frames == 2 * 150 + 2 * 450
    assert plan.render == render_id(UPLOAD)


def test_quality_decides_the_encoder_and_only_lossless_keeps_every_bit() -> None:
    outputs = tuple(Output(name=quality.value, quality=quality) for quality in Quality)
    made = {output.output: output for output in plan_of(outputs=outputs).outputs}
    crf = [made[q.value].crf for q in (Quality.SMALL, Quality.BALANCED, Quality.BEST)]
    assert crf == sorted(crf, reverse=True)
    assert [name for name, output in made.items() if output.lossless] == ["lossless"]
    assert made["lossless"].crf == 0


def test_pieces_are_shared_only_by_what_looks_the_same() -> None:
    plain = only(plan_of())
    assert plain.key(UPLOAD, "x264") == only(plan_of()).key(UPLOAD, "x264")
    others = [
        plain.key(UPLOAD, "nvenc"),
        only(plan_of(Clip(start=Fraction(1)))).key(UPLOAD, "x264"),
        only(plan_of(outputs=(Output(height=240),))).key(UPLOAD, "x264"),
        only(plan_of(outputs=(Output(quality=Quality.BEST),))).key(UPLOAD, "x264"),
        only(plan_of(outputs=(Output(frame_rate=Fraction(15)),))).key(UPLOAD, "x264"),
        only(plan_of(interlaced=True)).key(UPLOAD, "x264"),
        *(replace(plain, fit=fit).key(UPLOAD, "x264") for fit in Fit),
    ]
    assert len({plain.key(UPLOAD, "x264"), *others}) == 1 + len(others)


def test_every_wish_of_a_plan_is_in_its_key() -> None:
    """But for those that name it or say how much of it there is."""
    beside = {"clip", "output", "frames", "chunks", "object_name", "sound", "shared"}
    plain = only(plan_of())
    asset = Asset(name="acme/a", generation=1, size_bytes=1, width=2, height=1)
    other: dict[str, Any] = {
        "watermark": MarkPlan(asset=asset, x=0, y=0, width=2, height=2),
        "captions": CaptionPlan(asset=asset, offset=Fraction(0), text_size=9, margin=9),
        "fit": Fit.BLUR,
        "preset": "slow",
        "frame_rate": Fraction(7),
    }
    for field in fields(plain):
        if field.name not in beside:
            value = getattr(plain, field.name)
            changed: Any = other.get(field.name, not value if isinstance(value, bool) else 7)
            assert replace(plain, **{field.name: changed}).key(UPLOAD, "x") != plain.key(
                UPLOAD, "x"
            ), field.name


def test_every_wish_of_an_overlay_is_in_its_key() -> None:
    asset = Asset(name="acme/a", generation=1, size_bytes=1, width=2, height=1)
    other = replace(asset, generation=2)
    mark = MarkPlan(asset=asset, x=0, y=0, width=2, height=2)
    for field in fields(mark):
        value: Any = other if field.name == "asset" else 7
        assert replace(mark, **{field.name: value}).key != mark.key
    words = CaptionPlan(asset=asset, offset=Fraction(0), text_size=9, margin=9)
    values: dict[str, Any] = {"asset": other, "position": Position.TOP}
    for field in fields(words):
        assert replace(words, **{field.name: values.get(field.name, 7)}).key != words.key


def test_a_plan_of_an_earlier_release_is_read() -> None:
    plan = plan_of()
    told = json.loads(to_json(plan))
    for output in told["outputs"]:
        for field in ("fit", "deinterlace", "watermark", "captions", "sound"):
            del output[field]
    for audio in told["audio"]:
        del audio["variant"]
    for field in ("interlaced", "matrix", "full_range", "transfer"):
        del told["media"]["video"][field]
    assert from_json(json.dumps(told).encode(), RenderPlan) == plan


def test_the_pieces_of_an_earlier_release_are_found_again() -> None:
    output = replace(only(plan_of()), object_name="elsewhere.mp4")
    assert output.key(UPLOAD, "libx264/9.0.2/t1") == "83ef7e68b18362ad"
