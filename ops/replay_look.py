"""What is known of renders in the moment somebody thinks of replaying them, and why not to.

Very many are looked at: what a store can tell of many at once is asked for at once, and what it
tells of one only is asked for several at a time where a call is a journey (`Ports.at_once`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from functions.core.render import Render, State
from functions.made import made_of
from functions.ports import Ports, RenderStore, Stored
from ops.letters import REPEATS
from schemas.ids import Upload, short
from schemas.plan import once
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


def refusal(look: Look, ports: Ports) -> Why | None:
    """Why that render is not replayed now, and in a sentence; None where it may be."""
    if look.stored is None:
        return Refusal.UNKNOWN_RENDER, f"nobody knows {look.id} any more"
    render = look.stored.render
    return (
        _ended_otherwise(render)
        or overtaken(render.upload, look.id, look.newest)
        or _repeats(render)
        or input_gone(render.upload, ports)
    )


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


def frames(render: Render, ports: Ports) -> tuple[int, Mapping[str, int]]:
    """Frames of the missing outputs: those that are committed, and those to be rendered of each.

    Committed is what the encoder class that made most of an output made of it. A lane with another
    class can not use that, and renders all of it.
    """
    missing = render.missing
    planned = render.plan.outputs if render.plan else ()
    outputs = [one for one in planned if one.id in missing]
    if not outputs:
        return 0, {}
    found = made_of(render.id, outputs, ports.work)
    left = {one.id: one.frames - found.by_output[one.id] for one in once(outputs)}
    return found.committed, left


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


def _name(upload: Upload) -> tuple[str, str]:
    return upload.bucket, upload.name
