"""What every ObjectStore promises, and what the directory promises to people besides."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.adapters.directory_objects import DirectoryObjects
from infra.simulator.memory_objects import MemoryObjects
from schemas.ports import NameRefused, ObjectMissing, ObjectStore, PreconditionFailed

if TYPE_CHECKING:
    from subprocess import Popen

    from tests.buckets import Buckets

Factory = Callable[[Path], ObjectStore]
FACTORIES: dict[str, Factory] = {
    "directory": lambda folder: DirectoryObjects(folder / "box", "box"),
    "memory": lambda folder: MemoryObjects("box", lambda: datetime.now(UTC)),
}


@pytest.fixture(params=sorted([*FACTORIES, "gcs"]))
def factory(request: pytest.FixtureRequest) -> Factory:
    """A new, empty bucket of the same name with each call; Cloud Storage's is behind a gate."""
    if request.param != "gcs":
        return FACTORIES[request.param]
    gcs: Buckets = request.getfixturevalue("gcs")
    return lambda folder: gcs.empty("box")


@pytest.fixture
def store(factory: Factory, tmp_path: Path) -> ObjectStore:
    return factory(tmp_path)


@pytest.fixture
def directory(tmp_path: Path) -> DirectoryObjects:
    return DirectoryObjects(tmp_path / "box", "box")


def names(store: ObjectStore, prefix: str = "", **wanted: object) -> list[str]:
    found: Iterator[object] = store.list(prefix, **wanted)  # type: ignore[arg-type]  # by name
    return [info.name for info in found]  # type: ignore[attr-defined]  # an ObjectInfo


def test_what_is_written_is_read(store: ObjectStore) -> None:
    info = store.write("ana/talk.bin", b"0123456789", metadata={"spec": "{}", "länge": "½"})
    assert store.bucket == "box"
    assert (info.name, info.size_bytes) == ("ana/talk.bin", 10)
    assert info.metadata == {"spec": "{}", "länge": "½"}
    assert store.stat("ana/talk.bin") == info
    assert store.read("ana/talk.bin") == b"0123456789"
    assert abs(store.now() - info.updated) < timedelta(minutes=1)


def test_a_range_ends_where_the_object_ends(store: ObjectStore) -> None:
    generation = store.write("a", b"0123456789").generation
    assert store.read_range("a", 3, 4, generation=generation) == b"3456"
    assert store.read_range("a", 8, 4, generation=generation) == b"89"
    assert store.read_range("a", 10, 4, generation=generation) == b""


def test_what_is_absent_is_missing(store: ObjectStore, tmp_path: Path) -> None:
    assert store.stat("nobody/here") is None
    with pytest.raises(ObjectMissing):
        store.read("nobody/here")
    with pytest.raises(ObjectMissing):
        store.read_range("nobody/here", 0, 1, generation=1)
    with pytest.raises(ObjectMissing):
        store.download("nobody/here", tmp_path / "copy")
    with pytest.raises(ObjectMissing), store.readable("nobody/here", generation=1):
        raise AssertionError("it must not be entered")
    store.delete("nobody/here")
    store.delete("nobody/here", if_generation_match=5)


def test_another_generation_is_missing(store: ObjectStore) -> None:
    old = store.write("a", b"old").generation
    new = store.write("a", b"new").generation
    assert old != new
    with pytest.raises(ObjectMissing):
        store.read_range("a", 0, 1, generation=old)
    with pytest.raises(ObjectMissing), store.readable("a", generation=old):
        raise AssertionError("it must not be entered")
    assert store.read_range("a", 0, 3, generation=new) == b"new"


def test_creating_twice_fails_and_changes_nothing(store: ObjectStore) -> None:
    first = store.write("a", b"first", if_generation_match=0, metadata={"by": "first"})
    with pytest.raises(PreconditionFailed):
        store.write("a", b"second", if_generation_match=0)
    assert store.stat("a") == first
    assert store.read("a") == b"first"


def test_a_write_over_another_generation_fails_and_changes_nothing(store: ObjectStore) -> None:
    with pytest.raises(PreconditionFailed):
        store.write("a", b"x", if_generation_match=5)
    first = store.write("a", b"first")
    second = store.write("a", b"second", if_generation_match=first.generation)
    with pytest.raises(PreconditionFailed):
        store.write("a", b"late", if_generation_match=first.generation)
    with pytest.raises(PreconditionFailed):
        store.delete("a", if_generation_match=first.generation)
    assert store.stat("a") == second
    store.delete("a", if_generation_match=second.generation)
    assert store.stat("a") is None


def test_metadata_belongs_to_one_generation(store: ObjectStore) -> None:
    store.write("a", b"first", metadata={"by": "first"})
    assert store.write("a", b"second").metadata == {}
    assert store.stat("a").metadata == {}  # type: ignore[union-attr]  # it is there


