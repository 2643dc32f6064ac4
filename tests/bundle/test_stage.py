"""What is in a bundle, and what it is called."""

import shutil
from pathlib import Path

import pytest

from infra.bundle.stage import PACKAGES, ROOT, Staged, stage
from infra.lock import NotLocked, part_of


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """All that a bundle is made of, elsewhere and with what tools leave behind."""
    copy = tmp_path / "checkout"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package)
        (copy / package / "__pycache__").mkdir(exist_ok=True)
        (copy / package / "__pycache__" / "left.cpython-311.pyc").write_bytes(b"?")
    for file in ("requirements.txt", "infra/bundle/main.py"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, copy / file)
    return copy


def test_the_same_bytes_have_the_same_name_wherever_they_are(
    checkout: Path, tmp_path: Path
) -> None:
    here, there = stage(build=tmp_path / "a"), stage(checkout, tmp_path / "b")
    assert here.archive.name == there.archive.name
    assert here.archive.read_bytes() == there.archive.read_bytes()
    assert names(here.folder) == names(there.folder)


def test_another_byte_is_another_name(checkout: Path, tmp_path: Path) -> None:
    before = stage(checkout, tmp_path / "b")
    with (checkout / "schemas" / "wire.py").open("a") as file:
        file.write("\n")
    after = stage(checkout, tmp_path / "b")
    assert before.archive.name != after.archive.name
    assert before.archive.exists()


def test_a_file_that_moved_is_another_name(checkout: Path, tmp_path: Path) -> None:
    before = stage(checkout, tmp_path / "b")
    (checkout / "functions" / "logs.py").rename(checkout / "functions" / "lags.py")
    assert stage(checkout, tmp_path / "b").digest != before.digest


def test_an_interrupted_staging_is_done_again(checkout: Path, tmp_path: Path) -> None:
    whole = stage(checkout, tmp_path / "b")
    expected = names(whole.folder)
    whole.archive.unlink()
    (whole.folder / "main.py").unlink()
    assert names(stage(checkout, tmp_path / "b").folder) == expected


def test_it_holds_the_two_packages_and_nothing_of_tests_laptop_or_people(bundle: Staged) -> None:
    found = names(bundle.folder)
    assert {name.partition("/")[0] for name in found} == {
        *("functions", "main.py", "requirements.txt", "schemas")
    }
    assert not [
        name for name in found if "__pycache__" in name or not name.endswith((".py", ".txt"))
    ]


def test_every_requirement_is_exact_and_hashed_and_the_laptops_are_left_out(
    bundle: Staged,
) -> None:
    text = (bundle.folder / "requirements.txt").read_text()
    entries = text.replace("\\\n", " ").splitlines()
    locked = [line for line in entries if "==" in line]
    assert locked
    assert all("--hash=sha256:" in line for line in locked)
    assert not {"typer", "rich", "waitress", "imageio-ffmpeg"} & {
        line.partition("==")[0] for line in locked
    }


def test_a_package_that_is_not_locked_is_named() -> None:
    with pytest.raises(NotLocked, match="no b: make lock"):
        part_of("a==1 \\\n    --hash=sha256:00\n", ("a", "b"))


def test_what_is_brought_along_comes_along_however_far() -> None:
    lock = (
        "a==1\n    # via b\nb==1\n    # via\n    #   c\n    #   d\nc==1\nd==1\n    # via e\ne==1\n"
    )
    assert [line for line in part_of(lock, ("c",)).splitlines() if "==" in line] == [
        *("a==1", "b==1", "c==1")
    ]
