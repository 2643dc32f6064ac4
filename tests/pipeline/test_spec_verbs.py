"""`clipline spec`: a spec is judged and told in words before a video is sent, with no pipeline."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.pyav_probe import PyavProber
from functions.core.entries import Entry, Outcome
from functions.core.plan import make_plan
from functions.settings import Laptop
from functions.wiring import laptop_ports
from ops.spec import BAD_INPUT, BAD_SPEC, NO_INPUT
from ops.spec_reading import asked
from schemas import names
from schemas.ids import Upload
from schemas.presets import PRESETS
from schemas.spec import parse_spec
from schemas.spec_fields import SpecFault
from schemas.spec_overlays import Captions, Position
from schemas.spec_reading import AskedOutput, PresetOffer, QualityOffer, SpecForecast, SpecVerdict
from schemas.wire import from_json
from tests.pipeline.desk import Place
from tests.sources import SAMPLE

SPEC = """{"clips": [{"name": "intro", "end": "0:2.5"}, {"name": "rest", "start": 2.5}],
           "outputs": [{"height": 90}, {"name": "tiny", "height": 45, "quality": "small"}]}"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Nothing is there: no pipeline has ever run."""
    return Place(Laptop(home=tmp_path / "home"))


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(SPEC)
    return path


def test_a_good_spec_is_good_and_asks_for_so_many_files(place: Place, spec: Path) -> None:
    (line,) = place.said("spec", "validate", str(spec))
    assert line.startswith("A good spec: 4 files")
    (line,) = place.said("spec", "validate", str(spec), "--json")
    assert from_json(line.encode(), SpecVerdict) == SpecVerdict(valid=True, clips=2, outputs=2)


