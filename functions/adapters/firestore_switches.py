"""What people have decided of launches and money, in Firestore. Not run against Google Cloud.

switches/ID    one pause or resumption; created once, never changed, few in a year
raises/ID      one raise of a day's limit; likewise
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.adapters.firestore_calls import asking, patient
from functions.core.budget import Raise
from functions.core.switches import Switching
from schemas.wire import from_json, to_json

COMPOSITE_INDEXES: Mapping[str, Sequence[tuple[str, ...]]] = {}
UNINDEXED = {"switches": ("document",), "raises": ("document",)}
"""As in `functions/adapters/firestore_renders.py`."""
EXPIRING: Mapping[str, timedelta] = {}
"""Nothing here: what people decided stays."""


class FirestoreSwitches:
    """Switches for any number of threads and processes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._how = patient()

    def note(self, switching: Switching) -> None:
        """Kept for good. If the answer is lost it may be there twice, which changes nothing."""
        fields = {"document": to_json(switching), "at": switching.at}
        with asking(switching.what):
            self._client.collection("switches").document().create(fields, **self._how)

    def noted(self) -> Sequence[Switching]:
        """The last moment comes first."""
        query = self._client.collection("switches").order_by("at", direction="DESCENDING")
        with asking("switches"):
            found = tuple(query.stream(**self._how))
        return tuple(from_json(one.get("document"), Switching) for one in found)

    def note_raise(self, one: Raise) -> None:
        """Kept for good. If the answer is lost it may be there twice, which changes nothing."""
        fields = {"document": to_json(one), "at": one.at}
        with asking("a raise"):
            self._client.collection("raises").document().create(fields, **self._how)

    def raises(self, since: datetime) -> Sequence[Raise]:
        """The last moment comes first."""
        raises: Any = self._client.collection("raises")
        query = raises.where(filter=FieldFilter("at", ">=", since))
        with asking("raises"):
            found = tuple(query.order_by("at", direction="DESCENDING").stream(**self._how))
        return tuple(from_json(one.get("document"), Raise) for one in found)
