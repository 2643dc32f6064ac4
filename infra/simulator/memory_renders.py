"""Renders in memory: the simulator's RenderStore."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from functions.core.quotas import Limit
from functions.core.render import RUNNING, Render, State
from functions.core.share import Head
from functions.ports import Conflict, FolderTaken, LaneFull, Stored
from functions.sought import ANY, Sought


class MemoryRenders:
    """A RenderStore for one thread, which keeps the values themselves: they never change.

    A version counts the saves of its document. A folder stays with its render for ever.
    """

    def __init__(self) -> None:
        self._stored: dict[str, Stored] = {}
        self._folders: dict[str, str] = {}
        self._due: list[tuple[datetime, str]] = []
        self._lines: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._states: Counter[State] = Counter()
        self._running: Counter[str] = Counter()
        self._of_upload: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    @property
    def next_due(self) -> datetime | None:
        """The first moment at which time alone moves any of them."""
        return self._due[0][0] if self._due else None

    def load(self, render: str) -> Stored | None:
        """The render as last saved."""
        return self._stored.get(render)

    def load_all(self, renders: Sequence[str]) -> Sequence[Stored | None]:
        """Each as `load` gives it."""
        return tuple(map(self._stored.get, renders))

    def versions(self, renders: Sequence[str]) -> Mapping[str, int]:
        """By id, of those that are known."""
        return {id: self._stored[id].version for id in renders if id in self._stored}

    def save(
        self,
        render: Render,
        *,
        version: int,
        room: int | None = None,
        shared: Sequence[Limit] = (),
    ) -> None:
        """Save over that version; 0 creates. Raises Conflict, FolderTaken or LaneFull."""
        stored = self._stored.get(render.id)
        if (stored.version if stored else 0) != version:
            raise Conflict(f"{render.id} is no longer at version {version}")
        before = stored.render if stored else None
        folders = render.plan.folders if render.plan else ()
        for folder in folders:
            holder = self._folders.get(folder, render.id)
            if holder != render.id:
                raise FolderTaken(f"{holder} delivers into {folder}")
        self._check_room(before, render, room, shared)
        self._folders.update(dict.fromkeys(folders, render.id))
        if before:
            self._unlist(before)
        self._list(render)
        self._stored[render.id] = Stored(render=render, version=version + 1)

    def due(self, before: datetime, *, limit: int) -> Sequence[str]:
        """Ids of renders whose `due_at` has come, the longest overdue first."""
        end = bisect_right(self._due, before, key=lambda entry: entry[0])
        return tuple(id for _, id in self._due[: min(end, limit)])

    def lines(self, *, limit: int) -> Sequence[Head]:
        """Of each line the first."""
        lines = sorted(line for line, waiting in self._lines.items() if waiting)
        return tuple(head for line in lines[:limit] for head in self.waiting(line, limit=1))

    def waiting(self, line: str, *, limit: int) -> Sequence[Head]:
        """Those of that line, who was opened first comes first."""
        found = self._lines.get(line, ())[:limit]
        return tuple(Head(line=line, render=id, since=since) for since, id in found)

    def count(self, state: State) -> int:
        """How many renders are in that state."""
        return self._states[state]

    def running(self, lane: str) -> int:
        """How many renders are starting, rendering or stitching on that lane."""
        return self._running[lane]

    def of_upload(self, bucket: str, name: str) -> Sequence[Render]:
        """All renders of that upload name, whatever the generation, newest first."""
        found = [self._stored[id].render for id in self._of_upload.get((bucket, name), ())]
        return tuple(sorted(found, key=lambda one: one.upload.age_key, reverse=True))

    def newest_of(self, bucket: str, names: Sequence[str]) -> Mapping[str, str]:
        """By upload name the id of its newest render."""
        found = ((name, self.of_upload(bucket, name)) for name in names)
        return {name: renders[0].id for name, renders in found if renders}

    def folder_holder(self, folder: str) -> str | None:
        """The render that delivers into that output folder."""
        return self._folders.get(folder)

    def newest(self, *, limit: int, sought: Sought = ANY) -> Sequence[Render]:
        """Renders that are sought, the newest first."""
        everybody = (stored.render for _, stored in sorted(self._stored.items()))
        found = filter(sought.fits, everybody)
        return tuple(sorted(found, key=lambda one: one.created_at, reverse=True)[:limit])

    def _check_room(
        self, before: Render | None, after: Render, room: int | None, shared: Sequence[Limit]
    ) -> None:
        """A render that runs on its lane already keeps its place, however full it is there."""
        lane = _lane(after)
        if lane is None or (before and _lane(before) == lane):
            return
        if room is not None and self._running[lane] >= room:
            raise LaneFull(f"{lane} runs {self._running[lane]} of {room}")
        others = Counter(self._running)
        if before and (left := _lane(before)) is not None:
            others[left] -= 1
        for limit in shared:
            if not limit.has_room(lane, others):
                raise LaneFull(f"{limit.taken(others)} of {limit.most} {limit.name} are taken")

    def _list(self, render: Render) -> None:
        """Put it where it will be looked for."""
        if (due_at := render.due_at) is not None:
            insort(self._due, (due_at, render.id))
        self._states[render.state] += 1
        if render.line is not None:
            insort(self._lines[render.line], (render.created_at, render.id))
        if (lane := _lane(render)) is not None:
            self._running[lane] += 1
        self._of_upload[render.upload.bucket, render.upload.name].add(render.id)

    def _unlist(self, render: Render) -> None:
        """Undo `_list`."""
        if (due_at := render.due_at) is not None:
            del self._due[bisect_left(self._due, (due_at, render.id))]
        self._states[render.state] -= 1
        if render.line is not None:
            line = self._lines[render.line]
            del line[bisect_left(line, (render.created_at, render.id))]
        if (lane := _lane(render)) is not None:
            self._running[lane] -= 1
        self._of_upload[render.upload.bucket, render.upload.name].discard(render.id)


def _lane(render: Render) -> str | None:
    """The lane that it occupies."""
    return render.lane if render.state in RUNNING else None
