import json
from dataclasses import asdict
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.failures import FailureClass
from schemas.ids import digest
from schemas.kinds import Kind
from schemas.presets import DEFAULT, PRESETS
from schemas.spec import (
    LONGEST_SPEC,
    MOST_CLIPS,
    MOST_OUTPUTS,
    Output,
    RenderSpec,
    parse_spec,
)
from schemas.spec_clip import LATEST_FRAME, Clip
from schemas.spec_fields import SpecFault
from schemas.spec_picture import PICTURE_FIELDS, Fit, Picture, Quality

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["0:10", "1:00:00.5", "full", "best", "web-720"])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
clip_like = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("name", "start", "end", "nmae"), anything),
        **dict.fromkeys(("start_frame", "end_frame"), st.integers(0, 99) | anything),
    },
)
output_like = st.fixed_dictionaries(
    {},
    optional={
        "name": anything,
        "preset": st.sampled_from(list(PRESETS)) | anything,
        "height": anything,
        "width": st.integers(0, 9000) | anything,
        "fit": anything,
        "quality": anything,
        "frame_rate": st.floats(0, 70) | anything,
        "deinterlace": anything,
    },
)
spec_like = st.fixed_dictionaries(
    {},
    optional={
        "version": st.just(1) | anything,
        "clips": st.lists(clip_like, max_size=3) | anything,
        "outputs": st.lists(output_like, max_size=3) | anything,
        "codec": anything,
    },
)


def read(text: str) -> RenderSpec | SpecFault:
    """The spec or the fault; any other error is a test's failure."""
    try:
        return parse_spec(text)
    except SpecFault as fault:
        return fault


def fault_of(text: str) -> SpecFault:
    with pytest.raises(SpecFault) as caught:
        parse_spec(text)
    return caught.value


@pytest.mark.parametrize("text", [None, "", " \n", "{}", '{"version": 1}'])
def test_without_a_wish_the_whole_video_becomes_web_720(text: str | None) -> None:
    spec = parse_spec(text)
    assert spec == RenderSpec()
    assert spec.clips == (Clip(name="full", start=Fraction(0), end=None),)
    assert spec.outputs == (Output(name="web-720", height=720, quality=Quality.BALANCED),)


def test_a_full_spec_is_read_as_written() -> None:
    text = """{"version": 1,
        "clips": [{"name": "intro", "end": 12.5}, {"name": "rest", "start": "0:12.5"}],
        "outputs": [{"height": 1080, "quality": "best"}, {"name": "tiny", "height": 240}]}"""
    assert parse_spec(text) == RenderSpec(
        clips=(
            Clip(name="intro", end=Fraction(25, 2)),
            Clip(name="rest", start=Fraction(25, 2)),
        ),
        outputs=(
            Output(name="web-1080", height=1080, quality=Quality.BEST),
            Output(name="tiny", height=240),
        ),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0", Fraction(0)),
        ("90", Fraction(90)),
        ("0.1", Fraction(1, 10)),
        ("1e2", Fraction(100)),
        ("1e-999999999", Fraction(0)),
        ("0." + "3" * 5000, Fraction(1, 3)),
        ('"1:30"', Fraction(90)),
        ('"01:30.25"', Fraction(361, 4)),
        ('"2:00:00"', Fraction(7200)),
        ('"1:02:03.004"', Fraction(3723004, 1000)),
    ],
)
def test_times_are_seconds_or_clock_times_and_exact(written: str, meant: Fraction) -> None:
    assert parse_spec(f'{{"clips": [{{"start": {written}}}]}}').clips[0].start == meant


@pytest.mark.parametrize(
    ("written", "first", "end"),
    [
        ('"start_frame": 48, "end_frame": 120', 48, 120),
        ('"start_frame": 48', 48, None),
        ('"start_frame": 48, "end_frame": null', 48, None),
        ('"end_frame": 1', 0, 1),
        ('"end_frame": null', 0, None),
        (f'"end_frame": {LATEST_FRAME}', 0, LATEST_FRAME),
    ],
)
def test_a_clip_may_be_said_in_frames(written: str, first: int, end: int | None) -> None:
    (clip,) = parse_spec(f'{{"clips": [{{{written}}}]}}').clips
    assert clip == Clip(start_frame=first, end_frame=end)


