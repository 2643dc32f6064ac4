"""One save of a render in Firestore: what it depends on, whether it may be, and the one commit.

    renders/ID        the render as our codec writes it, and the fields that queries ask for
    lanes/LANE        who runs there; written only when a render comes or goes
    lanes/LIMIT       the same of what several lanes share, each as often as its lane weighs
    folders/DIGEST    whose output folder that is; created once, never changed

A save reads what it depends on and then commits once, all or nothing, with a precondition on each
document that it depends on: docs/decisions/0017-a-save-is-one-commit.md. There are no transactions:
those that read and write hold locks, and clash for seconds where this asks again at once.

    save ─► read ─► is it allowed? ─► commit ─► done
             ▲        │ no               │ something of it has changed, or the answer was lost
             │        └► Conflict, …     │
             └───────────────────────────┘ up to `TRIES` times; a save bears a mark of its own
"""

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from google.cloud.firestore import ArrayRemove, ArrayUnion, Client

from functions.adapters.firestore_calls import CHANGED, asking, patient
from functions.core.quotas import Limit
from functions.core.render import RUNNING, Render
from functions.ports import Conflict, FolderTaken, LaneFull
from schemas.ids import digest
from schemas.ports import StoreUnavailable
from schemas.wire import to_json

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentReference, DocumentSnapshot, WriteBatch

    Found = DocumentSnapshot[Any]

TRIES = 20
"""Commits of one save, before its caller is told to decide again."""
FIRST_PAUSE = timedelta(milliseconds=20)
LONGEST_PAUSE = timedelta(milliseconds=300)
"""Between two commits, by lot up to the first and then up to twice as long each time; any longer,
and one that has lost often would lose to those that have just come."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Documents(NamedTuple):
    """Where the documents are."""

    client: Client

    def render(self, id: str) -> "DocumentReference":
        """By its id."""
        return self.client.collection("renders").document(id)

    def lane(self, id: str) -> "DocumentReference":
        """By its id, which may hold slashes."""
        return self.client.collection("lanes").document(f"lane-{quote(id, safe='')}")

    def limit(self, name: str) -> "DocumentReference":
        """Of what several lanes share."""
        return self.client.collection("lanes").document(f"limit-{quote(name, safe='')}")

    def folder(self, folder: str) -> "DocumentReference":
        """By digest: a folder's name may be longer than a document's key."""
        return self.client.collection("folders").document(digest(folder))


class Saves:
    """Saves renders, for any number of threads and processes."""

    def __init__(self, at: Documents, silence: timedelta, patience: timedelta) -> None:
        self._at = at
        self._silence = silence.total_seconds()
        self._patience = patience.total_seconds()
        self._how = patient(silence, patience)

    def save(
        self, render: Render, *, version: int, room: int | None, shared: Sequence[Limit]
    ) -> None:
        """As `FirestoreRenders.save`."""
        mark, give_up = uuid4().hex, time.monotonic() + self._patience
        for number in range(TRIES):
            seen = self._look(render, shared)
            if seen.mark == mark:
                return  # it was done, and only the answer was lost
            _check(seen, render, version, room, shared)
            batch = self._batch(seen, render, room, shared, mark)
            try:
                with asking(render.id, *CHANGED):
                    batch.commit(retry=None, timeout=self._silence)
                return
            except CHANGED:
                pass  # look again: perhaps only the lane has changed, and still has room
            except StoreUnavailable:
                if number == TRIES - 1 or time.monotonic() > give_up:
                    raise
            _pause(number)
        raise Conflict(f"others saved what {render.id} depends on all the time")

    def _look(self, render: Render, shared: Sequence[Limit]) -> "_Seen":
        """All that a save depends on, in one call."""
        lane, folders = _lane_of(render), _folders(render)
        wanted = [self._at.render(render.id), *map(self._at.folder, folders)]
        limits = {limit.name: self._at.limit(limit.name) for limit in shared if lane is not None}
        if lane is not None:
            wanted += [self._at.lane(lane), *limits.values()]
        fields = ["lane", "limits", "save", "places", "render"]
        with asking(render.id):
            found = {
                one.reference: one for one in self._at.client.get_all(wanted, fields, **self._how)
            }
        return _Seen(
            render=found[self._at.render(render.id)],
            folders={folder: found[self._at.folder(folder)] for folder in folders},
            lane=found[self._at.lane(lane)] if lane is not None else None,
            limits={name: found[reference] for name, reference in limits.items()},
        )

    def _batch(
        self,
        seen: "_Seen",
        render: Render,
        room: int | None,
        shared: Sequence[Limit],
        mark: str,
    ) -> "WriteBatch":
        before, after = seen.before, _lane_of(render)
        limits = seen.held if before == after else _limits_of(render, shared)
        batch = self._at.client.batch()
        self._put(batch, seen.render, {**_fields(render, mark), "limits": limits})
        for folder, found in seen.folders.items():
            if not found.exists:
                batch.create(found.reference, {"folder": folder, "render": render.id})
        if before is not None and before != after:
            self._leave(batch, before, render, seen.held, stays=limits)
        if seen.lane is not None and before != after:
            come = {"lane": after, "places": ArrayUnion([render.id])}
            if room is None:
                batch.set(seen.lane.reference, come, merge=True)
            else:
                self._put(batch, seen.lane, come)
            for name, marks in limits.items():
                # The whole list anew: one commit cannot take from it and add to it.
                kept = places(seen.limits[name]) - set(seen.held.get(name, ())) | set(marks)
                self._put(batch, seen.limits[name], {"limit": name, "places": sorted(kept)})
        return batch

    def _leave(
        self,
        batch: "WriteBatch",
        lane: str,
        render: Render,
        held: Mapping[str, list[str]],
        *,
        stays: Mapping[str, list[str]],
    ) -> None:
        """Give up its place on that lane, and its marks where it holds none any more."""
        batch.set(self._at.lane(lane), {"places": ArrayRemove([render.id])}, merge=True)
        for name, marks in held.items():
            if name not in stays:
                batch.set(self._at.limit(name), {"places": ArrayRemove(marks)}, merge=True)

    def _put(self, batch: "WriteBatch", found: "Found", fields: dict[str, Any]) -> None:
        """Over what was found, if it is still that; or as something new."""
        if found.exists:
            unchanged = self._at.client.write_option(last_update_time=found.update_time)
            batch.update(found.reference, fields, option=unchanged)
        else:
            batch.create(found.reference, fields)


class _Seen(NamedTuple):
    """What a save depends on; its lane only if the render is to run on one."""

    render: "Found"
    folders: "dict[str, Found]"
    lane: "Found | None"
    limits: "dict[str, Found]"
    """What its lane shares, by the limit's name."""

    @property
    def held(self) -> dict[str, list[str]]:
        """Its marks in each limit, so far."""
        return (self.render.to_dict() or {}).get("limits") or {}

    @property
    def before(self) -> str | None:
        """The lane on which the render ran so far."""
        return (self.render.to_dict() or {}).get("lane")

    @property
    def mark(self) -> str | None:
        """Of the save that was the last."""
        return (self.render.to_dict() or {}).get("save")


