"""What became of what was committed: only at rest is it known what was delivered."""

from dataclasses import dataclass, field

import msgspec

from functions.core.render import Render, State
from infra.simulator.cause import Cause
from schemas import names
from schemas.pieces import Span
from schemas.plan import OutputPlan, RenderPlan
from schemas.ports import ObjectStore


@dataclass(slots=True, kw_only=True)
class Used:
    """What of one render was delivered."""

    render: Render
    outputs: set[tuple[str, int]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    """Of pieces and sounds that outputs were joined of."""
    prefixes: list[str] = field(default_factory=list)
    """Of the pieces of delivered outputs, in the encoder class that was delivered."""


def used_of(render: Render, outputs: ObjectStore) -> Used:
    """What of that render was delivered."""
    plan = render.plan
    used = Used(render=render)
    for done in render.outputs:
        output = next(o for o in plan.outputs if o.id == done.output_id) if plan else None
        if output is None or plan is None:
            continue
        name = done.delivered.name
        info = outputs.stat(name)
        if info is None or info.generation != done.delivered.generation:
            continue
        used.outputs.add((name, done.delivered.generation))
        used.names.add(names.audio(render.id, output.clip, _sound_key(plan, output)))
        made = msgspec.json.decode(outputs.read(name))
        key = output.key(plan.upload, done.certificate.encoder_class)
        for start, end in made["spans"]:
            used.names.add(names.piece(render.id, output.pieces_id, key, Span(start, end)))
        used.prefixes.append(names.pieces(render.id, output.pieces_id, key))
    return used


def fate_of(name: str, generation: int, used: Used | None) -> Cause:
    """What became of a committed object."""
    if used is None:
        return Cause.FAILED
    if name in used.names or (name, generation) in used.outputs:
        return Cause.DELIVERED
    render = used.render
    if any(name.startswith(prefix) for prefix in used.prefixes):
        return Cause.UNUSED
    if render.state is State.CANCELLED:
        by = render.failure.reason if render.failure else ""
        return Cause.SUPERSEDED if by == "superseded" else Cause.CANCELLED
    if render.state is State.FAILED:
        return Cause.FAILED
    return Cause.OTHER_CLASS


def _sound_key(plan: RenderPlan, output: OutputPlan) -> str:
    audio = plan.audio_of(output)
    return audio.key(plan.upload) if audio else ""
