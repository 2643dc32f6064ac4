"""What is claimed of every case, in its small form: the planned chunks, without a cut."""

from fractions import Fraction
from pathlib import Path

from render_job.verify import verify_piece
from tests.exactness.cases import CASES
from tests.exactness.work import work
from tests.sources import Sources, frame_md5s, times_of


def chunks_joined_are_the_single_pass(case: str, sources: Sources, folder: Path) -> None:
    """Fails where they are not, picture for picture and time for time."""
    name, rate, start = CASES[case]
    it = work(sources, name, folder, rate=rate, start=Fraction(start))
    pieces = it.pieces()
    for span, path in pieces.items():
        verdict = verify_piece(path, it.plan, span, it.media.video)
        assert verdict.passed, (span, verdict.faults)
    joined, certificate = it.output(pieces, "joined.mp4")
    assert certificate.verified, certificate.faults
    assert len(pieces) >= 3
    single = it.single()
    assert times_of(joined) == times_of(single)
    assert frame_md5s(joined) == frame_md5s(single)
    # ffmpeg alone neither makes woven pictures whole nor pixels square.
    plain = not it.plan.deinterlace and it.media.video.sample_aspect == 1
    assert not plain or frame_md5s(joined) == it.pictures_to_the_end()
