"""What people have decided of launches and money, in one SQLite file: the laptop's."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from functions.adapters.sqlite_file import SqliteFile, micros
from functions.core.budget import Raise
from functions.core.switches import Switching
from schemas.wire import from_json, to_json

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS switchings (
        id INTEGER PRIMARY KEY AUTOINCREMENT, document BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS raises (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, document BLOB NOT NULL
    ) STRICT""",
)


class SqliteSwitches:
    """Switches for any number of threads and processes on one machine."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def note(self, switching: Switching) -> None:
        """Kept for good."""
        with self._file.writing() as db:
            db.execute("INSERT INTO switchings (document) VALUES (?)", (to_json(switching),))

    def noted(self) -> Sequence[Switching]:
        """What was noted last comes first."""
        rows = self._file.reading.execute("SELECT document FROM switchings ORDER BY id DESC")
        return tuple(from_json(row["document"], Switching) for row in rows.fetchall())

    def note_raise(self, one: Raise) -> None:
        """Kept for good."""
        with self._file.writing() as db:
            values = (micros(one.at), to_json(one))
            db.execute("INSERT INTO raises (at, document) VALUES (?, ?)", values)

    def raises(self, since: datetime) -> Sequence[Raise]:
        """What was noted last comes first."""
        query = "SELECT document FROM raises WHERE at >= ? ORDER BY at DESC, id DESC"
        rows = self._file.reading.execute(query, (micros(since),))
        return tuple(from_json(row["document"], Raise) for row in rows.fetchall())