def _check(
    seen: _Seen, render: Render, version: int, room: int | None, shared: Sequence[Limit]
) -> None:
    if version_of(seen.render) != version:
        raise Conflict(f"{render.id} is no longer at version {version}")
    for folder, found in seen.folders.items():
        if (other := holder(found)) not in (None, render.id):
            raise FolderTaken(f"{other} delivers into {folder}")
    # A render that runs on its lane already keeps its place, however full it is there.
    if seen.lane is not None and room is not None and seen.before != render.lane:
        others = len(places(seen.lane) - {render.id})
        if others >= room:
            raise LaneFull(f"{render.lane} runs {others} of {room}")
    if seen.lane is None or seen.before == render.lane:
        return
    for limit in shared:
        others = len(places(seen.limits[limit.name]) - set(seen.held.get(limit.name, ())))
        if others + limit.weights[render.lane or ""] > limit.most:
            raise LaneFull(f"{others} of {limit.most} {limit.name} are taken")


def _limits_of(render: Render, shared: Sequence[Limit]) -> dict[str, list[str]]:
    """By limit, as many marks as its lane weighs; none if it does not run."""
    lane = _lane_of(render)
    if lane is None:
        return {}
    return {
        limit.name: [f"{render.id}/{number}" for number in range(limit.weights[lane])]
        for limit in shared
    }


def _fields(render: Render, mark: str) -> dict[str, object]:
    """The mark makes every save a change: Firestore's time stands still for one that is none."""
    upload = render.upload
    return {
        "document": to_json(render),
        "save": mark,
        "state": render.state.value,
        "lane": _lane_of(render),
        "line": render.line,
        "due_at": render.due_at,
        "created_at": render.created_at,
        "upload": f"{upload.bucket}/{upload.name}",
        "tenant": upload.tenant,
        "failure": render.failure.failure.value if render.failure else None,
    }


def _lane_of(render: Render) -> str | None:
    """The lane that it occupies."""
    return render.lane if render.state in RUNNING else None


def _folders(render: Render) -> Iterable[str]:
    return render.plan.folders if render.plan else ()


def version_of(found: "Found") -> int:
    """The microsecond of its last change; 0 of what is not there."""
    return (found.update_time - EPOCH) // _MICROSECOND if found.exists else 0


def places(found: "Found") -> frozenset[str]:
    """Who runs there."""
    return frozenset((found.to_dict() or {}).get("places", ()))


def holder(found: "Found") -> str | None:
    """The render that delivers into that folder."""
    return (found.to_dict() or {}).get("render")


def _pause(number: int) -> None:
    """By lot, so that those who clashed do not clash again."""
    longest = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
    time.sleep(random.uniform(0, longest.total_seconds()))
