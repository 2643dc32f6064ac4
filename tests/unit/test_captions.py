"""Caption files, read strictly, and the script that is made of them."""

import re
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from struct import unpack_from

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render_job.subtitles import FONTS, escaped, script
from schemas.assets import Asset
from schemas.captions import (
    LONGEST_TEXT,
    MOST_AT_ONCE,
    MOST_CUES,
    CaptionFault,
    Cue,
    parse_captions,
)
from schemas.letters import HAS
from schemas.plan import CaptionPlan
from tests.unit.test_recipe import PLAN

WORDS = CaptionPlan(
    asset=Asset(name="a.srt", generation=1, size_bytes=1),
    offset=Fraction(0),
    text_size=20,
    margin=9,
)
SRT = """1
00:00:01,000 --> 00:00:02,500
{\\an8}Hello, <i>you</i> there
and <b>here</b>

2
01:02:03.004 --> 01:02:04,000 X1:100 X2:200
&amp; <3
"""
VTT = """WEBVTT - a title

NOTE nothing
of this

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.500 line:0 position:20%
<v Ann>Hello, <c.yellow>you</c> <00:01.500>there
and here

01:02:03.004 --> 01:02:04.000
&amp; &lt;3
"""
READ = (
    Cue(start=1000, end=2500, text="Hello, you there\nand here"),
    Cue(start=3_723_004, end=3_724_000, text="& <3"),
)


def cues(*spans: tuple[int, int]) -> bytes:
    """A file with a cue for each span of milliseconds, called a, b, c …"""
    lines = (
        f"{_clock(start)} --> {_clock(end)}\n{chr(97 + n % 26)}\n\n"
        for n, (start, end) in enumerate(spans)
    )
    return "".join(lines).encode()


def _clock(millis: int) -> str:
    minutes, rest = divmod(millis, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"


def test_a_subrip_file_is_read() -> None:
    assert parse_captions(SRT.encode()) == (READ[0], replace(READ[1], text="&amp; <3"))


def test_a_webvtt_file_is_read_without_what_it_says_of_styles() -> None:
    assert parse_captions(VTT.encode()) == READ


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\N{BOM}"])
def test_line_ends_and_a_byte_order_mark_are_nothing(end: str, mark: str) -> None:
    assert parse_captions((mark + VTT).replace("\n", end).encode()) == READ


@pytest.mark.parametrize("data", [b"", b"\n\n", b"WEBVTT", b"WEBVTT\n\nNOTE x", cues()])
def test_a_file_without_cues_says_nothing(data: bytes) -> None:
    assert parse_captions(data) == ()


@pytest.mark.parametrize(
    ("data", "value", "limit"),
    [
        (b"\xff\xfe1\x00", "line 1: the byte 0xff", "UTF-8"),
        (cues((0, 9)) + b"\xe9", "line 4: the byte 0xe9", "UTF-8"),
        (b"Hello", "line 1: Hello", "HH:MM:SS,mmm --> HH:MM:SS,mmm"),
        (b"WEBVTT\n\nHello", "line 3: Hello", "[HH:]MM:SS.mmm"),
        (b"1\n2\n3", "line 2: 2", "HH:MM:SS,mmm"),
        (b"00:00:61,000 --> 00:01:02,000\nx", "line 1: 00:00:61,000", "HH:MM:SS,mmm"),
        (b"1\n00:00:02,000 --> 00:00:02,000\nx", "line 2: 00:00:02", "ends after it starts"),
        (cues((0, 9)) + b"x\n00:00:00,000 --> 00:00:01,000\n\x1b", "line 6: the letter", "DejaVu"),
        (b"00:00:00,0 --> 00:00:01,0\nx", "line 1: 00:00:00,0", "HH:MM:SS,mmm"),
        (
            cues((0, 9))[:-3] + "好".encode(),
            "line 2: the letter 好 (U+597D)",
            "letters of DejaVu Sans",
        ),
        (
            cues((0, 9))[:-3] + "你好, 你: abc".encode(),
            *("line 2: the letters 你 (U+4F60), 好 (U+597D)", "no Chinese, Japanese, Korean"),
        ),
        (
            cues((0, 9))[:-3] + "안녕하세요여러분".encode(),
            *("line 2: the letters 안 (U+C548), 녕 (U+B155), ", "letters of DejaVu Sans"),
        ),
        (
            cues((0, 9))[:-3] + b"\0",
            "line 2: the letter \\\\x00 (U+0000)",
            "letters of DejaVu Sans",
        ),
        (cues((0, 9))[:-2] + b"y" * LONGEST_TEXT, "line 2: 501 characters", "at most 500"),
        (cues((0, 9))[:-1] + b"y\n" * 6, "line 2: 7 lines", "at most 6"),
        (cues(*[(n, n + 1) for n in range(MOST_CUES + 1)]), "one cue more", "5000 cues"),
        (cues(*[(n, 99) for n in range(MOST_AT_ONCE + 1)]), "5 cues at 0.004 s", "4 at once"),
    ],
    ids=range(17),
)
def test_a_fault_names_the_line_and_what_would_be_right(
    data: bytes, value: str, limit: str
) -> None:
    with pytest.raises(CaptionFault) as caught:
        parse_captions(data)
    assert value.replace("\\\\", "\\") in caught.value.value
    assert limit in caught.value.limit
    assert len(str(caught.value)) < 200


def test_cues_at_once_become_one_after_another() -> None:
    made = parse_captions(cues((100, 500), (0, 200), (200, 300)))
    assert [(cue.start, cue.end, cue.text) for cue in made] == [
        (0, 100, "b"),
        (100, 200, "b\na"),
        (200, 300, "a\nc"),
        (300, 500, "a"),
    ]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 90)), max_size=8))
