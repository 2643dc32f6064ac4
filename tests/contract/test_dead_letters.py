"""What every store of dead letters promises, and the way there: stored, then acknowledged."""

import threading
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import randbytes
from typing import TYPE_CHECKING

import pytest

from functions.adapters.sqlite_bus import SqliteBus
from functions.adapters.sqlite_dead_letters import SqliteDeadLetters
from functions.desk import DeadLetters, Desk, Wanted
from functions.landed import DESK
from infra.laptop.subscriptions import subscriptions
from schemas import examples
from schemas.dead_letters import DeadLetterRecord, Landed
from schemas.failures import Failure, FailureClass
from schemas.subscriptions import ReceivedMessage
from schemas.topics import Topic
from schemas.wire import Message

if TYPE_CHECKING:
    from subprocess import Popen

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
ALL = Wanted()
FACTORIES: dict[str, Callable[[Path], DeadLetters]] = {
    "sqlite": lambda folder: SqliteDeadLetters(folder / "dead_letters.db"),
}


@pytest.fixture(params=sorted([*FACTORIES, "firestore"]))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> DeadLetters:
    """Firestore is Google's emulator, over a project of its own."""
    if request.param != "firestore":
        return FACTORIES[request.param](tmp_path)
    from functions.adapters.firestore_dead_letters import FirestoreDeadLetters

    return FirestoreDeadLetters(request.getfixturevalue("firestore"))


def record(id: str, **changes: object) -> DeadLetterRecord:
    plain = replace(examples.RECORDS[0], id=id, at=T0)
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


def of(cause: Failure, id: str, **changes: object) -> DeadLetterRecord:
    return record(id, failure=cause, fingerprint=cause.fingerprint, **changes)


def ids(found: "object") -> list[str]:
    assert hasattr(found, "__iter__")
    return [one.id for one in found]


def later(seconds: int) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_a_record_comes_back_as_it_was_kept(store: DeadLetters) -> None:
    assert store.keep(examples.RECORDS) == 2
    assert {one.id: one for one in store.find(ALL)} == {one.id: one for one in examples.RECORDS}


def test_what_is_kept_twice_is_there_once_as_it_first_was(store: DeadLetters) -> None:
    assert store.keep([record("d-1", advice="first")]) == 1
    assert store.keep([record("d-1", advice="second"), record("d-2")]) == 1
    assert store.count(ALL) == 2
    (one,) = store.find(Wanted(id="d-1"))
    assert one.advice == "first"


def test_the_last_failure_comes_first(store: DeadLetters) -> None:
    store.keep([record("d-a", at=T0), record("d-c", at=later(9)), record("d-b", at=later(3))])
    assert ids(store.find(ALL)) == ["d-c", "d-b", "d-a"]


def test_of_one_moment_all_come_once_however_many(store: DeadLetters) -> None:
    names = {f"d-{number:04}" for number in range(999)}
    assert store.keep([record(name) for name in sorted(names)]) == 999
    found = ids(store.find(ALL))
    assert (len(found), set(found)) == (999, names)


def test_what_is_kept_while_somebody_reads_does_not_disturb(store: DeadLetters) -> None:
    store.keep([record(f"d-{number:04}", at=later(number)) for number in range(500)])
    reading = store.find(ALL)
    first = next(reading)
    store.keep([record("d-new", at=later(1000))])
    store.dispose("d-0000", by="ana", reason="seen", at=T0)
    assert ids([first, *reading]) == [f"d-{number:04}" for number in range(499, 0, -1)]


