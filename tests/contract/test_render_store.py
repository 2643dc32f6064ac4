"""What every RenderStore promises."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from functions.adapters.sqlite_renders import SqliteRenders
from functions.core.effects import WakeNext
from functions.core.quotas import Limit
from functions.core.render import Pending, Render, State
from functions.ports import Conflict, FolderTaken, LaneFull, RenderStore
from functions.sought import Sought
from infra.simulator.memory_renders import MemoryRenders
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload
from schemas.media import Media, VideoStream
from schemas.pieces import Span
from schemas.plan import OutputPlan, RenderPlan
from schemas.priority import Priority
from tests.fullest import LONG, fullest, largest

if TYPE_CHECKING:
    from subprocess import Popen

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
FACTORIES: dict[str, Callable[[Path], RenderStore]] = {
    "memory": lambda folder: MemoryRenders(),
    "sqlite": lambda folder: SqliteRenders(folder / "renders.db"),
}


@pytest.fixture(params=sorted([*FACTORIES, "firestore"]))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RenderStore:
    """Firestore is Google's emulator, over a project of its own."""
    if request.param != "firestore":
        return FACTORIES[request.param](tmp_path)
    from functions.adapters.firestore_renders import FirestoreRenders

    return FirestoreRenders(request.getfixturevalue("firestore"))


