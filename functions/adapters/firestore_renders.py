"""Renders in Firestore: the cloud's RenderStore. Not run against Google Cloud.

    renders/ID        the render as our codec writes it, and the fields that queries ask for
    lanes/LANE        who runs there; written only when a render comes or goes
    lanes/LIMIT       the same of what several lanes share, each as often as its lane weighs
    folders/DIGEST    whose output folder that is; created once, never changed

A save reads what it depends on and then commits once, all or nothing, with a precondition on each
document that it depends on: docs/decisions/0017-a-save-is-one-commit.md. There are no transactions:
those that read and write hold locks, and clash for seconds where this asks again at once.

    save ─► read ─► is it allowed? ─► commit ─► done
             ▲        │ no               │ something of it has changed, or the answer was lost
             │        └► Conflict, …     │
             └───────────────────────────┘ up to `TRIES` times; a save bears a mark of its own
"""

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from google.cloud.firestore import ArrayRemove, ArrayUnion, Client
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from functions.adapters.firestore_calls import CHANGED, PATIENCE, SILENCE, asking, is_key, patient
from functions.core.quotas import Limit
from functions.core.render import RUNNING, Render, State
from functions.core.share import Head
from functions.ports import Conflict, FolderTaken, LaneFull, Stored
from functions.sought import ANY, Sought
from schemas.ids import digest
from schemas.ports import StoreUnavailable
from schemas.wire import from_json, to_json

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentReference, DocumentSnapshot, Query, WriteBatch

    Found = DocumentSnapshot[Any]

COMPOSITE_INDEXES = {
    "renders": (
        ("line", "created_at"),
        ("state", "-created_at"),
        ("failure", "-created_at"),
        ("tenant", "-created_at"),
    )
}
"""By collection, fields that one query filters and sorts by, ascending without a minus: Firestore
refuses such a query until the index is made, or those of which it can be merged: one for each field
that is asked to be equal (https://firebase.google.com/docs/firestore/query-data/index-overview).
The emulator does not refuse, so `infra/gcp` and this must agree."""
UNINDEXED = {"renders": ("document", "save", "limits"), "lanes": ("*",), "folders": ("*",)}
"""By collection, fields that nobody asks for: each index of a field costs with every write."""
EXPIRING: Mapping[str, timedelta] = {}
"""Nothing here: an upload is known by its render, and without one the sweep would tell of it again.
Elsewhere by collection how long after what happened a document may go (`EXPIRES`)."""

