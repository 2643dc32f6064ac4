"""Executions in one SQLite file: what was launched, what is asked, how every task is and ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row

from functions.adapters.sqlite_file import SqliteFile
from schemas.failures import Failure
from schemas.plan import Order
from schemas.wire import from_json, to_json

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS executions (
        name TEXT PRIMARY KEY, "order" BLOB NOT NULL, stop INTEGER NOT NULL DEFAULT 0,
        ended INTEGER NOT NULL DEFAULT 0, failure BLOB, told INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS executions_untold ON executions (told) WHERE told = 0",
    """CREATE TABLE IF NOT EXISTS tasks (
        execution TEXT NOT NULL, number INTEGER NOT NULL, failures INTEGER NOT NULL,
        code INTEGER NOT NULL, over INTEGER NOT NULL, PRIMARY KEY (execution, number)
    ) STRICT, WITHOUT ROWID""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One attempt's run, as it was last written down."""

    name: str
    order: Order
    stop: bool
    """Somebody wants it stopped."""
    ended: bool
    failure: Failure | None
    told: bool
    """Its end was published: nothing is to be done about it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What one task's processes came to so far."""

    number: int
    failures: int = 0
    code: int = 0
    """The last one's exit code; a signal is negative, as in `subprocess`."""
    over: bool = False
    """No further process is started for it."""


class SqliteExecutions:
    """The table between those who launch and the one who runs. Every write is durable."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def launch(self, name: str, order: Order) -> None:
        """Have it run; a repeat changes nothing."""
        with self._file.writing() as db:
            db.execute(
                'INSERT INTO executions (name, "order") VALUES (?, ?) ON CONFLICT DO NOTHING',
                (name, to_json(order)),
            )

    def stop(self, name: str) -> None:
        """Have it stopped; one that ended or never was stays as it is."""
        self._change("UPDATE executions SET stop = 1 WHERE name = ? AND ended = 0", name)

    def find(self, name: str) -> Execution | None:
        """The execution of that name."""
        rows = self._select("SELECT * FROM executions WHERE name = ?", name)
        return _execution(rows[0]) if rows else None

    def untold(self) -> Sequence[Execution]:
        """Those with which something is still to be done, in the order of their launch."""
        query = "SELECT * FROM executions WHERE told = 0 ORDER BY rowid"
        return tuple(map(_execution, self._select(query)))

    def tasks(self, execution: Execution) -> Sequence[Tried]:
        """All tasks of it, in the order of their numbers."""
        query = "SELECT number, failures, code, over FROM tasks WHERE execution = ?"
        known = {row["number"]: row for row in self._select(query, execution.name)}
        return tuple(
            Tried(
                number=number,
                failures=known[number]["failures"],
                code=known[number]["code"],
                over=bool(known[number]["over"]),
            )
            if number in known
            else Tried(number=number)
            for number in range(execution.order.tasks)
        )

    def keep(self, name: str, tried: Tried) -> None:
        """Write down how a process of a task ended."""
        self._change(
            "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?)",
            *(name, tried.number, tried.failures, tried.code, tried.over),
        )

    def end(self, name: str, failure: Failure | None) -> None:
        """Write down how it ended; the first word stands."""
        value = None if failure is None else to_json(failure)
        query = "UPDATE executions SET ended = 1, failure = ? WHERE name = ? AND ended = 0"
        self._change(query, value, name)

    def mark_told(self, name: str) -> None:
        """Its end is published."""
        self._change("UPDATE executions SET told = 1 WHERE name = ?", name)

    def _select(self, query: str, *values: object) -> list[Row]:
        return self._file.reading.execute(query, values).fetchall()

    def _change(self, query: str, *values: object) -> None:
        with self._file.writing() as db:
            db.execute(query, values)


def _execution(row: Row) -> Execution:
    return Execution(
        name=row["name"],
        order=from_json(row["order"], Order),
        stop=bool(row["stop"]),
        ended=bool(row["ended"]),
        failure=None if row["failure"] is None else from_json(row["failure"], Failure),
        told=bool(row["told"]),
    )
