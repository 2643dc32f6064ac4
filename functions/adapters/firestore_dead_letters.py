"""Dead letters in Firestore: the cloud's desk. Not run against Google Cloud.

    dead-letters/ID           a record as our codec writes it, and the fields that queries ask for
    dead-letters/ID/parts/N   the same of one that is too long for a document, in pieces

A record's own document is created last, by one commit for all that are kept together: parts
without it are nobody's, and written again as they were.

Firestore finds by equal fields and sorts; whatever else is asked (beginnings, words, lanes) is
looked for in what it finds, page by page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from google.api_core.exceptions import AlreadyExists
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath

from functions.adapters.firestore_calls import CHANGED, EXPIRES, asking, is_key
from functions.adapters.firestore_notes import FirestoreNotes
from functions.desk import MOST_KEPT, Group, Wanted
from schemas.dead_letters import DeadLetterRecord
from schemas.ports import StoreUnavailable
from schemas.wire import from_json, to_json

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentReference, DocumentSnapshot, Query

    Found = DocumentSnapshot[Any]

LETTERS = "dead-letters"
COMPOSITE_INDEXES = {
    LETTERS: (
        ("disposed", "-at"),
        ("class", "-at"),
        ("tenant", "-at"),
        ("fingerprint", "-at"),
    )
}
"""As in `functions/adapters/firestore_renders.py`: they are merged as it is asked."""
UNINDEXED = {
    LETTERS: (
        "document",
        "disposed_by",
        "disposed_why",
        "disposed_at",
        "mark",
        "nanodollars",
        EXPIRES,
    ),
    "parts": ("*",),
}
"""As there."""
EXPIRING = {LETTERS: timedelta(days=400)}
"""How long what was disposed of is still kept, so that it stays away when its message comes again:
Pub/Sub keeps one for 31 days. As long as Cloud Logging keeps its audit logs, for whoever asks who
disposed of it. One in several parts stays: its parts would be left behind."""

PAGE = 200
"""Records in memory at once."""
INLINE_BYTES = 16_000
"""Of a record in its own document: MOST_KEPT of them stay below the 10 MiB of one commit
(https://firebase.google.com/docs/firestore/quotas)."""
PART_BYTES = 900_000
"""A document has at most 1 MiB, names and all."""
TRIES = 10
_OF_A_GROUP = ("at", "fingerprint", "lanes", "nanodollars")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FINGERPRINT = 12
"""Digits of a whole one."""
TELLING = 6
"""Characters of an id from which on so few begin alike that they are looked up by it."""


class FirestoreDeadLetters(FirestoreNotes):
    """A store of dead letters for any number of threads and processes.

    Raises StoreUnavailable or StoreRefused, as all adapters over Firestore do.
    """

    def keep(self, records: Sequence[DeadLetterRecord]) -> int:
        """How many were new; all of them or none, up to MOST_KEPT."""
        # From the last to the first, so that of equals the first stays.
        wanted = list({one.id: one for one in reversed(records)}.values())
        pages = range(0, len(wanted), MOST_KEPT)
        return sum(self._keep(wanted[start : start + MOST_KEPT]) for start in pages)

    def find(self, wanted: Wanted) -> Iterator[DeadLetterRecord]:
        """Those that failed last come first, a page in memory at a time."""
        found = self._by_id(wanted.id) if _tells(wanted.id) else self._pages(wanted)
        return (record for record in map(self._record, found) if wanted.fits(record))

    def groups(self, wanted: Wanted, *, limit: int) -> Sequence[Group]:
        """The largest groups first; each is counted as its records go by."""
        counted: dict[str, _Counted] = {}
        for one in self._told(wanted):
            counted.setdefault(one.fingerprint, _Counted(example=one)).add(one)
        # Sorting keeps equally large ones as they came: the last failure first.
        largest = sorted(counted.values(), key=lambda one: one.count, reverse=True)
        return tuple(map(self._group, largest[:limit]))

    def _group(self, counted: "_Counted") -> Group:
        with asking(counted.example.id):
            found = self._letter(counted.example.id).get(**self._how)
        return Group(
            count=counted.count,
            first_at=counted.first_at,
            lanes=tuple(sorted(counted.lanes)),
            example=self._record(found),
            nanodollars=counted.nanodollars,
        )

    def count(self, wanted: Wanted) -> int:
        """Counted where they are, if equal fields are all that is asked."""
        if not _is_plain(wanted):
            return sum(1 for _ in self._told(wanted))
        with asking("a count"):
            found = self._query(wanted).count(alias="all").get(**self._how)
        return int(found[0][0].value or 0)

    def taken_from(self) -> dict[str, int]:
        """Read one by one: nobody asks often."""
        counted: dict[str, int] = {}
        for one in self._pages(Wanted(), ["at", "subscription"]):
            name = one.get("subscription")
            counted[name] = counted.get(name, 0) + 1
        return counted

    def dispose(self, id: str, *, by: str, reason: str, at: datetime) -> bool:
        """Not found again; who, when and why stay in its document."""
        gone = at + EXPIRING[LETTERS]
        said = {"disposed_at": at, "disposed_by": by, "disposed_why": reason, EXPIRES: gone}
        return self._mark(id, disposed=True, said=said)

    def restore(self, id: str) -> bool:
        """Found again as it was."""
        said = {"disposed_at": None, "disposed_by": None, "disposed_why": None, EXPIRES: None}
        return self._mark(id, disposed=False, said=said)

    # ── keeping ──

    def _keep(self, records: Sequence[DeadLetterRecord]) -> int:
        for _ in range(TRIES):
            known = self._known(records)
            new = [one for one in records if one.id not in known]
            if not new:
                return 0
            batch = self._client.batch()
            for one in new:
                batch.create(self._letter(one.id), self._fields(one))
            try:
                with asking("dead letters", AlreadyExists):
                    batch.commit(**self._how)
                return len(new)
            except AlreadyExists:
                continue  # somebody else has kept one of them meanwhile
        raise StoreUnavailable("others keep the same dead letters all the time")

    def _known(self, records: Sequence[DeadLetterRecord]) -> frozenset[str]:
        wanted = [self._letter(one.id) for one in records]
        if not wanted:
            return frozenset()
        with asking("dead letters"):
            found = tuple(self._client.get_all(wanted, ["disposed"], **self._how))
        return frozenset(one.id for one in found if one.exists)

    def _fields(self, record: DeadLetterRecord) -> dict[str, object]:
        """Its parts are written as they are counted."""
        document = to_json(record)
        fields: dict[str, object] = {
            "at": record.at,
            "class": record.failure.failure.value,
            "disposed": False,
            "fingerprint": record.fingerprint,
            "lanes": list(record.lanes),
            "nanodollars": record.nanodollars,
            "render": record.render,
            "subscription": record.subscription,
            "tenant": record.tenant,
        }
        if len(document) <= INLINE_BYTES:
            return {**fields, "document": document}
        return {**fields, "parts": self._write_parts(record.id, document)}

    def _write_parts(self, id: str, document: bytes) -> int:
        starts = range(0, len(document), PART_BYTES)
        for number, start in enumerate(starts):
            with asking(id):
                self._part(id, number).set(
                    {"data": document[start : start + PART_BYTES]}, **self._how
                )
        return len(starts)

    def _mark(self, id: str, *, disposed: bool, said: Mapping[str, object]) -> bool:
        """False where it is so already. The mark tells a lost answer from another's change."""
        reference, mark = self._letter(id), uuid4().hex
        for _ in range(TRIES):
            with asking(id):
                found = reference.get(["disposed", "mark", "parts"], **self._how)
            told = found.to_dict() or {}
            if told.get("mark") == mark:
                return True
            if not found.exists or told["disposed"] == disposed:
                return False
            batch = self._client.batch()
            unchanged = self._client.write_option(last_update_time=found.update_time)
            kept = {**said, EXPIRES: None} if told.get("parts") else said
            batch.update(reference, {**kept, "disposed": disposed, "mark": mark}, option=unchanged)
            try:
                with asking(id, *CHANGED):
                    batch.commit(**self._how)
                return True
            except CHANGED:
                continue
        raise StoreUnavailable(f"others change {id} all the time")

    # ── finding ──

    def _query(self, wanted: Wanted) -> Any:
        """All that equal fields and an age can say of what is wanted."""
        whole = wanted.fingerprint if len(wanted.fingerprint or "") == FINGERPRINT else None
        query: Any = self._client.collection(LETTERS)
        for name, operator, value in (
            ("disposed", "==", False),
            ("class", "==", wanted.failure and wanted.failure.value),
            ("tenant", "==", wanted.tenant),
            ("fingerprint", "==", whole),
            ("at", ">=", wanted.since),
        ):
            if value is not None:
                query = query.where(filter=FieldFilter(name, operator, value))
        return query

    def _pages(self, wanted: Wanted, fields: Sequence[str] | None = None) -> "Iterator[Found]":
        """The last failure first. Each page is a query of its own: a stream ends after a minute."""
        query = self._query(wanted).order_by("at", direction="DESCENDING")
        query = query.order_by("__name__", direction="DESCENDING").limit(PAGE)
        if fields is not None:
            query = query.select(fields)
        page = self._stream(query)
        while page:
            yield from page
            page = self._stream(query.start_after(page[-1])) if len(page) == PAGE else ()

    def _by_id(self, beginning: str | None) -> "Sequence[Found]":
        """Those whose own id or render's id begins so, the last failure first."""
        assert beginning is not None, "only where it tells"
        letters, end = self._client.collection(LETTERS), f"{beginning}\U0010ffff"
        bounds = {
            FieldPath.document_id(): (self._letter(beginning), self._letter(end)),
            "render": (beginning, end),
        }
        found: dict[str, Found] = {}
        for name, (first, last) in bounds.items():
            query: Any = letters.where(filter=FieldFilter(name, ">=", first))
            query = query.where(filter=FieldFilter(name, "<", last))
            found |= {one.id: one for one in self._stream(query) if not one.get("disposed")}
        return sorted(found.values(), key=lambda one: (one.get("at"), one.id), reverse=True)

    def _told(self, wanted: Wanted) -> "Iterator[_Told]":
        """What a group needs of each; documents are read only if they must be."""
        if not _is_plain(wanted):
            for one in self.find(wanted):
                yield _Told(one.id, one.at, one.fingerprint, one.lanes, one.nanodollars)
            return
        for found in self._pages(wanted, _OF_A_GROUP):
            at = _EPOCH + (found.get("at") - _EPOCH)  # as a plain moment, not the library's own
            told = found.to_dict() or {}
            lanes, cost = tuple(told["lanes"]), told.get("nanodollars", 0)
            yield _Told(found.id, at, told["fingerprint"], lanes, cost)

    def _record(self, found: "Found") -> DeadLetterRecord:
        told = found.to_dict() or {}
        if "document" in told:
            return from_json(told["document"], DeadLetterRecord)
        parts = [self._part(found.id, number) for number in range(told["parts"])]
        with asking(found.id):
            data = {one.id: one.get("data") for one in self._client.get_all(parts, **self._how)}
        return from_json(b"".join(data[part.id] for part in parts), DeadLetterRecord)

    def _stream(self, query: "Query") -> "Sequence[Found]":
        with asking("a query"):
            return tuple(query.stream(**self._how))

    def _letter(self, id: str) -> "DocumentReference":
        return self._client.collection(LETTERS).document(id)

    def _part(self, id: str, number: int) -> "DocumentReference":
        parts: Any = self._letter(id).collection("parts")
        reference: DocumentReference = parts.document(f"{number:03}")
        return reference


@dataclass(frozen=True, slots=True)
class _Told:
    """What a group needs of a record."""

    id: str
    at: datetime
    fingerprint: str
    lanes: tuple[str, ...]
    nanodollars: int
    """0 of one that was kept by an earlier version."""


@dataclass(slots=True)
class _Counted:
    """A group while its records go by, the last failure first."""

    example: _Told
    count: int = 0
    first_at: datetime = field(init=False)
    lanes: set[str] = field(default_factory=set)
    nanodollars: int = 0

    def add(self, one: _Told) -> None:
        self.count += 1
        self.first_at = one.at
        self.lanes.update(one.lanes)
        self.nanodollars += one.nanodollars


def _is_plain(wanted: Wanted) -> bool:
    """Whether equal fields and an age are all that is asked."""
    others = (wanted.lane, wanted.id, wanted.text, wanted.preset)
    whole = wanted.fingerprint is None or len(wanted.fingerprint) == FINGERPRINT
    return whole and not any(others)


def _tells(id: str | None) -> bool:
    """Whether so few ids begin with that that they may be looked up by it."""
    return id is not None and len(id) >= TELLING and is_key(id)