OOM = Failure(failure=FailureClass.OUT_OF_MEMORY, reason="oom", message="it wanted 8 GB")
HORROR = Failure(failure=FailureClass.CRASH, reason="odd", message="50% of 'ÄPFEL' were_bad \\ %")
MIXED = (
    of(OOM, "d-aa1", tenant="ana", lanes=("a/l4", "b/l4"), render="r-77", at=T0),
    of(HORROR, "d-ab2", tenant="ben", lanes=("a/l4",), render="r-78", at=later(10)),
    of(OOM, "d-bb3", tenant="ana", lanes=(), render=None, at=later(20), letter=None),
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ALL, "bb3 ab2 aa1"),
        (Wanted(since=later(10)), "bb3 ab2"),
        (Wanted(since=later(21)), ""),
        (Wanted(failure=FailureClass.CRASH), "ab2"),
        (Wanted(failure=FailureClass.SPEC), ""),
        (Wanted(tenant="ana"), "bb3 aa1"),
        (Wanted(tenant="an"), ""),
        (Wanted(lane="a/l4"), "ab2 aa1"),
        (Wanted(lane="b/l4"), "aa1"),
        (Wanted(lane="l4"), ""),
        (Wanted(fingerprint=OOM.fingerprint), "bb3 aa1"),
        (Wanted(fingerprint=OOM.fingerprint[:5]), "bb3 aa1"),
        (Wanted(fingerprint="%"), ""),
        (Wanted(id="d-a"), "ab2 aa1"),
        (Wanted(id="r-7"), "ab2 aa1"),
        (Wanted(id="r-78"), "ab2"),
        (Wanted(text="äpfel"), "ab2"),
        (Wanted(text="50% OF"), "ab2"),
        (Wanted(text="were_bad \\ %"), "ab2"),
        (Wanted(text="8 _B"), ""),
        (Wanted(text="holiday"), "ab2 aa1"),
        (Wanted(text="gb", tenant="ana", since=later(1)), "bb3"),
        (Wanted(text="gb", tenant="ben"), ""),
    ],
)
def test_what_is_asked_for_is_found(store: DeadLetters, wanted: Wanted, found: str) -> None:
    store.keep(MIXED)
    assert ids(store.find(wanted)) == [f"d-{one}" for one in found.split()]
    assert store.count(wanted) == len(found.split())
    grouped = store.groups(wanted, limit=9)
    assert sum(group.count for group in grouped) == len(found.split())
    assert {g.example.id for g in grouped} <= {f"d-{one}" for one in found.split()}


def test_one_cause_is_one_group(store: DeadLetters) -> None:
    store.keep(MIXED)
    oom, horror = store.groups(ALL, limit=9)
    assert (oom.count, horror.count) == (2, 1)
    assert (oom.first_at, oom.example) == (T0, MIXED[2])
    assert type(oom.first_at) is datetime
    assert (oom.lanes, horror.lanes) == (("a/l4", "b/l4"), ("a/l4",))
    assert store.groups(ALL, limit=1) == (oom,)
    assert store.groups(Wanted(text="no such word"), limit=9) == ()


@pytest.mark.parametrize(
    ("spec", "preset", "is_found"),
    [
        (None, "web-720", True),
        (None, "square", False),
        ('{"clips": []}', "web-720", True),
        ('{"outputs": [{"preset": "square"}, {"height": 90}]}', "square", True),
        ('{"outputs": [{"preset": "square"}, {"height": 90}]}', "web-720", True),
        ('{"outputs": [{"preset": "square"}]}', "web-720", False),
        ('{"outputs": [{"preset": "square"}]}', "squ", False),
        ('{"outputs": ["square"]}', "square", False),
        ('{"outputs": 7}', "web-720", False),
        ("no spec at all", "web-720", False),
    ],
)
def test_records_are_found_by_what_they_were_to_be_made_as(
    store: DeadLetters, spec: str | None, preset: str, is_found: bool
) -> None:
    letter = replace(examples.LETTER, spec_text=spec)
    store.keep([record("d-1", letter=letter), record("d-2", letter=None, landed=Landed.MESSAGE)])
    wanted = Wanted(preset=preset)
    assert ids(store.find(wanted)) == ["d-1"] * is_found
    assert store.count(wanted) == len(store.groups(wanted, limit=9)) == is_found


