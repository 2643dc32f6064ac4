"""The ledger in Firestore: the cloud's. Not run against Google Cloud.

    ledger/KEY    one entry; created once, never changed
    gates/LANE    changes with each launch that is counted
    gates/LIMIT   the same, of launches that several lanes share

Entries are documents of their own, so that no number of launches meets on one. A launch that is
counted reads the entries, and then creates its own and changes the lane's gate in one commit: of
two that counted at once the second finds the gate changed, and counts again. That is one write of
one document for each launch: as often as the place takes launches, once a second.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from google.api_core.exceptions import AlreadyExists
from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.adapters.firestore_calls import CHANGED, EXPIRES, asking, patient
from functions.core.admission import MINUTE, Gate
from functions.core.entries import Entry, Outcome
from schemas.ports import StoreUnavailable
from schemas.wire import from_json, to_json

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentReference

COMPOSITE_INDEXES = {"ledger": (("lane", "-at"), ("ended_at", "nanodollars"))}
"""As in `functions/adapters/firestore_renders.py`."""
UNINDEXED = {"ledger": ("document", EXPIRES), "gates": ("*",)}
"""As there."""
EXPIRING = {"ledger": timedelta(days=35)}
"""How long an entry is kept. Decisions look back for hours and the budget for a day; people who ask
where a month's money went, for a month."""
TRIES = 10
"""Counts of one launch, before its caller is told that the place cannot be asked now."""
MOST_COUNTED = 1000
"""Entries that are looked through for one launch."""


class FirestoreLedger:
    """A Ledger for any number of threads and processes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._how = patient()

    def append(self, entries: Sequence[Entry]) -> None:
        """One by one; what is there already stays as it is."""
        for one in entries:
            try:
                with asking(one.key, AlreadyExists):
                    self._entry(one).create(_fields(one), **self._how)
            except AlreadyExists:
                pass

    def recent(self, lanes: Sequence[str], since: datetime, *, limit: int) -> Sequence[Entry]:
        """Of each lane the newest."""
        return tuple(one for lane in lanes for one in self._newest(lane, since, limit))

    def spent(self, since: datetime) -> int:
        """Summed where the entries are: one read for every thousand of them."""
        ledger: Any = self._client.collection("ledger")
        query = ledger.where(filter=FieldFilter("ended_at", ">=", since))
        with asking("the day's costs"):
            found = query.sum("nanodollars", alias="spent").get(**self._how)
        return int(found[0][0].value or 0)

    def admit(self, launch: Entry, gate: Gate) -> bool:
        """Counted and written down in one commit. Raises StoreUnavailable if others always win."""
        counts_lane = gate.a_minute is not None or gate.under_way is not None
        if not counts_lane and not gate.shared:
            self.append([launch])
            return True
        keys = [f"limit-{quote(limit.name, safe='')}" for limit in gate.shared]
        if counts_lane:
            keys.append(f"lane-{quote(launch.lane, safe='')}")
        gates = [self._client.collection("gates").document(key) for key in keys]
        for _ in range(TRIES):
            with asking(launch.lane):
                seen = list(self._client.get_all(gates, **self._how))
                known = self._entry(launch).get(**self._how)
            if known.exists:
                return True
            if not self._passes(launch, gate):
                return False
            batch, mark = self._client.batch(), {"last": launch.key}
            batch.create(self._entry(launch), _fields(launch))
            for one in seen:
                if one.exists:
                    unchanged = self._client.write_option(last_update_time=one.update_time)
                    batch.update(one.reference, mark, option=unchanged)
                else:
                    batch.create(one.reference, mark)
            try:
                with asking(launch.key, *CHANGED):
                    batch.commit(**self._how)
                return True
            except CHANGED:
                continue
        raise StoreUnavailable(f"others launch on {launch.lane} all the time")

    def _passes(self, launch: Entry, gate: Gate) -> bool:
        for limit in gate.shared:
            counts = {lane: self._launches(lane, launch.at - MINUTE) for lane in limit.weights}
            if not limit.has_room(launch.lane, counts):
                return False
        if gate.a_minute is None and gate.under_way is None:
            return True
        since = launch.at - max(MINUTE, gate.patience)
        entries = self._newest(launch.lane, since, MOST_COUNTED)
        told = {one.launch for one in entries if one.outcome is not Outcome.LAUNCHED}
        others = [one for one in entries if one.outcome is Outcome.LAUNCHED]
        lately = sum(one.at > launch.at - MINUTE for one in others)
        under_way = sum(
            one.launch not in told
            and one.render != launch.render
            and one.at > launch.at - gate.patience
            for one in others
        )
        return (gate.a_minute is None or lately < gate.a_minute) and (
            gate.under_way is None or under_way < gate.under_way
        )

    def _launches(self, lane: str, since: datetime) -> int:
        entries = self._newest(lane, since, MOST_COUNTED)
        return sum(one.outcome is Outcome.LAUNCHED for one in entries)

    def _newest(self, lane: str, since: datetime, limit: int) -> Sequence[Entry]:
        ledger: Any = self._client.collection("ledger")
        query = ledger.where(filter=FieldFilter("lane", "==", lane))
        query = query.where(filter=FieldFilter("at", ">", since))
        query = query.order_by("at", direction="DESCENDING").limit(limit)
        with asking(lane):
            return tuple(
                from_json(found.get("document"), Entry) for found in query.stream(**self._how)
            )

    def _entry(self, one: Entry) -> "DocumentReference":
        return self._client.collection("ledger").document(quote(one.key, safe=""))


def _fields(one: Entry) -> dict[str, object]:
    fields: dict[str, object] = {
        "document": to_json(one),
        "lane": one.lane,
        "at": one.at,
        EXPIRES: one.at + EXPIRING["ledger"],
    }
    if one.nanodollars:
        fields |= {"ended_at": one.at, "nanodollars": one.nanodollars}
    return fields
