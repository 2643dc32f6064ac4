"""Which documents have a moment at which Firestore may remove them; the emulator removes none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from google.cloud.firestore import Client

from functions.adapters.firestore_calls import EXPIRES
from functions.adapters.firestore_dead_letters import EXPIRING as LETTERS_KEPT
from functions.adapters.firestore_dead_letters import LETTERS, FirestoreDeadLetters
from functions.adapters.firestore_ledger import EXPIRING as ENTRIES_KEPT
from functions.adapters.firestore_ledger import FirestoreLedger
from functions.core.entries import Entry, Outcome
from schemas import examples

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.getfixturevalue("firestore")
    return found


def moments(client: Client, collection: str) -> list[datetime | None]:
    documents = client.collection(collection).stream()
    return [(one.to_dict() or {}).get(EXPIRES) for one in documents]


def test_an_entry_of_the_ledger_goes_after_its_time(client: Client) -> None:
    entry = Entry(
        lane="a", render="r-1", attempt=1, outcome=Outcome.STARTED, launched_at=NOW, at=NOW
    )
    FirestoreLedger(client).append([entry])
    assert moments(client, "ledger") == [NOW + ENTRIES_KEPT["ledger"]]


def test_a_dead_letter_goes_only_after_somebody_has_disposed_of_it(client: Client) -> None:
    store, record = FirestoreDeadLetters(client), replace(examples.RECORDS[0], at=NOW)
    store.keep([record])
    assert moments(client, LETTERS) == [None]
    assert store.dispose(record.id, by="ana", reason="seen", at=NOW)
    assert moments(client, LETTERS) == [NOW + LETTERS_KEPT[LETTERS]]
    assert store.restore(record.id)
    assert moments(client, LETTERS) == [None]


def test_one_in_several_parts_stays_since_they_would_be_left_behind(client: Client) -> None:
    large = replace(examples.RECORDS[0], advice="x" * 2_000_000)
    store = FirestoreDeadLetters(client)
    store.keep([large])
    assert store.dispose(large.id, by="ana", reason="seen", at=NOW)
    assert moments(client, LETTERS) == [None]