def test_an_output_of_another_kind_is_named_for_it() -> None:
    text = """{"outputs": [{"kind": "hls", "height": 360}, {"kind": "poster", "at": "0:03"},
               {"kind": "thumbnails", "columns": 5}]}"""
    hls, poster, sheet = parse_spec(text).outputs
    assert (hls.name, hls.wish.kind, hls.height) == ("hls-360", Kind.HLS, 360)
    assert (poster.name, poster.wish.at, poster.height) == ("poster", Fraction(3), 720)
    assert (sheet.name, sheet.wish.columns, sheet.height) == ("thumbnails", 5, 90)


def test_a_loudness_holds_for_every_clip_that_says_nothing_of_its_own() -> None:
    text = """{"loudness": -14, "clips": [{"name": "a"}, {"name": "b", "loudness": -16.52},
                                           {"name": "c", "loudness": null}]}"""
    wishes = [clip.loudness for clip in parse_spec(text).clips]
    assert wishes == [Fraction(-14), Fraction(-33, 2), None]


FAULTS = [
    ("[]", "spec", "a list", "a JSON object"),
    ("nonsense", "spec", "not JSON", "a JSON object"),
    ("[" * 60_000, "spec", "not JSON", "a JSON object"),
    ('{"clips": NaN}', "spec", "NaN", "a JSON object"),
    ('{"clips": -Infinity}', "spec", "-Infinity", "a JSON object"),
    (" " * LONGEST_SPEC + "{}", "spec", f"{LONGEST_SPEC + 2} characters long", "at most 65536"),
    ('{"codec": "av1"}', "codec", "an unknown field", "one of version, clips, outputs"),
    ('{"loudness": -4}', "loudness", "-4", "a number of LUFS, -40 to -5"),
    ('{"loudness": "-14"}', "loudness", "-14", "a number of LUFS"),
    ('{"loudness": true}', "loudness", "true", "a number of LUFS"),
    ('{"clips": [{"loudness": -40.1}]}', "clips[0].loudness", "-40.1", "-40 to -5"),
    ('{"outputs": [{"kind": "gif"}]}', "outputs[0].kind", "gif", "mp4, hls, poster, thumbnails"),
    ('{"outputs": [{"at": 1}]}', "outputs[0].at", "1", "left out of the kind mp4"),
    (
        '{"outputs": [{"kind": "poster", "quality": "best"}]}',
        "outputs[0].quality",
        "best",
        "left out of the kind poster",
    ),
    (
        '{"outputs": [{"kind": "thumbnails", "every": 0.01}]}',
        "outputs[0].every",
        "0.01",
        "a number of seconds, 0.1 to 3600",
    ),
    ('{"": 1}', "empty", "an unknown field", "one of version, clips, outputs"),
    ('{"version": 2}', "version", "2", "1"),
    ('{"version": true}', "version", "true", "1"),
    ('{"version": "1"}', "version", "1", "1"),
    ('{"clips": {}}', "clips", "a JSON object", "a list of 1 to 100"),
    ('{"clips": []}', "clips", "a list of 0", "a list of 1 to 100"),
    (json.dumps({"clips": [{}] * 101}), "clips", "a list of 101", "a list of 1 to 100"),
    (json.dumps({"outputs": [{}] * 21}), "outputs", "a list of 21", "a list of 1 to 20"),
    ('{"clips": [3]}', "clips[0]", "3", "a JSON object"),
    ('{"clips": [{"strat": 3}]}', "clips[0].strat", "an unknown field", "one of name, start, end"),
    ('{"clips": [{"start": -1}]}', "clips[0].start", "-1", "0 to 1000000 s"),
    ('{"clips": [{"start": -0.5}]}', "clips[0].start", "-0.5", "0 to 1000000 s"),
    ('{"clips": [{"start": true}]}', "clips[0].start", "true", "0 to 1000000 s"),
    ('{"clips": [{"start": null}]}', "clips[0].start", "null", "0 to 1000000 s"),
    ('{"clips": [{"start": "soon"}]}', "clips[0].start", "soon", "0 to 1000000 s"),
    ('{"clips": [{"start": "٣:٣٠"}]}', "clips[0].start", "٣:٣٠", "0 to 1000000 s"),
    ('{"clips": [{"start": 1000000}]}', "clips[0].start", "1000000", "0 to 1000000 s"),
    ('{"clips": [{"start": 1e400}]}', "clips[0].start", "inf", "0 to 1000000 s"),
    ('{"clips": [{"start": 1e999999999}]}', "clips[0].start", "inf", "0 to 1000000 s"),
    ('{"clips": [{"start": "999:00:00"}]}', "clips[0].start", "999:00:00", "0 to 1000000 s"),
    (f'{{"clips": [{{"start": {10**400}}}]}}', "clips[0].start", "1000000", "0 to 1000000 s"),
    (f'{{"clips": [{{"start": {"9" * 5000}}}]}}', "clips[0].start", "inf", "0 to 1000000 s"),
    (f'{{"clips": [{{"start": "{"9" * 5000}:00"}}]}}', "clips[0].start", "999", "0 to 10"),
    ('{"clips": [{"start": 5, "end": 5}]}', "clips[0].end", "5 s", "later than start (5 s)"),
    ('{"clips": [{"end": [1, 2]}]}', "clips[0].end", "a list", "0 to 1000000 s"),
    (
        '{"clips": [{"start": 1, "end_frame": 9}]}',
        *("clips[0].end_frame", "9", "left out of a clip that says start or end, which are"),
    ),
    (
        '{"clips": [{"end": null, "start_frame": 9}]}',
        *("clips[0].start_frame", "9", "left out of a clip that says start or end"),
    ),
    ('{"clips": [{"start_frame": -1}]}', "clips[0].start_frame", "-1", "0 to 240000000"),
    ('{"clips": [{"start_frame": 1.5}]}', "clips[0].start_frame", "1.5", "a whole number of fr"),
    ('{"clips": [{"start_frame": null}]}', "clips[0].start_frame", "null", "a whole number of"),
    ('{"clips": [{"end_frame": "9"}]}', "clips[0].end_frame", "9", "a whole number of frames"),
    ('{"clips": [{"end_frame": 240000001}]}', "clips[0].end_frame", "240000001", "0 to 2400000"),
    ('{"clips": [{"end_frame": 0}]}', "clips[0].end_frame", "0", "later than start_frame (0)"),
    (
        '{"clips": [{"start_frame": 9, "end_frame": 9}]}',
        *("clips[0].end_frame", "9", "later than start_frame (9): the clip ends before it"),
    ),
    ('{"clips": [{"name": "My Clip"}]}', "clips[0].name", "My Clip", "1 to 40 of a-z"),
    ('{"clips": [{"name": "../up"}]}', "clips[0].name", "../up", "1 to 40 of a-z"),
    ('{"clips": [{"name": ""}]}', "clips[0].name", "empty", "1 to 40 of a-z"),
    ('{"clips": [{}, {}]}', "clips[1].name", "full", "used once only"),
    ('{"outputs": [{}, {"height": 720}]}', "outputs[1].name", "web-720", "used once only"),
    ('{"outputs": [{"height": 15}]}', "outputs[0].height", "15", "16 to 4320"),
    ('{"outputs": [{"height": 4321}]}', "outputs[0].height", "4321", "16 to 4320"),
    ('{"outputs": [{"height": 720.5}]}', "outputs[0].height", "720.5", "a whole number of pixels"),
    ('{"outputs": [{"height": true}]}', "outputs[0].height", "true", "a whole number of pixels"),
    ('{"outputs": [{"quality": "BEST"}]}', "outputs[0].quality", "BEST", "small, balanced, best"),
    ('{"outputs": [{"quality": 1}]}', "outputs[0].quality", "1", "small, balanced, best"),
    ('{"outputs": [{"preset": "tall"}]}', "outputs[0].preset", "tall", "web-1080, web-720, vert"),
    ('{"outputs": [{"preset": []}]}', "outputs[0].preset", "a list", "one of web-1080"),
    ('{"outputs": [{"width": 7682}]}', "outputs[0].width", "7682", "16 to 7680"),
    ('{"outputs": [{"width": 641}]}', "outputs[0].width", "641", "even where width and"),
    ('{"outputs": [{"width": 16, "height": 17}]}', "outputs[0].height", "17", "even where"),
    ('{"outputs": [{"fit": "blur"}]}', "outputs[0].fit", "blur", "left out where no width is"),
    ('{"outputs": [{"preset": "square", "fit": 1}]}', "outputs[0].fit", "1", "cover, contain"),
    ('{"outputs": [{"frame_rate": 61}]}', "outputs[0].frame_rate", "61", "1 to 60 frames a sec"),
    ('{"outputs": [{"frame_rate": "1/2"}]}', "outputs[0].frame_rate", "1/2", "1 to 60 frames"),
    ('{"outputs": [{"frame_rate": true}]}', "outputs[0].frame_rate", "true", "1 to 60 frames"),
    ('{"outputs": [{"deinterlace": 1}]}', "outputs[0].deinterlace", "1", "auto, never"),
    (
        '{"outputs": [{"preset": "square"}, {"preset": "square"}]}',
        *("outputs[1].name", "square", "used once only"),
    ),
]


