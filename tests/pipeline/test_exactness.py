"""A video made in chunks is the video made in one go: the same pictures at the same times."""

import re
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from functions.core.plan import make_plan
from render_job.errors import RenderFault, Stopped
from render_job.ffmpeg import run
from render_job.fragments import cut, whole_gops
from render_job.verify import verify_output, verify_piece
from schemas.failures import FailureClass
from schemas.pieces import Span
from schemas.spec import Output, RenderSpec
from schemas.spec_clip import Clip
from schemas.spec_picture import Quality
from tests.exactness.cases import CASES, FEW, FILM, NTSC
from tests.exactness.claim import chunks_joined_are_the_single_pass
from tests.exactness.work import LIMIT, Work, parts_of, sound_part, work
from tests.sources import (
    Sources,
    frame_md5s,
    media_of,
    plan_of,
    sound_of,
    times_of,
    tool,
    whole,
)
from tests.unit.makers import UPLOAD


@pytest.mark.parametrize("case", FEW)
def test_chunks_joined_are_the_single_pass(case: str, sources: Sources, tmp_path: Path) -> None:
    chunks_joined_are_the_single_pass(case, sources, tmp_path)


def test_the_page_has_every_case_and_all_were_exact() -> None:
    page = (Path(__file__).parents[2] / "docs/exactness.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[2:]] == list(CASES)
    assert all(row[3:6] == ["="] * 3 and row[6].startswith("= ") for row in rows[2:])


@pytest.mark.parametrize("span", [Span(0, 1), Span(50, 98), Span(131, 300)], ids=str)
@pytest.mark.parametrize(
    "name", ["constant", "ntsc", "edited", "late_picture", "rotated", "transport", "even_matroska"]
)
def test_a_clip_by_frames_is_exactly_those_frames(
    name: str, span: Span, sources: Sources, tmp_path: Path
) -> None:
    source = sources.path(name)
    media = media_of(source)
    span = Span(span.start, min(span.end, media.video.frames))
    spec = RenderSpec(
        clips=(Clip(start_frame=span.start, end_frame=span.end),),
        outputs=(Output(quality=Quality.LOSSLESS),),
    )
    (plan,) = make_plan(UPLOAD, media, spec, folder="a").outputs
    it = Work(source=source, media=media, plan=plan, folder=tmp_path)
    joined, certificate = it.output(it.pieces(), "joined.mp4")
    assert certificate.verified, certificate.faults
    own = frame_md5s(source, "-fps_mode", "passthrough")
    assert len(own) == media.video.frames
    assert frame_md5s(joined) == own[span.start : span.end]


@pytest.mark.parametrize(
    "words",
    [
        "-c:v libx264 -pix_fmt yuvj420p",
        "-c:v mjpeg -pix_fmt yuvj422p",
        "-c:v libx264 -pix_fmt gray",
        "-c:v libx264rgb -pix_fmt rgb24",
        "-c:v libx264 -pix_fmt yuv444p -vf scale=160:90,setsar=16/11",
        "-c:v libx264 -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084",
    ],
)
@pytest.mark.parametrize("lossless", [False, True])
def test_whatever_its_pixels_are_called_a_true_piece_passes(
    words: str, lossless: bool, sources: Sources, tmp_path: Path
) -> None:
    source = tmp_path / "source.mov"
    origin = str(sources.path("silent"))
    tool("-nostdin", "-v", "error", "-t", "1", "-i", origin, *words.split(), str(source))
    media = media_of(source)
    plan = plan_of(media, rate=NTSC, lossless=lossless, size=(160, 90))
    it = Work(source=source, media=media, plan=plan, folder=tmp_path)
    _, certificate = it.output(it.pieces(), "joined.mp4")
    assert certificate.verified, certificate.faults


def test_a_turned_picture_is_upright_in_the_output(sources: Sources) -> None:
    video = media_of(sources.path("rotated")).video
    assert (video.rotation, video.width, video.height) == (90, 160, 90)
    assert video.display_size == (90, 160)


@pytest.mark.parametrize(
    ("name", "turn"),
    [
        ("rotated", "transpose=clock"),
        ("upside_down", "hflip,vflip"),
        ("turned_back", "transpose=cclock"),
        ("mirrored", "hflip"),
        ("mirrored_upside_down", "vflip"),
        ("mirrored_and_turned", "transpose=cclock_flip"),
    ],
)
def test_a_picture_is_shown_as_its_matrix_says(
    name: str, turn: str, sources: Sources, tmp_path: Path
) -> None:
    """In chunks and in one go, and as ffmpeg shows it by itself and when it is told the turn."""
    it = work(sources, name, tmp_path, rate=NTSC)
    assert (it.plan.width, it.plan.height) == ((90, 160) if "transpose" in turn else (160, 90))
    joined, certificate = it.output(it.pieces(), "joined.mp4")
    assert certificate.verified, certificate.faults
    told = frame_md5s("-noautorotate", it.source, "-fps_mode", "passthrough", "-vf", turn)
    own = frame_md5s(it.source, "-fps_mode", "passthrough")
    assert len(set(told)) > 1
    assert frame_md5s(joined) == frame_md5s(it.single()) == own == told


def test_the_drift_over_many_joins_is_nothing(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "ntsc", tmp_path, rate=Fraction(59059, 1000))
    every_gop = tuple(Span(n, min(n + 12, it.plan.frames)) for n in range(0, it.plan.frames, 12))
    it = replace(it, plan=replace(it.plan, chunks=every_gop))
    _, certificate = it.output(it.pieces(), "joined.mp4")
    assert certificate.verified, certificate.faults
    assert certificate.seams > 40
    assert certificate.drift_samples == 0


@pytest.mark.parametrize(
    ("name", "tags"), [("ntsc", (1, 1, 1)), ("hdr", (9, 16, 9)), ("hlg", (9, 18, 9))]
)
def test_the_output_has_the_colour_tags_of_its_source(
    name: str, tags: tuple[int, int, int], sources: Sources, tmp_path: Path
) -> None:
    """BT.709, HDR10 and HLG: primaries, transfer and matrix, as a decoder gives them out."""
    it = work(sources, name, tmp_path, rate=FILM, lossless=False)
    joined, certificate = it.output(it.pieces(), "joined.mp4")
    assert certificate.verified, certificate.faults
    assert tags_of(it.source) == (*tags, 1)
    assert tags_of(joined) == tags_of(it.source)


def test_lossy_chunks_look_like_the_lossy_single_pass(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "constant", tmp_path, rate=FILM, lossless=False)
    joined, certificate = it.output(it.pieces(), "joined.mp4")
    assert certificate.verified, certificate.faults
    single = it.piece(whole(it.plan))
    assert ssim(joined, it.source) >= ssim(single, it.source) - 0.002
    assert ssim(joined, single) >= 0.98


@pytest.mark.parametrize("at", [Fraction(2, 5), Fraction(4, 5)])
def test_a_lossy_chunk_gone_on_from_looks_like_the_calm_one(
    at: Fraction, sources: Sources, tmp_path: Path
) -> None:
    """At the same times and on the same grid; its pictures are not the same to the bit."""
    it = work(sources, "constant", tmp_path, rate=FILM, lossless=False)
    span, calm = it.plan.chunks[1], it.piece(it.plan.chunks[1])
    broken = tmp_path / "broken.mp4"
    data = calm.read_bytes()
    broken.write_bytes(data[: int(len(data) * at)])
    size_bytes, kept = whole_gops(broken, it.plan.gop)
    cut(broken, size_bytes)
    assert 0 < kept < len(span)
    first, rest = Span(span.start, span.start + kept), Span(span.start + kept, span.end)
    undisturbed = it.pieces()
    pieces = {**undisturbed, first: broken, rest: it.piece(rest)}
    del pieces[span]
    ordered = {each: pieces[each] for each in sorted(pieces, key=lambda each: each.start)}
    one, told = it.output(undisturbed, "calm.mp4")
    other, certificate = it.output(ordered, "resumed.mp4")
    assert certificate.verified, certificate.faults
    assert certificate.frames == told.frames
    assert times_of(other) == times_of(one)
    assert ssim(other, it.source) == pytest.approx(ssim(one, it.source), abs=0.001)


def test_a_chunk_made_twice_is_the_same_to_the_byte(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "variable", tmp_path, rate=FILM, lossless=False)
    first = it.piece(it.plan.chunks[1]).read_bytes()
    assert it.piece(it.plan.chunks[1]).read_bytes() == first


def test_what_was_made_before_a_kill_is_kept_and_gone_on_from(
    sources: Sources, tmp_path: Path
) -> None:
    it = work(sources, "ntsc", tmp_path, rate=NTSC)
    it = replace(it, plan=replace(it.plan, preset="veryslow", chunks=(whole(it.plan),)))
    broken = tmp_path / "broken.mp4"

    def enough() -> bool:
        return broken.stat().st_size > 0 and whole_gops(broken, it.plan.gop)[1] >= 24

    with pytest.raises(Stopped):
        run(it.command(whole(it.plan)), limit=LIMIT, into=broken, stop=enough)
    size_bytes, frames = whole_gops(broken, it.plan.gop)
    cut(broken, size_bytes)
    assert 0 < frames < it.plan.frames
    assert verify_piece(broken, it.plan, Span(0, frames), it.media.video).passed
    rest = Span(frames, it.plan.frames)
    joined, certificate = it.output({Span(0, frames): broken, rest: it.piece(rest)}, "out.mp4")
    assert certificate.verified, certificate.faults
    single = it.piece(whole(it.plan))
    assert frame_md5s(joined) == frame_md5s(single)
    assert times_of(joined) == times_of(single)


def test_sound_that_ended_before_the_clip_is_silence(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "long", tmp_path, rate=NTSC, start=Fraction(25))
    source = tmp_path / "short_sound.mp4"
    words = f"-i {it.source} -t 2 -i {it.source} -map 0:v -map 1:a -c copy {source}"
    tool("-v", "error", *words.split())
    assert replace(it, source=source).sound()


def test_late_sound_begins_as_late_in_the_output(sources: Sources, tmp_path: Path) -> None:
    sound = work(sources, "late_sound", tmp_path, rate=NTSC).sound()
    words = f"-nostdin -i {sound} -af silencedetect=n=-60dB:d=1 -f null -"
    (end,) = re.findall(r"silence_end: ([\d.]+)", tool(*words.split()))
    lead_in = 1024 / 48000  # of the encoder, which the copied track plays
    assert float(end) == pytest.approx(2.4 - lead_in, abs=0.01)


@pytest.mark.parametrize(
    "playlist",
    [
        "ffconcat version 1.0\nfile other.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.ts\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    ],
)
def test_a_playlist_that_calls_itself_a_video_opens_nothing(
    playlist: str, sources: Sources, tmp_path: Path
) -> None:
    it = work(sources, "transport", tmp_path, rate=NTSC)
    shutil.copy(it.source, tmp_path / "other.ts")
    shutil.copy(sources.path("ntsc"), tmp_path / "other.mp4")
    upload = tmp_path / "upload.mp4"
    upload.write_text(playlist)
    with pytest.raises(RenderFault) as caught:
        replace(it, source=upload).piece(it.plan.chunks[0])
    assert caught.value.failure.failure is FailureClass.INPUT


def test_a_seek_that_lands_late_is_seen_and_mended_without_one(
    sources: Sources, tmp_path: Path
) -> None:
    it = work(sources, "one_key", tmp_path, rate=FILM)
    span = it.plan.chunks[-1]
    assert not verify_piece(it.piece(span), it.plan, span, it.media.video).passed
    path = tmp_path / "again.mp4"
    run(it.command(span, seek=False), limit=LIMIT, into=path)
    assert verify_piece(path, it.plan, span, it.media.video).passed


@pytest.mark.parametrize(("more", "passes"), [(2, True), (3, False)])
def test_the_last_picture_is_held_for_two_frames_and_no_longer(
    more: int, passes: bool, sources: Sources, tmp_path: Path
) -> None:
    it = work(sources, "constant", tmp_path, rate=FILM)
    span = Span(it.plan.chunks[-1].start, it.plan.frames + more)
    assert verify_piece(it.piece(span), it.plan, span, it.media.video).passed is passes


def test_a_truncated_source_never_passes(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "ntsc", tmp_path, rate=NTSC)
    it = replace(it, source=sources.path("truncated"))
    span = it.plan.chunks[-1]
    made = it.piece(span)
    assert not verify_piece(made, it.plan, span, it.media.video).passed


def test_a_damaged_piece_does_not_pass(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "constant", tmp_path, rate=FILM)
    span = it.plan.chunks[0]
    path = it.piece(span)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    assert not verify_piece(path, it.plan, span, it.media.video).passed


def test_a_piece_in_the_wrong_place_does_not_pass(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "constant", tmp_path, rate=FILM)
    pieces = it.pieces()
    one, two = list(pieces)[:2]
    out, _ = it.output({**pieces, one: pieces[two], two: pieces[one]}, "swapped.mp4")
    audio, sound = sound_of(it.media, it.plan), it.sound()
    assert sound
    certificate = verify_output(
        out,
        it.plan,
        audio,
        parts_of(it, pieces),
        sound_part(sound, audio),
        encoder_class="test",
    )
    assert certificate.faults == ("the pictures are not those of the verified pieces",)


def test_pieces_of_two_encoders_are_not_joined(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "constant", tmp_path, rate=FILM)
    pieces = it.pieces()
    first = it.plan.chunks[0]
    lossy = replace(it, plan=replace(it.plan, lossless=False, preset="medium"))
    pieces[first] = lossy.piece(first)
    with pytest.raises(RenderFault, match="parameter sets") as caught:
        it.output(pieces, "mixed.mp4")
    assert caught.value.failure.reason == "mixed_encoders"


def tags_of(path: Path) -> tuple[int, int, int, int]:
    """Of the first picture; the range last, where 1 is the limited one."""
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
    tags = (picture.color_primaries, picture.color_trc, picture.colorspace, picture.color_range)
    return tags[0], tags[1], tags[2], tags[3]


def ssim(one: Path, other: Path) -> float:
    words = f"-i {one} -i {other} -lavfi [0:v][1:v]ssim -f null -"
    return float(re.findall(r"All:([\d.]+)", tool("-nostdin", *words.split()))[-1])
