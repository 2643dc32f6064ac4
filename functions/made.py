"""How much of a render is made: read from the work bucket, where the truth is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from functions.core.render import Render
from schemas import names
from schemas.claimed import frames_made, taken_at
from schemas.pieces import Span, covered
from schemas.plan import OutputPlan, once
from schemas.ports import ObjectStore

HEARD_WITHIN = timedelta(seconds=4)
"""A task that is well says how far it is every two seconds (`render_job/claims.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Output frames of the whole render."""

    committed: int
    """Made for good."""
    in_hand: int
    """In an encoder now, as its task last said; lost if the task dies without notice."""
    last: datetime | None = None
    """When the last piece was committed, by the store's clock."""
    by_output: Mapping[str, int] = field(default_factory=dict)
    """The committed ones, by the output's id."""
    timed: int = 0
    """Frames made, by former encoders too, of which it is known how long they took."""
    seconds: float = 0.0
    """Machine-seconds that these took."""
    unheard: float = 0.0
    """Machine-seconds since tasks last said how far they are: what was made then is not in here."""


def made(render: Render, work: ObjectStore) -> Made:
    """Of all that the render's plan asks for."""
    return made_of(render.id, render.plan.outputs if render.plan else (), work)


def made_of(
    render: str,
    outputs: Sequence[OutputPlan],
    work: ObjectStore,
    keys: Mapping[str, str] | None = None,
) -> Made:
    """Of these outputs. One listing of the render's home; nothing is read.

    With `keys`, by output, only pieces of its key count (`OutputPlan.key`), whoever has made more.
    """
    have: dict[str, set[Span]] = {}
    in_hand, last, timed, seconds, unheard, now = 0, None, 0, 0.0, 0.0, work.now()
    claims = names.claim(render, "piece/").removesuffix(".json")
    for info in work.list(names.home(render)):
        folder, _, _ = info.name.rpartition("/")
        if (span := names.span_of(info.name)) is not None:
            have.setdefault(folder, set()).add(span)
            last = max(last or info.updated, info.updated)
            if took := info.metadata.get("seconds"):
                timed, seconds = timed + len(span), seconds + float(took)
        elif info.name.startswith(claims) and (frames := frames_made(info)):
            in_hand, timed = in_hand + frames, timed + frames
            seconds += (info.updated - taken_at(info)).total_seconds()
            unheard += min(max(now - info.updated, timedelta(0)), HEARD_WITHIN).total_seconds()
    by_output = {output.id: _best(output, have, render, keys) for output in once(outputs)}
    committed = sum(by_output.values())
    return Made(
        committed=committed,
        in_hand=in_hand,
        last=last,
        by_output=by_output,
        timed=timed,
        seconds=seconds,
        unheard=unheard,
    )


def _best(
    output: OutputPlan,
    have: Mapping[str, set[Span]],
    render: str,
    keys: Mapping[str, str] | None,
) -> int:
    """Covered frames of the output in the encoder class that has most, or in that of its key."""
    prefix = names.pieces(render, output.pieces_id, "").rstrip("/")
    wanted = None if keys is None else keys[output.id]
    folders = ((folder.rpartition("/"), spans) for folder, spans in have.items())
    spans = (s for (home, _, key), s in folders if home == prefix and wanted in (None, key))
    return max((covered(s, output.chunks) for s in spans), default=0)