@pytest.mark.parametrize(
    ("text", "field", "value", "limit"), FAULTS, ids=[f"{i}-{f[1]}" for i, f in enumerate(FAULTS)]
)
def test_a_fault_names_the_field_the_value_and_the_limit(
    text: str, field: str, value: str, limit: str
) -> None:
    fault = fault_of(text)
    assert fault.field == field
    assert value in fault.value
    assert limit in fault.limit
    assert str(fault) == f"{fault.field} is {fault.value}, but must be {fault.limit}"
    assert len(str(fault)) < 300


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_all_of_a_picture_and_names_the_output(name: str) -> None:
    (output,) = parse_spec(json.dumps({"outputs": [{"preset": name}]})).outputs
    assert output.name == name
    assert {field: getattr(output, field) for field in PICTURE_FIELDS} == asdict(PRESETS[name])


def test_what_a_spec_says_stands_above_its_preset() -> None:
    text = """{"outputs": [{"preset": "vertical-1080", "fit": "blur", "frame_rate": 29.97},
                           {"preset": "vertical-1080", "name": "wide", "width": null}]}"""
    tall, wide = parse_spec(text).outputs
    assert (tall.width, tall.height, tall.fit) == (1080, 1920, Fit.BLUR)
    assert tall.frame_rate == Fraction(2997, 100)
    assert (wide.name, wide.width, wide.height) == ("wide", None, 1920)