def test_cues_follow_one_another_and_say_the_same_at_every_moment(
    spans: list[tuple[int, int]],
) -> None:
    whole = [(start, start + length) for start, length in spans]
    try:
        made = parse_captions(cues(*whole))
    except CaptionFault:
        return
    assert all(a.end <= b.start for a, b in pairwise(made))
    for moment in range(500):
        said = {chr(97 + n) for n, (a, b) in enumerate(whole) if a <= moment < b}
        assert said == {
            word for cue in made if cue.start <= moment < cue.end for word in cue.text.split()
        }


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8")))
def test_whatever_comes_it_is_cues_or_a_fault(data: bytes) -> None:
    for start in (b"", b"WEBVTT\n\n", b"00:00:00,000 --> 00:00:01,000\n"):
        with suppress(CaptionFault):
            parse_captions(start + data)


def test_the_letters_are_those_of_the_font() -> None:
    """The font's own table (OpenType, cmap, format 12) says which it has."""
    data = (FONTS / "DejaVuSans-Bold.ttf").read_bytes()
    (tables,) = unpack_from(">H", data, 4)
    records = (unpack_from(">4sIII", data, 12 + 16 * n) for n in range(tables))
    cmap = next(at for tag, _, at, _ in records if tag == b"cmap")
    (count,) = unpack_from(">H", data, cmap + 2)
    found = (unpack_from(">HHI", data, cmap + 4 + 8 * n) for n in range(count))
    full = next(cmap + at for platform, kind, at in found if (platform, kind) == (3, 10))
    kind, _, _, _, groups = unpack_from(">HHIII", data, full)
    assert kind == 12
    spans = (unpack_from(">II", data, full + 16 + 12 * n) for n in range(groups))
    assert {n for first, last in spans for n in range(first, last + 1)} == HAS


def test_the_script_has_the_times_of_the_output() -> None:
    plan = replace(WORDS, offset=Fraction(2))
    output = replace(PLAN, frames=30, frame_rate=Fraction(10))
    told = (
        Cue(start=0, end=1999, text="gone"),
        Cue(start=1500, end=2500, text="cut"),
        Cue(start=2500, end=3123, text="whole"),
        Cue(start=4000, end=9000, text="long"),
        Cue(start=5020, end=9000, text="later"),
    )
    lines = [line for line in script(output, plan, told).splitlines() if "Dialogue" in line]
    assert lines == [
        "Dialogue: 0,0:00:00.00,0:00:00.50,Caption,,0,0,0,,cut",
        "Dialogue: 0,0:00:00.50,0:00:01.12,Caption,,0,0,0,,whole",
        "Dialogue: 0,0:00:02.00,0:00:03.01,Caption,,0,0,0,,long",
    ]


@given(st.text(alphabet=r"\\{}Nnhab1&<,; " + "\n"))
def test_whatever_is_said_nothing_of_it_is_a_command(text: str) -> None:
    """As libass reads: a backslash with N, n, h or a brace is a command, and so is a brace."""
    line = escaped(text)
    assert "\n" not in line
    shown = re.sub(r"\\([{}])", lambda brace: f"\0{ord(brace[1])}", line)
    assert not re.search(r"[{}]", shown)
    assert not re.search(r"\\[nh]", shown)
    assert line.count("\\N") == text.count("\n")