def test_a_group_says_what_all_its_attempts_have_cost(store: DeadLetters) -> None:
    attempt = examples.LETTER.attempts[0]
    paid = [replace(attempt, number=number, nanodollars=number * 10**9) for number in (1, 2)]
    letter = replace(examples.LETTER, attempts=tuple(paid))
    store.keep([*MIXED, of(OOM, "d-cc4", letter=letter), of(OOM, "d-cc5", letter=letter)])
    costs = {group.count: group.nanodollars for group in store.groups(ALL, limit=9)}
    others = examples.RECORDS[0].nanodollars
    assert costs == {4: 6 * 10**9 + others, 1: others}


def test_what_is_disposed_of_is_not_found_and_does_not_come_back(store: DeadLetters) -> None:
    store.keep(MIXED)
    assert store.dispose("d-aa1", by="ana", reason="the file was mine", at=T0)
    assert not store.dispose("d-aa1", by="ben", reason="again", at=T0)
    assert not store.dispose("d-zz9", by="ben", reason="unknown", at=T0)
    assert store.keep(MIXED) == 0
    assert ids(store.find(ALL)) == ["d-bb3", "d-ab2"]
    assert (store.count(ALL), len(store.groups(ALL, limit=9))) == (2, 2)
    assert store.restore("d-aa1")
    assert not store.restore("d-aa1")
    assert ids(store.find(ALL)) == ["d-bb3", "d-ab2", "d-aa1"]


def test_a_message_of_any_size_comes_back_exactly(store: DeadLetters) -> None:
    """Pub/Sub's largest; a document of Firestore holds a tenth of it."""
    original = examples.RECORDS[1].original
    assert original is not None
    sizes = (0, 15_000, 16_000, 700_000, 3_000_000, 10_000_000)
    kept = [
        replace(
            examples.RECORDS[1],
            id=f"d-{size}",
            original=replace(original, data=randbytes(size)),
        )
        for size in sizes
    ]
    assert store.keep(kept) == len(sizes)
    assert store.keep(kept) == 0
    assert {one.id: one for one in store.find(ALL)} == {one.id: one for one in kept}


def test_what_was_noted_last_comes_first(store: DeadLetters) -> None:
    noted = [replace(examples.AUDIT, asked=n, plan=f"{n % 2}abc") for n in range(5)]
    for one in noted:
        store.note(one)
    assert store.audits(limit=2) == (noted[4], noted[3])
    assert store.audits(limit=9, plan="1a") == (noted[3], noted[1])
    assert store.audits(limit=9, plan="2") == ()


@pytest.mark.long
def test_ten_times_as_many_need_no_more_memory(store: DeadLetters) -> None:
    # Firestore's emulator takes 300 a second.
    first = 1000 if isinstance(store, SqliteDeadLetters) else 400
    few = peak_of_reading(store, 0, first)
    many = peak_of_reading(store, first, 9 * first)
    assert many < 1.2 * few, f"{few} bytes for {first}, {many} for ten times as many"


def peak_of_reading(store: DeadLetters, first: int, count: int) -> int:
    """The most bytes that Python holds while it reads all, after so many were added."""
    for start in range(first, first + count, 200):
        store.keep(
            [record(f"d-{number:06}", at=later(number)) for number in range(start, start + 200)]
        )
    tracemalloc.start()
    try:
        assert sum(1 for _ in store.find(ALL)) == first + count
        assert len(store.groups(ALL, limit=9)) == 1
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# ── the way there ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def bus(tmp_path: Path) -> SqliteBus:
    made = SqliteBus(tmp_path / "bus.db", source="//clipline/test", clock=lambda: T0)
    made.declare(subscriptions())
    return made


def waiting(bus: SqliteBus) -> list[ReceivedMessage]:
    return [message for name in DESK for message in bus.peek(name)]


class FullDisk(SqliteDeadLetters):
    """A store that cannot store."""

    def keep(self, records: Sequence[DeadLetterRecord]) -> int:
        raise OSError("no space left")