def render(id: str = "r-1", **changes: object) -> Render:
    upload = Upload(bucket="uploads", name="ana/talk.mp4", generation=7)
    plain = Render(
        id=id,
        upload=upload,
        state=State.ACCEPTED,
        created_at=T0,
        updated_at=T0,
        deadline=T0 + timedelta(hours=1),
        revisit_at=T0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


def planned(id: str, folder: str) -> Render:
    plain = render(id)
    video = VideoStream(
        codec="h264",
        width=640,
        height=360,
        rotation=0,
        pixel_format="yuv420p",
        sample_aspect=Fraction(1),
        time_base=Fraction(1, 12288),
        frame_rate=Fraction(24000, 1001),
        frames=48,
        first_pts=0,
        end_pts=24576,
        largest_gap=512,
    )
    media = Media(container="mov", size_bytes=1, seekable=True, video=video, audio=None)
    output = OutputPlan(
        clip="full",
        output="web-720",
        start_pts=0,
        frame_rate=video.frame_rate,
        frames=48,
        gop=24,
        chunks=(Span(0, 48),),
        width=640,
        height=360,
        crf=23,
        preset="medium",
        lossless=False,
        object_name=f"{folder}/full/web-720.mp4",
    )
    plan = RenderPlan(render=id, upload=plain.upload, media=media, outputs=(output,), audio=())
    return replace(plain, plan=plan, state=State.PLANNED)


def version_of(store: RenderStore, id: str) -> int:
    stored = store.load(id)
    assert stored is not None
    return stored.version


def resave(store: RenderStore, changed: Render) -> None:
    store.save(changed, version=version_of(store, changed.id))


def resave_in(store: RenderStore, changed: Render, *, room: int) -> None:
    store.save(changed, version=version_of(store, changed.id), room=room)


def test_a_render_comes_back_as_it_was_saved(store: RenderStore) -> None:
    wanted = replace(
        planned("r-1", "ana/talk"), pending=(Pending(effect=WakeNext(), others_after=T0),)
    )
    store.save(wanted, version=0)
    stored = store.load("r-1")
    assert stored is not None
    assert stored.render == wanted


def test_an_unknown_render_is_none(store: RenderStore) -> None:
    assert store.load("r-unknown") is None


def test_creating_twice_is_a_conflict(store: RenderStore) -> None:
    store.save(render(), version=0)
    with pytest.raises(Conflict):
        store.save(render(why="second"), version=0)
    stored = store.load("r-1")
    assert stored is not None
    assert stored.render.why == ""


def test_saving_over_a_stale_version_is_a_conflict_and_changes_nothing(store: RenderStore) -> None:
    store.save(render(), version=0)
    stale = version_of(store, "r-1")
    store.save(render(why="first"), version=stale)
    with pytest.raises(Conflict):
        store.save(render(why="late", revisit_at=None, state=State.WAITING), version=stale)
    assert store.load("r-1").render.why == "first"  # type: ignore[union-attr]  # it is there
    assert store.due(T0, limit=9) == ("r-1",)
    assert store.lines(limit=9) == ()


def test_a_version_of_what_never_was_is_a_conflict(store: RenderStore) -> None:
    with pytest.raises(Conflict):
        store.save(render(), version=3)


def test_due_lists_the_longest_overdue_first(store: RenderStore) -> None:
    for id, seconds in (("r-a", 2), ("r-b", 0), ("r-c", 1.5), ("r-later", 60)):
        store.save(render(id, revisit_at=T0 + timedelta(seconds=seconds)), version=0)
    store.save(render("r-never", revisit_at=None), version=0)
    assert store.due(T0 + timedelta(seconds=2), limit=9) == ("r-b", "r-c", "r-a")
    assert store.due(T0 + timedelta(seconds=2), limit=1) == ("r-b",)
    resave(store, render("r-b", revisit_at=None))
    assert store.due(T0 + timedelta(seconds=2), limit=1) == ("r-c",)


def test_an_effect_left_over_makes_a_render_due(store: RenderStore) -> None:
    left = Pending(effect=WakeNext(), others_after=T0)
    store.save(render(revisit_at=None, pending=(left,)), version=0)
    assert store.due(T0, limit=9) == ("r-1",)


def in_line(id: str, seconds: float = 0, **changes: Any) -> Render:
    made = T0 + timedelta(seconds=seconds)
    return render(id, **{"state": State.WAITING, "avoids": (), "created_at": made} | changes)


def test_who_waits_in_line_is_listed_who_was_opened_first_comes_first(store: RenderStore) -> None:
    for id, seconds in (("r-a", 2), ("r-b", 0), ("r-c", 1)):
        store.save(in_line(id, seconds), version=0)
    store.save(render("r-done", state=State.DONE, avoids=()), version=0)
    store.save(in_line("r-own", avoids=None), version=0)
    (head,) = store.lines(limit=9)
    assert (head.render, head.since) == ("r-b", T0)
    assert head.line == in_line("r-b").line
    assert [one.render for one in store.waiting(head.line, limit=9)] == ["r-b", "r-c", "r-a"]
    assert store.waiting(head.line, limit=1) == (head,)
    resave(store, in_line("r-b", state=State.STARTING))
    assert [one.render for one in store.lines(limit=9)] == ["r-c"]
    assert (store.count(State.WAITING), store.count(State.FAILED)) == (3, 0)


def test_every_line_has_its_first_whatever_it_is_called(store: RenderStore) -> None:
    priorities = (Priority.LIVE, Priority.BACKGROUND)
    names = ("ana/x.mp4", 'a"b/x.mp4', "zoë/x.mp4", "x.mp4")
    for number, (name, priority) in enumerate(product(names, priorities)):
        upload = Upload(bucket="uploads", name=name, generation=1)
        for age in (3, 2):
            id = f"r-{number}-{age}"
            store.save(in_line(id, age, upload=upload, priority=priority), version=0)
    store.save(in_line("r-eu", avoids=("us/a", "us/b")), version=0)
    heads = store.lines(limit=99)
    assert sorted(one.render for one in heads) == sorted(["r-eu", *(f"r-{n}-2" for n in range(8))])
    assert [one.line for one in heads] == sorted(one.line for one in heads)
    assert store.lines(limit=4) == heads[:4]
    assert store.waiting("nobody's", limit=9) == ()


def test_running_counts_what_occupies_a_lane(store: RenderStore) -> None:
    states = (*State,)
    for number, state in enumerate(states):
        store.save(render(f"r-{number}", state=state, lane="laptop"), version=0)
        store.save(render(f"s-{number}", state=state, lane="other"), version=0)
    assert store.running("laptop") == 3
    assert store.running("nowhere") == 0


def test_renders_of_an_upload_are_found_newest_first(store: RenderStore) -> None:
    def of(generation: int, revision: int = 0, name: str = "ana/talk.mp4") -> Upload:
        return Upload(bucket="uploads", name=name, generation=generation, revision=revision)

    largest = 2**62  # generations are nanoseconds or larger
    for id, upload in (
        ("r-old", of(5)),
        ("r-new", of(largest)),
        ("r-newer", of(largest, 1)),
        ("r-not", of(9, name="ana/other.mp4")),
    ):
        store.save(render(id, upload=upload), version=0)
    found = store.of_upload("uploads", "ana/talk.mp4")
    assert [one.id for one in found] == ["r-newer", "r-new", "r-old"]


def test_many_are_loaded_at_once_in_the_order_that_is_asked_for(store: RenderStore) -> None:
    ids = [f"r-{number:03}" for number in range(250)]
    for number, id in enumerate(ids):
        store.save(render(id, attempt=number), version=0)
    wanted = ["r-249", "r-none", "r-000", "r-249", "", "a/b", "ü'\"\\", *ids]
    found = store.load_all(wanted)
    assert found == tuple(store.load(id) for id in wanted)
    assert sum(one is None for one in found) == 4
    assert store.load_all(()) == ()


def test_a_version_is_another_one_after_each_save(store: RenderStore) -> None:
    for id in ("r-1", "r-2"):
        store.save(render(id), version=0)
    before = store.versions(["r-1", "r-none", "r-2", "a/b"])
    assert before == {id: version_of(store, id) for id in ("r-1", "r-2")}
    resave(store, render("r-1", attempt=1))
    after = store.versions(["r-2", "r-1"])
    assert after == {"r-1": version_of(store, "r-1"), "r-2": before["r-2"]}
    assert after["r-1"] != before["r-1"]


def test_of_many_upload_names_the_newest_render_is_known(store: RenderStore) -> None:
    largest = 2**62
    names = [f"ana/{number}.mp4" for number in range(70)]
    for number, name in enumerate(names):
        for kind, generation, revision in (("old", 5, 9), ("new", largest, 1), ("mid", largest, 0)):
            upload = Upload(bucket="uploads", name=name, generation=generation, revision=revision)
            store.save(render(f"r-{number}-{kind}", upload=upload), version=0)
    elsewhere = Upload(bucket="others", name="ana/0.mp4", generation=largest + 1)
    store.save(render("r-elsewhere", upload=elsewhere), version=0)
    wanted = {name: f"r-{number}-new" for number, name in enumerate(names)}
    assert store.newest_of("uploads", [*names, "ana/none.mp4"]) == wanted
    assert store.newest_of("uploads", ()) == {}


def test_newest_takes_a_prefix(store: RenderStore) -> None:
    for id, seconds in (("r-7f3a1", 2), ("r-7f3b2", 1), ("r-0000", 3), ("r-%", 4)):
        store.save(render(id, created_at=T0 + timedelta(seconds=seconds)), version=0)
    assert [one.id for one in store.newest(limit=2)] == ["r-%", "r-0000"]
    assert [one.id for one in store.newest(limit=9, sought=Sought(prefix="r-7f"))] == [
        "r-7f3a1",
        "r-7f3b2",
    ]
    assert [one.id for one in store.newest(limit=9, sought=Sought(prefix="r-%"))] == ["r-%"]


CRASHED = Failure(failure=FailureClass.CRASH, reason="signal", message="killed")
LATER = T0 + timedelta(hours=2)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        (Sought(state=State.FAILED), "dba"),
        (Sought(state=State.DONE), "c"),
        (Sought(failure=FailureClass.CRASH), "da"),
        (Sought(tenant="ben"), "db"),
        (Sought(since=LATER), "dc"),
        (Sought(until=LATER), "ba"),
        (Sought(state=State.FAILED, failure=FailureClass.CRASH, tenant="ben", since=T0), "d"),
        (Sought(prefix="r-b", state=State.DONE), ""),
        (Sought(prefix="r-b", until=LATER), "b"),
    ],
)
def test_people_find_renders_by_state_class_tenant_and_age(
    store: RenderStore, sought: Sought, found: str
) -> None:
    other = replace(CRASHED, failure=FailureClass.INPUT)
    for hours, (id, name, failure) in enumerate(
        (
            ("r-a", "ana", CRASHED),
            ("r-b", "ben", other),
            ("r-c", "ana", None),
            ("r-d", "ben", CRASHED),
        )
    ):
        upload = Upload(bucket="uploads", name=f"{name}/{id}.mp4", generation=7)
        state = State.FAILED if failure else State.DONE
        created = T0 + timedelta(hours=hours)
        one = render(id, upload=upload, failure=failure, state=state, created_at=created)
        store.save(one, version=0)
    ids = [one.id for one in store.newest(limit=9, sought=sought)]
    assert ids == [f"r-{letter}" for letter in found]
    assert [one.id for one in store.newest(limit=1, sought=sought)] == ids[:1]


