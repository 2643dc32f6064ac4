"""What Cloud Storage's ObjectStore promises besides: a network is between, and others write too.

The server is fake-gcs-server behind `infra/emulators/storage_gate.py`, which says what neither of
them imitates.
"""

import filecmp
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import infra.laptop
from infra.emulators.server import free_port
from infra.emulators.storage_gate import (
    Answer,
    Ask,
    Gate,
    Request,
    answer_lost,
    bent_on_the_way_in,
    bent_on_the_way_out,
    cut_short,
    unavailable,
)
from render_job.encoder import find_ffmpeg
from schemas.ports import (
    NameRefused,
    ObjectMissing,
    PreconditionFailed,
    StoreRefused,
    StoreUnavailable,
)
from tests import emulators
from tests.buckets import Buckets

if TYPE_CHECKING:
    from subprocess import Popen

    from functions.adapters.gcs_objects import GcsObjects

SAMPLE = Path(infra.laptop.__file__).with_name("sample") / "sample.mp4"
LARGE = 20 << 20
"""Two whole chunks and a part of one."""


@pytest.fixture
def store(gcs: Buckets) -> "GcsObjects":
    return gcs.empty("box")


@pytest.fixture
def gate(gcs: Buckets) -> Gate:
    return gcs.gate


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(LARGE))
    return path


# ── preconditions, and answers that are lost ─────────────────────────────────────────────────────


def test_every_write_and_delete_carries_a_precondition(
    store: "GcsObjects", gate: Gate, large: Path
) -> None:
    store.write("a", b"one")
    store.write("a", b"two")
    store.upload("b", large, if_generation_match=None)
    store.upload("c", large)
    store.delete("a")
    store.delete("b", if_generation_match=store.stat("b").generation)  # type: ignore[union-attr]  # it is there
    changing = [one for one in gate.requests if one.method not in ("GET", "HEAD")]
    assert len(changing) >= 6
    for one in changing:
        assert "ifGenerationMatch" in one.target, one


def test_a_write_without_a_precondition_that_is_forestalled_is_made_again(
    store: "GcsObjects", gate: Gate
) -> None:
    def forestalled(request: Request, ask: Ask) -> Answer:
        store.write("a", b"theirs")
        return ask(request)

    gate.strike("POST .*uploadType=multipart", forestalled)
    store.write("a", b"ours")
    assert store.read("a") == b"ours"
    gate.strike("DELETE", forestalled)
    store.delete("a")
    assert store.stat("a") is None


@pytest.mark.parametrize("size", [100, LARGE])
def test_a_write_whose_answer_is_lost_is_found_to_be_ours(
    store: "GcsObjects", gate: Gate, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))
    gate.strike("POST .*uploadType=multipart|PUT .*upload_id", answer_lost, answer_lost)
    info = store.upload("a", path, metadata={"by": "us"})
    assert store.stat("a") == info
    assert info.metadata == {"by": "us"}
    assert store.read("a") == path.read_bytes()
    with pytest.raises(PreconditionFailed):
        store.upload("a", path, metadata={"by": "us"})


def test_a_write_whose_answer_is_lost_does_not_take_what_is_theirs_for_ours(
    store: "GcsObjects", gate: Gate
) -> None:
    """Equal bytes and equal metadata: only the mark of the write tells them apart."""

    def theirs_and_unavailable(request: Request, ask: Ask) -> Answer:
        store.write("a", b"same", if_generation_match=0, metadata={"by": "a task"})
        return unavailable(request, ask)

    gate.strike("POST .*uploadType=multipart", theirs_and_unavailable)
    with pytest.raises(PreconditionFailed):
        store.write("a", b"same", if_generation_match=0, metadata={"by": "a task"})


def test_a_delete_whose_answer_is_lost_is_done(store: "GcsObjects", gate: Gate) -> None:
    info = store.write("a", b"x")
    gate.strike("DELETE", answer_lost)
    store.delete("a", if_generation_match=info.generation)
    assert store.stat("a") is None


