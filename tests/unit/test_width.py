"""How many machines: never more than useful, never too few for a deadline that can be made."""

from hypothesis import assume, given
from hypothesis import strategies as st

from functions.core.width import width, words

works = st.floats(0, 10**6)
times = st.none() | st.floats(-(10**4), 10**6)
caps = st.integers(1, 64)


def chosen(
    seconds: float,
    left: float | None,
    most: int = 16,
    chunks: int = 1000,
    *,
    is_thrifty: bool = False,
) -> int:
    return width(seconds=seconds, left=left, most=most, chunks=chunks, is_thrifty=is_thrifty)


@given(seconds=works, left=times, most=caps, chunks=caps, is_thrifty=st.booleans())
def test_never_more_than_are_useful(
    seconds: float, left: float | None, most: int, chunks: int, is_thrifty: bool
) -> None:
    """Beyond the first, each has a minute to do, or is needed for the deadline."""
    found = chosen(seconds, left, most, chunks, is_thrifty=is_thrifty)
    assert 1 <= found <= min(most, chunks)
    has_time = left is None or (left > 0 and seconds / left <= found - 1)
    if found > 1 and has_time:
        assert not is_thrifty or left is None
        assert seconds / found >= 60


@given(seconds=works, left=st.floats(0.1, 10**6), most=caps, chunks=caps, is_thrifty=st.booleans())
def test_a_deadline_that_can_be_made_is_made(
    seconds: float, left: float, most: int, chunks: int, is_thrifty: bool
) -> None:
    """In the model in which w machines are w times as fast."""
    assume(seconds / min(most, chunks) <= left)
    found = chosen(seconds, left, most, chunks, is_thrifty=is_thrifty)
    assert seconds / found <= left * (1 + 1e-9)
    if is_thrifty and found > 1:
        assert seconds / (found - 1) > left * (1 - 1e-9), "one fewer would not"


@given(seconds=works, more=works, left=times, less=st.floats(0, 10**6), is_thrifty=st.booleans())
def test_more_work_or_less_time_never_means_fewer_machines(
    seconds: float, more: float, left: float | None, less: float, is_thrifty: bool
) -> None:
    found = chosen(seconds, left, is_thrifty=is_thrifty)
    assert chosen(seconds + more, left, is_thrifty=is_thrifty) >= found
    if left is not None:
        assert chosen(seconds, left - less, is_thrifty=is_thrifty) >= found


@given(seconds=works, left=times)
def test_thrift_never_means_more_machines(seconds: float, left: float | None) -> None:
    assert chosen(seconds, left, is_thrifty=True) <= chosen(seconds, left)


def test_why_an_attempt_is_narrower_than_its_lane_is_said() -> None:
    assert words(1, 8, False) == "1 machine of 8 (no more have a minute's work)"
    assert words(2, 8, True) == "2 machines of 8 (as few as make its deadline)"
    assert words(8, 8, True) == "8 machines"
