"""A worker of a pool: it takes seats, runs their tasks, and leaves in order when it must.

             ┌──────────── queue empty: look again, later each time
             ▼
    look ─► take ─► run the task, a process of its own ─► ended ─► over, or once more ─┐
      ▲               │        renew every few seconds                                 │
      │               ├─ drained: SIGTERM, grace, SIGKILL; the seat is given back      │
      │               └─ the seat is lost: SIGKILL, nothing is written                 │
      └────────────────────────────────────────────────────────────────────────────────┘

The task is the one that runs anywhere else: it claims chunks, cuts, commits and delivers. What a
worker adds is where the task comes from, and that is all. Whatever kills a worker, its seats are
free again when their lease is over, and what its tasks have committed stays.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from render_job.clock import Clock
from render_job.seat import (
    FENCE,
    RENEW_EVERY,
    Belongings,
    SeatLost,
    Sitting,
    leave,
    take,
)
from render_job.term import Term
from schemas.events import ExecutionEnded
from schemas.failures import UNTOLD, Failure, FailureClass
from schemas.ports import NotPublished, ObjectStore, Publisher, StoreUnavailable
from schemas.seats import Table
from schemas.topics import Topic

GRACE = timedelta(seconds=10)
"""Between SIGTERM and SIGKILL of a task, as on Cloud Run; a Spot machine has 30 s in all."""
NOT_STARTED = 127
"""What a shell says of a program that could not be started."""
BUSY = 0.1
"""Seconds between two steps."""
FIRST_IDLE, LONGEST_IDLE = 0.2, 2.0
"""Seconds between two looks into an empty queue."""

log = logging.getLogger("clipline.worker")


class Child(Protocol):
    """One run of a task."""

    def ended(self) -> int | None:
        """Its exit code, or minus the signal that killed it; None while it runs."""

    def stop(self, grace: timedelta) -> bool:
        """SIGTERM the first time, SIGKILL once the grace is over; True if it acted."""

    def kill(self) -> None:
        """SIGKILL, now."""


@dataclass(slots=True, kw_only=True)
class _Hand:
    """A seat and the run of its task."""

    sitting: Sitting
    child: Child | None
    """None where it could not be started."""
    is_halted: bool = False
    """Whether its task was told to stop, and is not to run again."""
    code: int | None = None


@dataclass(slots=True, kw_only=True)
class PoolWorker:
    """Takes what is its own, `tasks` seats at once at most. One thread steps it."""

    name: str
    """Of this process, and of no other: who starts again is somebody else."""
    mine: Belongings
    work: ObjectStore
    publisher: Publisher
    clock: Clock
    begin: Callable[[Sitting], Child]
    """Starts the task of a seat. Raises OSError."""
    tasks: int = 1
    grace: timedelta = GRACE
    renew_every: timedelta = RENEW_EVERY
    leave_when_idle: timedelta | None = None
    """Who has had nothing to do for so long leaves: its machine costs money. None for who stays."""
    term: Term | None = None
    """Of a worker whose place ends it: what is not over by then it leaves to others. Else None."""
    step_every: float = BUSY
    """Seconds between two steps."""
    _hands: list[_Hand] = field(default_factory=list)
    _killed: list[Child] = field(default_factory=list)
    """Their seats are lost; they are gone as soon as their ends were heard of."""
    _looks_at: float = 0.0
    _pause: float = FIRST_IDLE
    _busy_at: float | None = None
    """When it last had something to do, or began."""

    def serve(self, drained: Callable[[], bool]) -> None:
        """Work until it is drained and its hands are empty. What a step raises costs that step.

        It is drained as well when its term is over; and leaves where it is idle for too long.
        """
        while True:
            draining = drained() or self._is_over()
            try:
                self.step(draining=draining)
            except StoreUnavailable as error:
                log.warning("%s", error, extra={"action": "unavailable"})
            except Exception:
                log.exception("a bug in Clipline: the worker goes on", extra={"action": "stumbled"})
            if (draining or self._is_idle()) and not self.is_busy:
                return
            self.clock.rest(self.step_every, until=lambda: False)

    def _is_idle(self) -> bool:
        now = self.clock.monotonic()
        if self.is_busy or self._busy_at is None:
            self._busy_at = now
        limit = self.leave_when_idle
        return limit is not None and now - self._busy_at >= limit.total_seconds()

    def _is_over(self) -> bool:
        return self.term is not None and self.term.left <= timedelta(0)

    @property
    def is_busy(self) -> bool:
        """Whether it holds a seat, or a process of its own is not gone yet."""
        return bool(self._hands or self._killed)

    def step(self, *, draining: bool) -> None:
        """Look after each seat, then for another one if there is a hand free."""
        self._killed = [child for child in self._killed if child.ended() is None]
        for hand in list(self._hands):
            try:
                self._attend(hand, draining)
            except SeatLost as lost:
                log.warning("another has taken %s", lost, extra={"action": "seat_lost"})
                self._drop(hand)
        now = self.clock.monotonic()
        if not draining and len(self._hands) < self.tasks and now >= self._looks_at:
            self._look(now)

    def _look(self, now: float) -> None:
        self._looks_at, self._pause = now + self._pause, min(self._pause * 2, LONGEST_IDLE)
        fits = self.term.holds if self.term is not None else lambda order: True
        sitting = take(self.work, self.mine, self.name, at=now, fits=fits)
        if sitting is not None:
            self._looks_at, self._pause = 0.0, FIRST_IDLE
            self._hands.append(_Hand(sitting=sitting, child=self._begun(sitting)))

    def _begun(self, sitting: Sitting) -> Child | None:
        extra = {"action": "seat_taken", "execution": sitting.execution}
        log.info("takes %s, task %s", sitting.execution, sitting.seat.index, extra=extra)
        try:
            return self.begin(sitting)
        except OSError:
            log.exception("a task could not be started", extra={"action": "task_not_started"})
            return None

    def _attend(self, hand: _Hand, draining: bool) -> None:
        """Raises SeatLost."""
        now = self.clock.monotonic()
        if hand.code is None:
            hand.code = NOT_STARTED if hand.child is None else hand.child.ended()
        if hand.code is not None:
            self._settle(hand, hand.code, now, draining)
            return
        if now - hand.sitting.renewed > FENCE.total_seconds():
            raise SeatLost(f"{hand.sitting.execution}: it could not be renewed in time")
        if now - hand.sitting.renewed >= self.renew_every.total_seconds():
            hand.sitting.renew(now)
            hand.is_halted = hand.is_halted or hand.sitting.is_halted()
        late = self.clock.now() >= hand.sitting.order.deadline
        hand.is_halted = hand.is_halted or late
        if hand.child is not None and (draining or hand.is_halted):
            hand.child.stop(self.grace)

    def _settle(self, hand: _Hand, code: int, now: float, draining: bool) -> None:
        """A run has ended: the task is over, runs once more, or is left to others."""
        sitting, seat = hand.sitting, hand.sitting.seat
        extra = {"action": "task_ended", "execution": sitting.execution, "code": code}
        log.info("task %s ended with %s", seat.index, code, extra=extra)
        if draining and code != 0 and not hand.is_halted:
            sitting.write(seat.given_back(), now)
            self._hands.remove(hand)
            return
        after = seat.after(code, again=not hand.is_halted)
        sitting.write(after, now)
        if after.is_over:
            self._hands.remove(hand)
            self._tell(leave(self.work, sitting.execution), sitting)
            return
        hand.child, hand.code = self._begun(sitting), None

    def _tell(self, table: Table | None, sitting: Sitting) -> None:
        """The end, if this was the last task; what cannot be told is found by the sweep."""
        if table is None:
            return
        message = f"a task of '{sitting.execution}' did not end well"
        failure = Failure(failure=FailureClass.CRASH, reason=UNTOLD, message=message)
        ended = ExecutionEnded(
            render=sitting.order.render,
            attempt=sitting.order.attempt,
            execution=sitting.execution,
            failure=None if table.is_well else failure,
            at=self.clock.now(),
        )
        with suppress(NotPublished):
            self.publisher.publish(Topic.EXECUTION_EVENTS, ended)

    def _drop(self, hand: _Hand) -> None:
        """Nothing is written: the seat is another's."""
        if hand.child is not None and hand.code is None:
            hand.child.kill()
            self._killed.append(hand.child)
        self._hands.remove(hand)
