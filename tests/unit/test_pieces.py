from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.pieces import Span, covered, cut_into_chunks, remainders, tiling

LONGEST = 8


@st.composite
def spans(draw: st.DrawFn, longest: int = LONGEST) -> Span:
    start = draw(st.integers(0, longest - 1))
    return Span(start, draw(st.integers(start + 1, longest)))


many_spans = st.lists(spans(), max_size=14)
layouts = st.tuples(st.integers(1, 3000), st.integers(1, 130), st.integers(1, 900))
small_layouts = st.tuples(st.integers(1, LONGEST), st.integers(1, 3), st.integers(1, 5))


def all_tilings(pieces: set[Span], frames: int, at: int = 0) -> Iterator[tuple[Span, ...]]:
    """Every way to go from `at` to `frames`, by trying all."""
    if at == frames:
        yield ()
    for piece in pieces:
        if piece.start == at and piece.end <= frames:
            for rest in all_tilings(pieces, frames, piece.end):
                yield (piece, *rest)


def cut(frames: int, gop: int, length: int) -> tuple[Span, ...]:
    """Chunks of one length."""
    return cut_into_chunks(frames, gop=gop, length=lambda left: length)


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 3), (-1, 2)])
def test_a_span_is_neither_empty_nor_backward_nor_before_the_start(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="not a span of frames"):
        Span(start, end)


def test_a_span_knows_its_length_and_its_words() -> None:
    assert (len(Span(3, 10)), str(Span(3, 10))) == (7, "[3, 10)")


@given(layouts)
def test_chunks_tile_the_frames_exactly(layout: tuple[int, int, int]) -> None:
    frames, gop, length = layout
    chunks = cut(frames, gop, length)
    assert chunks[0].start == 0
    assert chunks[-1].end == frames
    assert all(a.end == b.start for a, b in pairwise(chunks))


@given(layouts)
def test_chunks_start_on_the_gop_grid_and_none_is_a_splinter(layout: tuple[int, int, int]) -> None:
    frames, gop, length = layout
    chunks = cut(frames, gop, length)
    assert all(chunk.start % gop == 0 for chunk in chunks)
    assert all(length <= len(chunk) < length + 2 * gop for chunk in chunks[:-1])
    assert len(chunks) == 1 or gop <= len(chunks[-1]) < length + 2 * gop


@given(st.integers(1, 3000), st.integers(1, 130), st.integers(1, 40), st.integers(1, 500))
def test_chunks_are_as_long_as_what_is_left_asks_for(
    frames: int, gop: int, shares: int, shortest: int
) -> None:
    def length(left: int) -> int:
        return max(left // shares, shortest)

    chunks = cut_into_chunks(frames, gop=gop, length=length)
    assert tiling(chunks, frames) == chunks
    assert all(chunk.start % gop == 0 for chunk in chunks)
    for chunk in chunks[:-1]:
        assert 0 <= len(chunk) - length(frames - chunk.start) < gop
    assert all(len(a) >= len(b) for a, b in pairwise(chunks[:-1]))


@pytest.mark.parametrize(
    ("frames", "ends"),
    [(240, [120, 240]), (241, [120, 241]), (299, [120, 299]), (300, [120, 240, 300]), (59, [59])],
)
def test_a_rest_shorter_than_a_gop_joins_the_last_chunk(frames: int, ends: list[int]) -> None:
    assert [c.end for c in cut(frames, 60, 100)] == ends


@pytest.mark.parametrize(("frames", "gop", "length"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_nothing_is_cut_into_nothing(frames: int, gop: int, length: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        cut(frames, gop, length)


@given(many_spans, st.integers(1, LONGEST))
def test_a_tiling_is_found_whenever_there_is_one_and_takes_the_longest(
    pieces: list[Span], frames: int
) -> None:
    every = list(all_tilings(set(pieces), frames))
    longest_first = max(every, key=lambda path: [piece.end for piece in path], default=None)
    assert tiling(pieces, frames) == longest_first


@given(st.data(), many_spans, st.integers(1, LONGEST))
def test_a_tiling_does_not_depend_on_order_or_repetition(
    data: st.DataObject, pieces: list[Span], frames: int
) -> None:
    shuffled = data.draw(st.permutations(pieces + pieces[:3]))
    assert tiling(shuffled, frames) == tiling(pieces, frames)


@pytest.mark.parametrize(
    ("pieces", "path"),
    [
        ([(0, 4), (0, 6), (4, 8), (6, 8)], [(0, 6), (6, 8)]),
        ([(0, 4), (0, 6), (4, 8)], [(0, 4), (4, 8)]),
        ([(0, 8), (0, 9)], [(0, 8)]),
        ([(0, 4), (5, 8)], None),
        ([(1, 8)], None),
        ([], None),
    ],
)
def test_a_shorter_piece_is_taken_only_where_the_longer_leads_nowhere(
    pieces: list[tuple[int, int]], path: list[tuple[int, int]] | None
) -> None:
    wanted = None if path is None else tuple(Span(*piece) for piece in path)
    assert tiling([Span(*piece) for piece in pieces], 8) == wanted


@given(many_spans, small_layouts)
def test_nothing_remains_exactly_when_every_chunk_is_tiled_by_its_own_pieces(
    pieces: list[Span], layout: tuple[int, int, int]
) -> None:
    frames, gop, length = layout
    chunks = cut(frames, gop, length)
    tiled = all(any(all_tilings(set(pieces), c.end, c.start)) for c in chunks)
    assert (remainders(pieces, chunks) == ()) == tiled


@given(many_spans, small_layouts)
def test_pieces_and_what_remained_tile_the_whole(
    pieces: list[Span], layout: tuple[int, int, int]
) -> None:
    frames, gop, length = layout
    chunks = cut(frames, gop, length)
    missing = remainders(pieces, chunks)
    assert tiling([*pieces, *missing], frames) is not None
    assert remainders([*pieces, *missing], chunks) == ()


@given(many_spans, small_layouts)
def test_at_most_one_range_remains_of_a_chunk_and_it_is_the_end_of_it(
    pieces: list[Span], layout: tuple[int, int, int]
) -> None:
    frames, gop, length = layout
    ends = [chunk.end for chunk in cut(frames, gop, length)]
    missing = remainders(pieces, cut(frames, gop, length))
    assert [span.end for span in missing] == [e for e in ends if e in {s.end for s in missing}]


@given(many_spans, spans(), small_layouts)
def test_another_piece_never_makes_the_covered_frames_fewer(
    pieces: list[Span], another: Span, layout: tuple[int, int, int]
) -> None:
    frames, gop, length = layout
    chunks = cut(frames, gop, length)
    missing = sum(map(len, remainders(pieces, chunks)))
    assert covered(pieces, chunks) == frames - missing
    assert covered(pieces, chunks) <= covered([*pieces, another], chunks) <= frames


def test_a_piece_cut_short_leaves_the_rest_of_its_chunk() -> None:
    chunks = (Span(0, 120), Span(120, 240))
    made = [Span(0, 60), Span(120, 240), Span(90, 120)]
    assert remainders(made, chunks) == (Span(60, 120),)
    assert covered(made, chunks) == 180