def test_a_generation_is_never_used_twice(store: ObjectStore) -> None:
    seen = []
    for _ in range(20):
        seen.append(store.write("a/b", b"x").generation)
        seen.append(store.write("a/b", b"y", if_generation_match=seen[-1]).generation)
        store.delete("a/b")
    assert seen == sorted(set(seen))


def test_a_file_goes_in_and_out(store: ObjectStore, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(os.urandom(3_000_000))
    info = store.upload("ana/piece.mp4", source, metadata={"frames": "240"})
    assert info.size_bytes == 3_000_000
    assert store.download("ana/piece.mp4", target) == info
    assert target.read_bytes() == source.read_bytes()
    with pytest.raises(PreconditionFailed):
        store.upload("ana/piece.mp4", source)
    again = store.upload("ana/piece.mp4", source, if_generation_match=None)
    assert again.generation > info.generation


def test_the_readable_input_can_be_opened(store: ObjectStore) -> None:
    info = store.write("ana/a film: 100%.mp4", b"frames")
    with store.readable(info.name, generation=info.generation) as url:
        scheme, _, path = url.partition(":")
        if scheme == "file":
            assert Path(path).read_bytes() == b"frames"


def test_an_input_that_was_replaced_meanwhile_is_missing(store: ObjectStore) -> None:
    info = store.write("a", b"old")
    with (
        pytest.raises(ObjectMissing),
        store.readable("a", generation=info.generation),
    ):
        store.write("a", b"new")


def test_a_list_is_in_name_order_after_a_name_and_limited(store: ObjectStore) -> None:
    wanted = ["a-b", "a.txt", "a/b", "a/b-c/d", "a/b.c", "a/c/d/e", "a0", "b/x", "ä", "日本/本"]
    for name in reversed([*wanted, "a/b/c"]):
        if name != "a/b/c":  # a directory cannot hold it beside a/b
            store.write(name, b"x")
    assert names(store) == wanted
    assert names(store, limit=3) == wanted[:3]
    assert names(store, limit=0) == []
    assert names(store, "a/") == ["a/b", "a/b-c/d", "a/b.c", "a/c/d/e"]
    assert names(store, "a/b") == ["a/b", "a/b-c/d", "a/b.c"]
    assert names(store, "a/b-c/d") == ["a/b-c/d"]
    assert names(store, "nothing/") == []
    assert names(store, "../") == []
    assert names(store, "a/", after="a/b-c/d", limit=2) == ["a/b.c", "a/c/d/e"]
    for place, name in enumerate(wanted):
        assert names(store, after=name) == wanted[place + 1 :]


def test_a_list_tells_what_stat_tells(store: ObjectStore) -> None:
    infos = [store.write(name, b"x", metadata={"n": name}) for name in ("a", "b/c")]
    assert list(store.list()) == infos


class Careless:
    """Any store, whose writes or deletes forget the precondition: the suite must notice."""

    def __init__(self, store: ObjectStore, forgets: str) -> None:
        self._store = store
        self._forgets = forgets

    def __getattr__(self, name: str) -> object:
        called = getattr(self._store, name)
        if name != self._forgets:
            return called
        return lambda *given, if_generation_match=None, **named: called(*given, **named)


@pytest.mark.parametrize("forgets", ["write", "delete"])
def test_the_suite_notices_a_forgotten_precondition(store: ObjectStore, forgets: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        test_a_write_over_another_generation_fails_and_changes_nothing(
            Careless(store, forgets)  # type: ignore[arg-type]  # it looks like one
        )


SEGMENT = st.text(st.sampled_from("ab-./ü%~\t:*? "), min_size=1, max_size=6)


@given(wanted=st.sets(SEGMENT, max_size=12), after=SEGMENT, prefix=SEGMENT)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_set_of_names_is_listed_as_sorting_would(
    factory: Factory,
    tmp_path_factory: pytest.TempPathFactory,
    wanted: set[str],
    after: str,
    prefix: str,
) -> None:
    store = factory(tmp_path_factory.mktemp("names"))
    kept = []
    for name in wanted:
        try:
            store.write(name, name.encode())
            kept.append(name)
        except NameRefused:
            assert isinstance(store, DirectoryObjects) or name in (".", "..")
    kept.sort()
    assert names(store) == kept
    expected = [one for one in kept if one > after and one.startswith(prefix)]
    assert names(store, prefix, after=after) == expected
    assert all(store.read(name) == name.encode() for name in kept)


HOSTILE = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../outside",
    "a/../../outside",
    "a/./b",
    "a//b",
    "a/",
    "a\0b",
    "a\nb",
    ".clipline/meta/x",
    "a/.clipline-x",
    ".hidden",
    "\udcff",
    "x" * 256,
    "/".join(["x" * 200] * 6),
]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])
def test_a_hostile_name_is_refused(directory: DirectoryObjects, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.iterdir())
    (tmp_path / "source").write_bytes(b"x")
    attempts: tuple[Callable[[], object], ...] = (
        lambda: directory.write(name, b"x"),
        lambda: directory.upload(name, tmp_path / "source"),
        lambda: directory.delete(name),
        lambda: directory.adopt(name),
    )
    for attempt in attempts:
        with pytest.raises(NameRefused):
            attempt()
    assert directory.stat(name) is None
    with pytest.raises(ObjectMissing):
        directory.read(name)
    (tmp_path / "source").unlink()
    assert sorted(tmp_path.iterdir()) == before


