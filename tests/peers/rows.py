"""The task that every peer does: one version-checked UPDATE of a document in a durable file.

Standard library only: it is imported by the Python of the peers, which has nothing of ours.
"""

import os
import sqlite3
import time
from pathlib import Path

DOCUMENT = b"x" * 2500
"""About as long as a render that has an attempt."""


class Rows:
    """One file, one connection; what `update` returned True for survives power loss."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(
            """CREATE TABLE IF NOT EXISTS renders (
                id INTEGER PRIMARY KEY, version INTEGER NOT NULL, document BLOB NOT NULL, at REAL
            ) STRICT"""
        )

    def fill(self, count: int) -> None:
        """So many rows, each at version 0."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO renders VALUES (?, 0, ?, NULL)", ((id, DOCUMENT) for id in range(count))
        )
        self._db.execute("COMMIT")

    def update(self, id: int, version: int) -> bool:
        """To the next version, if it still is at this one: a repeated task changes nothing."""
        done = self._db.execute(
            "UPDATE renders SET version = version + 1, document = ?, at = ? "
            "WHERE id = ? AND version = ?",
            (DOCUMENT, time.time(), id, version),
        )
        return done.rowcount == 1

    def done(self) -> int:
        """How many rows are at version 1."""
        query = "SELECT count(*) FROM renders WHERE version = 1"
        return int(self._db.execute(query).fetchone()[0])

    def seconds(self) -> float:
        """From the first update to the last."""
        query = "SELECT max(at) - min(at) FROM renders"
        return float(self._db.execute(query).fetchone()[0])


def opened() -> Rows:
    """The file that the bench names in the environment."""
    return Rows(Path(os.environ["BENCH_ROWS"]))
