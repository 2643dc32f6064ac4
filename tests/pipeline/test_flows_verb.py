"""The live map, over a laptop's bus."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.settings import Laptop
from functions.wiring import laptop_desk
from infra.laptop.subscriptions import subscriptions
from schemas.flows import FLOWS
from schemas.topics import Topic
from schemas.wire import Message
from tests.pipeline import forked
from tests.pipeline.desk import Place, letter


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(Laptop(home=tmp_path / "home"))
    made.bus.declare(subscriptions())
    return made


def test_every_edge_is_told_with_what_lies_on_it(place: Place) -> None:
    for _ in range(3):
        message = Message(attributes={}, data=b"x")
        place.bus.publish_message(Topic.RENDER_RESULTS, message)
    now = datetime.now(UTC)
    (one, other) = place.bus.pull("on-result", 2, now)
    place.bus.ack(one.ack_id)
    place.bus.publish_message("on-result-undeliverable", Message(attributes={}, data=b"x"))
    place.bus.publish_message("on-result-undeliverable", Message(attributes={}, data=b"y"))
    laptop_desk(place.home).collect(now)
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-1"))
    told = {one["topic"]: one for one in map(json.loads, place.said("flows", "--json"))}
    assert list(told) == [flow.topic for flow in FLOWS]
    results = told["render-results"]
    assert (results["depth"], results["in_delivery"], results["dead_letters"]) == (2, 1, 2)
    assert results["oldest_at"] == other.publish_time.isoformat().replace("+00:00", "Z")
    minutes = results["over_seconds"] / 60
    assert 9 <= minutes <= 10
    assert results["published_per_minute"] == pytest.approx(3 / minutes, abs=0.001)
    assert results["acknowledged_per_minute"] == pytest.approx(1 / minutes, abs=0.001)
    assert told["render-dead-letter"]["dead_letters"] == 1
    assert told["render-done"]["dead_letters"] is None
    said = place.said("flows")
    assert said[0].split() == [
        "FROM",
        "TOPIC",
        "TO",
        "DEPTH",
        "OLDEST",
        "IN/MIN",
        "OUT/MIN",
        "DEAD",
    ]
    assert said[3].split()[:4] == ["render_job", "render-results", "on_result", "2"]
    assert said[-1] == "Next: clipline dead-letters"
    assert said[-2].startswith("Calls hold nothing that could be counted: uploader to place")


def test_what_is_long_ago_is_no_rate_any_more(place: Place) -> None:
    place.bus.publish_message(Topic.RENDER_RESULTS, Message(attributes={}, data=b"x"))
    later = datetime.now(UTC) + timedelta(minutes=11)
    held = {one.subscription: one for one in place.bus.backlogs(later)}
    assert (held["on-result"].depth, held["on-result"].published) == (1, 0)


def test_the_cloud_says_where_its_numbers_are(place: Place) -> None:
    around = place.around()
    place_of_cloud = {**around["env"], "CLIPLINE_PLACE": "cloud"}
    done = forked.clipline(("flows",), cwd=around["cwd"], env=place_of_cloud)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Cloud Monitoring" in done.stderr
