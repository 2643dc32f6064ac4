"""What a replay would do, by looking only: the same world gives the same plan.

It reads the desk, the renders and the buckets, a batch at a time, and keeps none of them in memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from functions.core.render import Render
from functions.each import each
from functions.ports import Ports
from ops.forecast import Forecast, forecast
from ops.replay_look import AS_IT_WAS, Look, Terms, batches, frames, looks, refusal, terms_of
from schemas.dead_letters import DeadLetterRecord
from schemas.replay_plan import PlanEnd, PlanHead, PlanItem, Refusal
from schemas.wire import to_json


def planned(
    records: Iterable[DeadLetterRecord], ports: Ports, head: PlanHead
) -> Iterator[PlanItem]:
    """An item for each render, by its last dead letter, and for each message.

    `records` come with the last failure first. What is under way may move on meanwhile. What it
    will take is foreseen by what the ledger knows now, once for all.
    """
    again, foreseeing = set[str](), forecast(ports, head.made_at, head.to_lane)
    terms = terms_of(head, ports)
    for batch in batches(records):
        ids = {one.letter.render: None for one in batch if one.letter is not None}
        found = {look.id: look for look in looks(list(ids), ports)}
        fresh = (one for one in batch if _is_first(one, found, again))
        item = partial(_item, found=found, forecast=foreseeing, terms=terms)
        yield from each(item, fresh, ports.at_once)


def _is_first(record: DeadLetterRecord, found: dict[str, Look], again: set[str]) -> bool:
    """Whether no later record of its render came before. One that failed once has no other."""
    if record.letter is None:
        return True
    id = record.letter.render
    if id in again:
        return False
    stored = found[id].stored
    if stored is None or stored.render.failures > 1:
        again.add(id)
    return True


def _item(
    record: DeadLetterRecord, *, found: dict[str, Look], forecast: Forecast, terms: Terms
) -> PlanItem:
    if record.letter is None:
        why = f"it is a message on {record.subscription}, and no render"
        return PlanItem(**_names(record, None), refused=Refusal.NOT_A_RENDER, why=why)
    look, ports = found[record.letter.render], forecast.ports
    if (refused := refusal(look, ports, terms)) is not None:
        return PlanItem(**_names(record, look), refused=refused[0], why=refused[1])
    assert look.stored is not None, "else it was refused"
    failed = look.stored.render
    render = terms.runs(failed, ports)
    committed, of_outputs = frames(render, ports, terms.only)
    left, foreseen = sum(of_outputs.values()), forecast.of(render, of_outputs)
    lost = _lost(failed, committed, terms, ports)
    return PlanItem(
        **_names(record, look),
        refused=None,
        why=f"{left} frames to render, {committed} are committed already{lost}",
        becomes=None if render is failed else render.id,
        frames_committed=committed,
        frames_to_render=left,
        lane=foreseen.lane,
        takes=foreseen.takes,
        nanodollars=foreseen.nanodollars,
        is_guess=foreseen.is_guess,
        outputs_done=tuple(output.output_id for output in render.outputs),
        outputs_to_make=render.missing,
    )


def _lost(failed: Render, committed: int, terms: Terms, ports: Ports) -> str:
    """What is made already, of another spec or by other encoders, and can not be used."""
    if terms == AS_IT_WAS or (lost := frames(failed, ports)[0] - committed) <= 0:
        return ""
    if terms.patch is not None:
        return f"; {lost} of the old spec can not be used"
    assert terms.only is not None, "else all of it can be used"
    return f"; {terms.only.id} can not use {lost} more, which another encoder has made"


def digest(head: PlanHead) -> Any:
    """What a plan's digest is made with, as far as its head counts: the items' lines follow."""
    asked = (one for one in (head.to_lane, head.spec_patch) if one is not None)
    return sha256(b"".join(one.encode() + b"\n" for one in asked))


@dataclass(slots=True)
class Totals:
    """The sum of a plan's items, as they go by. `_hash` is begun by `digest`."""

    _hash: Any
    _items: int = 0
    _refusals: Counter[str] = field(default_factory=Counter)
    _committed: int = 0
    _left: int = 0
    _outputs: int = 0
    _takes: timedelta = timedelta(0)
    _cost: int = 0
    _untold: int = 0
    _unpriced: int = 0
    _guesses: int = 0

    def line(self, item: PlanItem) -> bytes:
        """The item's line, counted."""
        line = to_json(item) + b"\n"
        self._hash.update(line)
        self._items += 1
        self._committed += item.frames_committed
        self._left += item.frames_to_render
        self._outputs += len(item.outputs_to_make)
        if item.refused is not None:
            self._refusals[item.refused.value] += 1
            return line
        self._takes += item.takes or timedelta(0)
        self._cost += item.nanodollars or 0
        self._untold += item.takes is None
        self._unpriced += item.nanodollars is None
        self._guesses += item.is_guess
        return line

    @property
    def end(self) -> PlanEnd:
        """The plan's last line."""
        return PlanEnd(
            items=self._items,
            replays=self._items - self._refusals.total(),
            refusals=dict(sorted(self._refusals.items())),
            frames_committed=self._committed,
            frames_to_render=self._left,
            outputs_to_make=self._outputs,
            takes=self._takes,
            takes_unknown=self._untold,
            nanodollars=self._cost,
            nanodollars_unknown=self._unpriced,
            guesses=self._guesses,
            digest=self._hash.hexdigest(),
        )


def _names(record: DeadLetterRecord, look: Look | None) -> dict[str, Any]:
    stored = look.stored if look else None
    return {
        "record": record.id,
        "render": record.render if record.letter else None,
        "upload": record.letter.upload if record.letter else None,
        "failures": stored.render.failures if stored else 0,
        "version": stored.version if stored else 0,
        "tenant": record.tenant,
        "failure": record.failure.failure,
        "fingerprint": record.fingerprint,
    }