def test_what_has_landed_is_stored_and_then_acknowledged(
    bus: SqliteBus, store: DeadLetters
) -> None:
    bus.publish(Topic.RENDER_DEAD_LETTER, examples.LETTER)
    for name in DESK[1:]:
        bus.publish_message(name, Message(attributes={"from": name}, data=b"\xff\x00"))
    desk = Desk(inbox=bus, outbox=bus, letters=store)
    assert desk.collect(T0) == len(DESK)
    assert waiting(bus) == []
    assert sorted(one.subscription for one in store.find(ALL)) == sorted(DESK)
    assert desk.collect(T0) == 0


class Crowd:
    """An inbox that answers nobody before all ask."""

    def __init__(self) -> None:
        self._all = threading.Barrier(len(DESK))

    def pull(self, subscription: str, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        self._all.wait(timeout=30)
        return ()

    def ack_all(self, ack_ids: Sequence[str]) -> None:
        raise AssertionError("nothing came")

    def nack(self, ack_id: str, now: datetime) -> None:
        raise AssertionError("nothing came")


def test_where_empty_subscriptions_are_waited_for_all_are_asked_side_by_side(
    bus: SqliteBus, tmp_path: Path
) -> None:
    """As in the cloud, whose emulator does not wait (`functions/wiring.py`)."""
    letters = SqliteDeadLetters(tmp_path / "letters.db")
    desk = Desk(inbox=Crowd(), outbox=bus, letters=letters, at_once=len(DESK))
    assert desk.collect(T0) == 0


def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(
    bus: SqliteBus, tmp_path: Path, store: DeadLetters
) -> None:
    bus.publish(Topic.RENDER_DEAD_LETTER, examples.LETTER)
    with pytest.raises(OSError, match="no space"):
        Desk(inbox=bus, outbox=bus, letters=FullDisk(tmp_path / "full.db")).collect(T0)
    assert len(waiting(bus)) == 1
    assert Desk(inbox=bus, outbox=bus, letters=store).collect(later(60)) == 1
    assert store.count(ALL) == 1


@pytest.fixture
def made_again(store: DeadLetters, request: pytest.FixtureRequest) -> str:
    """Python that makes the same store in another process."""
    if isinstance(store, SqliteDeadLetters):
        return (
            "from functions.adapters.sqlite_dead_letters import SqliteDeadLetters\n"
            "letters = SqliteDeadLetters(folder / 'dead_letters.db')"
        )
    project = request.getfixturevalue("firestore").project
    return (
        "from functions.adapters.firestore_dead_letters import FirestoreDeadLetters\n"
        "from functions.adapters.firestore_renders import connect\n"
        f"letters = FirestoreDeadLetters(connect('{project}'))"
    )


def test_a_kill_between_storing_and_acknowledging_is_a_repeat_of_the_same_record(
    bus: SqliteBus,
    store: DeadLetters,
    made_again: str,
    tmp_path: Path,
    start_python: "Callable[..., Popen[str]]",
) -> None:
    bus.publish(Topic.RENDER_DEAD_LETTER, examples.LETTER)
    bus.publish_message("on-result-undeliverable", Message(attributes={}, data=b"\xff"))
    process = start_python(
        """
        import os, signal, sys
        from datetime import UTC, datetime
        from pathlib import Path
        from functions.adapters.sqlite_bus import SqliteBus
        from functions.desk import Desk

        class Dying(SqliteBus):
            def ack_all(self, ack_ids):
                os.kill(os.getpid(), signal.SIGKILL)

        folder = Path(sys.argv[1])
        inbox = Dying(folder / "bus.db", source="//clipline/test")
        exec(sys.argv[2])
        desk = Desk(inbox=inbox, outbox=inbox, letters=letters)
        desk.collect(datetime(2026, 1, 31, 12, tzinfo=UTC))
        """,
        tmp_path,
        made_again,
    )
    assert process.wait(30) == -9
    assert (store.count(ALL), len(waiting(bus))) == (1, 2)
    after_the_lease = T0 + timedelta(hours=1)
    desk = Desk(inbox=bus, outbox=bus, letters=store)
    taken = desk.collect(after_the_lease) + desk.collect(after_the_lease + timedelta(minutes=1))
    assert taken == 2
    assert (store.count(ALL), waiting(bus)) == (2, [])