def test_a_folder_belongs_to_the_first_render_that_saved_it(store: RenderStore) -> None:
    store.save(planned("r-1", "ana/talk"), version=0)
    resave(store, planned("r-1", "ana/talk"))
    with pytest.raises(FolderTaken):
        store.save(planned("r-2", "ana/talk"), version=0)
    assert store.load("r-2") is None
    assert store.folder_holder("ana/talk") == "r-1"
    store.save(planned("r-2", "ana/talk-2"), version=0)
    assert store.folder_holder("ana/talk-2") == "r-2"
    assert store.folder_holder("ana") is None


def on_lane(id: str, state: State = State.STARTING, lane: str = "laptop") -> Render:
    return render(id, state=state, lane=lane)


def test_a_lane_takes_no_more_renders_than_it_has_room_for(store: RenderStore) -> None:
    store.save(on_lane("r-1", State.STARTING), version=0, room=2)
    store.save(on_lane("r-2", State.STITCHING), version=0, room=2)
    store.save(on_lane("r-3", State.WAITING), version=0, room=2)
    store.save(on_lane("r-4", lane="other"), version=0, room=2)
    with pytest.raises(LaneFull):
        store.save(on_lane("r-5"), version=0, room=2)
    assert store.load("r-5") is None
    with pytest.raises(LaneFull):
        resave_in(store, on_lane("r-3"), room=2)
    assert store.load("r-3").render.state is State.WAITING  # type: ignore[union-attr]  # it is there
    assert store.count(State.WAITING) == 1
    assert store.running("laptop") == 2


