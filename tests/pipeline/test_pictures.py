"""What is asked of a picture is seen in the output, and is the same however it is cut in chunks."""

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest

from render_job.light import cube
from render_job.studio import Drawn
from render_job.subtitles import FONTS, script
from schemas.assets import Asset
from schemas.captions import parse_captions
from schemas.media import HLG, PQ
from schemas.pieces import Span
from schemas.plan import CaptionPlan, MarkPlan
from schemas.spec_picture import Fit
from tests.exactness.cases import FILM, NTSC
from tests.exactness.work import Work, work
from tests.sources import Sources, frame_md5s, media_of, plan_of, tool, whole

MARK = MarkPlan(
    asset=Asset(name="logo.png", generation=1, size_bytes=1, width=40, height=20),
    x=40,
    y=8,
    width=20,
    height=10,
    opacity=60,
)
WORDS = CaptionPlan(
    asset=Asset(name="words.srt", generation=1, size_bytes=1),
    offset=Fraction(1, 3),
    text_size=14,
    margin=10,
)
SAID = b"""1
00:00:00,500 --> 00:00:01,900
{\\b1}First, \\N said

2
00:00:01,700 --> 00:00:02,800
then this
"""


def draw(it: Work, pixel: bytes = b"\xff\x00\x00\xff") -> Work:
    """What a task would have fetched, in a folder whose name means something to ffmpeg."""
    folder = it.folder / "it's [a], b; c:d\\e"
    folder.mkdir()
    mark, light, captions = folder / "mark", folder / "light.cube", folder / "captions"
    mark.write_bytes(pixel * 40 * 20)
    hdr = it.plan.watermark and it.plan.watermark.hdr
    if hdr is not None:
        light.write_text(cube(hdr))
    if it.plan.captions is not None:
        captions.write_text(script(it.plan, it.plan.captions, parse_captions(SAID)))
    drawn = Drawn(
        mark=mark if it.plan.watermark else None,
        light=None if hdr is None else light,
        captions=captions if it.plan.captions else None,
        fonts=FONTS if it.plan.captions else None,
    )
    return replace(it, drawn=drawn)


WISHES: dict[str, tuple[str, dict[str, object]]] = {
    "cover": ("brief", {"width": 90, "height": 160, "fit": Fit.COVER}),
    "contain": ("brief", {"width": 90, "height": 160, "fit": Fit.CONTAIN}),
    "blur": ("brief", {"width": 90, "height": 160, "fit": Fit.BLUR}),
    "blur, turned": ("brief_turned", {"width": 160, "height": 160, "fit": Fit.BLUR}),
    "interlaced": ("interlaced", {"deinterlace": True}),
    "watermark": ("brief", {"watermark": MARK}),
    "captions": ("brief", {"captions": WORDS}),
    "all of it": (
        "brief_turned",
        {
            "width": 90,
            "height": 160,
            "fit": Fit.BLUR,
            "deinterlace": True,
            "watermark": MARK,
            "captions": WORDS,
        },
    ),
}


@pytest.mark.parametrize("case", WISHES)
def test_whatever_is_asked_of_a_picture_chunks_are_the_single_pass(
    case: str, sources: Sources, tmp_path: Path
) -> None:
    name, wish = WISHES[case]
    it = work(sources, name, tmp_path, rate=FILM, start=Fraction(1, 3))
    it = draw(replace(it, plan=replace(it.plan, **wish)))  # type: ignore[arg-type]  # by name
    joined, certificate = it.output(it.pieces(), "joined.mp4")
    assert certificate.verified, certificate.faults
    assert certificate.pieces >= 2
    single = it.folder / "single.mp4"
    it.make(whole(it.plan), single, seek=False)
    assert frame_md5s(joined) == frame_md5s(single)


@pytest.mark.parametrize(
    "colours",
    [
        "-pix_fmt yuv420p",
        "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -colorspace bt709",
        "-vf scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p -colorspace bt709",
        "-vf scale=out_color_matrix=smpte170m,format=yuv420p -colorspace smpte170m",
        "-pix_fmt yuv420p10le",
    ],
)
def test_a_watermark_has_its_own_colours_and_changes_nothing_beside_it(
    colours: str, sources: Sources, tmp_path: Path
) -> None:
    source = tmp_path / "source.mp4"
    origin, coded = str(sources.path("brief")), f"-frames:v 6 -an {colours} -c:v libx264 -qp 0"
    tool("-nostdin", "-v", "error", "-i", origin, *coded.split(), str(source))
    media = media_of(source)
    plan = replace(plan_of(media, rate=NTSC), preset="ultrafast")
    plain = Work(source=source, media=media, plan=plan, folder=tmp_path)
    opaque = replace(plan, watermark=replace(MARK, opacity=100))
    bare, marked = tmp_path / "bare.mp4", tmp_path / "marked.mp4"
    plain.make(whole(plan), bare)
    draw(replace(plain, plan=opaque)).make(whole(plan), marked)
    assert pixels(marked, "crop=30:90:0:0") == pixels(bare, "crop=30:90:0:0")
    inside = pixels(marked, "crop=16:6:42:10,format=rgb24,scale=1:1:flags=area")
    red, green, blue = inside[:3]
    assert red > 245
    assert max(green, blue) < 10


