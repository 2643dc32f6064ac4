"""What a replay would do, by looking only: the same world gives the same plan.

It reads the desk, the renders and the buckets, item by item, and keeps of each item only its
render's id in memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from functions.core.render import Render, State
from functions.made import made
from functions.ports import Ports
from ops.letters import REPEATS
from schemas.dead_letters import DeadLetterRecord
from schemas.ids import short
from schemas.replay_plan import PlanEnd, PlanItem, Refusal
from schemas.wire import to_json


def planned(records: Iterable[DeadLetterRecord], ports: Ports) -> Iterator[PlanItem]:
    """An item for each render, by its last dead letter, and for each message.

    `records` come with the last failure first. What is under way may move on meanwhile.
    """
    seen: set[str] = set()
    for record in records:
        if record.letter is None:
            why = f"it is a message on {record.subscription}, and no render"
            yield _refused(record, 0, Refusal.NOT_A_RENDER, why)
        elif record.letter.render not in seen:
            seen.add(record.letter.render)
            yield _of_render(record, record.letter.render, ports)


def _of_render(record: DeadLetterRecord, id: str, ports: Ports) -> PlanItem:
    stored = ports.renders.load(id)
    if stored is None:
        return _refused(record, 0, Refusal.UNKNOWN_RENDER, f"nobody knows {id} any more")
    render = stored.render
    if (reason := refusal(render, ports)) is not None:
        return _refused(record, render.failures, *reason)
    committed, left = frames(render, ports)
    return PlanItem(
        **_names(record, render.failures),
        refused=None,
        why=f"{left} frames to render, {committed} are committed already",
        frames_committed=committed,
        frames_to_render=left,
        outputs_done=tuple(output.output_id for output in render.outputs),
        outputs_to_make=render.missing,
    )


def refusal(render: Render, ports: Ports) -> tuple[Refusal, str] | None:
    """Why that render is not replayed now, and in a sentence; None where it may be."""
    name = short(render.id)
    if render.state is State.DONE:
        return Refusal.ALREADY_DONE, f"{name} is done already"
    if render.state is State.CANCELLED:
        return Refusal.CANCELLED, f"{name} was cancelled: nobody wants it"
    if render.state is not State.FAILED or render.failure is None:
        return Refusal.UNDER_WAY, f"{name} is {render.state}: it goes on by itself"
    upload = render.upload
    newest = ports.renders.of_upload(upload.bucket, upload.name)[0]
    if newest.upload.age_key > upload.age_key:
        return Refusal.NEWER_GENERATION, f"{short(newest.id)} is a newer render of '{upload.name}'"
    if render.media is None or render.failure.failure in REPEATS:
        return Refusal.SAME_FAULT, f"it would fail again: {render.failure.message}"
    standing = ports.uploads.stat(upload.name)
    if standing is None:
        return Refusal.INPUT_GONE, f"'{upload.name}' was deleted"
    if standing.generation != upload.generation:
        return Refusal.NEWER_GENERATION, f"'{upload.name}' was replaced by a newer upload"
    return None


def frames(render: Render, ports: Ports) -> tuple[int, int]:
    """Frames of the missing outputs: those that are committed, and those to be rendered.

    Committed is what the encoder class that made most of an output made of it. A lane with another
    class can not use that, and renders all of it.
    """
    if render.plan is None:
        return 0, 0
    outputs = tuple(one for one in render.plan.outputs if one.id in render.missing)
    missing = replace(render, plan=replace(render.plan, outputs=outputs))
    committed = made(missing, ports.work).committed
    return committed, sum(output.frames for output in outputs) - committed


@dataclass(slots=True)
class Totals:
    """The sum of a plan's items, as they go by."""

    _items: int = 0
    _refusals: Counter[str] = field(default_factory=Counter)
    _committed: int = 0
    _left: int = 0
    _outputs: int = 0
    _hash: Any = field(default_factory=sha256)

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
            digest=self._hash.hexdigest(),
        )


def _refused(record: DeadLetterRecord, failures: int, reason: Refusal, why: str) -> PlanItem:
    return PlanItem(**_names(record, failures), refused=reason, why=why)


def _names(record: DeadLetterRecord, failures: int) -> dict[str, Any]:
    return {
        "record": record.id,
        "render": record.render if record.letter else None,
        "failures": failures,
        "tenant": record.tenant,
        "failure": record.failure.failure,
        "fingerprint": record.fingerprint,
    }
