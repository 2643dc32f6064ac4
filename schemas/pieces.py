"""The arithmetic of pieces: what is made, what is missing, what may be claimed.

Frames are output frames. A **chunk** is planned, a **piece** is what was really made: after a
preemption it is shorter than its chunk. Everything here is pure and knows no store, no clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of output frames `[start, end)`, never empty."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"not a span of frames: [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"[{self.start}, {self.end})"


def cut_into_chunks(frames: int, *, gop: int, length: Callable[[int], int]) -> tuple[Span, ...]:
    """Tile `[0, frames)` with chunks, each starting on the GOP grid.

    `length(left)` says how long the next chunk is while `left` frames are not yet cut; it is
    rounded up to whole GOPs. A rest shorter than one GOP joins the last chunk, so that no chunk is
    a mere splinter.
    """
    if frames < 1 or gop < 1:
        raise ValueError("frames and gop are positive")
    chunks = []
    at = 0
    while at < frames:
        wanted = length(frames - at)
        if wanted < 1:
            raise ValueError("a chunk's length is positive")
        end = at - (-wanted // gop) * gop
        if frames - end < gop:
            end = frames
        chunks.append(Span(at, end))
        at = end
    return tuple(chunks)


def tiling(pieces: Iterable[Span], frames: int) -> tuple[Span, ...] | None:
    """The pieces that tile `[0, frames)` end to end, or None while something is missing.

    Of overlapping pieces the longest at each start is preferred; a shorter one is taken where only
    it leads to a whole tiling. The answer depends on the set of pieces alone, not on their order.
    """
    by_start: dict[int, list[Span]] = {}
    for piece in set(pieces):
        by_start.setdefault(piece.start, []).append(piece)
    onward: dict[int, Span] = {}
    for start in sorted(by_start, reverse=True):
        ends = (p for p in by_start[start] if p.end == frames or p.end in onward)
        best = max(ends, default=None)
        if best is not None:
            onward[start] = best
    path: list[Span] = []
    at = 0
    while at != frames:
        if at not in onward:
            return None
        path.append(onward[at])
        at = onward[at].end
    return tuple(path)


def remainders(pieces: Iterable[Span], chunks: Sequence[Span]) -> tuple[Span, ...]:
    """What is still to be rendered, as ranges that can be claimed, in frame order.

    Within each chunk the longest run of pieces from the chunk's start is kept, and the rest of the
    chunk is one remainder. Empty exactly when every chunk is tiled by pieces of its own.
    """
    ends: dict[int, set[int]] = {}
    for piece in pieces:
        ends.setdefault(piece.start, set()).add(piece.end)
    missing = []
    for chunk in chunks:
        reach = _reach(ends, chunk)
        if reach < chunk.end:
            missing.append(Span(reach, chunk.end))
    return tuple(missing)


def _reach(ends: Mapping[int, set[int]], chunk: Span) -> int:
    """The furthest frame that pieces inside the chunk reach from its start without a gap."""
    reached: set[int] = set()
    ahead = {chunk.start}
    while ahead:
        reached |= ahead
        ahead = {end for at in ahead for end in ends.get(at, ()) if end <= chunk.end}
    return max(reached)


def covered(pieces: Iterable[Span], chunks: Sequence[Span]) -> int:
    """How many of the chunks' frames are made and need not be made again."""
    return sum(len(c) for c in chunks) - sum(len(r) for r in remainders(pieces, chunks))
