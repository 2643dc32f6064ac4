"""One row of the table: a case in one go, in 1, 4 and 9 chunks, and after a cut and resume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

from render_job.fragments import cut, whole_gops
from schemas.certificate import Certificate
from schemas.media import VideoStream
from schemas.pieces import Span
from tests.exactness.cases import CASES
from tests.exactness.work import Work, work, work_of
from tests.sources import Sources, frame_md5s, times_of

GOP = 6
"""Frames: so small that also a source of 3 s has a GOP for each of nine chunks."""
CHUNKS = (1, 4, 9)
FILES_HEIGHT = 180
"""Pixels."""
CUT_AT = Fraction(3, 5)
"""Of a chunk's bytes: where a kill has left its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """An output beside the single pass."""

    differ: int
    """Pictures that are other ones by their MD5, or missing, or too many."""
    late: Fraction
    """Seconds that a picture is shown too early or late at most, by the frame grid."""
    drift: int
    """Samples of sound, over the whole output."""
    faults: Sequence[str]
    """What the verification says against it."""

    @property
    def exact(self) -> bool:
        """Whether nothing tells it from the single pass."""
        return not (self.differ or self.late or self.drift or self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A case and its outputs; `kept` frames of a chunk of `cut` were there when it was resumed."""

    case: str
    source: VideoStream
    container: str
    rate: Fraction
    frames: int
    chunked: Mapping[int, Compared]
    kept: int
    cut: int
    resumed: Compared

    @property
    def exact(self) -> bool:
        """Whether all of its outputs are."""
        return all(one.exact for one in (*self.chunked.values(), self.resumed))


def row_of(case: str, sources: Sources, folder: Path) -> Row:
    """Make the case in every way and compare."""
    name, rate, start = CASES[case]
    return _row(case, work(sources, name, folder, rate=rate, start=Fraction(start)))


def row_of_file(path: Path, folder: Path) -> Row:
    """The same for somebody's video, small and at its own rate."""
    return _row(path.name, work_of(path, folder, height=FILES_HEIGHT))


def _row(case: str, it: Work) -> Row:
    it = replace(it, plan=replace(it.plan, gop=GOP))
    single = frame_md5s(it.single())
    chunked = {}
    for many in CHUNKS:
        it = replace(it, plan=replace(it.plan, chunks=even(it.plan.frames, many)))
        pieces = it.pieces()
        chunked[many] = _compared(it, single, *it.output(pieces, f"{many}.mp4"))
        if many == 4:
            span, kept, resumed = _resumed(it, pieces, single)
    return Row(
        case=case,
        source=it.media.video,
        container=it.media.container.split(",")[0],
        rate=it.plan.frame_rate,
        frames=it.plan.frames,
        chunked=chunked,
        kept=kept,
        cut=len(span),
        resumed=resumed,
    )


def even(frames: int, many: int) -> tuple[Span, ...]:
    """So many chunks on the GOP grid, as equal as it lets them be."""
    gops = ceil(frames / GOP)
    bounds = [min(frames, gops * n // many * GOP) for n in range(many + 1)]
    return tuple(Span(a, b) for a, b in pairwise(bounds))


def _resumed(
    it: Work, pieces: Mapping[Span, Path], single: Sequence[str]
) -> tuple[Span, int, Compared]:
    """The second chunk ends within a GOP; its whole ones are kept, and the rest is made."""
    span = it.plan.chunks[1]
    broken = it.folder / "broken.mp4"
    data = pieces[span].read_bytes()
    broken.write_bytes(data[: int(len(data) * CUT_AT)])
    size_bytes, kept = whole_gops(broken, GOP)
    cut(broken, size_bytes)
    first, rest = Span(span.start, span.start + kept), Span(span.start + kept, span.end)
    made = {**pieces, first: broken, rest: it.piece(rest)}
    del made[span]
    ordered = {each: made[each] for each in sorted(made, key=lambda each: each.start)}
    return span, kept, _compared(it, single, *it.output(ordered, "resumed.mp4"))


def _compared(it: Work, single: Sequence[str], path: Path, told: Certificate) -> Compared:
    mine, times = frame_md5s(path), times_of(path)
    differ = sum(a != b for a, b in zip(mine, single, strict=False)) + abs(len(mine) - len(single))
    late = max(abs(time - n / it.plan.frame_rate) for n, time in enumerate(times))
    return Compared(differ=differ, late=late, drift=told.drift_samples or 0, faults=told.faults)
