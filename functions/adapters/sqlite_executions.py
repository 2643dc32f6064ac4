"""What is known of executions and of their tasks, in one SQLite file.

    launched ──► stop requested, perhaps ──► ended ──► told

The first two are written by anybody, the others and all that is known of tasks by one supervisor.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from sqlite3 import Row

from functions.adapters.sqlite_file import SqliteFile, micros, moment
from functions.ports import ExecutionState
from schemas.failures import Failure
from schemas.plan import Order
from schemas.wire import from_json, to_json

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS executions (
        name TEXT PRIMARY KEY, document BLOB NOT NULL, tasks INTEGER NOT NULL,
        stop_requested INTEGER NOT NULL DEFAULT 0,
        ended_at INTEGER, failure BLOB, told INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS executions_untold ON executions (name) WHERE told = 0",
    """CREATE TABLE IF NOT EXISTS tasks (
        execution TEXT NOT NULL, task INTEGER NOT NULL, retries INTEGER NOT NULL,
        code INTEGER, ended_at INTEGER, PRIMARY KEY (execution, task)
    ) STRICT, WITHOUT ROWID""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """What has become of one task of an execution."""

    index: int
    retries: int = 0
    """Runs that were begun because the one before them failed."""
    code: int | None = None
    """The last run's exit code, or minus the signal that killed it; None before any end."""
    ended_at: datetime | None = None
    """When its last run ended; None while another one is wanted."""

    @property
    def succeeded(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.ended_at is not None and self.code == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An attempt as its supervisor sees it."""

    name: str
    order: Order
    stop_requested: bool
    ended: bool
    failure: Failure | None
    tasks: tuple[TaskRecord, ...]
    """One for each task of the order, by index."""


class Executions:
    """The table, for any number of threads and processes; what a call wrote survives power loss."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)
        self._mine = threading.local()
        """Of each thread that asks again and again: what it was told, and how the file was then."""

    def add(self, name: str, order: Order) -> None:
        """A name that is there already keeps its first order. Raises NaiveTime."""
        query = """INSERT INTO executions (name, document, tasks) VALUES (?, ?, ?)
            ON CONFLICT DO NOTHING"""
        self._write(query, name, to_json(order), order.tasks)

    def request_stop(self, name: str) -> None:
        """Nothing happens to one that has ended or is not there."""
        self._write("UPDATE executions SET stop_requested = 1 WHERE name = ?", name)

    def state(self, name: str) -> ExecutionState | None:
        """What the Backend says of it; None where there is no such name."""
        row = self._file.reading.execute(
            "SELECT ended_at, failure FROM executions WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            return None
        return ExecutionState(ended=row["ended_at"] is not None, failure=_failure(row["failure"]))

    def untold(self) -> Sequence[Execution]:
        """All whose end nobody has been told of yet, the first launched first.

        Cheap to ask again, many times a second, while nothing changes.
        """
        if (state := self._file.state) != getattr(self._mine, "state", None):
            query = "SELECT * FROM executions WHERE told = 0 ORDER BY rowid"
            rows = self._file.reading.execute(query).fetchall()
            self._mine.untold, self._mine.state = tuple(map(self._execution, rows)), state
        untold: Sequence[Execution] = self._mine.untold
        return untold

    def save_task(self, name: str, task: TaskRecord) -> None:
        """Write down what became of a run."""
        ended_at = None if task.ended_at is None else micros(task.ended_at)
        self._write(
            "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?)",
            *(name, task.index, task.retries, task.code, ended_at),
        )

    def end(self, name: str, failure: Failure | None, at: datetime) -> None:
        """It has ended, well or with that failure."""
        self._write(
            "UPDATE executions SET ended_at = ?, failure = ? WHERE name = ?",
            *(micros(at), to_json(failure) if failure else None, name),
        )

    def mark_told(self, name: str) -> None:
        """Its end has been told: it is not among the untold any more."""
        self._write("UPDATE executions SET told = 1 WHERE name = ?", name)

    def prune(self, before: datetime) -> Sequence[tuple[str, int]]:
        """Forget what ended before then and was told: the names, each with its number of tasks."""
        with self._file.writing() as db:
            rows = db.execute(
                "DELETE FROM executions WHERE told = 1 AND ended_at < ? RETURNING name, tasks",
                (micros(before),),
            ).fetchall()
            db.executemany("DELETE FROM tasks WHERE execution = ?", [(r["name"],) for r in rows])
        return tuple((row["name"], row["tasks"]) for row in rows)

    def _write(self, query: str, *values: object) -> None:
        with self._file.writing() as db:
            db.execute(query, values)

    def _execution(self, row: Row) -> Execution:
        return Execution(
            name=row["name"],
            order=from_json(row["document"], Order),
            stop_requested=bool(row["stop_requested"]),
            ended=row["ended_at"] is not None,
            failure=_failure(row["failure"]),
            tasks=self._tasks(row["name"], row["tasks"]),
        )

    def _tasks(self, name: str, count: int) -> tuple[TaskRecord, ...]:
        query = "SELECT * FROM tasks WHERE execution = ?"
        rows = self._file.reading.execute(query, (name,)).fetchall()
        known = {row["task"]: _task(row) for row in rows}
        return tuple(known.get(index, TaskRecord(index=index)) for index in range(count))


def _task(row: Row) -> TaskRecord:
    ended_at = None if row["ended_at"] is None else moment(row["ended_at"])
    return TaskRecord(
        index=row["task"], retries=row["retries"], code=row["code"], ended_at=ended_at
    )


def _failure(document: bytes | None) -> Failure | None:
    return None if document is None else from_json(document, Failure)