MOST_ASKED = 30
"""Values that one query may ask a field to be one of
(https://firebase.google.com/docs/firestore/query-data/queries#query_limitations)."""
TRIES = 20
"""Commits of one save, before its caller is told to decide again."""
FIRST_PAUSE = timedelta(milliseconds=20)
LONGEST_PAUSE = timedelta(milliseconds=300)
"""Between two commits, by lot up to the first and then up to twice as long each time; any longer,
and one that has lost often would lose to those that have just come."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def connect(project: str, database: str = "(default)") -> Client:
    """A client for any number of threads; close it at the end.

    It speaks to the emulator in FIRESTORE_EMULATOR_HOST where that is set. Raises StoreRefused
    where there are no credentials.
    """
    with asking("Firestore"):
        return Client(project=project, database=database)


class FirestoreRenders:
    """A RenderStore for any number of threads and processes.

    A version is the microsecond of its document's last change, as Firestore tells it. A folder
    stays with its render for ever. Raises StoreUnavailable when a call gets no answer for
    `silence`, and repeating it for `patience` did not help; StoreRefused at once.
    """

    def __init__(
        self, client: Client, *, silence: timedelta = SILENCE, patience: timedelta = PATIENCE
    ) -> None:
        self._client = client
        self._silence = silence.total_seconds()
        self._patience = patience.total_seconds()
        self._how = patient(silence, patience)

    def load(self, render: str) -> Stored | None:
        """The render as last saved."""
        if not is_key(render):
            return None
        with asking(render):
            found = self._at("renders", render).get(**self._how)
        return Stored(render=_render(found), version=_version(found)) if found.exists else None

    def load_all(self, renders: Sequence[str]) -> Sequence[Stored | None]:
        """Each as `load` gives it, in one call."""
        found = self._get_all(renders, None)
        return tuple(
            Stored(render=_render(one), version=_version(one)) if one is not None else None
            for one in map(found.get, renders)
        )

    def versions(self, renders: Sequence[str]) -> Mapping[str, int]:
        """By id, without the documents."""
        return {id: _version(one) for id, one in self._get_all(renders, ["state"]).items()}

    def _get_all(self, renders: Sequence[str], fields: Sequence[str] | None) -> "dict[str, Found]":
        """By id, of those that are there."""
        wanted = [self._at("renders", id) for id in dict.fromkeys(renders) if is_key(id)]
        if not wanted:
            return {}
        with asking("renders"):
            found = tuple(self._client.get_all(wanted, fields, **self._how))
        return {one.id: one for one in found if one.exists}

    def save(
        self,
        render: Render,
        *,
        version: int,
        room: int | None = None,
        shared: Sequence[Limit] = (),
    ) -> None:
        """Save over that version; 0 creates. Raises Conflict, LaneFull or FolderTaken."""
        mark, give_up = uuid4().hex, time.monotonic() + self._patience
        for number in range(TRIES):
            seen = self._look(render, shared)
            if seen.mark == mark:
                return  # it was done, and only the answer was lost
            _check(seen, render, version, room, shared)
            batch = self._batch(seen, render, room, shared, mark)
            try:
                with asking(render.id, *CHANGED):
                    batch.commit(retry=None, timeout=self._silence)
                return
            except CHANGED:
                pass  # look again: perhaps only the lane has changed, and still has room
            except StoreUnavailable:
                if number == TRIES - 1 or time.monotonic() > give_up:
                    raise
            _pause(number)
        raise Conflict(f"others saved what {render.id} depends on all the time")

    def due(self, before: datetime, *, limit: int) -> Sequence[str]:
        """Ids of renders whose `due_at` has come, the longest overdue first."""
        query = self._renders.where(filter=FieldFilter("due_at", "<=", before))
        return self._ids(query.order_by("due_at").limit(limit))

    def lines(self, *, limit: int) -> Sequence[Head]:
        """Of each line the first, by one query for each that reads one document."""
        heads: list[Head] = []
        while len(heads) < limit:
            after = FieldFilter("line", ">", heads[-1].line if heads else "")
            query = self._renders.where(filter=after).order_by("line").order_by("created_at")
            found = self._heads(query.limit(1))
            if not found:
                break
            heads += found
        return tuple(heads)

    def waiting(self, line: str, *, limit: int) -> Sequence[Head]:
        """Those of that line, who was opened first comes first."""
        query = self._renders.where(filter=FieldFilter("line", "==", line))
        return self._heads(query.order_by("created_at").limit(limit))

    def _heads(self, query: "Query") -> Sequence[Head]:
        found = self._found(query.select(["line", "created_at"]))
        return tuple(
            Head(line=one.get("line"), render=one.id, since=_utc(one.get("created_at")))
            for one in found
        )

    def count(self, state: State) -> int:
        """Counted where the renders are: one read for every thousand of them."""
        query: Any = self._renders.where(filter=FieldFilter("state", "==", state.value))
        with asking("a count"):
            return int(query.count(alias="all").get(**self._how)[0][0].value)

    def running(self, lane: str) -> int:
        """How many renders are starting, rendering or stitching on that lane."""
        with asking(lane):
            return len(_places(self._lane(lane).get(**self._how)))

    def of_upload(self, bucket: str, name: str) -> Sequence[Render]:
        """All renders of that upload name, whatever the generation, newest first."""
        query = self._renders.where(filter=FieldFilter("upload", "==", f"{bucket}/{name}"))
        found = map(_render, self._found(query))
        return tuple(sorted(found, key=lambda one: one.upload.age_key, reverse=True))

    def newest_of(self, bucket: str, names: Sequence[str]) -> Mapping[str, str]:
        """By upload name the id of its newest render."""
        newest: dict[str, Render] = {}
        for start in range(0, len(names), MOST_ASKED):
            asked = [f"{bucket}/{name}" for name in names[start : start + MOST_ASKED]]
            query = self._renders.where(filter=FieldFilter("upload", "in", asked))
            for one in map(_render, self._found(query)):
                known = newest.get(one.upload.name)
                if known is None or one.upload.age_key > known.upload.age_key:
                    newest[one.upload.name] = one
        return {name: one.id for name, one in newest.items()}

    def folder_holder(self, folder: str) -> str | None:
        """The render that delivers into that output folder."""
        with asking(folder):
            return _holder(self._folder(folder).get(**self._how))

    def newest(self, *, limit: int, sought: Sought = ANY) -> Sequence[Render]:
        """Renders that are sought, the newest first.

        With a prefix, all ids that start with it are read: fit for people who know some digits.
        """
        if sought.prefix and not is_key(sought.prefix):
            return ()
        query = self._by_id(sought.prefix) if sought.prefix else self._by_age(sought, limit)
        fitting = filter(sought.fits, map(_render, self._found(query)))
        found = sorted(fitting, key=lambda one: one.created_at, reverse=True)
        return tuple(found[:limit])

    def _by_id(self, prefix: str) -> "Query":
        first, end = self._at("renders", prefix), self._at("renders", f"{prefix}\U0010ffff")
        id = FieldPath.document_id()
        query: Query = self._renders.where(filter=FieldFilter(id, ">=", first))
        return query.where(filter=FieldFilter(id, "<", end))

    def _by_age(self, sought: Sought, limit: int) -> "Query":
        conditions = (
            ("state", "==", sought.state and sought.state.value),
            ("failure", "==", sought.failure and sought.failure.value),
            ("tenant", "==", sought.tenant),
            ("created_at", ">=", sought.since),
            ("created_at", "<", sought.until),
        )
        query: Query = self._renders.order_by("created_at", direction="DESCENDING").limit(limit)
        for field, operator, value in conditions:
            if value is not None:
                query = query.where(filter=FieldFilter(field, operator, value))
        return query

    @property
    def _renders(self) -> Any:
        return self._client.collection("renders")

    def _at(self, collection: str, key: str) -> "DocumentReference":
        return self._client.collection(collection).document(key)

    def _lane(self, lane: str) -> "DocumentReference":
        return self._at("lanes", f"lane-{quote(lane, safe='')}")

    def _limit(self, name: str) -> "DocumentReference":
        return self._at("lanes", f"limit-{quote(name, safe='')}")

    def _folder(self, folder: str) -> "DocumentReference":
        """By digest: a folder's name may be longer than a document's key."""
        return self._at("folders", digest(folder))

    def _look(self, render: Render, shared: Sequence[Limit]) -> "_Seen":
        """All that a save depends on, in one call."""
        lane, folders = _lane_of(render), _folders(render)
        wanted = [self._at("renders", render.id), *map(self._folder, folders)]
        limits = {limit.name: self._limit(limit.name) for limit in shared if lane is not None}
        if lane is not None:
            wanted += [self._lane(lane), *limits.values()]
        fields = ["lane", "limits", "save", "places", "render"]
        with asking(render.id):
            found = {
                one.reference: one for one in self._client.get_all(wanted, fields, **self._how)
            }
        return _Seen(
            render=found[self._at("renders", render.id)],
            folders={folder: found[self._folder(folder)] for folder in folders},
            lane=found[self._lane(lane)] if lane is not None else None,
            limits={name: found[reference] for name, reference in limits.items()},
        )

    def _batch(
        self,
        seen: "_Seen",
        render: Render,
        room: int | None,
        shared: Sequence[Limit],
        mark: str,
    ) -> "WriteBatch":
        before, after = seen.before, _lane_of(render)
        limits = seen.held if before == after else _limits_of(render, shared)
        batch = self._client.batch()
        fields = {**_fields(render, mark), "limits": limits}
        if seen.render.exists:
            unchanged = self._client.write_option(last_update_time=seen.render.update_time)
            batch.update(seen.render.reference, fields, option=unchanged)
        else:
            batch.create(seen.render.reference, fields)
        for folder, found in seen.folders.items():
            if not found.exists:
                batch.create(found.reference, {"folder": folder, "render": render.id})
        if before is not None and before != after:
            gone = {"places": ArrayRemove([render.id])}
            batch.set(self._lane(before), gone, merge=True)
            for name, marks in seen.held.items():
                if name not in limits:
                    batch.set(self._limit(name), {"places": ArrayRemove(marks)}, merge=True)
        if seen.lane is not None and before != after:
            come = {"lane": after, "places": ArrayUnion([render.id])}
            if room is None:
                batch.set(seen.lane.reference, come, merge=True)
            elif seen.lane.exists:
                unchanged = self._client.write_option(last_update_time=seen.lane.update_time)
                batch.update(seen.lane.reference, come, option=unchanged)
            else:
                batch.create(seen.lane.reference, come)
            for name, marks in limits.items():
                self._move_in(batch, seen.limits[name], name, marks, seen.held.get(name, []))
        return batch

    def _move_in(
        self, batch: "WriteBatch", limit: "Found", name: str, marks: list[str], held: list[str]
    ) -> None:
        """The whole list anew: one commit cannot take from it and add to it."""
        kept = sorted(_places(limit) - set(held) | set(marks))
        if limit.exists:
            unchanged = self._client.write_option(last_update_time=limit.update_time)
            batch.update(limit.reference, {"limit": name, "places": kept}, option=unchanged)
        else:
            batch.create(limit.reference, {"limit": name, "places": kept})

    def _ids(self, query: "Query") -> Sequence[str]:
        return tuple(one.id for one in self._found(query.select([])))

    def _found(self, query: "Query") -> "Sequence[Found]":
        with asking("a query"):
            return tuple(query.stream(**self._how))


class _Seen(NamedTuple):
    """What a save depends on; its lane only if the render is to run on one."""

    render: "Found"
    folders: "dict[str, Found]"
    lane: "Found | None"
    limits: "dict[str, Found]"
    """What its lane shares, by the limit's name."""

    @property
    def held(self) -> dict[str, list[str]]:
        """Its marks in each limit, so far."""
        return (self.render.to_dict() or {}).get("limits") or {}

    @property
    def before(self) -> str | None:
        """The lane on which the render ran so far."""
        return (self.render.to_dict() or {}).get("lane")

    @property
    def mark(self) -> str | None:
        """Of the save that was the last."""
        return (self.render.to_dict() or {}).get("save")