def test_a_path_too_long_for_a_name_does_not_hide_the_others(
    directory: DirectoryObjects, tmp_path: Path
) -> None:
    deep = tmp_path / "box"
    for _ in range(6):
        deep /= "x" * 200
    deep.mkdir(parents=True)
    (deep / "film.mp4").write_bytes(b"x")
    directory.write("z", b"z")
    assert [info.name for info in directory.list()] == ["z"]
    assert list(directory.strays()) == []


def test_a_link_is_no_object(directory: DirectoryObjects, tmp_path: Path) -> None:
    root, outside = tmp_path / "box", tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (root / "film.mp4").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    os.mkfifo(root / "pipe")
    assert names(directory) == []
    for name in ("film.mp4", "folder/secret", "pipe"):
        assert directory.stat(name) is None
        with pytest.raises(ObjectMissing):
            directory.read(name)
        with pytest.raises(NameRefused):
            directory.write(name, b"x", if_generation_match=0)
    with pytest.raises(NameRefused):
        directory.write("folder/new", b"x")
    directory.delete("folder/secret")
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "secret"


def test_an_object_and_a_folder_cannot_share_a_name(directory: DirectoryObjects) -> None:
    directory.write("a/b", b"x")
    with pytest.raises(NameRefused):
        directory.write("a", b"x")
    with pytest.raises(NameRefused):
        directory.write("a/b/c", b"x")
    directory.delete("a/b")
    directory.write("a", b"x", if_generation_match=0)


def test_an_empty_folder_is_no_hindrance_and_is_pruned(
    directory: DirectoryObjects, tmp_path: Path
) -> None:
    (tmp_path / "box" / "a").mkdir()
    directory.write("a", b"x", if_generation_match=0)
    directory.write("b/c/d", b"x")
    directory.delete("b/c/d")
    assert not (tmp_path / "box" / "b").exists()


def test_a_dropped_file_is_no_object_until_it_is_adopted(
    directory: DirectoryObjects, tmp_path: Path
) -> None:
    path = tmp_path / "box" / "ana" / "dropped.mp4"
    directory.write("ana/written.mp4", b"x")
    path.write_bytes(b"half")
    (tmp_path / "box" / ".DS_Store").write_bytes(b"x")
    assert names(directory) == ["ana/written.mp4"]
    assert directory.stat("ana/dropped.mp4") is None
    assert list(directory.strays()) == [("ana/dropped.mp4", path)]
    with pytest.raises(PreconditionFailed):
        directory.write("ana/dropped.mp4", b"mine", if_generation_match=0)
    adopted = directory.adopt("ana/dropped.mp4")
    assert adopted is not None
    assert adopted.generation == path.stat().st_mtime_ns
    assert directory.adopt("ana/dropped.mp4") == adopted
    assert names(directory) == ["ana/dropped.mp4", "ana/written.mp4"]
    assert list(directory.strays()) == []
    assert directory.adopt("absent.mp4") is None


def test_a_dropped_file_with_an_old_time_gets_a_new_generation(
    directory: DirectoryObjects, tmp_path: Path
) -> None:
    path = tmp_path / "box" / "film.mp4"
    old = directory.write("film.mp4", b"old", metadata={"spec": "old"})
    path.unlink()
    path.write_bytes(b"another, copied with its time")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    adopted = directory.adopt("film.mp4")
    assert adopted is not None
    assert adopted.generation > old.generation
    assert adopted.metadata == {}


def test_a_file_from_the_future_is_still_followed_by_a_larger_generation(
    directory: DirectoryObjects, tmp_path: Path
) -> None:
    path = tmp_path / "box" / "film.mp4"
    path.write_bytes(b"x")
    future = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
    os.utime(path, (future, future))
    dropped = directory.adopt("film.mp4")
    assert dropped is not None
    assert directory.write("film.mp4", b"y").generation > dropped.generation


def test_an_object_that_is_edited_in_place_is_a_stray_again(
    directory: DirectoryObjects, tmp_path: Path
) -> None:
    info = directory.write("film.mp4", b"x", metadata={"spec": "{}"})
    path = tmp_path / "box" / "film.mp4"
    path.write_bytes(b"edited")
    os.utime(path, ns=(info.generation + 1, info.generation + 1))
    assert directory.stat("film.mp4") is None
    assert list(directory.strays()) == [("film.mp4", path)]
    with pytest.raises(ObjectMissing):
        directory.read_range("film.mp4", 0, 1, generation=info.generation)


