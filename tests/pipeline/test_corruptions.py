"""Whatever is spoilt is found by the look that a task takes at it, and named.

The corruptions are in `tests/corruptions`. Two things no look can find when a file is made:
another picture or sound than was wanted, whole and at its time (PLAUSIBLE), and about one flipped
bit in seven within a packet, which decodes into something. Nothing stands between the encoder and
the look but a file of the same machine. From then on the digest in the verdict speaks for the file.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from render_job.movie import movie_faults
from tests.corruptions.bench import Bench, Corruption, Stitched, certify, judge, make_bench
from tests.corruptions.outputs import OUTPUTS
from tests.corruptions.parcels import PARCELS
from tests.corruptions.pieces import PIECES
from tests.corruptions.plausible import PLAUSIBLE, controls
from tests.corruptions.sounds import SOUNDS
from tests.sources import Sources, tool

ALL = (*PIECES, *SOUNDS, *OUTPUTS)


@pytest.fixture(scope="module")
def bench(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(sources.path("ntsc"), tmp_path_factory.mktemp("bench"))


def _name(one: Corruption) -> str:
    return f"{one.of}: {one.name}"


@pytest.mark.parametrize("one", ALL, ids=_name)
def test_a_corruption_is_found_and_named(one: Corruption, bench: Bench, tmp_path: Path) -> None:
    faults = judge(bench, one.of, one.deed(bench, tmp_path / "spoilt.mp4"))
    assert one.told
    assert any(one.told in fault for fault in faults), faults


def test_what_is_true_passes_by_whatever_means_it_was_copied(bench: Bench, tmp_path: Path) -> None:
    assert not any(controls(bench, tmp_path).values())
    certificate = certify(bench, Stitched(path=bench.output))
    assert certificate.verified
    assert (certificate.seams, certificate.drift_samples) == (2, 0)


def test_the_page_has_every_corruption_and_only_what_is_plausible_passes() -> None:
    page = (Path(__file__).parents[2] / "docs/corruptions.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    everything = [(one.of, one.name) for one in (*ALL, *PLAUSIBLE)]
    everything += [(str(one.of), one.name) for one in PARCELS]
    assert [(row[0], row[1]) for row in rows[2:]] == everything
    assert [row[1] for row in rows if row[2] == "passes"] == [one.name for one in PLAUSIBLE]


@pytest.mark.parametrize("one", PLAUSIBLE, ids=_name)
def test_what_is_plausible_passes_when_it_is_made(
    one: Corruption, bench: Bench, tmp_path: Path
) -> None:
    assert judge(bench, one.of, one.deed(bench, tmp_path / "spoilt.mp4")) == ()


@pytest.mark.parametrize("one", [p for p in PLAUSIBLE if p.of == "piece"], ids=_name)
def test_what_is_plausible_is_found_where_something_else_was_committed(
    one: Corruption, bench: Bench, tmp_path: Path
) -> None:
    made = one.deed(bench, tmp_path / "spoilt.mp4")
    assert isinstance(made, Path)
    files = [made, *(piece.path for piece in list(bench.pieces.values())[1:])]
    joined = bench.join(files, bench.sound, tmp_path / "joined.mp4")
    faults = certify(bench, Stitched(path=joined)).faults
    assert "the pictures are not those of the verified pieces" in faults


def test_every_flipped_bit_of_a_packet_is_found_once_it_was_committed(
    bench: Bench, tmp_path: Path
) -> None:
    data = bench.output.read_bytes()
    begin = data.index(b"mdat") + 4
    for at in range(begin, len(data), (len(data) - begin) // 12):
        spoilt = tmp_path / "spoilt.mp4"
        spoilt.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert certify(bench, Stitched(path=spoilt)).faults, at


def test_a_header_that_counts_in_eight_bytes_passes(bench: Bench, tmp_path: Path) -> None:
    plan = replace(bench.plan, frame_rate=Fraction(1), frames=800, width=16, height=16)
    long = replace(bench, plan=plan)
    piece, out = tmp_path / "piece.mp4", tmp_path / "out.mp4"
    words = "-f lavfi -i color=r=1:s=16x16:d=800 -c:v libx264 -g 12 -sc_threshold 0 -bf 2"
    tool(*words.split(), "-flags", "+cgop", "-video_track_timescale", "16384", str(piece))
    long.join([piece], None, out)
    assert b"mvhd\x01" in out.read_bytes()
    with av.open(str(out)) as container:
        size = sum(packet.size for packet in container.demux())
    assert movie_faults(out, plan, packets_bytes=size, seconds=Fraction(800)) == []


def test_there_are_enough_of_them_and_no_two_alike() -> None:
    assert len(ALL) >= 25
    assert len({(one.of, one.name) for one in (*ALL, *PLAUSIBLE)}) == len(ALL) + len(PLAUSIBLE)


def test_what_a_lenient_decoder_conceals_is_found(bench: Bench, tmp_path: Path) -> None:
    """A lost reference frame is made up for without a word, unless the decoder is told not to."""
    lost = next(one for one in PIECES if one.name == "a frame dropped")
    path = lost.deed(bench, tmp_path / "spoilt.mp4")
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 35
    assert any("does not decode" in fault for fault in judge(bench, "piece", path))
