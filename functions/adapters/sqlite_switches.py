"""The kill switch in one SQLite file: the laptop's."""

from collections.abc import Sequence
from pathlib import Path

from functions.adapters.sqlite_file import SqliteFile
from functions.core.switches import Switching
from schemas.wire import from_json, to_json

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS switchings (
        id INTEGER PRIMARY KEY AUTOINCREMENT, document BLOB NOT NULL
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
