"""One SQLite file that many threads and processes write, shared by the local adapters."""

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.errors import NotConfigured
from schemas.ports import StoreRefused
from schemas.times import utc

BUSY = timedelta(seconds=30)
"""How long a writer waits for its turn before it gives up with sqlite3.OperationalError."""

_ERRNO = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.EIO}
_NOT_OURS = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN}
_PRIMARY = 0xFF
"""The bits of an extended result code that are its primary one (https://sqlite.org/rescode.html)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970: whole numbers sort as the moments do. Raises NaiveTime."""
    return (utc(moment) - _EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The moment, to the microsecond."""
    return _EPOCH + timedelta(microseconds=micros)


class MadeByNewer(NotConfigured):
    """The file has a history that this version does not know; nothing was changed."""


class SqliteFile:
    """A connection for each thread, closed with it. What `writing` committed survives power loss.

    `schema` is a history: a file that was made by an earlier version, with fewer statements, is
    given the rest. So statements are only ever added at its end. The folder is made.

    Raises StoreRefused where there is something else, or nothing can be opened.
    """

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._mine = threading.local()
        if self._steps() < len(schema):
            with self.writing() as db:
                for statement in schema[self._steps() :]:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {len(schema)}")
        if self._steps() > len(schema):
            raise MadeByNewer(
                f"{path} was written by a newer version of Clipline: go on with that version, "
                "or `make reset` to begin anew"
            )

    def _steps(self) -> int:
        """How many statements of the history the file has seen."""
        return int(self.reading.execute("PRAGMA user_version").fetchone()[0])

    @property
    def reading(self) -> sqlite3.Connection:
        """This thread's connection, where each statement reads the last committed state."""
        # A forked child must not touch its parent's connection: it opens its own.
        if getattr(self._mine, "pid", None) != os.getpid():
            self._mine.db, self._mine.pid = _connect(self._path), os.getpid()
        db: sqlite3.Connection = self._mine.db
        return db

    @property
    def state(self) -> tuple[int, int, int]:
        """Another one whenever anything was committed since, by whomever; for one thread only.

        It says which process asks, what others have committed and what this connection has changed.
        To ask is much cheaper than a query, which is what somebody who waits for news would run.
        """
        db = self.reading
        others = int(db.execute("PRAGMA data_version").fetchone()[0])
        return self._mine.pid, others, db.total_changes

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone among all writers; an exception leaves nothing behind.

        Raises OSError where the disk is full (ENOSPC) or broken (EIO): only adapters know SQLite's.
        """
        try:
            with _transaction(self.reading) as db:
                yield db
        except sqlite3.OperationalError as error:
            number = _ERRNO.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY)
            if number is None:
                raise
            raise OSError(number, os.strerror(number), str(self._path)) from error


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        # A full or broken disk has made SQLite roll back by itself.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


class _Connection(sqlite3.Connection):
    """Closes itself when its thread is gone, which Python 3.13 wants said."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # It was never opened.
            self.close()


def _connect(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(
            path,
            timeout=BUSY.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        db.row_factory = sqlite3.Row
        _use_wal(db)
        db.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & _PRIMARY not in _NOT_OURS:
            raise
        raise StoreRefused(
            f"{path} cannot be opened ({error}): put a copy of it back that can, or `make reset` "
            "to begin anew"
        ) from error
    return db


def _use_wal(db: sqlite3.Connection) -> None:
    """Two first openers meet here, and SQLite answers "locked" at once instead of waiting."""
    give_up = time.monotonic() + BUSY.total_seconds()
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY in _NOT_OURS or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
