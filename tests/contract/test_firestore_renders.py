"""What Firestore's RenderStore promises besides: a network is between, and many save at once.

The server is Google's emulator behind `tests/firestore_gate.py`. It needs no composite index and
keeps no limit of writes a second: the gate's records stand in for both.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from functions.core.render import Render, State
from functions.ports import Conflict, FolderTaken, LaneFull
from functions.sought import Sought
from schemas.failures import FailureClass
from schemas.ids import Upload
from schemas.ports import StoreRefused, StoreUnavailable
from tests import emulators
from tests.firestore_gate import Ask, Call, Fault, Gate, answer_lost, denied, fields, unavailable
from tests.unit.makers import starting

if TYPE_CHECKING:
    from google.cloud.firestore_v1.types import Write

    from functions.adapters.firestore_renders import FirestoreRenders

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
Connect = Callable[..., "FirestoreRenders"]


@pytest.fixture
def connect(firestore_gate: Gate) -> Iterator[Connect]:
    """Stores over the same documents, each with a client of its own."""
    from functions.adapters import firestore_renders

    project, clients = f"test-{uuid4().hex[:12]}", []

    def one(host: str = firestore_gate.host, **options: timedelta) -> "FirestoreRenders":
        with emulators.environment(FIRESTORE_EMULATOR_HOST=host):
            clients.append(firestore_renders.connect(project))
        return firestore_renders.FirestoreRenders(clients[-1], **options)

    yield one
    for client in clients:
        client.close()


@pytest.fixture
def store(connect: Connect) -> "FirestoreRenders":
    return connect()


def render(id: str = "r-1", state: State = State.ACCEPTED, lane: str | None = None) -> Render:
    return Render(
        id=id,
        upload=Upload(bucket="uploads", name="ana/talk.mp4", generation=7),
        state=state,
        created_at=T0,
        updated_at=T0,
        deadline=T0 + timedelta(hours=1),
        revisit_at=T0,
        lane=lane,
    )


def running(id: str, lane: str = "laptop") -> Render:
    return render(id, State.STARTING, lane)


# ── many at once ─────────────────────────────────────────────────────────────────────────────────


def test_of_16_that_save_one_render_all_land_or_conflict_and_none_is_lost(
    connect: Connect,
) -> None:
    first = connect()
    first.save(render(), version=0)
    stores = [connect() for _ in range(16)]

    def count(store: "FirestoreRenders") -> list[int]:
        landed: list[int] = []
        while len(landed) < 2:
            stored = store.load("r-1")
            assert stored is not None
            changed = replace(stored.render, frames=stored.render.frames + 1)
            try:
                store.save(changed, version=stored.version)
            except Conflict:
                continue
            landed.append(changed.frames)
        return landed

    with ThreadPoolExecutor(16) as threads:
        landed = [frames for one in threads.map(count, stores) for frames in one]
    assert sorted(landed) == list(range(1, 33))
    assert first.load("r-1").render.frames == 32  # type: ignore[union-attr]  # saved


def test_of_16_that_create_one_render_exactly_one_wins(connect: Connect) -> None:
    def create(store: "FirestoreRenders") -> bool:
        try:
            store.save(render(), version=0)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(create, [connect() for _ in range(16)])) == 1


def test_of_16_that_move_in_at_once_no_more_do_than_there_is_room_for(connect: Connect) -> None:
    lanes, room = ("a", "b", "c"), 2

    def move_in(store: "FirestoreRenders", mine: int) -> list[str]:
        won = []
        for lane in lanes:
            while True:
                try:
                    store.save(running(f"{mine}-{lane}", lane), version=0, room=room)
                    won.append(lane)
                except LaneFull:
                    pass
                except Conflict:
                    continue  # as handle does
                break
        return won

    stores = [connect() for _ in range(16)]
    with ThreadPoolExecutor(16) as threads:
        won = Counter(lane for one in threads.map(move_in, stores, range(16)) for lane in one)
    assert won == dict.fromkeys(lanes, room)
    assert [stores[0].running(lane) for lane in lanes] == [room] * 3


PLANNED = replace(starting(), state=State.PLANNED)
RACES: dict[str, tuple[Render, Render, type[Exception]]] = {
    "renders": (render(state=State.WAITING), render(state=State.CANCELLED), Conflict),
    "lanes": (running("r-1"), running("r-2"), LaneFull),
    "lanes that were used": (running("r-1"), running("r-2"), LaneFull),
    "folders": (replace(PLANNED, id="r-1"), replace(PLANNED, id="r-2"), FolderTaken),
}
"""Who saves first, who is forestalled by that, and what comes of it."""


def race(store: "FirestoreRenders", firestore_gate: Gate, over: str, *, careless: bool) -> None:
    """One looks, the other saves, the first commits; without a precondition if it is careless."""
    first, late, expected = RACES[over]
    if over == "renders":
        store.save(render(), version=0)
    if over == "lanes that were used":
        store.save(running("r-0"), version=0)
        used = store.load("r-0")
        assert used is not None
        store.save(replace(used.render, state=State.DONE), version=used.version)
    before = store.load("r-1")
    version = before.version if before else 0

    def forestalled(call: Call, ask: Ask) -> Sequence[bytes]:
        store.save(first, version=version, room=1)
        return ask(without_precondition(call, over.split()[0]) if careless else call)

    firestore_gate.strike("Commit", forestalled)
    with pytest.raises(expected):
        store.save(late, version=version, room=1)


def without_precondition(call: Call, of: str) -> Call:
    from google.cloud.firestore_v1.types import CommitRequest

    request = CommitRequest.deserialize(call.request)
    for write in request.writes:
        if collection(write) == of:
            del write.current_document
    return Call(method=call.method, request=CommitRequest.serialize(request))


@pytest.mark.parametrize("over", sorted(RACES))
def test_who_is_forestalled_while_saving_is_told_so(
    store: "FirestoreRenders", firestore_gate: Gate, over: str
) -> None:
    race(store, firestore_gate, over, careless=False)


@pytest.mark.parametrize("over", sorted(RACES))
def test_without_the_precondition_nobody_would_be_told(
    store: "FirestoreRenders", firestore_gate: Gate, over: str
) -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        race(store, firestore_gate, over, careless=True)


def test_two_that_change_lanes_crosswise_both_get_there(connect: Connect) -> None:
    stores = [connect(), connect()]
    for id, lane in (("r-1", "a"), ("r-2", "b")):
        stores[0].save(running(id, lane), version=0, room=9)

    def change(store: "FirestoreRenders", id: str) -> None:
        for _ in range(10):
            stored = store.load(id)
            assert stored is not None
            other = "b" if stored.render.lane == "a" else "a"
            store.save(replace(stored.render, lane=other), version=stored.version, room=9)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(change, stores, ("r-1", "r-2")))
    assert (stores[0].running("a"), stores[0].running("b")) == (1, 1)


# ── a commit ─────────────────────────────────────────────────────────────────────────────────────


def writes(firestore_gate: Gate) -> "list[list[Write]]":
    from google.cloud.firestore_v1.types import CommitRequest

    return [
        list(CommitRequest.deserialize(one.request).writes) for one in firestore_gate.seen("Commit")
    ]


def collection(write: "Write") -> str:
    name: str = write.update.name or write.transform.document
    return name.split("/")[5]


def test_every_save_is_one_commit_with_a_precondition_on_the_render(
    store: "FirestoreRenders", firestore_gate: Gate
) -> None:
    store.save(render(), version=0)
    for state in (State.WAITING, State.STARTING, State.RENDERING, State.DONE):
        stored = store.load("r-1")
        assert stored is not None
        changed = replace(stored.render, state=state, lane="laptop")
        store.save(changed, version=stored.version, room=1)
    commits = writes(firestore_gate)
    assert len(commits) == 5
    for commit in commits:
        (mine,) = [one for one in commit if collection(one) == "renders"]
        assert mine.current_document.exists is False or mine.current_document.update_time
        assert "current_document" in mine
    lanes = [[one for one in commit if collection(one) == "lanes"] for commit in commits]
    assert [bool(one) for one in lanes] == [False, False, True, False, True]
    assert "current_document" in lanes[2][0]


def test_a_save_that_changes_nothing_is_a_version_of_its_own(store: "FirestoreRenders") -> None:
    store.save(render(), version=0)
    first = store.load("r-1")
    assert first is not None
    store.save(first.render, version=first.version)
    with pytest.raises(Conflict):
        store.save(first.render, version=first.version)


# ── what passes by itself, and what does not ─────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", [unavailable, answer_lost])
def test_a_save_that_was_not_answered_is_made_once(
    store: "FirestoreRenders", firestore_gate: Gate, fault: Fault
) -> None:
    firestore_gate.strike("Commit", fault, fault)
    store.save(running("r-1"), version=0, room=1)
    stored = store.load("r-1")
    assert stored is not None
    firestore_gate.strike("Commit", fault)
    store.save(replace(stored.render, frames=1), version=stored.version)
    again = store.load("r-1")
    assert again is not None
    assert again.render.frames == 1
    assert store.running("laptop") == 1


def test_a_save_whose_answer_is_lost_does_not_take_anothers_for_its_own(
    store: "FirestoreRenders", firestore_gate: Gate, connect: Connect
) -> None:
    other = connect()

    def forestalled(call: Call, ask: Ask) -> Sequence[bytes]:
        other.save(render(), version=0)
        return unavailable(call, ask)

    firestore_gate.strike("Commit", forestalled)
    with pytest.raises(Conflict):
        store.save(render(), version=0)


READS: dict[str, Callable[["FirestoreRenders"], object]] = {
    "load": lambda store: store.load("r-1"),
    "load_all": lambda store: store.load_all(["r-1"]),
    "versions": lambda store: store.versions(["r-1"]),
    "newest_of": lambda store: store.newest_of("uploads", ["ana/talk.mp4"]),
    "due": lambda store: store.due(T0, limit=9),
    "lines": lambda store: store.lines(limit=9),
    "waiting": lambda store: store.waiting("x", limit=9),
    "count": lambda store: store.count(State.DONE),
    "running": lambda store: store.running("laptop"),
    "of_upload": lambda store: store.of_upload("uploads", "ana/talk.mp4"),
    "folder_holder": lambda store: store.folder_holder("ana"),
    "newest": lambda store: store.newest(limit=9, sought=Sought(prefix="r-")),
}


@pytest.mark.parametrize("read", sorted(READS))
def test_a_read_that_fails_once_is_made_again(
    store: "FirestoreRenders", firestore_gate: Gate, read: str
) -> None:
    store.save(render(), version=0)
    firestore_gate.strike("BatchGetDocuments|RunQuery", unavailable)
    READS[read](store)


@pytest.mark.parametrize("read", sorted(READS))
def test_what_is_not_allowed_is_refused_at_once(
    store: "FirestoreRenders", firestore_gate: Gate, read: str
) -> None:
    firestore_gate.strike("", denied)
    with pytest.raises(StoreRefused):
        READS[read](store)
    assert len(firestore_gate.calls) == 1


def test_a_save_that_is_not_allowed_is_refused_at_once(
    store: "FirestoreRenders", firestore_gate: Gate
) -> None:
    firestore_gate.strike("Commit", denied)
    with pytest.raises(StoreRefused):
        store.save(render(), version=0)
    assert len(firestore_gate.seen("Commit")) == 1


def test_a_render_that_is_too_large_for_a_document_is_refused(store: "FirestoreRenders") -> None:
    with pytest.raises(StoreRefused, match="longer than"):
        store.save(replace(render(), why="x" * (1 << 20)), version=0)


def test_a_server_that_says_nothing_is_unavailable(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host, brief = f"127.0.0.1:{mute.getsockname()[1]}", timedelta(seconds=0.3)
        silent = connect(host, silence=brief, patience=brief)
        for call in (
            lambda: silent.load("r-1"),
            lambda: silent.due(T0, limit=1),
            lambda: silent.save(render(), version=0),
        ):
            with pytest.raises(StoreUnavailable):
                call()


@pytest.mark.parametrize("id", ["", ".", "..", "a/b", "__x__", "x" * 1501, "\udcff"])
def test_an_id_that_no_document_can_have_is_unknown(
    store: "FirestoreRenders", firestore_gate: Gate, id: str
) -> None:
    assert store.load(id) is None
    if id:
        assert store.newest(limit=1, sought=Sought(prefix=id)) == ()
    assert firestore_gate.calls == []


# ── indexes ──────────────────────────────────────────────────────────────────────────────────────


def test_the_indexes_that_queries_need_are_listed_and_no_others(
    store: "FirestoreRenders", firestore_gate: Gate
) -> None:
    """Firestore makes an index of each field by itself, of two together only when told to."""
    from google.cloud.firestore_v1.types import RunQueryRequest

    from functions.adapters.firestore_renders import COMPOSITE_INDEXES, UNINDEXED

    for read in READS.values():
        read(store)
    store.newest(limit=9)
    for one in (
        Sought(state=State.FAILED),
        Sought(failure=FailureClass.CRASH),
        Sought(tenant="ana"),
    ):
        store.newest(limit=9, sought=replace(one, since=T0, until=T0))
    queries = [RunQueryRequest.deserialize(one.request) for one in firestore_gate.seen("RunQuery")]
    asked = {fields(one.structured_query) for one in queries}
    own = {one for one in asked if len(set(one) - {"__name__"}) > 1}
    assert own == set(COMPOSITE_INDEXES["renders"])
    assert not {name.removeprefix("-") for one in asked for name in one} & set(UNINDEXED["renders"])
    assert {one.structured_query.from_[0].collection_id for one in queries} == {"renders"}
