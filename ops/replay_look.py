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
from ops.replay_instead import instead
from schemas.failures import FailureClass
from schemas.ids import Upload, short
from schemas.plan import OutputPlan, once
from schemas.replay_plan import PlanHead, Refusal
from schemas.spec_fields import SpecFault

BATCH = 200
"""Renders that are in memory at once."""
T = TypeVar("T")
Why = tuple[Refusal, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is asked of all replays of a plan, beyond another try."""

    only: Lane | None = None
    """The one lane that may be used; None for any."""
    patch: str | None = None
    """Over each render's spec; None where it stays."""

    def runs(self, render: Render, ports: Ports) -> Render:
        """What would be rendered: itself, or another in its place. Raises SpecFault if none can."""
        return render if self.patch is None else instead(render, self.patch, ports.renders)


AS_IT_WAS = Terms()


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


def terms_of(head: PlanHead, ports: Ports) -> Terms:
    """As a plan has them; a lane that is not known here is none."""
    return Terms(only=lane_of(head.to_lane, ports), patch=head.spec_patch)


def refusal(look: Look, ports: Ports, terms: Terms = AS_IT_WAS) -> Why | None:
    """Why that render is not replayed now, and in a sentence; None where it may be."""
    if look.stored is None:
        return Refusal.UNKNOWN_RENDER, f"nobody knows {look.id} any more"
    render = look.stored.render
    return (
        _ended_otherwise(render)
        or overtaken(render.upload, look.id, look.newest)
        or (_repeats(render) if terms.patch is None else _unpatchable(render))
        or input_gone(render.upload, ports)
        or _cannot_run(render, ports, terms)
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


def _unpatchable(render: Render) -> Why | None:
    """Why no other spec helps, or none may be asked for; its plan is not looked at yet."""
    name, failure = short(render.id), render.failure
    assert failure is not None, "only what failed is asked"
    if render.media is None or failure.failure is FailureClass.INPUT:
        return Refusal.SAME_FAULT, f"no other spec mends it: {failure.message}"
    if render.outputs:
        done = ", ".join(output.output_id for output in render.outputs)
        return Refusal.PARTLY_DONE, f"{name} has delivered {done}, and another spec's would differ"
    if not render.settled:
        return Refusal.UNDER_WAY, f"{name} may deliver yet: an attempt of it is still looked after"
    return None


def _cannot_run(render: Render, ports: Ports, terms: Terms) -> Why | None:
    try:
        plan = terms.runs(render, ports).plan
    except SpecFault as fault:
        return Refusal.SPEC_FAULT, f"with the patch {fault}"
    only = terms.only
    if only is None or plan is None:
        return None
    need = need_of(
        plan,
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
