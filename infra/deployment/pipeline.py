"""`infra/gcp/pipeline.json`: names, numbers and lists of the code, for Terraform to read.

Everything in `infra/gcp` that the code knows as well comes from there: topics and subscriptions
with their times, who publishes where, functions with their time limits, indexes of the renders.
"""

import json
from datetime import timedelta
from typing import Any

from functions.adapters import (
    firestore_dead_letters,
    firestore_ledger,
    firestore_notes,
    firestore_renders,
    firestore_switches,
)
from functions.adapters.firestore_calls import EXPIRES
from functions.core.lanes import Policy
from functions.core.render import State
from functions.sweep import TIME_LIMIT
from infra.deployment.needs import SERVICES
from schemas.flows import ACTORS, COLLECT, FLOWS, SWEEP, Actor, Delivery, Flow, undeliverable
from schemas.topics import Topic

STORES = (
    *(firestore_renders, firestore_ledger, firestore_switches),
    *(firestore_dead_letters, firestore_notes),
)
"""All that keep something in Firestore."""
PREFIX = "clipline-"
"""Of identities; a deployment of another name has that in its place."""
SWEEP_TIMEOUT = timedelta(seconds=60)
"""A sweep stops by itself before (`functions.sweep.TIME_LIMIT`), and the next one begins then. So
do the others that the clock calls."""
CALLED = (SWEEP, COLLECT)
"""By the clock, every minute."""
SPARE = timedelta(days=1)
"""How much later than the sweep the work bucket's own rule removes what the sweep did not."""
WRAPPED = (Topic.EXECUTION_EVENTS,)
"""Where the platform itself publishes, whose messages are no CloudEvents."""


def page() -> str:
    """The file."""
    return json.dumps(pipeline(), indent=2, sort_keys=True) + "\n"


def pipeline() -> dict[str, Any]:
    """The same, not yet written."""
    return {
        "about": "Written by `make schemas` from infra/deployment/pipeline.py: change the code.",
        "topics": _topics(),
        "publishers": _publishers(),
        "subscriptions": {name: one for flow in FLOWS for name, one in _subscriptions(flow)},
        "functions": _functions(),
        "called_every_minute": sorted(map(_service, CALLED)),
        "identities": sorted({_role(actor) for actor in ACTORS if actor.identity}),
        "firestore": {"indexes": _indexes(), "unindexed": _unindexed()},
        "services": list(SERVICES),
        "states": [state.value for state in State],
        "work_kept_days": (Policy().deadline + Policy().keep_failed + SPARE).days,
    }


def _topics() -> dict[str, Any]:
    ours = {flow.topic.value: {"is_public": flow.is_public} for flow in FLOWS}
    nets = {net.topic: {"is_public": False} for flow in FLOWS if (net := undeliverable(flow))}
    return {**ours, **nets}


def _publishers() -> dict[str, list[str]]:
    """By identity, the topics where it speaks."""
    found: dict[str, set[str]] = {}
    for flow in FLOWS:
        for actor in flow.publishers:
            if actor.identity:
                found.setdefault(_role(actor), set()).add(flow.topic.value)
    return {role: sorted(topics) for role, topics in found.items()}


def _subscriptions(flow: Flow) -> list[tuple[str, dict[str, Any]]]:
    net = undeliverable(flow)
    is_push = flow.delivery is Delivery.UNWRAPPED_PUSH
    ours = {
        "topic": flow.topic.value,
        "owner": flow.owner.name,
        "subscriber": flow.subscriber.name,
        "function": _service(flow.subscriber) if is_push else None,
        "is_wrapped": is_push and flow.topic in WRAPPED,
        "ack_deadline_seconds": _seconds(flow.ack_deadline),
        "max_delivery_attempts": flow.max_delivery_attempts,
        "min_backoff": _duration(flow.min_backoff),
        "max_backoff": _duration(flow.max_backoff),
        "retention": _duration(flow.retention),
        "dead_letter_topic": net.topic if net else None,
    }
    if net is None:
        return [(flow.subscription, ours)]
    kept = {
        **ours,
        "topic": net.topic,
        "subscriber": net.subscriber.name,
        "function": None,
        "is_wrapped": False,
        "ack_deadline_seconds": _seconds(net.ack_deadline),
        "max_delivery_attempts": None,
        "retention": _duration(net.retention),
        "dead_letter_topic": None,
    }
    return [(flow.subscription, ours), (net.subscription, kept)]


def _functions() -> dict[str, Any]:
    """A function may take as long as its message waits for an answer, and no longer."""
    pushed = [flow for flow in FLOWS if flow.delivery is Delivery.UNWRAPPED_PUSH]
    found = {
        _service(flow.subscriber): {
            "entry_point": flow.subscriber.name,
            "identity": _role(flow.subscriber),
            "timeout_seconds": _seconds(flow.ack_deadline),
        }
        for flow in pushed
    }
    if TIME_LIMIT >= SWEEP_TIMEOUT:
        raise ValueError("a sweep must stop by itself before it is stopped")
    for actor in CALLED:
        found[_service(actor)] = {
            "entry_point": actor.name,
            "identity": _role(actor),
            "timeout_seconds": _seconds(SWEEP_TIMEOUT),
        }
    return found


def _indexes() -> dict[str, Any]:
    """By a name of its own each; a minus before a field is descending."""
    return {
        "-".join((collection, *(name.replace("-", "desc-") for name in fields))): {
            "collection": collection,
            "fields": [{"name": name.lstrip("-"), "order": _order(name)} for name in fields],
        }
        for store in STORES
        for collection, indexes in store.COMPOSITE_INDEXES.items()
        for fields in indexes
    }


def _order(name: str) -> str:
    return "DESCENDING" if name.startswith("-") else "ASCENDING"


def _unindexed() -> dict[str, Any]:
    return {
        f"{collection}-{'all' if name == '*' else name}": {
            "collection": collection,
            "field": name,
            "expires": name == EXPIRES and collection in store.EXPIRING,
        }
        for store in STORES
        for collection, names in store.UNINDEXED.items()
        for name in names
    }


def _role(actor: Actor) -> str:
    return (actor.identity or "").removeprefix(PREFIX)


def _service(actor: Actor) -> str:
    return actor.name.replace("_", "-")


def _seconds(length: timedelta) -> int:
    return round(length.total_seconds())


def _duration(length: timedelta) -> str:
    """As the API spells it."""
    return f"{_seconds(length)}s"