def _check(
    seen: _Seen, render: Render, version: int, room: int | None, shared: Sequence[Limit]
) -> None:
    if _version(seen.render) != version:
        raise Conflict(f"{render.id} is no longer at version {version}")
    for folder, found in seen.folders.items():
        if (holder := _holder(found)) not in (None, render.id):
            raise FolderTaken(f"{holder} delivers into {folder}")
    # A render that runs on its lane already keeps its place, however full it is there.
    if seen.lane is not None and room is not None and seen.before != render.lane:
        others = len(_places(seen.lane) - {render.id})
        if others >= room:
            raise LaneFull(f"{render.lane} runs {others} of {room}")
    if seen.lane is None or seen.before == render.lane:
        return
    for limit in shared:
        others = len(_places(seen.limits[limit.name]) - set(seen.held.get(limit.name, ())))
        if others + limit.weights[render.lane or ""] > limit.most:
            raise LaneFull(f"{others} of {limit.most} {limit.name} are taken")


def _limits_of(render: Render, shared: Sequence[Limit]) -> dict[str, list[str]]:
    """By limit, as many marks as its lane weighs; none if it does not run."""
    lane = _lane_of(render)
    if lane is None:
        return {}
    return {
        limit.name: [f"{render.id}/{number}" for number in range(limit.weights[lane])]
        for limit in shared
    }