def test_opening_sweeps_stray_files_that_are_old(
    directory: DirectoryObjects, tmp_path: Path
) -> None:
    folder = tmp_path / "box" / ".clipline" / "tmp"
    (folder / "old").write_bytes(b"x")
    (folder / "young").write_bytes(b"x")
    os.utime(folder / "old", (1_000_000_000, 1_000_000_000))
    DirectoryObjects(tmp_path / "box", "box")
    assert [path.name for path in folder.iterdir()] == ["young"]


OPEN = """
    import json, sys
    from pathlib import Path
    from functions.adapters.directory_objects import DirectoryObjects
    from schemas.ports import ObjectMissing, PreconditionFailed
    store = DirectoryObjects(Path(sys.argv[1]), "box")
    sys.stdin.readline()
"""
CREATE = """
    won = []
    for number in range(60):
        try:
            store.write(f"race/{number}", sys.argv[2].encode(), if_generation_match=0)
            won.append(number)
        except PreconditionFailed:
            pass
    print(json.dumps(won))
"""
COUNT = """
    wins = 0
    while wins < 40:
        info = store.stat("deep/in/counter")
        try:
            if info is None:
                store.write("deep/in/counter", b"1", if_generation_match=0)
            else:
                count = store.read_range("deep/in/counter", 0, 9, generation=info.generation)
                store.write("deep/in/counter", str(int(count) + 1).encode(),
                            if_generation_match=info.generation)
            wins += 1
        except (PreconditionFailed, ObjectMissing):
            pass
"""
CHURN = """
    for number in range(150):
        store.write(f"shared/folder/{sys.argv[2]}", b"x")
        store.delete(f"shared/folder/{sys.argv[2]}")
"""
OVERWRITE = """
    number = 0
    while True:
        number += 1
        text = str(number)
        info = store.write("a/b", text.encode() * 2000, metadata={"number": text})
        store.write(f"new/{sys.argv[2]}-{number}", text.encode() * 2000, metadata={"n": text})
        print(number, info.generation, flush=True)
        if number % 5 == 0:
            store.delete("a/b")
"""


StartPython = Callable[..., "Popen[str]"]


def start_all(start: StartPython, code: str, root: Path, count: int) -> "list[Popen[str]]":
    children = [start(OPEN + code, root, number) for number in range(count)]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    return children


def test_of_many_processes_that_create_exactly_one_wins(
    tmp_path: Path, start_python: StartPython
) -> None:
    root = tmp_path / "box"
    children = start_all(start_python, CREATE, root, 4)
    won = [json.loads(child.communicate(timeout=30)[0]) for child in children]
    assert sorted(win for wins in won for win in wins) == list(range(60))
    store = DirectoryObjects(root, "box")
    for number, wins in enumerate(won):
        assert all(store.read(f"race/{win}") == str(number).encode() for win in wins)


def test_no_compare_and_set_of_many_processes_is_lost(
    tmp_path: Path, start_python: StartPython
) -> None:
    children = start_all(start_python, COUNT, tmp_path / "box", 3)
    assert [child.wait(timeout=30) for child in children] == [0, 0, 0]
    assert DirectoryObjects(tmp_path / "box", "box").read("deep/in/counter") == b"120"


def test_folders_that_are_made_and_pruned_at_once_stop_nobody(
    tmp_path: Path, start_python: StartPython
) -> None:
    children = start_all(start_python, CHURN, tmp_path / "box", 3)
    assert [child.wait(timeout=30) for child in children] == [0, 0, 0]
    assert not (tmp_path / "box" / "shared").exists()


def test_a_kill_at_any_moment_leaves_whole_objects_with_their_metadata(
    tmp_path: Path, start_python: StartPython
) -> None:
    root = tmp_path / "box"
    store = DirectoryObjects(root, "box")
    highest = 0
    for round_number in range(8):
        (child,) = start_all(start_python, OVERWRITE, root, 1)
        assert child.stdout is not None
        for _ in range(1 + 3 * round_number):
            line = child.stdout.readline()
        child.kill()
        rest = child.stdout.read()
        lines = [one for one in [line, *rest.splitlines(True)] if one.endswith("\n")]
        highest = max(highest, int(lines[-1].split()[1]))
        assert list(store.strays()) == []
        for info in store.list():
            data = store.read(info.name).decode()
            number = info.metadata.get("number") or info.metadata["n"]
            assert data == number * 2000
        after = store.write("a/b", b"0" * 2000, metadata={"number": "0"})
        assert after.generation > highest
        for info in store.list("new/"):
            store.delete(info.name)
