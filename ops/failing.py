"""Which work of a render failed: the frames that a task had in hand, or a clip's sound."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from functions.core.render import Render
from functions.ports import Ports
from functions.task_logs import TaskLogs
from ops.logs import last_lines
from render_job.choose import MakePiece, MakeSound
from render_job.survey import sound_name
from schemas import names
from schemas.failures import Failure
from schemas.pieces import Span, remainders
from schemas.plan import RenderPlan, once
from schemas.task_logs import TaskLogLine

MOST = 8
Suspect = MakePiece | MakeSound
LINES = 20_000
"""Of an attempt's logs that are looked at, from their end."""

_SAID_FRAMES = re.compile(r"frames \[(\d+), (\d+)\) of (\S+): ")
_SAID_SOUND = re.compile(r"the sound of (\S+): ")
_DONE = re.compile(r"\S+ \S+ (encode|commit|sound) (\S+) (\S+)(?: (\d+)-(\d+))?")


def suspects(
    render: Render, plan: RenderPlan, failure: Failure, ports: Ports, logs: TaskLogs
) -> Sequence[Suspect]:
    """What may have failed, the likeliest first, at most MOST.

    The failure's own words tell it, or the logs of the attempt that failed so: what a task had
    begun and not committed. Where neither does, it is what is missing still, in the order in which
    tasks take it.
    """
    if (told := _told(plan, failure)) is not None:
        return [told]
    found = list(_in_hand(render, plan, failure, logs))
    missing = list(_missing(plan, ports))
    open_ones = [one for one in found if _is_open(one, missing)]
    return (open_ones or found or missing)[:MOST]


def _told(plan: RenderPlan, failure: Failure) -> Suspect | None:
    if match := _SAID_FRAMES.match(failure.message):
        return _piece(plan, match[3], Span(int(match[1]), int(match[2])))
    if match := _SAID_SOUND.match(failure.message):
        return _sound(plan, match[1])
    return None


def _in_hand(
    render: Render, plan: RenderPlan, failure: Failure, logs: TaskLogs
) -> Iterator[Suspect]:
    """What each task of the attempt began last and did not commit, the last begun first."""
    same = [
        a.number for a in render.attempts if a.cause and a.cause.fingerprint == failure.fingerprint
    ]
    attempt = max(same, default=render.attempt)
    told = [log for log in logs.of_render(render.id) if log.attempt == attempt]
    lines = last_lines(logs, render.id, told, LINES)
    begun: list[tuple[str, Suspect]] = []
    for _, mine in groupby(sorted(lines, key=lambda line: line.task), lambda line: line.task):
        last = _last_begun(list(mine), render.id, plan)
        if last is not None:
            begun.append(last)
    for _, suspect in sorted(begun, key=lambda one: one[0], reverse=True):
        yield suspect


def _last_begun(
    lines: Sequence[TaskLogLine], render: str, plan: RenderPlan
) -> tuple[str, Suspect] | None:
    last: tuple[str, Suspect] | None = None
    for line in lines:
        match = _DONE.fullmatch(line.text)
        if match is None or match[2] != render:
            continue
        verb, what = match[1], match[3]
        if verb == "commit":
            last = None
            continue
        suspect = (
            _sound(plan, what)
            if verb == "sound"
            else _piece(plan, what, Span(int(match[4]), int(match[5])))
        )
        last = (line.text[:23], suspect) if suspect else last
    return last


def _missing(plan: RenderPlan, ports: Ports) -> Iterator[Suspect]:
    """Of any encoder class: what nobody has made."""
    made = [info.name for info in ports.work.list(names.home(plan.render))]
    for audio in plan.audio:
        if sound_name(plan, audio) not in made:
            yield MakeSound(audio=audio, claim=f"sound/{audio.id}")
    for output in once(plan.outputs):
        prefix = names.pieces(plan.render, output.pieces_id, "").rstrip("/") + "/"
        spans = {names.span_of(name) for name in made if name.startswith(prefix)}
        have = frozenset(span for span in spans if span is not None)
        for span in sorted(remainders(have, output.chunks), key=len, reverse=True):
            yield MakePiece(output=output, span=span, claim="piece")


def _is_open(suspect: Suspect, missing: Sequence[Suspect]) -> bool:
    if isinstance(suspect, MakeSound):
        return any(isinstance(m, MakeSound) and m.audio == suspect.audio for m in missing)
    span = suspect.span
    return any(
        isinstance(m, MakePiece)
        and m.output == suspect.output
        and m.span.start < span.end
        and span.start < m.span.end
        for m in missing
    )


def _piece(plan: RenderPlan, output_id: str, span: Span) -> MakePiece | None:
    for output in plan.outputs:
        if output.id == output_id and span.end <= output.frames:
            return MakePiece(output=output, span=span, claim="piece")
    return None


def _sound(plan: RenderPlan, id: str) -> MakeSound | None:
    for audio in plan.audio:
        if id in (audio.id, audio.clip):
            return MakeSound(audio=audio, claim=f"sound/{audio.id}")
    return None
