"""A Spot machine's worker is told of the machine's end by the metadata server, or finds it told."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from infra.emulators.metadata import PATH, MetadataEmulator
from infra.emulators.server import free_port
from render_job.spot import SpotNotice


@pytest.fixture
def server() -> Iterator[MetadataEmulator]:
    server = MetadataEmulator()
    yield server
    server.close()


def test_it_is_told_in_the_moment_of_the_change(
    server: MetadataEmulator, until: Callable[..., None]
) -> None:
    notice = SpotNotice(server.address)
    until(lambda: server.questions == 2, "it waits for a change")
    assert not notice()
    server.preempt()
    until(notice, "it was told")
    assert server.questions == 2, "one question was open, and no other was asked"


def test_who_starts_on_a_machine_that_is_being_taken_knows_at_once(
    server: MetadataEmulator, until: Callable[..., None]
) -> None:
    server.preempt()
    until(SpotNotice(server.address), "it was told")
    assert server.questions == 1


def test_a_server_that_is_away_for_a_while_is_asked_again(until: Callable[..., None]) -> None:
    port = free_port()
    notice = SpotNotice(f"127.0.0.1:{port}")
    assert not notice()
    server = MetadataEmulator(port)
    try:
        until(lambda: server.questions > 0, "it was asked")
        server.preempt()
        until(notice, "it was told")
    finally:
        server.close()


def test_the_stand_in_answers_only_who_says_what_google_asks_for(server: MetadataEmulator) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{server.address}{PATH}", timeout=5)
    assert refused.value.code == 403
    refused.value.close()