def test_a_large_upload_that_is_forestalled_while_it_runs_changes_nothing(
    store: "GcsObjects", gate: Gate, large: Path
) -> None:
    def forestalled(request: Request, ask: Ask) -> Answer:
        store.write("a", b"theirs")
        return ask(request)

    gate.strike("PUT .*upload_id", forestalled)
    with pytest.raises(PreconditionFailed):
        store.upload("a", large)
    assert store.read("a") == b"theirs"


# ── what passes by itself, and what does not ─────────────────────────────────────────────────────

CALLS: dict[str, Callable[["GcsObjects", Path], object]] = {
    "stat": lambda store, path: store.stat("a"),
    "list": lambda store, path: list(store.list()),
    "read": lambda store, path: store.read("a"),
    "range": lambda store, path: store.read_range("a", 0, 1, generation=_generation(store)),
    "write": lambda store, path: store.write("a", b"x"),
    "upload": lambda store, path: store.upload("b", path),
    "download": lambda store, path: store.download("a", path.with_name("copy")),
    "delete": lambda store, path: store.delete("a"),
}


def _generation(store: "GcsObjects") -> int:
    info = store.stat("a")
    assert info is not None
    return info.generation


@pytest.mark.parametrize("call", sorted(CALLS))
def test_what_fails_once_is_asked_again(
    store: "GcsObjects", gate: Gate, large: Path, call: str
) -> None:
    store.write("a", b"some bytes")
    gate.strike("GET .*/o|POST .*/o|PUT|DELETE", unavailable, answer_lost)
    CALLS[call](store, large)


@pytest.mark.parametrize(("status", "error"), [(403, StoreRefused), (401, StoreRefused)])
@pytest.mark.parametrize("call", sorted(CALLS))
def test_what_is_not_allowed_is_refused_at_once(
    store: "GcsObjects",
    gate: Gate,
    large: Path,
    call: str,
    status: int,
    error: type[Exception],
) -> None:
    store.write("a", b"some bytes")
    gate.forget()
    gate.strike(" .*/o", lambda request, ask: Answer(status=status, body=b"no"))
    with pytest.raises(error):
        CALLS[call](store, large)
    assert len(gate.requests) == 1


def test_a_bucket_that_is_missing_is_no_absent_object(gcs: Buckets) -> None:
    from functions.adapters.gcs_objects import GcsObjects, connect

    client = connect()
    nowhere = GcsObjects(client, "no-such-bucket")
    with pytest.raises(StoreRefused):
        nowhere.write("a", b"x")
    with pytest.raises(StoreRefused):
        list(nowhere.list())
    client.close()


def test_a_server_that_is_away_is_unavailable() -> None:
    from functions.adapters.gcs_objects import GcsObjects, connect

    nobody = f"http://127.0.0.1:{free_port()}"
    with emulators.environment(STORAGE_EMULATOR_HOST=nobody):
        client = connect()
    away = GcsObjects(client, "box", patience=timedelta(seconds=0.3))
    for call in (lambda: away.stat("a"), lambda: away.write("a", b"x"), away.now):
        with pytest.raises(StoreUnavailable):
            call()
    client.close()


def test_a_server_that_says_nothing_is_unavailable() -> None:
    from functions.adapters.gcs_objects import GcsObjects, connect

    with socket.create_server(("127.0.0.1", 0)) as mute:
        deaf = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with emulators.environment(STORAGE_EMULATOR_HOST=deaf):
            client = connect()
        brief = timedelta(seconds=0.2)
        silent = GcsObjects(client, "box", silence=brief, patience=brief)
        for call in (lambda: silent.read("a"), lambda: silent.write("a", b"x"), silent.now):
            with pytest.raises(StoreUnavailable):
                call()
        client.close()


# ── checksums ────────────────────────────────────────────────────────────────────────────────────


def test_what_is_damaged_on_the_way_in_is_refused_by_the_store(
    store: "GcsObjects", gate: Gate, large: Path
) -> None:
    gate.strike("POST .*uploadType=multipart", bent_on_the_way_in)
    with pytest.raises(StoreRefused, match="crc32c"):
        store.write("a", os.urandom(1000))
    gate.strike("PUT .*upload_id", bent_on_the_way_in)
    with pytest.raises(StoreRefused, match="crc32c"):
        store.upload("b", large)
    assert list(store.list()) == []


