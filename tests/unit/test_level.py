"""What is done to a sound so that it is as loud as asked for."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render_job.diagnosis import diagnose
from render_job.errors import RenderFault
from render_job.level import MOST_GAIN_DB, MOST_LIMITED_DB, Heard, Level, first_level
from render_job.loudness import heard_of
from render_job.recipe_sound import sound
from schemas.loudness import PEAK_LIMIT, Loudness
from tests.unit.test_recipe import SOUND

TARGET = Fraction(-14)
TARGETS = st.fractions(min_value=-40, max_value=-5, max_denominator=10)
HEARD = st.builds(Heard, lufs=st.floats(-69, -3), peak=st.floats(-60, 3))
SOUND_OUT = Path("/a")
SUMMARY = """[mp4 @ 0x1] [info]   Metadata:
[mp4 @ 0x1] [info]     title : I: -1.0 LUFS
[Parsed_ebur128_6 @ 0x2] [info] Summary:

  Integrated loudness:
    I:         -26.0 LUFS
    Threshold: -36.4 LUFS

  True peak:
    Peak:       -5.6 dBFS
"""


def made(reached: float, peak: float) -> Loudness:
    level = first_level(TARGET, Heard(lufs=-20.0, peak=-9.0))
    return level.told(Heard(lufs=reached, peak=peak))


def filters(level: Level | None) -> str:
    words = sound(SOUND, True, input_url="file:/in", out=SOUND_OUT, ffmpeg="ffmpeg", level=level)
    return words[words.index("-af") + 1]


def test_a_sound_with_room_above_it_has_the_gain_that_is_missing_and_nothing_else() -> None:
    level = first_level(TARGET, Heard(lufs=-20.0, peak=-9.0))
    assert (level.gain, level.limited, level.held_back) == (6.0, False, False)
    assert "volume=6.0dB" in filters(level)
    assert "alimiter" not in filters(level)


def test_a_sound_that_is_too_loud_is_turned_down() -> None:
    level = first_level(TARGET, Heard(lufs=-8.0, peak=0.5))
    assert (level.gain, level.limited) == (-6.0, False)


def test_where_peaks_would_be_too_high_a_limiter_holds_them() -> None:
    level = first_level(TARGET, Heard(lufs=-26.0, peak=-5.6))
    assert (level.gain, level.limited, level.held_back) == (12.0, True, False)
    assert "aresample=192000,alimiter=limit=0.841395:level=false:latency=true" in filters(level)


def test_silence_is_left_alone() -> None:
    level = first_level(TARGET, Heard(lufs=None, peak=None))
    assert level.gain == 0
    assert filters(level) == filters(None)
    assert level.faults(Heard(lufs=None, peak=None)) == []
    assert level.told(Heard(lufs=None, peak=None)).reached is None


@given(target=TARGETS, before=HEARD)
def test_no_gain_is_more_than_a_sound_can_bear(target: Fraction, before: Heard) -> None:
    level = first_level(target, before)
    assert before.peak is not None
    assert level.gain <= MOST_GAIN_DB
    assert before.peak + level.gain <= level.ceiling + MOST_LIMITED_DB + 0.01


@given(target=TARGETS, before=HEARD)
def test_what_a_plain_gain_gives_is_as_expected(target: Fraction, before: Heard) -> None:
    level = first_level(target, before)
    if not level.limited:
        assert before.lufs is not None
        assert before.peak is not None
        peak = min(before.peak + level.gain, PEAK_LIMIT)
        assert level.faults(Heard(lufs=before.lufs + level.gain, peak=peak)) == []


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        (Heard(lufs=-13.4, peak=-2.0), "it has -13.4 LUFS, not -14.5 to -13.5"),
        (Heard(lufs=-20.0, peak=-2.0), "it has -20.0 LUFS, not -14.5 to -13.5"),
        (Heard(lufs=-14.0, peak=-0.9), "its true peak is -0.9 dBTP, above -1.0"),
        (Heard(lufs=None, peak=None), "nothing of it can be measured"),
    ],
)
def test_what_came_out_otherwise_is_told(heard: Heard, told: str) -> None:
    level = first_level(TARGET, Heard(lufs=-20.0, peak=-9.0))
    assert told in level.faults(heard)


def test_the_next_try_makes_up_for_what_the_last_one_missed() -> None:
    level = first_level(TARGET, Heard(lufs=-26.0, peak=-5.6))
    again = level.after(made(reached=-14.75, peak=-0.2))
    assert again.gain == 12.75
    assert again.ceiling == pytest.approx(level.ceiling - 1.1)


def test_the_last_numbers_that_were_said_count() -> None:
    assert heard_of(SUMMARY) == Heard(lufs=-26.0, peak=-5.6)


def test_silence_has_no_number() -> None:
    words = re.sub(r"-26.0", "-70.0", SUMMARY).replace("-5.6", "-inf")
    assert heard_of(words) == Heard(lufs=None, peak=None)


def test_a_scanner_that_says_nothing_is_a_failure() -> None:
    with pytest.raises(RenderFault):
        heard_of("[info] nothing of the kind")


def test_a_failure_reads_the_same_whether_more_than_errors_were_asked_for_or_not() -> None:
    error = "Invalid data found when processing input"
    plain = diagnose(1, f"[mov @ 0x5] moov atom not found\n{error}\n")
    wordy = diagnose(
        1, f"[info] Input #0, mov\n[mov @ 0x5] [error] moov atom not found\n[fatal] {error}\n"
    )
    assert plain == wordy