def test_who_runs_on_a_lane_keeps_the_place_however_full_it_is(store: RenderStore) -> None:
    store.save(on_lane("r-1"), version=0)
    store.save(on_lane("r-2"), version=0)
    resave_in(store, on_lane("r-1", State.RENDERING), room=1)
    resave_in(store, on_lane("r-1", State.STARTING), room=1)
    assert store.running("laptop") == 2


def test_a_place_left_is_free_for_another(store: RenderStore) -> None:
    store.save(on_lane("r-1"), version=0, room=1)
    store.save(on_lane("r-2", lane="other"), version=0, room=1)
    with pytest.raises(LaneFull):
        resave_in(store, on_lane("r-1", lane="other"), room=1)
    resave_in(store, on_lane("r-2", State.WAITING, lane="other"), room=1)
    resave_in(store, on_lane("r-1", lane="other"), room=1)
    resave_in(store, on_lane("r-2"), room=1)
    assert (store.running("laptop"), store.running("other")) == (1, 1)


def test_a_save_that_finds_no_room_takes_no_folder(store: RenderStore) -> None:
    with pytest.raises(LaneFull):
        store.save(
            replace(planned("r-1", "ana/talk"), state=State.STARTING, lane="laptop"),
            version=0,
            room=0,
        )
    assert store.folder_holder("ana/talk") is None


def let_go(children: "Sequence[Popen[str]]") -> None:
    """All at once, as soon as the last of them is ready."""
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


SAVER = """
    import sys
    from dataclasses import replace
    from pathlib import Path
    from functions.adapters.sqlite_renders import SqliteRenders
    from functions.ports import Conflict
    store, wins = SqliteRenders(Path(sys.argv[1])), 0
    print("ready", flush=True)
    sys.stdin.readline()
    while wins < int(sys.argv[2]):
        stored = store.load("r-1")
        try:
            changed = replace(stored.render, frames=stored.render.frames + 1)
            store.save(changed, version=stored.version)
            wins += 1
            print(changed.frames, flush=True)
        except Conflict:
            pass
"""


def test_no_save_of_many_processes_is_lost(
    tmp_path: Path, start_python: Callable[..., "Popen[str]"]
) -> None:
    path = tmp_path / "renders.db"
    SqliteRenders(path).save(render(), version=0)
    savers = [start_python(SAVER, path, 25) for _ in range(3)]
    let_go(savers)
    outputs = [saver.communicate(timeout=30)[0] for saver in savers]
    assert sorted(int(line) for out in outputs for line in out.split()) == list(range(1, 76))
    assert SqliteRenders(path).load("r-1").render.frames == 75  # type: ignore[union-attr]  # saved


MOVER = """
    import sys
    from dataclasses import replace
    from pathlib import Path
    from functions.adapters.sqlite_renders import SqliteRenders
    from functions.core.render import State
    from functions.ports import LaneFull
    store, lanes, room = SqliteRenders(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
    plain = store.load("r-1").render
    print("ready", flush=True)
    sys.stdin.readline()
    for lane in range(lanes):
        mine = replace(plain, id=f"{sys.argv[4]}-{lane}", state=State.STARTING, lane=f"lane-{lane}")
        try:
            store.save(mine, version=0, room=room)
            print(lane)
        except LaneFull:
            pass
"""


