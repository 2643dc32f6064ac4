"""One render's story as lines of text, the most wanted first, then moment by moment."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from functions.core.render import TERMINAL, Render, State
from ops.costs import cost_lines
from ops.letters import REPEATS, one_line
from ops.times import after, clock
from schemas.dead_letters import DeadLetterRecord
from schemas.events import AttemptRecord
from schemas.failures import Failure, FailureClass

LAST_LINES = 6
"""Of a program's own words that stand at the top: with them what is wanted first has 20 lines."""


def story(
    render: Render, letters: Sequence[DeadLetterRecord] = (), logs: str | None = None
) -> Iterator[str]:
    """State, reason and what to do; what was asked; then what happened, in order of time.

    `letters` are the render's records on the dead-letter desk; `logs` is where its tasks' words are
    read.
    """
    yield f"{render.id}  {render.state}"
    if render.failure is not None:
        yield from why(render.failure, render.failure.advice)
    elif render.why and render.state not in TERMINAL:
        yield f"  {render.why}"
    yield f"next     {next_command(render)}"
    upload = render.upload
    yield f"upload   {upload.bucket}/{upload.name} generation {upload.generation}"
    yield f"created  {clock(render.created_at)}, deadline {clock(render.deadline)}"
    yield f"spec     {render.spec_source}" + (f" {render.spec_text}" if render.spec_text else "")
    if (former := render.instead_of) is not None:
        yield f"instead  of {former.render}, asked for by {former.by}: {one_line(former.reason)}"
    if render.plan is not None:
        yield f"frames   {render.frames}/{render.plan.frames} in {render.plan.chunks} chunks"
    if logs is not None:
        yield f"logs     {logs}"
    for moment, what in sorted(_moments(render, letters), key=lambda pair: pair[0]):
        yield f"{after(moment, render.created_at):>9}  {what}"
    yield from cost_lines(render)
    for output in render.outputs:
        sheet = output.certificate
        yield f"output   {output.delivered.bucket}/{output.delivered.name}"
        yield (
            f"         {sheet.frames}/{sheet.planned_frames} frames, {sheet.pieces} pieces, "
            f"{sheet.size_bytes} bytes, drift {sheet.drift_samples} samples, sha256 {sheet.sha256}"
        )
        if sheet.effort is not None:
            encoding, looks = sheet.effort.encoding_cpu_seconds, sheet.effort.verifying_cpu_seconds
            yield f"         {encoding:.1f} CPU seconds to encode, {looks:.1f} to verify"
    if render.failure is not None and len(render.failure.detail.splitlines()) > LAST_LINES:
        yield "detail"
        yield from _indented(render.failure.detail.splitlines())


def why(failure: Failure, advice: str) -> Iterator[str]:
    """Class and sentence, what to do about it, and the last words of the program that failed."""
    yield f"  {failure.failure}: {one_line(failure.message)}"
    if failure.field:
        yield f"  {failure.field}: {one_line(failure.value)}; the limit is {failure.limit}"
    yield f"  {advice}"
    yield f"  fingerprint {failure.fingerprint}"
    if failure.detail:
        lines = failure.detail.splitlines()
        yield "error" if len(lines) <= LAST_LINES else f"error    (its last lines of {len(lines)})"
        yield from _indented(lines[-LAST_LINES:])


def next_command(render: Render) -> str:
    """What a person would do next: a command, or nothing."""
    if render.failure is not None and render.state is State.FAILED:
        alike = f"--fingerprint {render.failure.fingerprint}"
        if render.media and render.failure.failure is FailureClass.SPEC and not render.outputs:
            return f"clipline replay plan {alike} --with-spec-patch FILE"
        if render.media is None or render.failure.failure in REPEATS:
            return f"clipline dead-letters --each {alike}"
        return f"clipline replay {render.id} --reason '…'"
    if render.state in TERMINAL:
        return "nothing: it is at its end"
    return f"clipline watch {render.id}"


def _moments(render: Render, letters: Sequence[DeadLetterRecord]) -> Iterator[tuple[datetime, str]]:
    yield render.created_at, "asked for"
    for attempt in render.attempts:
        yield from _attempt(attempt)
    for output in render.outputs:
        yield output.at, f"verified {output.output_id}, by attempt {output.attempt}"
    for record in letters:
        if record.letter is not None:
            yield record.at, f"failed, dead letter {record.letter.number} ({record.id})"
    if render.replayed_at is not None:
        only = f", on {render.only_lane} and no other lane" if render.only_lane else ""
        yield render.replayed_at, f"a replay was asked for{only}"


def _attempt(attempt: AttemptRecord) -> Iterator[tuple[datetime, str]]:
    number = f"attempt {attempt.number}"
    found = f", finds {attempt.frames_before} frames made" if attempt.frames_before else ""
    yield attempt.launched_at, f"{number} launched on {attempt.lane}{found}"
    if attempt.started_at is not None:
        yield attempt.started_at, f"{number} started, {attempt.execution}"
    if attempt.ended_at is not None:
        made = max(0, attempt.frames_after - attempt.frames_before)
        cause = attempt.cause
        said = f": {cause.failure}: {one_line(cause.message)}" if cause else ""
        yield attempt.ended_at, f"{number} ended, {made} frames made{said}"


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"    {one_line(line)}" for line in lines)
