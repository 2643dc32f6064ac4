"""Renders in one SQLite file: the laptop's RenderStore."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from sqlite3 import Connection, Row

from functions.adapters.sqlite_file import SqliteFile, micros, moment
from functions.core.quotas import Limit
from functions.core.render import RUNNING, Render, State
from functions.core.share import Head
from functions.ports import Conflict, FolderTaken, LaneFull, Stored
from functions.sought import ANY, Sought
from schemas.wire import from_json, to_json

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS renders (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, document BLOB NOT NULL,
        state TEXT NOT NULL, lane TEXT, due_at INTEGER, created_at INTEGER NOT NULL,
        bucket TEXT NOT NULL, name TEXT NOT NULL, generation INTEGER NOT NULL,
        revision INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS renders_due ON renders (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS renders_state ON renders (state, lane, created_at)",
    "CREATE INDEX IF NOT EXISTS renders_age ON renders (created_at)",
    "CREATE INDEX IF NOT EXISTS renders_upload ON renders (bucket, name, generation, revision)",
    "CREATE TABLE IF NOT EXISTS folders (folder TEXT PRIMARY KEY, render TEXT NOT NULL) STRICT",
    "ALTER TABLE renders ADD COLUMN line TEXT",
    "CREATE INDEX IF NOT EXISTS renders_line ON renders (line, created_at, id)"
    " WHERE line IS NOT NULL",
)
_LISTED = "(SELECT value FROM json_each(?))"
_RUNNING = ", ".join(f"'{state}'" for state in sorted(RUNNING))
_RUNS_THERE = f"lane = ? AND state IN ({_RUNNING})"


class SqliteRenders:
    """A RenderStore for any number of threads and processes on one machine.

    A version counts the saves of its document. A folder stays with its render for ever.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def load(self, render: str) -> Stored | None:
        """The render as last saved."""
        rows = self._select("SELECT document, version FROM renders WHERE id = ?", render)
        return _stored(rows[0]) if rows else None

    def load_all(self, renders: Sequence[str]) -> Sequence[Stored | None]:
        """Each as `load` gives it, by one statement."""
        query = f"SELECT id, document, version FROM renders WHERE id IN {_LISTED}"
        rows = {row["id"]: row for row in self._select(query, json.dumps(renders))}
        return tuple(_stored(rows[id]) if id in rows else None for id in renders)

    def versions(self, renders: Sequence[str]) -> Mapping[str, int]:
        """By id, without a look at the documents."""
        query = f"SELECT id, version FROM renders WHERE id IN {_LISTED}"
        return {row["id"]: row["version"] for row in self._select(query, json.dumps(renders))}

    def save(
        self,
        render: Render,
        *,
        version: int,
        room: int | None = None,
        shared: Sequence[Limit] = (),
    ) -> None:
        """Save over that version; 0 creates. Raises Conflict, LaneFull or FolderTaken."""
        columns = _columns(render) | {"version": version + 1}
        with self._file.writing() as db:
            found = db.execute("SELECT version FROM renders WHERE id = ?", (render.id,)).fetchone()
            if (found["version"] if found else 0) != version:
                raise Conflict(f"{render.id} is no longer at version {version}")
            if render.state in RUNNING and (room is not None or shared):
                _move_in(db, render, room, shared)
            for folder in _folders(render):
                _take(db, folder, render.id)
            names, places = ", ".join(columns), ", ".join("?" * len(columns))
            # Only our own column names are formatted in.
            db.execute(
                f"INSERT OR REPLACE INTO renders ({names}) VALUES ({places})",
                tuple(columns.values()),
            )

    def due(self, before: datetime, *, limit: int) -> Sequence[str]:
        """Ids of renders whose `due_at` has come, the longest overdue first."""
        query = "SELECT id FROM renders WHERE due_at <= ? ORDER BY due_at, id LIMIT ?"
        return _ids(self._select(query, micros(before), limit))

    def lines(self, *, limit: int) -> Sequence[Head]:
        """Of each line the first, by one look into the index for each."""
        heads: list[Head] = []
        query = """SELECT line, id, created_at FROM renders WHERE line > ?
            ORDER BY line, created_at, id LIMIT 1"""
        while len(heads) < limit:
            rows = self._select(query, heads[-1].line if heads else "")
            if not rows:
                break
            heads += map(_head, rows)
        return tuple(heads)

    def waiting(self, line: str, *, limit: int) -> Sequence[Head]:
        """Those of that line, who was opened first comes first."""
        query = """SELECT line, id, created_at FROM renders WHERE line = ?
            ORDER BY created_at, id LIMIT ?"""
        return tuple(map(_head, self._select(query, line, limit)))

    def count(self, state: State) -> int:
        """How many renders are in that state."""
        count: int = self._select("SELECT count(*) FROM renders WHERE state = ?", state)[0][0]
        return count

    def running(self, lane: str) -> int:
        """How many renders are starting, rendering or stitching on that lane."""
        query = f"SELECT count(*) FROM renders WHERE {_RUNS_THERE}"
        count: int = self._select(query, lane)[0][0]
        return count

    def of_upload(self, bucket: str, name: str) -> Sequence[Render]:
        """All renders of that upload name, whatever the generation, newest first."""
        query = """SELECT document FROM renders WHERE bucket = ? AND name = ?
            ORDER BY generation DESC, revision DESC"""
        return tuple(map(_render, self._select(query, bucket, name)))

    def newest_of(self, bucket: str, names: Sequence[str]) -> Mapping[str, str]:
        """By upload name the id of its newest render; the last of a name's rows is left."""
        query = f"""SELECT name, id FROM renders WHERE bucket = ? AND name IN {_LISTED}
            ORDER BY name, generation, revision"""
        return {row["name"]: row["id"] for row in self._select(query, bucket, json.dumps(names))}

    def folder_holder(self, folder: str) -> str | None:
        """The render that delivers into that output folder."""
        rows = self._select("SELECT render FROM folders WHERE folder = ?", folder)
        return rows[0]["render"] if rows else None

    def newest(self, *, limit: int, sought: Sought = ANY) -> Sequence[Render]:
        """Renders that are sought, the newest first.

        Class and tenant are no columns: what fits otherwise is read until enough is found.
        """
        since, until = sought.since, sought.until
        conditions = {
            "substr(id, 1, ?) = ?": (len(sought.prefix), sought.prefix),
            "state = ?": (sought.state.value,) if sought.state else (),
            "created_at >= ?": (micros(since),) if since else (),
            "created_at < ?": (micros(until),) if until else (),
        }
        asked = {text: values for text, values in conditions.items() if values}
        query = f"""SELECT document FROM renders WHERE {" AND ".join(asked)}
            ORDER BY created_at DESC, id"""
        values = [value for some in asked.values() for value in some]
        rows = self._file.reading.execute(query, values)
        return tuple(islice(filter(sought.fits, map(_render, rows)), limit))

    def _select(self, query: str, *values: object) -> list[Row]:
        return self._file.reading.execute(query, values).fetchall()


