"""What the desk in Firestore promises besides: a network is between, and others keep the same."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from functions.desk import Wanted
from schemas import examples
from schemas.dead_letters import DeadLetterRecord
from schemas.failures import FailureClass
from schemas.ports import StoreRefused
from tests import emulators
from tests.firestore_gate import Ask, Call, Fault, Gate, answer_lost, denied, fields, unavailable

if TYPE_CHECKING:
    from functions.adapters.firestore_dead_letters import FirestoreDeadLetters

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
ALL = Wanted()
MOMENTS = ("at", "noted_at", "seen_at")


@pytest.fixture
def store(firestore_gate: Gate) -> "Iterator[FirestoreDeadLetters]":
    from functions.adapters.firestore_dead_letters import FirestoreDeadLetters
    from functions.adapters.firestore_renders import connect

    with emulators.environment(FIRESTORE_EMULATOR_HOST=firestore_gate.host):
        client = connect(f"test-{uuid4().hex[:12]}")
    yield FirestoreDeadLetters(client)
    client.close()


def some(count: int) -> list[DeadLetterRecord]:
    return [replace(examples.RECORDS[0], id=f"d-{number}") for number in range(count)]


def test_what_is_kept_together_is_one_commit(
    store: "FirestoreDeadLetters", firestore_gate: Gate
) -> None:
    assert store.keep(some(500)) == 500
    assert len(firestore_gate.seen("Commit")) == 1


@pytest.mark.parametrize("fault", [unavailable, answer_lost])
def test_what_was_not_answered_is_kept_once(
    store: "FirestoreDeadLetters", firestore_gate: Gate, fault: Fault
) -> None:
    firestore_gate.strike("Commit", fault, fault)
    assert store.keep(some(3)) == (3 if fault is unavailable else 0)
    assert store.count(ALL) == 3


def test_who_is_forestalled_keeps_the_others(
    store: "FirestoreDeadLetters", firestore_gate: Gate
) -> None:
    def forestalled(call: Call, ask: Ask) -> Sequence[bytes]:
        store.keep([replace(examples.RECORDS[0], id="d-1", advice="first")])
        return ask(call)

    firestore_gate.strike("Commit", forestalled)
    assert store.keep(some(3)) == 2
    (one,) = store.find(Wanted(id="d-1"))
    assert (one.advice, store.count(ALL)) == ("first", 3)


def test_a_record_of_which_only_parts_were_written_is_not_there(
    store: "FirestoreDeadLetters", firestore_gate: Gate
) -> None:
    original = examples.RECORDS[1].original
    assert original is not None
    large = replace(examples.RECORDS[1], original=replace(original, data=b"x" * 2_000_000))
    passed = iter([True, True])

    def later_denied(call: Call, ask: Ask) -> Sequence[bytes]:
        return ask(call) if next(passed, False) else denied(call, ask)

    firestore_gate.strike("Commit", *[later_denied] * 3)
    with pytest.raises(StoreRefused):
        store.keep([large])
    assert (list(store.find(ALL)), store.count(ALL)) == ([], 0)
    assert store.keep([large]) == 1
    assert list(store.find(ALL)) == [large]


@pytest.mark.parametrize("fault", [unavailable, answer_lost])
def test_a_disposal_that_was_not_answered_is_done_once(
    store: "FirestoreDeadLetters", firestore_gate: Gate, fault: Fault
) -> None:
    store.keep(some(1))
    firestore_gate.strike("Commit", fault)
    assert store.dispose("d-0", by="ana", reason="seen", at=T0)
    assert not store.dispose("d-0", by="ana", reason="seen", at=T0)
    firestore_gate.strike("Commit", fault)
    assert store.restore("d-0")
    assert not store.restore("d-0")


def test_a_store_that_keeps_out_is_said(
    store: "FirestoreDeadLetters", firestore_gate: Gate
) -> None:
    firestore_gate.strike("RunQuery", denied)
    with pytest.raises(StoreRefused):
        list(store.find(ALL))


def test_the_indexes_that_queries_need_are_listed_and_no_others(
    store: "FirestoreDeadLetters", firestore_gate: Gate
) -> None:
    """Several equal fields are found by merging the indexes of each with the order by age.

    Equal fields without an order are merged of what Firestore makes by itself.
    """
    from google.cloud.firestore_v1.types import RunAggregationQueryRequest, RunQueryRequest

    from functions.adapters import firestore_dead_letters, firestore_notes

    digest = "a" * 64
    store.keep(some(2))
    store.note(replace(examples.AUDIT, plan=digest))
    for one in (
        ALL,
        Wanted(since=T0),
        Wanted(failure=FailureClass.CRASH),
        Wanted(tenant="acme", since=T0),
        Wanted(fingerprint="0" * 12),
        Wanted(text="x", lane="y", fingerprint="0", id="d-"),
        Wanted(id="r-123456"),
    ):
        list(store.find(one))
        store.groups(one, limit=3)
        store.count(one)
    store.taken_from()
    for plan in ("", "ab", digest):
        store.audits(limit=1, plan=plan)
        store.runs(limit=1, plan=plan)
    store.fetches(limit=1)
    queries = [
        RunQueryRequest.deserialize(one.request).structured_query
        for one in firestore_gate.seen("RunQuery")
    ] + [
        RunAggregationQueryRequest.deserialize(
            one.request
        ).structured_aggregation_query.structured_query
        for one in firestore_gate.seen("RunAggregationQuery")
    ]
    indexes = firestore_dead_letters.COMPOSITE_INDEXES | firestore_notes.COMPOSITE_INDEXES
    unindexed = firestore_dead_letters.UNINDEXED | firestore_notes.UNINDEXED
    needed: dict[str, set[tuple[str, str]]] = {}
    for query in queries:
        collection = query.from_[0].collection_id
        asked = [name for name in fields(query) if name.removeprefix("-") != "__name__"]
        assert not {name.removeprefix("-") for name in asked} & set(unindexed[collection])
        if (last := asked[-1].removeprefix("-") if asked else "") in MOMENTS:
            pairs = {(name, f"-{last}") for name in asked if name.removeprefix("-") != last}
            needed.setdefault(collection, set()).update(pairs)
    assert {name: found for name, found in needed.items() if found} == {
        name: set(some) for name, some in indexes.items()
    }