def test_what_is_damaged_on_the_way_out_is_noticed(
    store: "GcsObjects", gate: Gate, tmp_path: Path
) -> None:
    data = os.urandom(3_000_000)
    store.write("a", data)
    gate.strike("GET .*alt=media", bent_on_the_way_out, bent_on_the_way_out)
    with pytest.raises(StoreUnavailable, match="damaged"):
        store.read("a")
    with pytest.raises(StoreUnavailable, match="damaged"):
        store.download("a", tmp_path / "copy")
    assert store.read("a") == data


def test_a_read_that_is_cut_short_goes_on_where_it_was(
    store: "GcsObjects", gate: Gate, tmp_path: Path
) -> None:
    data = os.urandom(3_000_000)
    info = store.write("a", data)
    gate.strike("GET .*alt=media", cut_short, cut_short)
    store.download("a", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data
    ranges = [one.headers.get("range") for one in gate.seen("GET .*alt=media")]
    assert ranges[1] == "bytes=1500000-"
    gate.strike("GET .*alt=media", cut_short)
    assert store.read_range("a", 7, 2_000_000, generation=info.generation) == data[7:2_000_007]


def test_a_read_that_goes_on_after_a_damage_is_noticed_as_well(
    store: "GcsObjects", gate: Gate
) -> None:
    store.write("a", os.urandom(3_000_000))
    gate.strike("GET .*alt=media", cut_short, bent_on_the_way_out)
    with pytest.raises(StoreUnavailable, match="damaged"):
        store.read("a")


# ── lists ────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_goes_from_page_to_page(store: "GcsObjects", gate: Gate) -> None:
    def short_pages(request: Request, ask: Ask) -> Answer:
        short = f"{request.target}&maxResults=2"
        return ask(Request(method="GET", target=short, headers=request.headers, body=b""))

    wanted = [f"{number:02}" for number in range(7)]
    for name in wanted:
        store.write(name, b"")
    gate.strike("GET .*/o[?]", *[short_pages] * 20)
    assert [info.name for info in store.list()] == wanted
    assert len(gate.seen("GET .*pageToken=")) == 3


# ── names ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\rb", "\udcff", "x" * 1025])
def test_a_name_that_would_reach_something_else_is_refused_unsent(
    store: "GcsObjects", gate: Gate, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(NameRefused):
        store.write(name, b"x")
    with pytest.raises(NameRefused):
        store.upload(name, tmp_path / "file")
    for read in (
        lambda: store.read(name),
        lambda: store.read_range(name, 0, 1, generation=1),
        lambda: store.download(name, tmp_path / "copy"),
    ):
        with pytest.raises(ObjectMissing):
            read()
    assert store.stat(name) is None
    store.delete(name)
    assert gate.requests == []


# ── the clock ────────────────────────────────────────────────────────────────────────────────────


def test_the_clock_is_the_servers_and_asks_it_once(store: "GcsObjects", gate: Gate) -> None:
    def an_hour_ahead(request: Request, ask: Ask) -> Answer:
        return Answer(status=404, headers={"Date": "Wed, 01 Jan 2127 12:00:00 GMT"})

    gate.strike("HEAD /", an_hour_ahead)
    first, second = store.now(), store.now()
    noon = datetime(2127, 1, 1, 12, tzinfo=UTC)
    assert noon <= first <= second < noon + timedelta(minutes=1)
    assert len(gate.seen("HEAD /")) == 1


def test_the_clock_is_never_behind_what_the_store_has_told(store: "GcsObjects") -> None:
    for number in range(5):
        assert store.write(f"{number}", b"x").updated <= store.now()


# ── many at once ─────────────────────────────────────────────────────────────────────────────────


def test_of_many_threads_that_create_exactly_one_wins(store: "GcsObjects") -> None:
    def create(mine: int) -> list[int]:
        won = []
        for number in range(10):
            with suppress(PreconditionFailed):
                store.write(f"race/{number}", str(mine).encode(), if_generation_match=0)
                won.append(number)
        return won

    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(create, range(16)))
    assert sorted(win for wins in won for win in wins) == list(range(10))
    for number, wins in enumerate(won):
        assert all(store.read(f"race/{win}") == str(number).encode() for win in wins)


def test_no_compare_and_set_of_many_threads_is_lost(store: "GcsObjects") -> None:
    def count(_: int) -> None:
        wins = 0
        while wins < 5:
            info = store.stat("counter")
            with suppress(PreconditionFailed, ObjectMissing):
                if info is None:
                    store.write("counter", b"1", if_generation_match=0)
                else:
                    told = store.read_range("counter", 0, 9, generation=info.generation)
                    more = str(int(told) + 1).encode()
                    store.write("counter", more, if_generation_match=info.generation)
                wins += 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(8)))
    assert store.read("counter") == b"40"


