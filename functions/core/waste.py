"""What an attempt's time and money were for: useful, or lost and to what; the sums are exact.

    launched ──► started ──────► last commit ──────► ended
       │ waited: for machines       │ made: useful     │ in hand: lost to what ended it
       └ none came: lost                └ unless nobody has it: the render failed, was cancelled …

Of an attempt that ended before its time, what came after its last commit is lost; when that was,
the look at its end has read from the pieces themselves. What is billed beyond the time that it ran,
a minute at least, is a loss of its own. Parts are whole microseconds and nano-dollars, and one part
of each is what the others leave: so they are the attempt, to the last one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from functions.core.entries import is_own_quota
from functions.core.prices import MINIMUM
from functions.core.render import Render, State
from schemas.events import AttemptRecord
from schemas.failures import FailureClass

NOTHING = timedelta(0)
MICROSECOND = timedelta(microseconds=1)


class Cause(StrEnum):
    """What a second of an attempt was for."""

    USEFUL = "useful"
    WAITED = "waited for machines"
    STOCK_OUT = "waited, and no machines came"
    OWN_QUOTA = "refused by our own quota"
    PREEMPTED = "preempted"
    POISON = "the input or its spec"
    TIMEOUT = "out of time"
    OUT_OF_MEMORY = "out of memory"
    CRASH = "crash"
    DEPENDENCY = "a service that failed"
    INTERNAL = "a bug of ours"
    BUDGET = "out of money"
    CANCELLED = "cancelled"
    REMADE = "made again by another encoder"
    MINIMUM = "billed as a whole minute"


LOST = frozenset(Cause) - {Cause.USEFUL, Cause.WAITED}
_OF_CLASS = {
    FailureClass.INPUT: Cause.POISON,
    FailureClass.SPEC: Cause.POISON,
    FailureClass.CAPACITY: Cause.PREEMPTED,
    FailureClass.PREEMPTED: Cause.PREEMPTED,
    FailureClass.TIMEOUT: Cause.TIMEOUT,
    FailureClass.OUT_OF_MEMORY: Cause.OUT_OF_MEMORY,
    FailureClass.CRASH: Cause.CRASH,
    FailureClass.DEPENDENCY: Cause.DEPENDENCY,
    FailureClass.INTERNAL: Cause.INTERNAL,
    FailureClass.CANCELLED: Cause.CANCELLED,
    FailureClass.BUDGET: Cause.BUDGET,
}
"""Of what had started. Machines that are lost for want of capacity were taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of an attempt, or of several."""

    lasted: timedelta = NOTHING
    nanodollars: int = 0

    def __add__(self, other: "Part") -> "Part":
        return Part(
            lasted=self.lasted + other.lasted, nanodollars=self.nanodollars + other.nanodollars
        )


def causes_of(render: Render) -> Mapping[Cause, Part]:
    """Of all its attempts that have ended and are on record, what they were for."""
    sums: dict[Cause, Part] = {}
    for record in render.attempts:
        for cause, part in parts_of(record, render):
            sums[cause] = sums.get(cause, Part()) + part
    return {cause: part for cause, part in sums.items() if part != Part()}


def parts_of(record: AttemptRecord, render: Render) -> Iterator[tuple[Cause, Part]]:
    """The parts of one attempt; none while it runs."""
    if record.ended_at is None:
        return
    waited, ran = _waited(record), lasted(record) - _waited(record)
    made = _made(record, ran)
    billed = money = record.nanodollars
    if ran < MINIMUM and not record.is_shared:
        billed = money * (ran // MICROSECOND) // (MINIMUM // MICROSECOND)
    useful = billed * (made // MICROSECOND) // (ran // MICROSECOND) if made else 0
    yield _wait(record), Part(lasted=waited)
    yield Cause.MINIMUM, Part(nanodollars=money - billed)
    yield _fate(record, render), Part(lasted=made, nanodollars=useful)
    yield _end(record), Part(lasted=ran - made, nanodollars=billed - useful)


def lasted(record: AttemptRecord) -> timedelta:
    """From its launch to its end; nothing while it runs."""
    return max(record.ended_at - record.launched_at, NOTHING) if record.ended_at else NOTHING


def _waited(record: AttemptRecord) -> timedelta:
    if record.started_at is None:
        return lasted(record)
    return min(max(record.started_at - record.launched_at, NOTHING), lasted(record))


def _wait(record: AttemptRecord) -> Cause:
    """Why nothing ran."""
    if record.started_at is not None or record.cause is None:
        return Cause.WAITED
    if record.cause.failure is FailureClass.CAPACITY:
        return Cause.OWN_QUOTA if is_own_quota(record.cause) else Cause.STOCK_OUT
    return _end(record)


def _end(record: AttemptRecord) -> Cause:
    return _OF_CLASS[record.cause.failure] if record.cause else Cause.USEFUL


def _made(record: AttemptRecord, ran: timedelta) -> timedelta:
    """How long it made what is committed now: all the time, if it went well."""
    if record.cause is None:
        return ran
    if record.started_at is None or record.frames_after <= record.frames_before:
        return NOTHING
    last = record.made_at or record.started_at
    return min(max(last - record.started_at, NOTHING), ran)


def _fate(record: AttemptRecord, render: Render) -> Cause:
    """What became of what was made."""
    if render.state in (State.FAILED, State.CANCELLED) and render.failure is not None:
        return _OF_CLASS[render.failure.failure]
    classes = {output.certificate.encoder_class for output in render.outputs}
    if record.encoder_class and classes and record.encoder_class not in classes:
        return Cause.REMADE
    return Cause.USEFUL
