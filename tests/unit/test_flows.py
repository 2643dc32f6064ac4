import ast
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from schemas.events import Event
from schemas.examples import EVENTS
from schemas.flows import ACTORS, CALLS, COLLECT, FLOWS, Delivery, Flow, undeliverable
from schemas.topics import Topic
from schemas.wire import event_of, message_of

PUSHED = [flow for flow in FLOWS if flow.delivery is Delivery.UNWRAPPED_PUSH]
PULLED = [flow for flow in FLOWS if flow.delivery is Delivery.PULL]


def test_every_topic_has_one_flow() -> None:
    assert sorted(flow.topic for flow in FLOWS) == sorted(Topic)


def test_every_event_is_said_on_one_topic_only() -> None:
    told = [kind for flow in FLOWS for kind in flow.events]
    assert sorted(k.__name__ for k in told) == sorted(k.__name__ for k in get_args(Event))


def test_there_is_an_example_of_every_event() -> None:
    assert [type(e) for e in EVENTS] == [*dict.fromkeys(type(e) for e in EVENTS)]
    assert {type(e) for e in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.TYPE)
def test_every_event_comes_back_from_the_wire(event: Event) -> None:
    message = message_of(event, "//clipline/tests")
    attributes = {k.removeprefix("ce-"): v for k, v in message.attributes.items()}
    assert attributes["type"] == event.TYPE
    assert event_of(attributes, message.data) == event


def test_every_actor_of_a_flow_or_call_is_listed() -> None:
    named = {actor.name for actor in ACTORS}
    assert len(named) == len(ACTORS)
    for flow in FLOWS:
        assert {a.name for a in (*flow.publishers, flow.subscriber, flow.owner)} <= named
    for call in CALLS:
        assert {call.caller.name, call.callee.name} <= named


def test_every_pushed_subscription_is_an_entry_point() -> None:
    source = Path(__file__).parents[2] / "functions" / "main.py"
    tree = ast.parse(source.read_text())
    served = {n.name for n in tree.body if isinstance(n, ast.FunctionDef) if n.decorator_list}
    pushed = served - {"sweep", "collect"}
    assert {flow.subscriber.name for flow in PUSHED} == pushed
    assert {flow.subscription for flow in PUSHED} == {name.replace("_", "-") for name in pushed}


@pytest.mark.parametrize("flow", PUSHED, ids=lambda f: f.subscription)
def test_what_a_push_cannot_deliver_waits_for_its_owner(flow: Flow) -> None:
    net = undeliverable(flow)
    assert net is not None
    assert net.topic == net.subscription == f"{flow.subscription}-undeliverable"
    assert net.subscriber is COLLECT
    assert net.retention == timedelta(days=31)
    assert flow.patience is not None
    assert timedelta(hours=2) < flow.patience < flow.retention


@pytest.mark.parametrize("flow", PULLED, ids=lambda f: f.subscription)
def test_what_is_pulled_stays_until_it_is_taken(flow: Flow) -> None:
    assert undeliverable(flow) is None
    assert flow.patience is None
    assert flow.retention == timedelta(days=31)


def test_names_of_topics_and_subscriptions_are_used_once() -> None:
    nets = [net for flow in FLOWS if (net := undeliverable(flow))]
    topics = [*(flow.topic.value for flow in FLOWS), *(net.topic for net in nets)]
    subscriptions = [*(f.subscription for f in FLOWS), *(net.subscription for net in nets)]
    assert len(set(topics)) == len(topics)
    assert len(set(subscriptions)) == len(subscriptions)


@pytest.mark.parametrize(
    ("impossible", "words"),
    [
        ({"ack_deadline": timedelta(seconds=9)}, "ack deadline"),
        ({"ack_deadline": timedelta(seconds=601)}, "ack deadline"),
        ({"max_delivery_attempts": 4}, "delivery attempts"),
        ({"max_delivery_attempts": 101}, "delivery attempts"),
        ({"max_delivery_attempts": None}, "delivery attempts"),
        ({"min_backoff": timedelta(seconds=601)}, "backoff"),
        ({"max_backoff": timedelta(seconds=601)}, "backoff"),
        ({"retention": timedelta(days=32)}, "retention"),
        ({"retention": timedelta(minutes=9)}, "retention"),
    ],
)
def test_numbers_beyond_pub_subs_limits_are_refused(
    impossible: dict[str, timedelta | int | None], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        replace(PUSHED[0], **impossible)  # type: ignore[arg-type]  # a table of any field