# ── memory ───────────────────────────────────────────────────────────────────────────────────────

CARRY = """
    import resource, sys
    from pathlib import Path
    from functions.adapters.gcs_objects import GcsObjects, connect
    client = connect()
    store, path = GcsObjects(client, "box"), Path(sys.argv[1])
    store.write("warm", b"x" * 9_000_000)
    store.read("warm")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store.upload("large", path)
    store.download("large", path.with_name("copy"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    client.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ru_maxrss is in other units")
def test_an_object_of_any_size_goes_through_little_memory(
    store: "GcsObjects", tmp_path: Path, start_python: Callable[..., "Popen[str]"]
) -> None:
    path, megabytes = tmp_path / "large", 150
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    told, _ = start_python(CARRY, path).communicate(timeout=120)
    assert int(told) < 40 << 10  # KiB
    assert filecmp.cmp(path, tmp_path / "copy", shallow=False)


# ── the window ───────────────────────────────────────────────────────────────────────────────────


def get(url: str, span: str | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers={"Range": span} if span else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.read()


def test_the_window_serves_ranges_of_one_generation(store: "GcsObjects") -> None:
    data = os.urandom(1_000_000)
    info = store.write("ana/a film: 100%.mp4", data)
    with store.readable(info.name, generation=info.generation) as url:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{22}", url)
        assert get(url) == (200, data)
        assert get(url, "bytes=999990-") == (206, data[-10:])
        assert get(url, "bytes=5-7") == (206, data[5:8])
        with pytest.raises(urllib.error.HTTPError, match="416") as refused:
            get(url, "bytes=1000000-")
        refused.value.close()
        with pytest.raises(urllib.error.HTTPError, match="404") as hidden:
            get(url.rpartition("/")[0] + "/")
        hidden.value.close()
    with pytest.raises(urllib.error.URLError, match="refused"):
        get(url)


def test_a_reader_that_hangs_up_is_no_failure(store: "GcsObjects", large: Path) -> None:
    info = store.upload("a", large)
    with store.readable("a", generation=info.generation) as url:
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read(10) == large.read_bytes()[:10]
        assert get(url, "bytes=0-9") == (206, large.read_bytes()[:10])


def test_a_store_that_fails_is_not_taken_for_a_damaged_upload(
    store: "GcsObjects", gate: Gate
) -> None:
    info = store.write("a", os.urandom(1_000_000))
    gate.strike("GET .*alt=media", lambda request, ask: Answer(status=403))
    with (
        pytest.raises(StoreRefused),
        store.readable("a", generation=info.generation) as url,
    ):
        get(url)


def test_ffmpeg_reads_through_the_window_what_it_reads_from_the_file(
    store: "GcsObjects", gate: Gate
) -> None:
    info = store.upload("sample.mp4", SAMPLE)
    ffmpeg = find_ffmpeg().path

    def pictures(source: str, protocols: str) -> bytes:
        argv = [
            *(ffmpeg, "-nostdin", "-loglevel", "error", "-protocol_whitelist", protocols),
            *("-ss", "20", "-i", source, "-frames:v", "5", "-f", "framemd5", "-"),
        ]
        return subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout

    with store.readable(info.name, generation=info.generation) as url:
        seen = pictures(url, "http,tcp")
    assert seen == pictures(f"file:{SAMPLE}", "file")