def test_an_output_of_its_own_shape_is_named_after_it() -> None:
    (output,) = parse_spec('{"outputs": [{"width": 640, "height": 800}]}').outputs
    assert output.name == "640x800"


def test_the_default_is_a_preset() -> None:
    assert asdict(PRESETS[DEFAULT]) == asdict(Picture())


def test_a_fault_is_evidence_for_a_dead_letter() -> None:
    fault = fault_of('{"version": 7}')
    assert fault.failure.failure is FailureClass.SPEC
    assert fault.failure.message == "version is 7, but must be 1"


def test_as_many_clips_and_outputs_as_allowed_are_read() -> None:
    clips = [{"name": f"c{i}"} for i in range(MOST_CLIPS)]
    outputs = [{"name": f"o{i}"} for i in range(MOST_OUTPUTS)]
    spec = parse_spec(json.dumps({"clips": clips, "outputs": outputs}))
    assert (len(spec.clips), len(spec.outputs)) == (100, 20)


@pytest.mark.parametrize("depth", [100, 900, 950, 980, 990, 995, 1000, 5000])
@pytest.mark.parametrize("around", ["{}", '{{"clips": {}}}', '{{"clips": [{{"end": {}}}]}}'])
def test_deep_nesting_is_a_fault_and_no_crash(around: str, depth: int) -> None:
    assert fault_of(around.format("[" * depth + "]" * depth)).field


@given(st.text(min_size=1))
@example("\ud800")
@example("x" * 1000)
def test_whatever_an_unknown_field_is_called_its_fault_can_be_told(name: str) -> None:
    known = ("version", "clips", "outputs")
    fault = fault_of(json.dumps({f"_{name}": 1}))
    assert fault.field not in known
    assert len(fault.field) <= 80
    assert digest(str(fault))


@given(spec_like | anything)
def test_whatever_is_asked_it_is_a_spec_or_a_fault(wish: object) -> None:
    answer = read(json.dumps(wish))
    if isinstance(answer, SpecFault):
        assert answer.field
        assert answer.limit
        assert len(answer.value) <= 120
        assert digest(answer.failure.message)
    else:
        assert all(0 <= clip.start < 10**6 for clip in answer.clips)
        assert all(clip.end is None or clip.start < clip.end for clip in answer.clips)
        for clip in answer.clips:
            by_frames = clip.start_frame is not None
            assert by_frames or clip.end_frame is None
            assert not by_frames or (clip.start, clip.end) == (Fraction(0), None)


@given(st.text())
def test_whatever_text_comes_it_is_a_spec_or_a_fault(text: str) -> None:
    assert isinstance(read(text), RenderSpec | SpecFault)