def _fields(render: Render, mark: str) -> dict[str, object]:
    """The mark makes every save a change: Firestore's time stands still for one that is none."""
    upload = render.upload
    return {
        "document": to_json(render),
        "save": mark,
        "state": render.state.value,
        "lane": _lane_of(render),
        "line": render.line,
        "due_at": render.due_at,
        "created_at": render.created_at,
        "upload": f"{upload.bucket}/{upload.name}",
        "tenant": upload.tenant,
        "failure": render.failure.failure.value if render.failure else None,
    }


def _lane_of(render: Render) -> str | None:
    """The lane that it occupies."""
    return render.lane if render.state in RUNNING else None


def _folders(render: Render) -> Iterable[str]:
    return render.plan.folders if render.plan else ()


def _render(found: "Found") -> Render:
    return from_json(found.get("document"), Render)


def _utc(moment: datetime) -> datetime:
    """Firestore's own kind of moment as an ordinary one."""
    return datetime.fromtimestamp(0, UTC) + (moment - _EPOCH)


def _version(found: "Found") -> int:
    return (found.update_time - _EPOCH) // _MICROSECOND if found.exists else 0


def _places(found: "Found") -> frozenset[str]:
    return frozenset((found.to_dict() or {}).get("places", ()))


def _holder(found: "Found") -> str | None:
    return (found.to_dict() or {}).get("render")


def _pause(number: int) -> None:
    """By lot, so that those who clashed do not clash again."""
    longest = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
    time.sleep(random.uniform(0, longest.total_seconds()))
