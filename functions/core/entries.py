"""The ledger's entries: what became of each launch, written down once and never changed.

An attempt's record tells them, and tells the same ones again whenever it is asked: so whoever died
before it wrote one down loses nothing, and whoever writes it twice doubles nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.events import AttemptRecord
from schemas.failures import Failure, FailureClass

OWN_QUOTA = frozenset({"quota_exceeded"})
"""Reasons of capacity failures that are no stock-outs."""


class Outcome(StrEnum):
    """What an entry says of a launch."""

    LAUNCHED = "launched"
    """It was admitted; what becomes of it is not known yet."""
    STARTED = "started"
    REFUSED = "refused"
    """A stock-out that was said."""
    NOT_STARTED = "not_started"
    """A stock-out that was not: nothing began by the start deadline."""
    OWN_QUOTA = "own_quota"
    PREEMPTED = "preempted"
    FINISHED = "finished"
    """It had its machines until it ended, well or not."""
    VOID = "void"
    """It ended before it started, and nothing is learnt of the lane: it was cancelled, say."""


STOCK_OUTS = frozenset({Outcome.REFUSED, Outcome.NOT_STARTED})
HAD_MACHINES = frozenset({Outcome.STARTED, Outcome.PREEMPTED, Outcome.FINISHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One outcome of one launch. A launch has each outcome once: its key is what makes it one."""

    lane: str
    render: str
    attempt: int
    outcome: Outcome
    launched_at: datetime
    at: datetime
    ran: timedelta = timedelta(0)
    """From its start to its end, of one that ended."""
    pixels: int = 0
    """Output pixels that it committed."""
    nanodollars: int = 0
    """What it has cost."""
    account: str = ""
    """Whose share it counts to; empty if an earlier version wrote it."""
    tasks: int = 1
    """Machines that it has."""

    @property
    def key(self) -> str:
        """Equal for what is written down again."""
        return f"{self.launch}/{self.outcome}"

    @property
    def launch(self) -> str:
        """Names the launch."""
        return f"{self.lane}/{self.render}/{self.attempt}"


def entries_of(
    render: str, record: AttemptRecord, *, pixels_a_frame: float = 0, account: str = ""
) -> list[Entry]:
    """What an attempt's record tells so far, and tells again each time it is asked."""
    found = []
    if record.started_at is not None:
        found.append(_entry(render, record, Outcome.STARTED, record.started_at, account))
    if record.ended_at is not None:
        outcome = _end_of(record.cause, started=record.started_at is not None)
        ran = max(record.ended_at - (record.started_at or record.ended_at), timedelta(0))
        frames = max(0, record.frames_after - record.frames_before)
        pixels = round(frames * pixels_a_frame)
        found.append(
            replace(
                _entry(render, record, outcome, record.ended_at, account),
                ran=ran,
                pixels=pixels,
                nanodollars=record.nanodollars,
            )
        )
    return found


def is_own_quota(failure: Failure | None) -> bool:
    """Whether we were refused by a limit of our own: that is no stock-out."""
    return (
        failure is not None
        and failure.failure is FailureClass.CAPACITY
        and failure.reason in OWN_QUOTA
    )


def launched(render: str, record: AttemptRecord, account: str = "") -> Entry:
    """That the attempt is launched, or will be in a moment."""
    return _entry(render, record, Outcome.LAUNCHED, record.launched_at, account)


def _entry(
    render: str, record: AttemptRecord, outcome: Outcome, at: datetime, account: str
) -> Entry:
    return Entry(
        lane=record.lane,
        render=render,
        attempt=record.number,
        outcome=outcome,
        launched_at=record.launched_at,
        at=at,
        account=account,
        tasks=max(1, record.tasks),
    )


def _end_of(cause: Failure | None, *, started: bool) -> Outcome:
    kind = cause.failure if cause else None
    if kind is FailureClass.PREEMPTED:
        return Outcome.PREEMPTED
    if kind is FailureClass.CAPACITY and cause is not None:
        if started:
            return Outcome.PREEMPTED
        if is_own_quota(cause):
            return Outcome.OWN_QUOTA
        hung = cause.reason == "start_deadline"
        return Outcome.NOT_STARTED if hung else Outcome.REFUSED
    return Outcome.FINISHED if started or cause is None else Outcome.VOID
