"""Tracks over packets that are only told of: counts, times and order, in little room."""

import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from render_job.steps import Steps
from render_job.tracks import WINDOW, Track

NUMBERS = st.lists(st.integers(-50, 50))
RATE = Fraction(25)


@dataclass
class Told(bytearray):
    """As much of a packet as a track looks at."""

    pts: int | None
    dts: int | None
    duration: int
    is_keyframe: bool = False
    size: int = 1


def packet(pts: int, dts: int, *, key: bool = False, duration: int = 1) -> Any:
    return cast("Any", Told(pts=pts, dts=dts, is_keyframe=key, duration=duration))


def track_of(packets: Sequence[Any]) -> Track:
    track = Track(base=1 / RATE)
    for one in packets:
        track.take(one)
    return track


def reordered(frames: int, gop: int = 4) -> list[Any]:
    """Closed GOPs in the order of decoding: 0 3 1 2, 4 7 5 6 …"""
    order = [n for g in range(0, frames, gop) for n in (g, g + 3, g + 1, g + 2)]
    return [packet(pts, dts, key=pts % gop == 0) for dts, pts in enumerate(order)]


@given(NUMBERS)
def test_steps_are_the_numbers_that_they_were_given(numbers: list[int]) -> None:
    steps = Steps()
    for number in numbers:
        steps.append(number)
    assert list(steps) == numbers
    assert len(steps) == len(numbers)
    assert [steps[place] for place in range(len(numbers))] == numbers
    assert all((n in steps) == (n in numbers) for n in range(-51, 52))
    assert list(steps.moved(7)) == [n + 7 for n in numbers]


@given(NUMBERS)
def test_frames_off_their_beat_are_those_that_are(numbers: list[int]) -> None:
    shown = sorted(numbers)
    track = track_of([packet(pts, at) for at, pts in enumerate(numbers)])
    assert list(track.off_beat(RATE)) == [n for n, pts in enumerate(shown) if pts != n]
    assert len(track) == len(shown)


def test_frames_that_are_reordered_are_shown_in_order() -> None:
    track = track_of(reordered(40))
    assert list(track.off_beat(RATE)) == []
    assert (track.start, track.end) == (Fraction(0), 40 / RATE)
    assert (track.has_gaps, track.leading) == (False, 0)
    assert track.keys_every(4, 40, RATE)
    assert not track.keys_every(8, 40, RATE)
    assert track.is_key(8)
    assert not track.is_key(9)
    assert track.decoding_times_rise


def test_a_gap_an_overlap_and_a_frame_before_its_key_are_seen() -> None:
    packets = reordered(12)
    assert track_of(packets[:-1]).has_gaps
    assert track_of([*packets, packet(11, 12)]).has_gaps
    assert track_of([packet(4, 0, key=True), packet(3, 1)]).leading == 1
    assert not track_of([packet(0, 1), packet(1, 1)]).decoding_times_rise
    assert not track_of([packet(0, 1), cast("Any", Told(pts=1, dts=None, duration=1))]
                        ).decoding_times_rise  # fmt: skip


def test_what_is_moved_far_is_out_of_order() -> None:
    far = [packet(n, n) for n in range(2 * WINDOW)]
    far.append(packet(0, 2 * WINDOW))
    assert track_of(far).has_gaps


def test_a_track_of_hours_takes_no_more_room() -> None:
    def room(frames: int) -> int:
        track = Track(base=1 / RATE)
        tracemalloc.start()
        try:
            for n in range(frames):
                track.take(packet(n, n, key=n % 50 == 0))
            assert len(track) == frames
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert room(40_000) <= room(1_000) + 50_000  # a moment of each would be 300,000 at least


def test_moved_to_zero_it_is_the_same_but_earlier() -> None:
    late = [packet(p.pts + 9, p.dts, key=p.is_keyframe) for p in reordered(12)]
    track = track_of(late).from_zero()
    assert (track.start, track.end) == (Fraction(0), 12 / RATE)
    assert track.keys_every(4, 12, RATE)
