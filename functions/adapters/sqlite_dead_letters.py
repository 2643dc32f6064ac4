"""Dead letters in one SQLite file: the laptop's desk."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from sqlite3 import Row

from functions.adapters.sqlite_file import SqliteFile, micros, moment
from functions.desk import Group, Wanted, presets_of, words_of
from schemas.dead_letters import DeadLetterRecord
from schemas.replay_plan import AuditRecord
from schemas.replay_run import ReplayRun
from schemas.reproduction import FetchRecord
from schemas.wire import from_json, to_json

PAGE = 200
"""Records in memory at once."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS dead_letters (
        id TEXT PRIMARY KEY, document BLOB NOT NULL, at INTEGER NOT NULL,
        fingerprint TEXT NOT NULL, class TEXT NOT NULL, render TEXT, tenant TEXT,
        lanes TEXT NOT NULL, words TEXT NOT NULL,
        disposed_at INTEGER, disposed_by TEXT, disposed_why TEXT
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS dead_letters_age ON dead_letters (at, id)",
    "CREATE INDEX IF NOT EXISTS dead_letters_group ON dead_letters (fingerprint, at, id)",
    "CREATE INDEX IF NOT EXISTS dead_letters_render ON dead_letters (render)",
    """CREATE TABLE IF NOT EXISTS audits (
        id INTEGER PRIMARY KEY AUTOINCREMENT, plan TEXT NOT NULL, document BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS fetches (
        id INTEGER PRIMARY KEY AUTOINCREMENT, document BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS runs (
        plan TEXT NOT NULL, made_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
        document BLOB NOT NULL, PRIMARY KEY (plan, made_at)
    ) STRICT, WITHOUT ROWID""",
)
_NEW = f"INSERT OR IGNORE INTO dead_letters VALUES ({', '.join('?' * 9)}, NULL, NULL, NULL)"


_COST = """coalesce((SELECT sum(json_extract(one.value, '$.nanodollars'))
    FROM json_each(CAST(document AS TEXT), '$.letter.attempts') AS one), 0)"""
"""Of one record, read from its document: the price of a lane may be none."""