@pytest.mark.parametrize(
    ("text", "field", "value", "limit"),
    [
        ('{"outputs": [{"height": 9000}]}', "outputs[0].height", "9000", "16 to 4320"),
        ('{"clips": [{"end": "x"}]}', "clips[0].end", "x", "as H:MM:SS.sss"),
        ('{"clip": []}', "clip", "an unknown field", "version, clips, outputs"),
        ("no JSON", "spec", "not JSON", "a JSON object"),
        (" " * 70_000 + "{}", "spec", "longer", "at most 65536"),
    ],
)
def test_a_fault_names_field_value_and_limit(
    text: str, field: str, value: str, limit: str, place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "spec.json"
    path.write_text(text)
    told = place.clipline("spec", "validate", "--json", str(path))
    assert (told.returncode, told.stderr) == (BAD_SPEC, "")
    verdict = from_json(told.stdout.encode(), SpecVerdict)
    assert (verdict.valid, verdict.field) == (False, field)
    assert value in verdict.value
    assert limit in verdict.limit


def test_a_fault_is_told_to_people_in_a_sentence(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{"outputs": [{"quality": "worst"}]}')
    told = place.clipline("spec", "explain", str(path))
    assert (told.returncode, told.stdout) == (BAD_SPEC, "")
    assert told.stderr == (
        "The spec will not do: outputs[0].quality is worst, "
        "but must be one of small, balanced, best, lossless.\n"
    )


def test_what_is_explained_is_what_would_be_planned(spec: Path, place: Place) -> None:
    told = place.said("spec", "explain", str(spec), "--video", str(SAMPLE), "--json")
    found = [from_json(line.encode(), AskedOutput) for line in told[:-1]]
    store = DirectoryObjects(place.home.uploads, "uploads")
    info = store.upload(SAMPLE.name, SAMPLE)
    media = PyavProber().probe(store, SAMPLE.name, generation=info.generation)
    upload = Upload(bucket="uploads", name=SAMPLE.name, generation=info.generation)
    wanted = parse_spec(SPEC)
    plan = make_plan(upload, media, wanted, folder=names.output_folder(upload))
    end = from_json(told[-1].encode(), SpecForecast)
    assert (end.files, end.frames, end.chunks) == (4, plan.frames, plan.chunks)
    assert (end.lane, end.takes, end.nanodollars) == (None, None, None)
    assert end.why.startswith("there is no pipeline in ")
    assert [one.planned and one.planned.object_name for one in found] == [
        output.object_name for output in plan.outputs
    ]
    assert sum(one.planned.frames for one in found if one.planned) == plan.frames
    assert found == list(asked(wanted, plan))


def test_in_words_it_names_files_frames_and_sizes(spec: Path, place: Place) -> None:
    first, *lines = place.said("spec", "explain", str(spec), "--video", str(SAMPLE))
    assert first == "sample.mp4: 1280x720 h264, 24 frames a second, 30 s, aac sound"
    assert lines[:3] == [
        "intro/web-90: 0 to 2.5 s, at most 90 pixels high, balanced (veryfast, crf 21)",
        "    160x90, 60 frames at 24 a second, 2.5 s, 120000 samples of sound, made in 1 chunk",
        "    default/sample/intro/web-90.mp4",
    ]
    assert lines[-2] == "4 files, 1440 frames in 6 chunks. Nothing was made."
    assert lines[-1].startswith(
        "How long it takes and what it costs is not known: there is no pipeline in "
    )


@pytest.mark.parametrize(
    ("clip", "words", "made"),
    [
        ('"start_frame": 48, "end_frame": 120', "frames 48 to 119", "72 frames at 24 a second"),
        ('"start_frame": 719, "end_frame": 720', "frame 719", "1 frame at 24 a second"),
        ('"start_frame": 48', "frame 48 to the end", "672 frames at 24 a second"),
        ('"start_frame": 0', "the whole video", "720 frames at 24 a second"),
        ('"start": 2', "2 s to the end", "672 frames at 24 a second"),
    ],
)
def test_a_clip_is_told_as_it_was_asked_for(
    clip: str, words: str, made: str, place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "spec.json"
    path.write_text(f'{{"clips": [{{{clip}}}]}}')
    asked, planned, *_ = place.said("spec", "explain", str(path), "--video", str(SAMPLE))[1:]
    assert asked.startswith(f"full/web-720: {words}, ")
    assert f", {made}, " in planned


def test_what_is_made_once_for_two_files_is_told_and_counted_once(
    place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{"outputs": [{"height": 90, "name": "film"}, {"height": 90, "kind": "hls"}]}')
    *_, film, _, _, stream, _, total, _ = place.said(
        "spec", "explain", str(path), "--video", str(SAMPLE)
    )
    assert film.endswith("samples of sound, made in 4 chunks")
    assert stream.endswith("samples of sound, the pictures of full/film")
    assert total.startswith("2 files, 720 frames in 4 chunks.")


def test_without_a_spec_or_video_it_says_what_is_made_by_default(place: Place) -> None:
    assert place.said("spec", "explain")[0] == (
        "full/web-720: the whole video, at most 720 pixels high, balanced (veryfast, crf 21)"
    )


def test_a_spec_that_does_not_fit_the_video_is_a_fault_of_the_spec(
    place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "late.json"
    path.write_text('{"clips": [{"start": 5000}]}')
    told = place.clipline("spec", "explain", str(path), "--video", str(SAMPLE))
    assert told.returncode == BAD_SPEC
    assert "clips[0].start is 5000, but must be less than the video's length" in told.stderr


def test_what_is_no_video_and_what_is_not_there_are_told_apart(place: Place, spec: Path) -> None:
    told = place.clipline("spec", "explain", str(spec), "--video", str(spec))
    assert told.returncode == BAD_INPUT
    assert "'spec.json' is no MP4" in told.stderr
    assert told.stderr.splitlines()[1].startswith("container: not a video; the limit is MP4, MOV,")
    for words in (["validate", "/nowhere.json"], ["explain", "--video", "/nowhere.mp4"]):
        assert place.clipline("spec", *words).returncode == NO_INPUT


def test_looking_at_a_video_leaves_nothing_beside_it(place: Place, tmp_path: Path) -> None:
    video = tmp_path / "films" / "it.mp4"
    video.parent.mkdir()
    video.write_bytes(SAMPLE.read_bytes())
    place.said("spec", "explain", "--video", str(video))
    assert [path.name for path in video.parent.iterdir()] == ["it.mp4"]
    assert not place.home.home.exists()


PRICED = """\
[[lanes]]
id = "desk"
pool = "desk"
encoder_class = "libx264/9.0/t1"
tasks = 2
executions = 4
start_within_seconds = 60
attempt_limit_seconds = 3300

[[lanes.price.parts]]
what = "one machine"
nanodollars_a_second = 50000
read_on = "2026-08-31"
source = "the invoice"
"""


def finished(number: int, pixels: int, ran: timedelta) -> Entry:
    """An attempt that made so many pixels on the priced lane, not long ago."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    return Entry(
        lane="desk",
        render=f"r-{number}",
        attempt=1,
        outcome=Outcome.FINISHED,
        launched_at=at - ran,
        at=at,
        ran=ran,
        pixels=pixels,
        tasks=2,
    )


def test_where_a_ledger_is_at_hand_time_and_cost_are_told(place: Place) -> None:
    home = laptop_ports(place.home)
    there = Place(place.home, lanes=PRICED)
    ask = ("spec", "explain", "--video", str(SAMPLE))
    assert there.said(*ask)[-1] == (
        "How long it takes and what it costs is not known: nothing was finished on desk in the "
        "last 4 hours; a minute of its 2 machines is $0.0060."
    )
    pixels = 1280 * 720 * 720
    home.ledger.append(
        [finished(n, pixels * (n + 1), timedelta(seconds=90 * (n + 1))) for n in range(6)]
    )
    assert there.said(*ask)[-1] == (
        "On desk it would take 2 min from its first task on and cost $0.0090, by what has run "
        "there of late."
    )
    end = from_json(there.said(*ask, "--json")[-1].encode(), SpecForecast)
    assert (end.lane, end.takes, end.why) == ("desk", timedelta(seconds=90), "")
    assert end.nanodollars == 90 * 2 * 50_000


def test_what_is_far_larger_than_all_that_has_run_is_called_a_guess(place: Place) -> None:
    home = laptop_ports(place.home)
    home.ledger.append([finished(1, 1280 * 720 * 10, timedelta(seconds=10))])
    said = Place(place.home, lanes=PRICED).said("spec", "explain", "--video", str(SAMPLE))
    assert said[-1] == (
        "On desk it would take 12 min from its first task on and cost $0.0720, by what has run "
        "there of late; it is a guess, 72 times as large as what has run there of late."
    )


def test_a_lane_without_a_price_tells_the_time_alone(place: Place) -> None:
    home = laptop_ports(place.home)
    ran = replace(finished(1, 1280 * 720 * 720, timedelta(seconds=30)), lane="laptop/cpu")
    home.ledger.append([ran])
    ask = ("spec", "explain", "--video", str(SAMPLE))
    assert place.said(*ask)[-1] == (
        "On laptop/cpu it would take 30.0 s from its first task on; what it costs is not known: "
        "laptop/cpu has no price."
    )
    end = from_json(place.said(*ask, "--json")[-1].encode(), SpecForecast)
    assert (end.takes, end.nanodollars) == (timedelta(seconds=30), None)


def test_what_no_lane_takes_is_told_with_the_reason(place: Place, tmp_path: Path) -> None:
    laptop_ports(place.home)
    gpu = Place(place.home, lanes=PRICED.replace("libx264/9.0/t1", "h264_nvenc/ada/470"))
    path = tmp_path / "exact.json"
    path.write_text('{"outputs": [{"quality": "lossless"}]}')
    ask = ("spec", "explain", str(path), "--video", str(SAMPLE))
    assert gpu.said(*ask)[-1] == (
        "How long it takes and what it costs is not known: no lane is left: desk encodes by "
        "h264_nvenc, which makes nothing lossless."
    )
    assert "in the last 4 hours; laptop/cpu has no price." in place.said(*ask)[-1]


def test_a_broken_lanes_file_takes_no_explanation_away(place: Place) -> None:
    laptop_ports(place.home)
    there = Place(place.home, lanes=PRICED.replace("tasks = 2", "tasks = 0"))
    told = there.said("spec", "explain", "--video", str(SAMPLE))
    assert told[-2].startswith("1 file, 720 frames")
    assert "line 5: lanes[0].tasks must be 1 at least (it is 0)." in told[-1]


def test_the_presets_are_told_and_one_of_them_is_the_default(place: Place) -> None:
    lines = place.said("spec", "presets", "--json")[: len(PRESETS)]
    offers = [from_json(line.encode(), PresetOffer) for line in lines]
    assert [offer.preset for offer in offers] == list(PRESETS)
    assert [offer.preset for offer in offers if offer.default] == ["web-720"]
    assert (offers[2].width, offers[2].height, offers[2].fit) == (1080, 1920, "cover")
    words = "\n".join(place.said("spec", "presets"))
    assert "vertical-1080  1080x1920 (cover), balanced" in words
    assert "preview        at most 360 pixels high, small, at most 30 frames a second" in words


def test_what_may_be_drawn_is_told_with_its_limits_and_each_of_them_is_one(place: Place) -> None:
    words = "\n".join(place.said("spec", "presets"))
    assert "version: 1, and no other" in words
    assert "priority, of the spec: live, normal, background, up to what its tenant may" in words
    assert (
        "corner: top-left, top-right, bottom-left, bottom-right, center, else bottom-right; "
        "width: 1 to 100 % of the output's, else 15; "
        "margin: 0 to 25 % of its shorter side, else 4; opacity: 5 to 100 %, else 100"
    ) in words
    assert "size: small, medium, large, else medium; position: bottom, middle, top, else" in words
    for field, limits in (("width", (1, 100)), ("margin", (0, 25)), ("opacity", (5, 100))):
        for value in limits:
            parse_spec(marked(field, value))
        for value in (limits[0] - 1, limits[1] + 1):
            with pytest.raises(SpecFault, match=f"watermark.{field} is {value}, but must be"):
                parse_spec(marked(field, value))


def marked(field: str, value: int) -> str:
    mark = {"image": "logo.png", field: value}
    return json.dumps({"outputs": [{"watermark": mark}]})


def test_a_preset_is_explained_by_what_it_says(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "tall.json"
    path.write_text('{"outputs": [{"preset": "vertical-1080", "fit": "blur", "frame_rate": 12}]}')
    line, made, *_ = place.said("spec", "explain", str(path), "--video", str(SAMPLE))[1:]
    assert line == (
        "full/vertical-1080: the whole video, 1080x1920 (blur), balanced (veryfast, crf 21), "
        "at most 12 frames a second"
    )
    assert made.startswith("    1080x1920, 360 frames at 12 a second, 30 s, ")


def test_what_a_spec_names_is_looked_for_beside_the_video(place: Place, tmp_path: Path) -> None:
    spec, video, words = (tmp_path / name for name in ("spec.json", "it.mp4", "text/it.srt"))
    words.parent.mkdir()
    spec.write_text('{"outputs": [{"captions": {"file": "text/it.srt", "position": "top"}}]}')
    video.symlink_to(SAMPLE)
    ask = ("spec", "explain", str(spec), "--video", str(video))
    missing = place.clipline(*ask)
    assert missing.returncode == BAD_SPEC
    assert "outputs[0].captions.file is text/it.srt, but must be a file that is" in missing.stderr
    words.write_text("1\n00:00:01,000 --> 00:00:00,500\nToo early\n")
    wrong = place.clipline(*ask)
    assert wrong.returncode == BAD_SPEC
    assert "outputs[0].captions.file text/it.srt is line 2: 00:00:01,000 --> 00:0" in wrong.stderr
    words.write_text("1\n00:00:01,000 --> 00:00:02,500\nIn time\n")
    assert place.said(*ask)[2] == "    with the captions text/it.srt, top"
    line, _ = place.said(*ask, "--json")
    planned = from_json(line.encode(), AskedOutput)
    assert planned.captions == Captions(file="text/it.srt", position=Position.TOP)


def test_the_qualities_are_told_and_one_of_them_is_the_default(place: Place) -> None:
    lines = place.said("spec", "presets", "--json")[len(PRESETS) :]
    offers = [from_json(line.encode(), QualityOffer) for line in lines]
    assert [offer.quality for offer in offers] == ["small", "balanced", "best", "lossless"]
    assert [offer for offer in offers if offer.default] == [replace(offers[1], default=True)]
    assert "(the default)" in "\n".join(place.said("spec", "presets"))
    assert json.loads(lines[1])["crf"] == 21