def test_of_many_processes_no_more_move_into_a_lane_than_it_has_room_for(
    tmp_path: Path, start_python: Callable[..., "Popen[str]"]
) -> None:
    path, lanes, room = tmp_path / "renders.db", 12, 2
    store = SqliteRenders(path)
    store.save(render(), version=0)
    movers = [start_python(MOVER, path, lanes, room, number) for number in range(8)]
    let_go(movers)
    outputs = [mover.communicate(timeout=30)[0] for mover in movers]
    won = [int(line) for out in outputs for line in out.split()]
    assert sorted(won) == sorted([*range(lanes)] * room)
    assert [store.running(f"lane-{lane}") for lane in range(lanes)] == [room] * lanes


def test_a_finished_save_survives_the_killing_of_its_process(
    tmp_path: Path, start_python: Callable[..., "Popen[str]"]
) -> None:
    path, last = tmp_path / "renders.db", 0
    SqliteRenders(path).save(render(), version=0)
    for lines in (1, 4, 11):
        saver = start_python(SAVER, path, 10_000)
        let_go([saver])
        assert saver.stdout is not None
        for _ in range(lines):
            last = int(saver.stdout.readline())
        saver.kill()
        said = [int(line) for line in saver.stdout.read().split("\n")[:-1]]
        stored = SqliteRenders(path).load("r-1")
        assert stored is not None
        assert max([last, *said]) <= stored.render.frames <= max([last, *said]) + 1


@pytest.mark.parametrize("drawn", [False, True], ids=["bare", "drawn"])
def test_the_largest_render_that_may_be_asked_for_is_kept_whole(
    drawn: bool, store: RenderStore
) -> None:
    plan = largest(LONG, drawn=drawn, length=600)
    full = fullest(LONG, plan)
    store.save(full, version=0)
    stored = store.load(full.id)
    assert stored is not None
    assert stored.render == full
    store.save(replace(full, why="x" * 1000), version=stored.version)


GPUS = Limit(name="us-east4 GPUs", weights={"laptop": 2, "other": 1}, most=3)
TOGETHER = Limit(name="project executions", weights={"laptop": 1, "other": 1, "third": 1}, most=2)


def test_what_lanes_share_is_counted_over_all_of_them_by_their_weight(store: RenderStore) -> None:
    store.save(on_lane("r-1"), version=0, shared=[GPUS])
    with pytest.raises(LaneFull, match="2 of 3 us-east4 GPUs are taken"):
        store.save(on_lane("r-2"), version=0, shared=[GPUS])
    store.save(on_lane("r-3", lane="other"), version=0, shared=[GPUS])
    with pytest.raises(LaneFull):
        store.save(on_lane("r-4", lane="other"), version=0, shared=[GPUS])
    store.save(on_lane("r-5", lane="third"), version=0)
    resave(store, on_lane("r-1", State.DONE))
    store.save(on_lane("r-4", lane="other"), version=0, shared=[GPUS])
    resave(store, on_lane("r-3", State.WAITING, lane="other"))
    store.save(on_lane("r-2"), version=0, shared=[GPUS])
    assert (store.running("laptop"), store.running("other")) == (1, 1)


def test_who_moves_to_another_lane_of_a_limit_does_not_stand_in_its_own_way(
    store: RenderStore,
) -> None:
    store.save(on_lane("r-1"), version=0, shared=[GPUS, TOGETHER])
    store.save(on_lane("r-2", lane="third"), version=0, shared=[TOGETHER])
    stored = store.load("r-1")
    assert stored is not None
    store.save(on_lane("r-1", lane="other"), version=stored.version, shared=[GPUS, TOGETHER])
    stored = store.load("r-1")
    assert stored is not None
    again = on_lane("r-1", State.RENDERING, lane="other")
    store.save(again, version=stored.version, shared=[GPUS, TOGETHER])
    with pytest.raises(LaneFull, match="2 of 2 project executions are taken"):
        store.save(on_lane("r-3"), version=0, shared=[GPUS, TOGETHER])
    resave(store, on_lane("r-2", State.DONE, lane="third"))
    store.save(on_lane("r-3"), version=0, shared=[GPUS, TOGETHER])
    with pytest.raises(LaneFull, match="3 of 3 us-east4 GPUs are taken"):
        store.save(on_lane("r-4", lane="other"), version=0, shared=[GPUS])


def test_of_many_at_once_no_more_move_in_than_their_lanes_share(store: RenderStore) -> None:
    def move_in(number: int) -> bool:
        one = on_lane(f"r-{number}", lane=("laptop", "other", "third")[number % 3])
        try:
            store.save(one, version=0, shared=[TOGETHER])
        except (LaneFull, Conflict):
            return False
        return True

    if isinstance(store, MemoryRenders):
        assert sum(map(move_in, range(6))) == 2
        return
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(move_in, range(6))) == 2
