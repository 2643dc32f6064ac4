"""What people did at the dead-letter desk, in Firestore: a part of `firestore_dead_letters.py`.

replay-audits/…  upload-fetches/…   created once, never changed
replay-runs/PLAN-MOMENT             in place of what was noted of that run before
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from google.cloud.firestore import SERVER_TIMESTAMP, Client
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.adapters.firestore_calls import asking, patient
from schemas.replay_plan import AuditRecord
from schemas.replay_run import ReplayRun
from schemas.reproduction import FetchRecord
from schemas.wire import from_json, to_json

AUDITS, RUNS, FETCHES = "replay-audits", "replay-runs", "upload-fetches"
COMPOSITE_INDEXES = {AUDITS: (("plan", "-noted_at"),), RUNS: (("plan", "-seen_at"),)}
UNINDEXED = {AUDITS: ("document",), RUNS: ("document",), FETCHES: ("document", "plan")}
"""As in `functions/adapters/firestore_renders.py`."""
EXPIRING: Mapping[str, timedelta] = {}
"""Nothing here: what people did stays."""
DIGEST = 64
"""Digits of a whole one."""
D = TypeVar("D")


class FirestoreNotes:
    """What a store of dead letters keeps beside them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._how = patient()

    def note(self, audit: AuditRecord) -> None:
        """Kept for good."""
        self._add(AUDITS, {"plan": audit.plan, "document": to_json(audit)})

    def audits(self, *, limit: int, plan: str = "") -> Sequence[AuditRecord]:
        """What was noted last comes first; of plans whose digest begins so."""
        return self._noted(AUDITS, "noted_at", AuditRecord, limit, plan)

    def note_run(self, run: ReplayRun) -> None:
        """In place of what was noted of that plan before."""
        fields = {"plan": run.plan, "seen_at": run.seen_at, "document": to_json(run)}
        key = f"{run.plan}-{run.made_at.isoformat()}"
        with asking(key):
            self._client.collection(RUNS).document(key).set(fields, **self._how)

    def runs(self, *, limit: int, plan: str = "") -> Sequence[ReplayRun]:
        """What was heard of last comes first; of plans whose digest begins so."""
        return self._noted(RUNS, "seen_at", ReplayRun, limit, plan)

    def note_fetch(self, fetch: FetchRecord) -> None:
        """Kept for good."""
        self._add(FETCHES, {"plan": "", "document": to_json(fetch)})

    def fetches(self, *, limit: int) -> Sequence[FetchRecord]:
        """What was noted last comes first."""
        return self._noted(FETCHES, "noted_at", FetchRecord, limit, "")

    def _add(self, collection: str, fields: Mapping[str, object]) -> None:
        """If the answer is lost it may be there twice, which says the same."""
        with asking(collection):
            self._client.collection(collection).document().create(
                {**fields, "noted_at": SERVER_TIMESTAMP}, **self._how
            )

    def _noted(
        self, collection: str, moment: str, kind: type[D], limit: int, plan: str
    ) -> Sequence[D]:
        """By a whole digest they are asked for; by its beginning they are looked through."""
        query: Any = self._client.collection(collection)
        if len(plan) == DIGEST:
            query = query.where(filter=FieldFilter("plan", "==", plan))
        query = query.order_by(moment, direction="DESCENDING")
        if plan == "" or len(plan) == DIGEST:
            query = query.limit(limit)
        with asking(collection):
            found = (one for one in query.stream(**self._how) if one.get("plan").startswith(plan))
            return tuple(from_json(one.get("document"), kind) for one in islice(found, limit))