def _columns(render: Render) -> dict[str, object]:
    upload = render.upload
    return {
        "id": render.id,
        "document": to_json(render),
        "state": render.state.value,
        "lane": render.lane,
        "line": render.line,
        "due_at": None if render.due_at is None else micros(render.due_at),
        "created_at": micros(render.created_at),
        "bucket": upload.bucket,
        "name": upload.name,
        "generation": upload.generation,
        "revision": upload.revision,
    }


def _folders(render: Render) -> Iterable[str]:
    return render.plan.folders if render.plan else ()


def _move_in(db: Connection, render: Render, room: int | None, shared: Sequence[Limit]) -> None:
    """A render that runs on its lane already keeps its place, however full it is there."""
    query = f"SELECT count(*) AS running, max(id = ?) AS mine FROM renders WHERE {_RUNS_THERE}"
    there = db.execute(query, (render.id, render.lane)).fetchone()
    if there["mine"]:
        return
    if room is not None and there["running"] >= room:
        raise LaneFull(f"{render.lane} runs {there['running']} of {room}")
    others = f"SELECT count(*) FROM renders WHERE {_RUNS_THERE} AND id != ?"
    for limit in shared:
        counts = {
            lane: db.execute(others, (lane, render.id)).fetchone()[0] for lane in limit.weights
        }
        if not limit.has_room(render.lane or "", counts):
            raise LaneFull(f"{limit.taken(counts)} of {limit.most} {limit.name} are taken")


def _take(db: Connection, folder: str, render: str) -> None:
    db.execute("INSERT INTO folders VALUES (?, ?) ON CONFLICT DO NOTHING", (folder, render))
    row = db.execute("SELECT render FROM folders WHERE folder = ?", (folder,)).fetchone()
    if row["render"] != render:
        raise FolderTaken(f"{row['render']} delivers into {folder}")


def _stored(row: Row) -> Stored:
    return Stored(render=_render(row), version=row["version"])


def _render(row: Row) -> Render:
    return _read(row["document"])


@lru_cache(maxsize=16)
def _read(document: bytes) -> Render:
    """A render never changes, so that one who looks again and finds the same need not read it."""
    return from_json(document, Render)


def _head(row: Row) -> Head:
    return Head(line=row["line"], render=row["id"], since=moment(row["created_at"]))


def _ids(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(row["id"] for row in rows)
