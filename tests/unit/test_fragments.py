"""What is kept of a fragmented MP4 that was cut off: whole GOPs, and nothing else."""

from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render_job.fragments import cut, whole_gops

KEY, DELTA = 0x0200_0000, 0x0101_0000
HEAD_BYTES = 24


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return pack(">I4s", 8 + len(body), kind) + body


def head() -> bytes:
    made = box(b"ftyp", b"iso5") + box(b"moov", bytes(4))
    assert len(made) == HEAD_BYTES
    return made


def fragment(samples: int, *, key: bool = True, size: int = 50) -> bytes:
    """As ffmpeg writes it: the first sample's flags in `trun`, the others' in `tfhd`."""
    tfhd = box(b"tfhd", pack(">IIII", 0x02_0038, 1, 512, 100), pack(">I", DELTA))
    flags = KEY if key else DELTA
    trun = box(b"trun", pack(">IIiI", 0x000205, samples, 0, flags), bytes(4 * samples))
    traf = box(b"traf", tfhd, box(b"tfdt", bytes(8)), trun)
    return box(b"moof", box(b"mfhd", bytes(8)), traf) + box(b"mdat", bytes(size))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "piece.mp4"
    path.write_bytes(data)
    return path


def test_a_file_cut_inside_a_fragment_keeps_those_before(tmp_path: Path) -> None:
    kept = head() + fragment(12) + fragment(12)
    assert whole_gops(written(tmp_path, kept + fragment(12)[:-1]), 12) == (len(kept), 24)


def test_a_whole_file_keeps_all_its_gops_but_not_the_index_at_its_end(tmp_path: Path) -> None:
    kept = head() + fragment(12) + fragment(12)
    path = written(tmp_path, kept + box(b"mfra", bytes(30)))
    assert whole_gops(path, 12) == (len(kept), 24)
    cut(path, len(kept))
    assert path.read_bytes() == kept


def test_a_short_last_gop_is_not_kept(tmp_path: Path) -> None:
    kept = head() + fragment(12)
    assert whole_gops(written(tmp_path, kept + fragment(7)), 12) == (len(kept), 12)


def test_a_gop_may_take_several_fragments(tmp_path: Path) -> None:
    kept = head() + fragment(8) + fragment(4, key=False)
    path = written(tmp_path, kept + fragment(8))
    assert whole_gops(path, 12) == (len(kept), 12)


def test_a_gop_that_begins_without_a_key_frame_ends_the_good_part(tmp_path: Path) -> None:
    kept = head() + fragment(12)
    path = written(tmp_path, kept + fragment(12, key=False) + fragment(12))
    assert whole_gops(path, 12) == (len(kept), 12)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0", head(), head() + box(b"moof"), head() + box(b"mdat"), pack(">I4s", 3, b"ftyp")],
)
def test_nothing_whole_is_nothing(tmp_path: Path, data: bytes) -> None:
    assert whole_gops(written(tmp_path, data), 12) == (0, 0)


def test_a_box_with_a_long_length_is_read(tmp_path: Path) -> None:
    moof = fragment(12, size=0)[:-8]
    mdat = pack(">I4sQ", 1, b"mdat", 16 + 50) + bytes(50)
    path = written(tmp_path, head() + moof + mdat)
    assert whole_gops(path, 12) == (len(head() + moof + mdat), 12)


@given(sizes=st.lists(st.integers(1, 200), max_size=6), lost=st.integers(0, 2000))
def test_what_is_kept_is_always_a_prefix_of_whole_gops(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], lost: int
) -> None:
    parts = [fragment(12, size=size) for size in sizes]
    data = head() + b"".join(parts)
    data = data[: max(0, len(data) - lost)]
    kept, frames = whole_gops(written(tmp_path_factory.mktemp("cut"), data), 12)
    gops = frames // 12
    assert kept == (HEAD_BYTES + len(b"".join(parts[:gops])) if gops else 0)
    assert kept <= len(data)
    after = HEAD_BYTES + len(b"".join(parts[: gops + 1]))
    assert gops == len(parts) or after > len(data)
