"""A database outlives the version that made it, and a disk that was full for a while."""

import errno
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from functions.adapters.sqlite_file import MadeByNewer, SqliteFile
from schemas.ports import StoreRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import Popen

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


def test_its_state_is_another_after_every_commit_and_after_nothing_else(tmp_path: Path) -> None:
    mine, theirs = (SqliteFile(tmp_path / "a.db", [FIRST]) for _ in range(2))
    before = mine.state
    mine.reading.execute("SELECT * FROM things").fetchall()
    assert mine.state == before
    for file in (mine, theirs):
        with file.writing() as db:
            db.execute("INSERT INTO things VALUES ('one')")
        assert mine.state != before
        before = mine.state
    assert mine.state == before


def test_a_full_file_is_told_as_the_system_would_and_takes_more_when_there_is_room(
    tmp_path: Path,
) -> None:
    file = SqliteFile(tmp_path / "a.db", [FIRST])
    pages = file.reading.execute("PRAGMA page_count").fetchone()[0]
    file.reading.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OSError, match="No space left") as full, file.writing() as db:
        db.executemany("INSERT INTO things VALUES (?)", [("small",), ("large" * 5000,)])
    assert full.value.errno == errno.ENOSPC
    file.reading.execute("PRAGMA max_page_count = 1000")
    with file.writing() as db:
        db.execute("INSERT INTO things VALUES ('later')")
    assert [row["name"] for row in file.reading.execute("SELECT name FROM things")] == ["later"]


CUT_OFF = """
    import errno, os, resource, sys
    from pathlib import Path
    from functions.adapters.sqlite_file import SqliteFile
    path = Path(sys.argv[1])
    file = SqliteFile(path, [sys.argv[2]])
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = os.path.getsize(f"{path}-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most[1]))
    try:
        with file.writing() as db:
            db.execute("INSERT INTO things VALUES ('lost')")
            print("all but committed")
    except OSError as error:
        print(errno.errorcode[error.errno])
    resource.setrlimit(resource.RLIMIT_FSIZE, most)
    with file.writing() as db:
        db.execute("INSERT INTO things VALUES ('later')")
"""


def test_a_disk_that_fails_in_the_commit_leaves_nothing_and_the_next_one_counts(
    tmp_path: Path, start_python: "Callable[..., Popen[str]]"
) -> None:
    path = tmp_path / "a.db"
    child = start_python(CUT_OFF, path, FIRST)
    assert child.communicate(timeout=30)[0].split("\n") == ["all but committed", "EIO", ""]
    rows = SqliteFile(path, [FIRST]).reading.execute("SELECT name FROM things")
    assert [row["name"] for row in rows] == ["later"]


@pytest.mark.parametrize("kind", ["text", "torn", "folder"])
def test_what_is_no_database_is_refused_at_once_with_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "state.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no database\n" * 1000)
    else:
        SqliteFile(path, [FIRST]).reading.close()
        whole = path.read_bytes()
        path.write_bytes(b"\0" * 100 + whole[100:])
    before = time.monotonic()
    with pytest.raises(StoreRefused, match=str(path)):
        SqliteFile(path, [FIRST])
    assert time.monotonic() - before < 5