@pytest.mark.parametrize(
    ("name", "white", "red"),
    [("hdr", 143, (98, 110, 152)), ("hlg", 180, (98, 99, 179))],
)
def test_what_is_drawn_on_hdr_is_as_bright_as_paper(
    name: str, white: int, red: tuple[int, int, int], sources: Sources, tmp_path: Path
) -> None:
    """Numbers of 8 bits in limited range: 16 + 219 of BT.2408's 58 % and 75 %.

    The red of PQ is what ffmpeg's zscale makes of it where 203 candelas are said to be white.
    """
    it = work(sources, name, tmp_path, rate=FILM)
    hdr = it.media.video.hdr
    assert hdr == {"hdr": PQ, "hlg": HLG}[name]
    plan = replace(it.plan, lossless=False, crf=4, watermark=replace(MARK, opacity=100, hdr=hdr))
    for pixel, wanted in ((b"\xff" * 4, (white, 128, 128)), (b"\xff\0\0\xff", red)):
        folder = tmp_path / pixel.hex()
        folder.mkdir()
        made = draw(replace(it, plan=plan, folder=folder), pixel).piece(Span(0, 6))
        inside = pixels(made, "crop=16:6:42:10,format=yuv444p,scale=1:1:flags=area")
        assert all(abs(a - b) <= 2 for a, b in zip(inside[:3], wanted, strict=True)), inside[:3]
    spoken = replace(plan, watermark=None, captions=replace(WORDS, text_size=40, hdr=hdr))
    bare = replace(it, plan=replace(plan, watermark=None), folder=tmp_path / "ffffffff")
    pairs = zip(
        pixels(draw(replace(it, plan=spoken)).piece(Span(24, 30)), "extractplanes=y"),
        pixels(bare.piece(Span(24, 30)), "extractplanes=y"),
        strict=True,
    )
    changed = Counter(said for said, before in pairs if abs(said - before) > 9 and said > 60)
    assert abs(changed.most_common(1)[0][0] - white) <= 1, changed.most_common(5)


def test_captions_stand_where_they_are_spoken_and_nowhere_else(
    sources: Sources, tmp_path: Path
) -> None:
    it = work(sources, "brief", tmp_path, rate=NTSC, start=Fraction(1, 3))
    bare = frame_md5s(it.piece(whole(it.plan)))
    it = draw(replace(it, plan=replace(it.plan, captions=WORDS)))
    path = tmp_path / "spoken.mp4"
    it.make(whole(it.plan), path)
    spoken = [
        n for n, pair in enumerate(zip(bare, frame_md5s(path), strict=True)) if len({*pair}) > 1
    ]
    first = Fraction(1, 2) - Fraction(1, 3)
    last = Fraction(28, 10) - Fraction(1, 3)
    assert spoken[0] == ceil(first * NTSC)
    assert spoken[-1] == ceil(last * NTSC) - 1
    assert spoken == list(range(spoken[0], spoken[-1] + 1))


def test_what_is_turned_by_its_container_is_turned_in_the_output(
    sources: Sources, tmp_path: Path
) -> None:
    it = work(sources, "brief_turned", tmp_path, rate=NTSC)
    made = frame_md5s(it.piece(Span(0, 48)))
    clockwise, other = (
        frame_md5s(sources.path("brief"), "-vf", f"transpose={way}", "-frames:v", "48")
        for way in ("clock", "cclock")
    )
    assert made == clockwise
    assert made != other


def test_interlaced_pictures_are_made_whole(sources: Sources, tmp_path: Path) -> None:
    it = work(sources, "interlaced", tmp_path, rate=FILM)
    assert it.media.video.interlaced
    plain = it.piece(whole(it.plan))
    it = replace(it, plan=replace(it.plan, deinterlace=False))
    woven = it.folder / "woven.mp4"
    it.make(whole(it.plan), woven)
    assert combed(woven) > 4 * combed(plain)


def pixels(path: Path, filters: str) -> bytes:
    """Every picture, after the filters, as it lies in memory."""
    raw = path.with_suffix(".raw")
    words = ("-nostdin", "-v", "error", "-y", "-i", str(path), "-vf", filters, "-f", "rawvideo")
    tool(*words, str(raw))
    return raw.read_bytes()


def combed(path: Path) -> int:
    """How many pictures look interlaced."""
    said = tool("-nostdin", "-i", str(path), "-vf", "idet", "-f", "null", "-")
    found = re.findall(r"Single frame detection: TFF: *(\d+) BFF: *(\d+)", said)
    return sum(map(int, found[-1]))
