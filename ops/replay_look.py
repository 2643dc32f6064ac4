"""What is known of renders in the moment somebody thinks of replaying them, and why not to.

Very many are looked at: what a store can tell of many at once is asked for at once, and what it
tells of one only is asked for several at a time where a call is a journey (`Ports.at_once`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from functions.core.lanes import Lane
from functions.core.need import need_of
from functions.core.render import Render, State
from functions.core.route import unfit
from functions.core.tenants import UNKNOWN
from functions.made import made_of
from functions.ports import Ports, RenderStore, Stored
from functions.wiring import AS_FOUND
from ops.letters import REPEATS
from schemas.ids import Upload, short
from schemas.plan import OutputPlan, once
from schemas.replay_plan import Refusal

BATCH = 200
"""Renders that are in memory at once."""
T = TypeVar("T")
Why = tuple[Refusal, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A render as it stands."""

    id: str
    stored: Stored | None
    newest: str | None
    """The id of the newest render of its upload's name."""


def looks(ids: Sequence[str], ports: Ports) -> Sequence[Look]:
    """Each in that order, asked for together."""
    found = ports.renders.load_all(ids)
    uploads = [one.render.upload for one in found if one is not None]
    newest = newest_of(uploads, ports.renders)
    return [
        Look(id=id, stored=one, newest=newest.get(_name(one.render.upload)) if one else None)
        for id, one in zip(ids, found, strict=True)
    ]


def newest_of(uploads: Iterable[Upload], renders: RenderStore) -> Mapping[tuple[str, str], str]:
    """By bucket and name the id of the newest render of that upload name."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for one in uploads:
        names[one.bucket].append(one.name)
    return {
        (bucket, name): id
        for bucket, asked in names.items()
        for name, id in renders.newest_of(bucket, asked).items()
    }


def refusal(look: Look, ports: Ports, only: Lane | None = None) -> Why | None:
    """Why that render is not replayed now, and in a sentence; None where it may be.

    With `only`, on that lane.
    """
    if look.stored is None:
        return Refusal.UNKNOWN_RENDER, f"nobody knows {look.id} any more"
    render = look.stored.render
    return (
        _ended_otherwise(render)
        or overtaken(render.upload, look.id, look.newest)
        or _repeats(render)
        or input_gone(render.upload, ports)
        or _lane_unfit(render, ports, only)
    )


def lane_of(id: str | None, ports: Ports) -> Lane | None:
    """The lane of that id, where one is asked for; None as well where it is not known here."""
    return next((one for one in ports.lanes if one.id == id), None)


def overtaken(upload: Upload, id: str, newest: str | None) -> Why | None:
    """Whether another render is the newest of its upload's name."""
    if newest in (None, id):
        return None
    return Refusal.NEWER_GENERATION, f"{short(newest)} is a newer render of '{upload.name}'"


def input_gone(upload: Upload, ports: Ports) -> Why | None:
    """Whether what was uploaded does not stand any more."""
    standing = ports.uploads.stat(upload.name)
    if standing is None:
        return Refusal.INPUT_GONE, f"'{upload.name}' was deleted"
    if standing.generation != upload.generation:
        return Refusal.NEWER_GENERATION, f"'{upload.name}' was replaced by a newer upload"
    return None


def frames(render: Render, ports: Ports, only: Lane | None = None) -> tuple[int, Mapping[str, int]]:
    """Frames of the missing outputs: those that are committed, and those to be rendered of each.

    Committed is what the encoder class that made most of an output made of it. A lane with another
    class can not use that, and renders all of it: with `only`, what that lane's class made counts.
    """
    missing = render.missing
    planned = render.plan.outputs if render.plan else ()
    outputs = [one for one in planned if one.id in missing]
    if not outputs:
        return 0, {}
    found = made_of(render.id, outputs, ports.work, _keys(render, outputs, only))
    left = {one.id: one.frames - found.by_output[one.id] for one in once(outputs)}
    return found.committed, left


def _keys(
    render: Render, outputs: Sequence[OutputPlan], only: Lane | None
) -> Mapping[str, str] | None:
    """Of the pieces that the lane can use, by output; None where that is not known."""
    if only is None:
        return None
    encoder_class = only.encoder_class
    if encoder_class == AS_FOUND:  # Nobody who only looks has looked: what ran there has.
        seen = [one.encoder_class for one in render.attempts if one.lane == only.id]
        encoder_class = seen[-1] if seen else ""
    if not encoder_class:
        return None
    return {one.id: one.key(render.upload, encoder_class) for one in once(outputs)}


def batches(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """The items, BATCH of them at a time."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _ended_otherwise(render: Render) -> Why | None:
    name = short(render.id)
    if render.state is State.DONE:
        return Refusal.ALREADY_DONE, f"{name} is done already"
    if render.state is State.CANCELLED:
        return Refusal.CANCELLED, f"{name} was cancelled: nobody wants it"
    if render.state is not State.FAILED or render.failure is None:
        return Refusal.UNDER_WAY, f"{name} is {render.state}: it goes on by itself"
    return None


def _repeats(render: Render) -> Why | None:
    failure = render.failure
    assert failure is not None, "only what failed is asked"
    if render.media is None or failure.failure in REPEATS:
        return Refusal.SAME_FAULT, f"it would fail again: {failure.message}"
    return None


def _lane_unfit(render: Render, ports: Ports, only: Lane | None) -> Why | None:
    if only is None or render.plan is None:
        return None
    need = need_of(
        render.plan,
        frames=0,
        made_by=None,
        deadline=render.deadline,
        locations=ports.tenants.get(render.upload.tenant, UNKNOWN).locations,
    )
    if (cannot := unfit(only, need)) is None:
        return None
    return Refusal.LANE_UNFIT, f"{only.id} {cannot.why}"


def _name(upload: Upload) -> tuple[str, str]:
    return upload.bucket, upload.name
