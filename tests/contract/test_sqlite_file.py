"""A database outlives the version that made it: `make up` goes on after a `git pull`."""

from pathlib import Path

import pytest

from functions.adapters.sqlite_file import MadeByNewer, SqliteFile

FIRST = "CREATE TABLE IF NOT EXISTS things (name TEXT) STRICT"
SECOND = "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7"


def test_a_file_of_an_earlier_version_is_brought_up_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with SqliteFile(path, [FIRST]).writing() as db:
        db.execute("INSERT INTO things VALUES ('old')")
    for _ in range(2):
        newer = SqliteFile(path, [FIRST, SECOND])
    assert [tuple(row) for row in newer.reading.execute("SELECT * FROM things")] == [("old", 7)]


def test_a_file_of_a_newer_version_is_refused_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    SqliteFile(path, [FIRST, SECOND])
    with pytest.raises(MadeByNewer, match="newer version"):
        SqliteFile(path, [FIRST])
    SqliteFile(path, [FIRST, SECOND])
