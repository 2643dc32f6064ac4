"""What has moved since a plan of replays was made: of all its items, and of some as it runs."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from functions.core.render import Render
from functions.each import each
from functions.ports import Ports, Stored
from ops.replay_file import Plan
from ops.replay_instead import patched
from ops.replay_look import (
    Look,
    Terms,
    batches,
    frames,
    input_gone,
    looks,
    newest_of,
    overtaken,
    refusal,
    terms_of,
)
from schemas.ids import short
from schemas.replay_plan import PlanItem

Planned = tuple[PlanItem, str]
"""An item that is to be replayed, and its render's id."""


def moved(plan: Plan, ports: Ports) -> Iterator[str]:
    """A sentence for each item that would not go as the plan says; nothing is changed."""
    terms = terms_of(plan.head, ports)
    for batch in batches(plan.replays()):
        pairs = zip(batch, looks([id for _, id in batch], ports), strict=True)
        left = ((item, look) for (item, _), look in pairs if not took(look.stored, plan))
        difference = partial(_difference, ports=ports, terms=terms)
        yield from filter(None, each(difference, left, ports.at_once))


class Verdict(NamedTuple):
    """What a run does about one item."""

    item: PlanItem
    id: str
    """The render that is asked for: the item's own, or the one in its place."""
    version: int
    """Of that render's document when it was looked at; 0 where there is none."""
    took: bool
    """It was asked for before, and was replayed."""
    moved: str | None
    """Why it is left out, where it is."""
    failed: Render | None = None
    """The item's own render, where another one is asked for in its place."""

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be asked for now."""
        return not self.took and self.moved is None


def verdicts(group: Sequence[Planned], plan: Plan, ports: Ports) -> Iterator[Verdict]:
    """Of each item, in order.

    A render whose document is still the planned one is not read again: only its upload may have
    gone. Nor are its pieces looked at, as they were before the run: more only mean less to do.
    """
    terms = terms_of(plan.head, ports)
    if terms.patch is not None:
        return _verdicts_instead(group, ports, terms)
    versions = ports.renders.versions([id for _, id in group])
    same = {id: item for item, id in group if item.upload and versions.get(id) == item.version}
    newest = newest_of((item.upload for item in same.values() if item.upload), ports.renders)
    read = {look.id: look for look in looks([id for _, id in group if id not in same], ports)}

    def verdict(one: Planned) -> Verdict:
        item, id = one
        if (look := read.get(id)) is not None:
            version, done = look.stored.version if look.stored else 0, took(look.stored, plan)
            why = None if done else _refused(item, look, ports, terms)
            return Verdict(item, id, version, done, why)
        assert item.upload is not None, "else it was read"
        known = newest.get((item.upload.bucket, item.upload.name))
        gone = overtaken(item.upload, id, known) or input_gone(item.upload, ports)
        return Verdict(item, id, item.version, False, gone and gone[1])

    return each(verdict, group, ports.at_once)


def _verdicts_instead(group: Sequence[Planned], ports: Ports, terms: Terms) -> Iterator[Verdict]:
    """Each is asked for by opening another render: it was, where that one has the same spec."""
    opened = ports.renders.load_all([item.becomes or id for item, id in group])
    pairs = zip(group, looks([id for _, id in group], ports), opened, strict=True)

    def verdict(one: tuple[Planned, Look, Stored | None]) -> Verdict:
        (item, id), look, place = one
        failed, becomes = look.stored.render if look.stored else None, item.becomes or id
        if place is not None and failed is not None and _is_so(place.render, failed, terms):
            return Verdict(item, becomes, place.version, True, None, failed)
        return Verdict(item, becomes, 0, False, _refused(item, look, ports, terms), failed)

    return each(verdict, pairs, ports.at_once)


def _is_so(place: Render, failed: Render, terms: Terms) -> bool:
    """Whether the render in its place is what would be asked for; another one overtakes it."""
    return place.spec_text == patched(failed.spec_text, terms.patch or "{}")


def took(stored: Stored | None, plan: Plan) -> bool:
    """Whether the plan's command, or a later one, was taken: the plan's would do nothing now."""
    replayed_at = stored.render.replayed_at if stored else None
    return replayed_at is not None and replayed_at >= plan.head.made_at


def _difference(one: tuple[PlanItem, Look], *, ports: Ports, terms: Terms) -> str | None:
    item, look = one
    if (why := _refused(item, look, ports, terms)) is not None or look.stored is None:
        return why
    committed, left = frames(terms.runs(look.stored.render, ports), ports, terms.only)
    if (committed, sum(left.values())) == (item.frames_committed, item.frames_to_render):
        return None
    return f"of {short(look.id)} another part is committed now"


def _refused(item: PlanItem, look: Look, ports: Ports, terms: Terms) -> str | None:
    """Without a look at its pieces: a plan would refuse it, or it failed again."""
    if (refused := refusal(look, ports, terms)) is not None:
        return refused[1]
    again = look.stored is not None and look.stored.render.failures != item.failures
    return f"{short(look.id)} has failed again meanwhile" if again else None
