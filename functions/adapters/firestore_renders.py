"""Renders in Firestore: the cloud's RenderStore. Not run against Google Cloud.

What a render's documents are, and how one save of them is one commit: `firestore_saves.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from functions.adapters.firestore_calls import PATIENCE, SILENCE, asking, is_key, patient
from functions.adapters.firestore_saves import EPOCH, Documents, Saves, holder, places, version_of
from functions.core.quotas import Limit
from functions.core.render import Render, State
from functions.core.share import Head
from functions.ports import Stored
from functions.sought import ANY, Sought
from schemas.wire import from_json

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot, Query

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
        self._at = Documents(client)
        self._saves = Saves(self._at, silence, patience)
        self._how = patient(silence, patience)

    def load(self, render: str) -> Stored | None:
        """The render as last saved."""
        if not is_key(render):
            return None
        with asking(render):
            found = self._at.render(render).get(**self._how)
        return Stored(render=_render(found), version=version_of(found)) if found.exists else None

    def load_all(self, renders: Sequence[str]) -> Sequence[Stored | None]:
        """Each as `load` gives it, in one call."""
        found = self._get_all(renders, None)
        return tuple(
            Stored(render=_render(one), version=version_of(one)) if one is not None else None
            for one in map(found.get, renders)
        )

    def versions(self, renders: Sequence[str]) -> Mapping[str, int]:
        """By id, without the documents."""
        return {id: version_of(one) for id, one in self._get_all(renders, ["state"]).items()}

    def _get_all(self, renders: Sequence[str], fields: Sequence[str] | None) -> "dict[str, Found]":
        """By id, of those that are there."""
        wanted = [self._at.render(id) for id in dict.fromkeys(renders) if is_key(id)]
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
        self._saves.save(render, version=version, room=room, shared=shared)

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
            return len(places(self._at.lane(lane).get(**self._how)))

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
            return holder(self._at.folder(folder).get(**self._how))

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
        first, end = self._at.render(prefix), self._at.render(f"{prefix}\U0010ffff")
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

    def _ids(self, query: "Query") -> Sequence[str]:
        return tuple(one.id for one in self._found(query.select([])))

    def _found(self, query: "Query") -> "Sequence[Found]":
        with asking("a query"):
            return tuple(query.stream(**self._how))


def _render(found: "Found") -> Render:
    return from_json(found.get("document"), Render)


def _utc(moment: datetime) -> datetime:
    """Firestore's own kind of moment as an ordinary one."""
    return datetime.fromtimestamp(0, UTC) + (moment - EPOCH)
