"""The ledger in one SQLite file: the laptop's."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

from functions.adapters.sqlite_file import SqliteFile, micros
from functions.core.admission import MINUTE, Gate
from functions.core.entries import Entry, Outcome
from schemas.wire import from_json, to_json

KEEP = timedelta(days=7)
"""Decisions read hours of it; people who ask why may come a week later."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS entries (
        key TEXT PRIMARY KEY, lane TEXT NOT NULL, launch TEXT NOT NULL, render TEXT NOT NULL,
        outcome TEXT NOT NULL, at INTEGER NOT NULL, document BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS entries_age ON entries (lane, at)",
    "CREATE INDEX IF NOT EXISTS entries_launch ON entries (launch)",
    "ALTER TABLE entries ADD COLUMN nanodollars INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX IF NOT EXISTS entries_cost ON entries (at, nanodollars) WHERE nanodollars > 0",
)
_ADD = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_UNDER_WAY = """SELECT count(*) FROM entries AS one
    WHERE lane = ? AND outcome = ? AND at > ? AND render != ? AND NOT EXISTS (
        SELECT 1 FROM entries AS other WHERE other.launch = one.launch AND other.outcome != ?)"""


class SqliteLedger:
    """A Ledger for any number of threads and processes on one machine."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def append(self, entries: Sequence[Entry]) -> None:
        """All of them or none; what is there already stays as it is."""
        if not entries:
            return
        with self._file.writing() as db:
            for one in entries:
                _add(db, one)
            oldest = micros(max(one.at for one in entries) - KEEP)
            db.execute("DELETE FROM entries WHERE lane = ? AND at < ?", (entries[0].lane, oldest))

    def recent(self, lanes: Sequence[str], since: datetime, *, limit: int) -> Sequence[Entry]:
        """Of each lane the newest."""
        query = """SELECT document FROM entries WHERE lane = ? AND at > ?
            ORDER BY at DESC, key DESC LIMIT ?"""
        return tuple(
            from_json(row["document"], Entry)
            for lane in lanes
            for row in self._file.reading.execute(query, (lane, micros(since), limit))
        )

    def spent(self, since: datetime) -> int:
        """All lanes together."""
        query = "SELECT total(nanodollars) FROM entries WHERE nanodollars > 0 AND at >= ?"
        return _count(self._file.reading, query, micros(since))

    def admit(self, launch: Entry, gate: Gate) -> bool:
        """Counted and written down in one transaction, alone among all that ask."""
        with self._file.writing() as db:
            if _count(db, "SELECT count(*) FROM entries WHERE key = ?", launch.key):
                return True
            at, is_launch = launch.at, Outcome.LAUNCHED.value
            if gate.a_minute is not None:
                query = "SELECT count(*) FROM entries WHERE lane = ? AND outcome = ? AND at > ?"
                since = micros(at - MINUTE)
                if _count(db, query, launch.lane, is_launch, since) >= gate.a_minute:
                    return False
            for limit in gate.shared:
                query = "SELECT count(*) FROM entries WHERE lane = ? AND outcome = ? AND at > ?"
                since = micros(at - MINUTE)
                counts = {lane: _count(db, query, lane, is_launch, since) for lane in limit.weights}
                if not limit.has_room(launch.lane, counts):
                    return False
            if gate.under_way is not None:
                since = micros(at - gate.patience)
                values = (launch.lane, is_launch, since, launch.render, is_launch)
                if _count(db, _UNDER_WAY, *values) >= gate.under_way:
                    return False
            _add(db, launch)
            return True


def _add(db: Connection, one: Entry) -> None:
    values = (one.key, one.lane, one.launch, one.render, one.outcome.value, micros(one.at))
    db.execute(_ADD, (*values, to_json(one), one.nanodollars))


def _count(db: Connection, query: str, *values: object) -> int:
    return int(db.execute(query, values).fetchone()[0])
