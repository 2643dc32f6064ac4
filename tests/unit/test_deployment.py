"""What Terraform reads of the code; that the file is current is held with the papers."""

from datetime import timedelta
from pathlib import Path

from functions.core.ledger import MEMORY
from infra.deployment.pipeline import STORES, pipeline
from schemas.flows import FLOWS, LONGEST_RETENTION
from schemas.subscriptions import SUBSCRIPTIONS

ADAPTERS = Path(__file__).parents[2] / "functions" / "adapters"


def test_every_adapter_that_asks_for_indexes_gets_them() -> None:
    asking = {p.stem for p in ADAPTERS.glob("*.py") if "\nCOMPOSITE_INDEXES" in p.read_text()}
    assert asking == {store.__name__.rpartition(".")[2] for store in STORES}


def test_what_goes_by_age_goes_after_nobody_needs_it() -> None:
    """Decisions, the day's budget, and messages that Pub/Sub still has, look back less far."""
    kept = {name: length for store in STORES for name, length in store.EXPIRING.items()}
    assert kept.keys() == {"dead-letters", "ledger"}
    assert kept["ledger"] > max(MEMORY, timedelta(days=1))
    assert kept["dead-letters"] > 2 * LONGEST_RETENTION
    told = pipeline()["firestore"]["unindexed"].values()
    assert {one["collection"] for one in told if one["expires"]} == kept.keys()


def test_it_holds_every_subscription_and_topic() -> None:
    told = pipeline()
    assert set(told["subscriptions"]) == {one.name for one in SUBSCRIPTIONS}
    assert set(told["topics"]) == {one.topic for one in SUBSCRIPTIONS}


def test_only_what_is_public_is_said_to_be() -> None:
    public = {name for name, topic in pipeline()["topics"].items() if topic["is_public"]}
    assert public == {flow.topic for flow in FLOWS if flow.is_public}


def test_a_function_may_take_as_long_as_its_message_waits() -> None:
    told = pipeline()
    for one in told["subscriptions"].values():
        if one["function"]:
            function = told["functions"][one["function"]]
            assert function["timeout_seconds"] == one["ack_deadline_seconds"]


def test_an_index_is_of_fields_and_a_minus_is_all_that_is_said_of_order() -> None:
    fields = [
        field["name"]
        for index in pipeline()["firestore"]["indexes"].values()
        for field in index["fields"]
    ]
    assert fields
    assert [name for name in fields if not name.isidentifier()] == []
