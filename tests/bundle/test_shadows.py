"""A dependency that ships a top-level `schemas` of its own: ours is the one that is imported."""

import shutil
from pathlib import Path

import pytest

from infra.bundle.stage import Staged
from infra.emulators.server import NotStarted
from schemas.events import ObjectFinalized
from tests.bundle.clean import packages_of, python_with
from tests.bundle.served import NOW, serve

LAPTOP = {"CLIPLINE_PLACE": "laptop", "CLIPLINE_ENCODER_CLASS": "x", "CLIPLINE_TASKS": "1"}


@pytest.fixture(scope="module")
def rivalled(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clean Python, with a package of our names among what is installed."""
    home = tmp_path_factory.mktemp("rivalled")
    made = python_with(python, home)
    for name in ("schemas", "functions"):
        folder = packages_of(home) / name
        folder.mkdir()
        (folder / "__init__.py").write_text('"""Somebody else\'s."""\n')
    return made


def test_ours_is_served_though_a_dependency_has_one(
    rivalled: Path, bundle: Staged, tmp_path: Path
) -> None:
    told = {**LAPTOP, "CLIPLINE_HOME": str(tmp_path)}
    with serve(rivalled, bundle.folder, "on_upload", told, tmp_path / "log") as served:
        nobodys = ObjectFinalized(bucket="uploads", name="a/b.mp4", generation=1, at=NOW)
        assert served.push(nobodys).status == 200


def test_without_our_main_it_would_be_theirs(
    rivalled: Path, bundle: Staged, tmp_path: Path
) -> None:
    naive = tmp_path / "naive"
    shutil.copytree(bundle.folder, naive)
    (naive / "main.py").write_text("from functions.main import on_upload\n")
    with (
        pytest.raises(NotStarted, match=r"No module named 'functions\.main'"),
        serve(rivalled, naive, "on_upload", LAPTOP, tmp_path / "log"),
    ):
        pass


def test_what_was_imported_before_us_is_refused(
    rivalled: Path, bundle: Staged, tmp_path: Path
) -> None:
    home = tmp_path / "early"
    python = python_with(rivalled, home)
    shutil.copytree(packages_of(rivalled.parents[1]) / "schemas", packages_of(home) / "schemas")
    others = packages_of(home) / "others.pth"
    clean = (packages_of(rivalled.parents[1]) / "others.pth").read_text()
    others.write_text(f"{others.read_text()}\n{clean}\nimport schemas\n")
    with (
        pytest.raises(NotStarted, match=r"'schemas' was imported from .*, not from the bundle"),
        serve(python, bundle.folder, "on_upload", LAPTOP, tmp_path / "log"),
    ):
        pass