class SqliteDeadLetters:
    """A store of dead letters for any number of threads and processes on one machine."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def keep(self, records: Sequence[DeadLetterRecord]) -> int:
        """How many were new; all of them or none."""
        with self._file.writing() as db:
            return sum(db.execute(_NEW, _columns(record)).rowcount for record in records)

    def find(self, wanted: Wanted) -> Iterator[DeadLetterRecord]:
        """Those that failed last come first, a page in memory at a time."""
        where, values = _where(wanted)
        # Read page by page, each a statement of its own: an open one would keep the file growing.
        query = f"""SELECT document, at, id FROM dead_letters WHERE {where}
            AND (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT {PAGE}"""
        last: tuple[int, str] = (2**63 - 1, "")
        while rows := self._select(query, *values, *last):
            yield from map(_record, rows)
            last = rows[-1]["at"], rows[-1]["id"]

    def groups(self, wanted: Wanted, *, limit: int) -> Sequence[Group]:
        """The largest groups first, then the one that failed last."""
        where, values = _where(wanted)
        query = f"""SELECT fingerprint, count(*) AS size, min(at) AS first, max(at) AS last,
            sum({_COST}) AS cost, group_concat(DISTINCT lanes) AS lanes
            FROM dead_letters WHERE {where}
            GROUP BY fingerprint ORDER BY size DESC, last DESC, fingerprint LIMIT ?"""
        newest = f"""SELECT document FROM dead_letters WHERE {where} AND fingerprint = ?
            ORDER BY at DESC, id DESC LIMIT 1"""
        return tuple(
            Group(
                count=row["size"],
                first_at=moment(row["first"]),
                lanes=_lanes(row["lanes"]),
                example=_record(example),
                nanodollars=row["cost"],
            )
            for row in self._select(query, *values, limit)
            for example in self._select(newest, *values, row["fingerprint"])
        )

    def count(self, wanted: Wanted) -> int:
        """How many there are."""
        where, values = _where(wanted)
        count: int = self._select(f"SELECT count(*) FROM dead_letters WHERE {where}", *values)[0][0]
        return count

    def taken_from(self) -> dict[str, int]:
        """Read from the documents: nobody asks often."""
        rows = self._select(
            """SELECT json_extract(CAST(document AS TEXT), '$.subscription') AS name,
                count(*) AS size FROM dead_letters WHERE disposed_at IS NULL GROUP BY name"""
        )
        return {row["name"]: row["size"] for row in rows}

    def dispose(self, id: str, *, by: str, reason: str, at: datetime) -> bool:
        """Not found again; who, when and why stay in its row."""
        with self._file.writing() as db:
            changed = db.execute(
                """UPDATE dead_letters SET disposed_at = ?, disposed_by = ?, disposed_why = ?
                    WHERE id = ? AND disposed_at IS NULL""",
                (micros(at), by, reason, id),
            )
            return changed.rowcount > 0

    def restore(self, id: str) -> bool:
        """Found again as it was."""
        with self._file.writing() as db:
            changed = db.execute(
                """UPDATE dead_letters SET disposed_at = NULL, disposed_by = NULL,
                    disposed_why = NULL WHERE id = ? AND disposed_at IS NOT NULL""",
                (id,),
            )
            return changed.rowcount > 0

    def note(self, audit: AuditRecord) -> None:
        """Kept for good."""
        with self._file.writing() as db:
            values = (audit.plan, to_json(audit))
            db.execute("INSERT INTO audits (plan, document) VALUES (?, ?)", values)

    def audits(self, *, limit: int, plan: str = "") -> Sequence[AuditRecord]:
        """What was noted last comes first; of plans whose digest begins so."""
        query = """SELECT document FROM audits WHERE substr(plan, 1, ?) = ?
            ORDER BY id DESC LIMIT ?"""
        rows = self._select(query, len(plan), plan, limit)
        return tuple(from_json(row["document"], AuditRecord) for row in rows)

    def note_run(self, run: ReplayRun) -> None:
        """In place of what was noted of that plan before."""
        values = (run.plan, micros(run.made_at), micros(run.seen_at), to_json(run))
        with self._file.writing() as db:
            db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", values)

    def runs(self, *, limit: int, plan: str = "") -> Sequence[ReplayRun]:
        """What was heard of last comes first; of plans whose digest begins so."""
        query = """SELECT document FROM runs WHERE substr(plan, 1, ?) = ?
            ORDER BY seen_at DESC LIMIT ?"""
        rows = self._select(query, len(plan), plan, limit)
        return tuple(from_json(row["document"], ReplayRun) for row in rows)

    def note_fetch(self, fetch: FetchRecord) -> None:
        """Kept for good."""
        with self._file.writing() as db:
            db.execute("INSERT INTO fetches (document) VALUES (?)", (to_json(fetch),))

    def fetches(self, *, limit: int) -> Sequence[FetchRecord]:
        """What was noted last comes first."""
        rows = self._select("SELECT document FROM fetches ORDER BY id DESC LIMIT ?", limit)
        return tuple(from_json(row["document"], FetchRecord) for row in rows)

    def _select(self, query: str, *values: object) -> list[Row]:
        db = self._file.reading
        # Of this connection, and asked of few: those that all other conditions leave.
        db.create_function("has_preset", 2, _has_preset, deterministic=True)
        return db.execute(query, values).fetchall()


def _has_preset(document: bytes, preset: str) -> bool:
    return preset in presets_of(from_json(document, DeadLetterRecord))


def _where(wanted: Wanted) -> tuple[str, list[object]]:
    """A condition, which holds no word that came from outside, and its values."""
    asked: list[tuple[str, object]] = [
        ("at >= ?", None if wanted.since is None else micros(wanted.since)),
        ("class = ?", wanted.failure and wanted.failure.value),
        ("tenant = ?", wanted.tenant),
        ("instr(lanes, ?)", wanted.lane and json.dumps(wanted.lane)),
        ("substr(fingerprint, 1, length(?1)) = ?1", wanted.fingerprint),
        ("(substr(id, 1, length(?1)) = ?1 OR substr(render, 1, length(?1)) = ?1)", wanted.id),
        ("instr(words, ?)", wanted.text and wanted.text.casefold()),
        ("has_preset(document, ?)", wanted.preset),
    ]
    where, values = ["disposed_at IS NULL"], []
    for condition, value in asked:
        if value is not None:
            where.append(condition.replace("?1", "?"))
            values += [value] * max(1, condition.count("?1"))
    return " AND ".join(where), values


def _columns(record: DeadLetterRecord) -> tuple[object, ...]:
    return (
        record.id,
        to_json(record),
        micros(record.at),
        record.fingerprint,
        record.failure.failure.value,
        record.render,
        record.tenant,
        json.dumps(record.lanes),
        words_of(record),
    )


def _lanes(several: str) -> tuple[str, ...]:
    """SQLite joins lists with commas, so a pair of brackets makes a list of lists of them."""
    return tuple(sorted({lane for lanes in json.loads(f"[{several}]") for lane in lanes}))


def _record(row: Row) -> DeadLetterRecord:
    return from_json(row["document"], DeadLetterRecord)
