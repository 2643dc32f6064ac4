"""Launches whose answers get lost, by seed, on both lanes of the cloud: how often does each run?"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from random import Random

import grpc
import pytest

from functions.errors import TryAgainLater
from functions.ports import LaunchRefused
from schemas.plan import Order
from tests.contract.cloud_places import BatchPlace, CloudRunPlace

ATTEMPTS = 40
LAUNCHERS = 8
CODE = "say(f\"begun-{E['CLOUD_RUN_EXECUTION']}\")"
Place = BatchPlace | CloudRunPlace
KINDS: dict[str, type[BatchPlace] | type[CloudRunPlace]] = {
    "batch": BatchPlace,
    "cloud_run": CloudRunPlace,
}


@pytest.fixture(params=sorted(KINDS))
def place(
    request: pytest.FixtureRequest, tmp_path: Path, until: Callable[..., None]
) -> Iterator[Place]:
    place = KINDS[request.param](tmp_path, until, CODE)
    yield place
    place.close()


def ordered(place: Place, attempt: int) -> Order:
    return Order(
        render="r-0123456789abcdef0123",
        attempt=attempt,
        lane="a/lane",
        encoder_class="x264",
        tasks=1,
        deadline=place.now() + timedelta(minutes=1),
    )


def persist(place: Place, order: Order) -> str:
    """Launch it as whoever performs effects does: again and again, until it has a name."""
    while True:
        try:
            return place.backend.launch(order)
        except (TryAgainLater, LaunchRefused):
            continue


def lie(place: Place, draw: Random) -> None:
    """Perhaps two of what may go wrong at a launch."""
    ways: list[Callable[[], None]] = [
        place.emulator.lose,
        lambda: place.emulator.refuse(grpc.StatusCode.UNAVAILABLE, "connection reset"),
        lambda: place.emulator.refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "too slow"),
        lambda: place.emulator.refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota"),
    ]
    for _ in range(draw.choice((0, 1, 1, 2))):
        draw.choice(ways)()


def test_whatever_is_lost_each_attempt_is_launched_once_and_runs_once(place: Place) -> None:
    draw = Random(1)
    named: list[str] = []
    for attempt in range(1, ATTEMPTS + 1):
        lie(place, draw)
        names = {persist(place, ordered(place, attempt)) for _ in range(2)}
        assert len(names) == 1
        named += names
    assert Counter(place.emulator.launched()) == Counter(dict.fromkeys(named, 1))
    for name in named:
        place.wait_for_end(name)
        assert place.runs(name) == 1


def test_many_launchers_at_once_are_sorted_out_by_the_lane_or_by_the_owner(
    place: Place,
) -> None:
    """Batch takes a name once; on Cloud Run each of them may look before any other has launched."""
    with ThreadPoolExecutor(LAUNCHERS) as pool:
        orders = [ordered(place, 1) for _ in range(LAUNCHERS)]
        names = set(pool.map(lambda order: persist(place, order), orders))
    launched = place.emulator.launched()
    assert names <= set(launched)
    assert len(launched) == 1 if isinstance(place, BatchPlace) else len(launched) <= LAUNCHERS
    assert persist(place, ordered(place, 1)) == launched[0]
