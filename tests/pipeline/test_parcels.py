"""Whatever is spoilt in an output of another kind than MP4 is found before it is delivered."""

import hashlib
from pathlib import Path

import pytest

from render_job.parcel import SUMS
from schemas.kinds import Kind
from tests.corruptions.bench import Bench, make_bench
from tests.corruptions.parcels import PARCELS, Made, Spoilt, make
from tests.sources import Sources

KINDS = (Kind.HLS, Kind.POSTER, Kind.THUMBNAILS)


@pytest.fixture(scope="module")
def bench(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(sources.path("ntsc"), tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def made(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Made]:
    folder = tmp_path_factory.mktemp("parcels")
    return {kind: make(bench, kind, folder / kind) for kind in KINDS}


@pytest.mark.parametrize("one", PARCELS, ids=lambda one: f"{one.of}: {one.name}")
def test_a_corruption_is_found_and_named(
    one: Spoilt, made: dict[Kind, Made], tmp_path: Path
) -> None:
    faults = made[one.of].faults(one.deed(made[one.of], tmp_path / "spoilt"))
    assert any(one.told in fault for fault in faults), faults


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_true_passes(kind: Kind, made: dict[Kind, Made], tmp_path: Path) -> None:
    it = made[kind]
    assert it.faults(it.parcel) == ()
    assert it.faults(it.copied(tmp_path / "copied")) == ()


@pytest.mark.parametrize("kind", [Kind.HLS, Kind.THUMBNAILS])
def test_the_files_beside_are_named_by_what_they_hold(
    kind: Kind, made: dict[Kind, Made], tmp_path: Path
) -> None:
    *files, last = made[kind].parcel.beside
    assert last.name.endswith(f"/{SUMS}")
    assert len({one.name.rpartition("/")[0] for one in (*files, last)}) == 1
    for one in files:
        assert hashlib.sha256(one.path.read_bytes()).hexdigest() == one.sha256
    again = make(made[kind].bench, kind, tmp_path / "again")
    assert [one.name for one in again.parcel.beside] == [
        one.name for one in made[kind].parcel.beside
    ]
