"""What lands on the desk: whatever it is, there is a record of it, and of one thing only one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.landed import DESK, record_of
from schemas import examples
from schemas.dead_letters import DeadLetterRecord, Landed
from schemas.events import Event, RenderDeadLetter, RenderProgress, RenderRequested
from schemas.failures import FailureClass
from schemas.subscriptions import SUBSCRIPTIONS, ReceivedMessage, dead_letter
from schemas.wire import from_json, message_of, to_json

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTERS = "render-dead-letter-desk"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def received(
    subscription: str, attributes: Mapping[str, str], data: bytes, id: str = "7"
) -> ReceivedMessage:
    return ReceivedMessage(
        ack_id=f"{id}/1",
        subscription=subscription,
        message_id=id,
        publish_time=NOW,
        attributes=attributes,
        data=data,
        delivery_attempt=20,
    )


def given_up(by: str, attributes: Mapping[str, str], data: bytes, id: str = "8") -> ReceivedMessage:
    """The message as it lands, an hour later, after `by` refused it for the last time."""
    message = dead_letter(received(by, attributes, data), "p")
    landed = received(f"{by}-undeliverable", message.attributes, data, id)
    return replace(landed, publish_time=NOW + timedelta(hours=1))


def refused(by: str, event: Event) -> DeadLetterRecord:
    message = message_of(event, "//clipline/tests")
    return record_of(given_up(by, message.attributes, message.data))


def example(kind: type) -> Event:
    return next(event for event in examples.EVENTS if isinstance(event, kind))


def test_the_desk_has_the_letters_and_every_net() -> None:
    nets = {one.dead_letter_topic for one in SUBSCRIPTIONS if one.dead_letter_topic}
    assert set(DESK) == {LETTERS, *nets}


def test_a_failed_render_is_told_as_it_told_itself() -> None:
    letter = examples.LETTER
    message = message_of(letter, "//clipline/tests")
    record = record_of(received(LETTERS, message.attributes, message.data))
    assert record.letter == letter
    assert record.original is None
    assert (record.landed, record.at, record.render) == (Landed.RENDER, letter.at, letter.render)
    assert (record.failure, record.fingerprint) == (letter.failure, letter.fingerprint)
    assert (record.advice, record.tenant, record.lanes) == (letter.advice, "acme", ("laptop/cpu",))


def test_a_letter_that_comes_twice_is_one_record_and_the_next_failure_another() -> None:
    def record(letter: RenderDeadLetter, id: str) -> DeadLetterRecord:
        message = message_of(letter, "//clipline/tests")
        return record_of(received(LETTERS, message.attributes, message.data, id))

    assert record(examples.LETTER, "1") == record(examples.LETTER, "2")
    again = replace(examples.LETTER, number=2)
    assert record(again, "3").id != record(examples.LETTER, "1").id


@given(st.sampled_from(DESK), st.dictionaries(TEXT, TEXT, max_size=5), st.binary(max_size=200))
def test_whatever_lands_is_a_record_that_keeps_it_exactly(
    subscription: str, attributes: Mapping[str, str], data: bytes
) -> None:
    record = record_of(received(subscription, attributes, data))
    assert record.landed is Landed.MESSAGE
    assert record.original is not None
    assert (record.original.data, record.original.attributes) == (data, attributes)
    assert from_json(to_json(record), DeadLetterRecord) == record


def test_what_pubsub_adds_is_read_and_taken_off() -> None:
    record = record_of(given_up("on-result", {"ce-type": "x", "odd": "ü\n"}, b"\xff"))
    original = record.original
    assert original is not None
    assert original.attributes == {"ce-type": "x", "odd": "ü\n"}
    assert (original.refused_by, original.deliveries) == ("on-result", 20)
    assert record.at == original.published_at == NOW


@pytest.mark.parametrize("word", ["", "many", "-1", "9" * 5000, "²"])
def test_a_count_that_is_none_is_left_out_or_small(word: str) -> None:
    added = {"CloudPubSubDeadLetterSourceDeliveryCount": word}
    original = record_of(received("on-result-undeliverable", added, b"")).original
    assert original is not None
    assert original.deliveries in (None, 999_999_999)
    assert original.attributes == {}


@pytest.mark.parametrize("word", ["", "yesterday", "2026-03-01T12:00:00", "9999-99-99T00:00:00Z"])
def test_a_publish_time_that_is_none_gives_way_to_the_copys(word: str) -> None:
    added = {"CloudPubSubDeadLetterSourceTopicPublishTime": word}
    assert record_of(received("on-result-undeliverable", added, b"")).at == NOW


def test_a_message_that_is_given_up_twice_is_one_record() -> None:
    first = record_of(given_up("on-result", {"a": "1"}, b"x", id="8"))
    assert record_of(given_up("on-result", {"a": "1"}, b"x", id="9")).id == first.id
    others = [
        record_of(given_up("start-render", {"a": "1"}, b"x")),
        record_of(given_up("on-result", {"a": "2"}, b"x")),
        record_of(given_up("on-result", {"a": "1"}, b"y")),
    ]
    assert len({first.id, *(other.id for other in others)}) == 4


def test_it_says_who_refused_what() -> None:
    progress = example(RenderProgress)
    taken = refused("on-result", progress)
    assert (taken.failure.reason, taken.render) == ("refused", progress.subject)
    assert taken.failure.message == "on-result refused RenderProgress 20 times"
    lost = refused("start-render", progress)
    assert lost.failure.reason == "misdirected"
    assert "start-render was sent RenderProgress" in lost.failure.message
    asked = refused("start-render", example(RenderRequested))
    assert (asked.tenant, asked.failure.failure) == ("acme", FailureClass.INTERNAL)


def test_poison_of_one_cause_has_one_fingerprint() -> None:
    """Where the bytes break, and how often they were sent, are particulars."""
    kind = {"ce-type": RenderProgress.TYPE}
    bad = [record_of(given_up("on-result", kind, data)) for data in (b"{", b"[1, 2", b'{"at": 7}')]
    assert len({record.fingerprint for record in bad}) == 1
    elsewhere = record_of(given_up("on-execution", kind, b"{"))
    assert elsewhere.fingerprint != bad[0].fingerprint


def test_types_that_nobody_knows_are_one_cause() -> None:
    odd = ("com.other.thing", "a: b", "it's", "https://example.org/x", "", "y" * 500)
    made = [record_of(given_up("on-result", {"ce-type": kind}, b"{}")) for kind in odd]
    assert {record.failure.reason for record in made} == {"unreadable"}
    assert len({record.fingerprint for record in made}) == 1
