"""What task runs cost and what for: the bill by attempt, and beside it the causes.

Two sides that know nothing of each other. The bill is what a lane would send: from the first to
the last moment of a container, killed or not. The causes are written down where time is spent,
wait by wait; what was made is held open until it is committed, and settled at rest, because only
then is it known whether it was delivered.

    work ─► open ─┬─ committed ─► at rest: delivered, or why not
                  └─ dropped ───► why: killed, taken over, given up …; no known cause: None
    calls, rests, freezes ──────► a cause at once

Moments are whole microseconds and prices whole nano-dollars, so both sides are equal or they are
not: there is no rounding between them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from functions.core.render import TERMINAL, Render, State
from functions.ports import RenderStore
from infra.simulator.faults import Unreachable
from infra.simulator.world import Doing, Killed, Process, World
from schemas import names
from schemas.pieces import Span
from schemas.plan import Order, OutputPlan, RenderPlan
from schemas.ports import ObjectStore

Attempt = tuple[str, int]
"""A render's id and the number of its attempt."""
Causes = Mapping[Attempt, Counter[tuple["Cause", str, int]]]
"""Microseconds of each attempt by cause, lane and price."""


class Cause(StrEnum):
    """What a second of a task run was for. There is no heading for what nobody can explain."""

    DELIVERED = "made what was delivered"
    CALLS = "starting, looking, claiming, telling"
    WAITING = "waiting for other tasks"
    FROZEN = "frozen"
    CANCELLED = "made, then cancelled"
    SUPERSEDED = "made, then superseded"
    FAILED = "made, then the render failed"
    OTHER_CLASS = "made, then another encoder class"
    UNUSED = "made twice"
    HEDGED = "made twice by a hedge"
    PREEMPTED = "preempted without notice"
    WITH_NOTICE = "preempted with notice"
    IN_NOTICE = "preempted during the notice"
    OUT_OF_MEMORY = "out of memory"
    CRASHED = "crash of the task"
    UNREACHABLE = "service unreachable"
    ENCODER_CRASHED = "encoder crashed"
    MISLED = "misled by a seek"
    UNREADABLE = "source that cannot be read"
    WRONG_ENCODER = "another encoder than ordered"
    NOT_OWNER = "second execution of an attempt"
    CLAIM_LOST = "claim taken over"
    STOPPED = "attempt given up or stopped"
    OUT_OF_TIME = "attempt out of time"


_OF_REASONS = {
    "ffmpeg_killed": Cause.ENCODER_CRASHED,
    "undecodable": Cause.UNREADABLE,
    "object_gone": Cause.UNREADABLE,
    "attempt_limit": Cause.OUT_OF_TIME,
    "encoder_class": Cause.WRONG_ENCODER,
}
"""By the reason of the failure that the task itself reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One thing in the making: a piece, a clip's sound or a whole output."""

    prefix: str
    """Where it will stand, or under which prefix for a piece."""
    span: Span | None = None
    """Of a piece."""
    hedges: str = ""
    """Under which prefix the claims of its hedges stand."""


@dataclass(slots=True, kw_only=True)
class Run:
    """The causes of one run of one task."""

    name: str
    """Of the process."""
    order: Order
    execution: str
    lane: str
    price: int
    spent: Counter[Cause] = field(default_factory=Counter)
    """Microseconds."""
    calls: int = 0
    """Microseconds of calls: their cause is known when the run is over."""
    unit: Unit | None = None
    open: int = 0
    """Microseconds of work for the unit, neither committed nor dropped."""
    frames: int = 0
    """Made of the unit."""
    trouble: Cause | None = None
    """What stopped the work for the unit, where the studio or the lane saw it."""
    notice: Cause = Cause.STOPPED
    """Why the lane told it to leave, if it did."""
    told: Cause | None = None
    """What the task itself reported."""
    committed: list[tuple[str, int, int]] = field(default_factory=list)
    """Name and generation in the work or output bucket, and microseconds."""
    unexplained: int = 0
    """Dropped with no known cause: a violation."""

    def meter(self, doing: Doing, since: float, until: float) -> None:
        """The process let so much time pass: `micros`, written out for speed."""
        passed = round(until * 1_000_000) - round(since * 1_000_000)
        if doing is Doing.CALLING:
            self.calls += passed
        elif doing is Doing.WORKING:
            self.open += passed
        else:
            self.spent[Cause.WAITING if doing is Doing.RESTING else Cause.FROZEN] += passed


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Of one history."""

    world: World
    uploads: ObjectStore
    work: ObjectStore
    outputs: ObjectStore
    renders: RenderStore
    billed: defaultdict[Attempt, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """The bill: microseconds and femto-dollars of each attempt."""
    runs: dict[str, Run] = field(default_factory=dict)
    """By the process's name."""
    _began: dict[str, float] = field(default_factory=dict)

    # ── the bill: what the lane sees ──

    def container_began(self, process: Process) -> None:
        """From here on it costs."""
        self._began[process.name] = self.world.time

    def container_ended(self, process: Process, order: Order, price: int) -> None:
        """Up to here; one that was killed before it began costs nothing."""
        began = self._began.pop(process.name, None)
        if began is not None:
            seconds = micros(self.world.time) - micros(began)
            bill = self.billed[order.render, order.attempt]
            bill["micros"] += seconds
            bill["femtos"] += seconds * price

    # ── the causes: what the task does ──

    def begin(self, process: Process, order: Order, execution: str, price: int) -> None:
        """A task begins."""
        run = Run(name=process.name, order=order, execution=execution, lane=order.lane, price=price)
        self.runs[process.name] = run
        process.meter = run.meter

    def starts(self, process: Process, unit: Unit, *, again: bool = False) -> None:
        """Work for that unit starts; `again` because the last try was misled by a seek."""
        run = self.runs[process.name]
        if run.open:
            self._drop(run, Cause.MISLED if again else None)
        run.unit, run.trouble, run.frames = unit, None, 0

    def committed(self, process: Process | None, name: str, generation: int) -> None:
        """An object stands: if it is what the task has in the making, that is no more open.

        A piece may hold less than was made; then only its share is committed.
        """
        run = self.runs.get(process.name) if process else None
        if run is None or run.unit is None or not name.startswith(run.unit.prefix):
            return
        share, span = run.open, names.span_of(name)
        if span is not None and run.unit.span is not None and run.frames > len(span):
            share = run.open * len(span) // run.frames
        run.committed.append((name, generation, share))
        run.open -= share
        run.frames = 0

    def noticed(self, process: Process, why: Cause) -> None:
        """The lane told it to leave."""
        if run := self.runs.get(process.name):
            run.notice = why

    def reported(self, process: Process | None, reason: str) -> None:
        """The task says why it gives up."""
        run = self.runs.get(process.name) if process else None
        if run is not None:
            run.told = _OF_REASONS.get(reason)

    def end(self, process: Process, result: object) -> None:
        """The run is over: what is still open is lost, and the end itself must have a cause."""
        run = self.runs.get(process.name)
        if run is None:
            return
        end = run.told
        if isinstance(result, Killed):
            end = Cause(process.killed_by) if process.killed_by else None
            if end is None:
                run.unexplained += run.open + run.calls
        elif isinstance(result, Unreachable):
            end = Cause.UNREACHABLE
        if run.open:
            self._drop(run, end)

    def _drop(self, run: Run, cause: Cause | None) -> None:
        """What is open will not be committed."""
        if run.trouble is not Cause.CLAIM_LOST:
            cause = run.trouble or cause
        cause = cause or self._truth(run) or run.trouble
        if cause is None:
            run.unexplained += run.open
        else:
            run.spent[cause] += run.open
        run.open = 0

    def _truth(self, run: Run) -> Cause | None:
        """Why work was dropped, as the stores tell it: somebody has made it, or it is over."""
        unit, order = run.unit, run.order
        assert unit is not None, "only work for a unit is open"
        if unit.span is not None:
            if any(self._overlapping(unit.prefix, unit.span)):
                return Cause.HEDGED if self._is_hedged(unit) else Cause.UNUSED
        elif (self.work.stat(unit.prefix) or self.outputs.stat(unit.prefix)) is not None:
            return Cause.UNUSED
        marks = (
            names.cancelled(order.render),
            names.closed(order.render, order.attempt),
            names.order(order.render, order.attempt + 1),
        )
        stored = self.renders.load(order.render)
        at_end = stored is None or stored.render.state in TERMINAL
        if at_end or any(self.work.stat(mark) is not None for mark in marks):
            return Cause.STOPPED
        return None

    def _overlapping(self, prefix: str, span: Span) -> Iterator[str]:
        for info in self.work.list(prefix):
            other = names.span_of(info.name)
            if other and other.start < span.end and span.start < other.end:
                yield info.name

    def _is_hedged(self, unit: Unit) -> bool:
        return any(True for _ in self.work.list(unit.hedges, limit=1))

    # ── at rest ──

    def unexplained(self) -> Iterator[str]:
        """Every run that dropped something, or died, for no known cause."""
        for run in self.runs.values():
            if run.unexplained:
                yield f"{run.unexplained / 1e6:.3f} s of {run.name}"

    def unbalanced(self, causes: Causes) -> Iterator[str]:
        """Every attempt whose bill is not the sum of its causes, and the total if it is not."""
        sides: dict[str, list[int]] = {"all attempts": [0, 0, 0, 0]}
        for attempt in sorted(self.billed.keys() | causes.keys()):
            bill, spent = self.billed[attempt], causes.get(attempt, Counter())
            money = sum(passed * price for (_, _, price), passed in spent.items())
            side = [bill["micros"], spent.total(), bill["femtos"], money]
            sides[f"{attempt[0]}, attempt {attempt[1]}"] = side
            sides["all attempts"] = [
                a + b for a, b in zip(sides["all attempts"], side, strict=True)
            ]
        for whose, (seconds, caused, price, paid) in sides.items():
            if (seconds, price) != (caused, paid):
                yield (
                    f"{whose}: billed {seconds} us and {price} f$, caused {caused} us and {paid} f$"
                )

    def settle(self) -> Causes:
        """What every second was for, now that it is known what was delivered."""
        by_attempt: defaultdict[Attempt, Counter[tuple[Cause, str, int]]] = defaultdict(Counter)
        used = {render.id: self._used(render) for render in self.renders.newest(limit=1_000_000)}
        for run in self.runs.values():
            order = run.order
            sums, render = by_attempt[order.render, order.attempt], used.get(order.render)
            spent = Counter(run.spent)
            spent[self._calls_of(run)] += run.calls
            for name, generation, share in run.committed:
                spent[_fate_of(name, generation, render)] += share
            for cause, passed in spent.items():
                sums[cause, run.lane, run.price] += passed
        return by_attempt

    def _calls_of(self, run: Run) -> Cause:
        if run.told is Cause.WRONG_ENCODER:
            return Cause.WRONG_ENCODER
        owner = names.owner(run.order.render, run.order.attempt)
        if self.work.stat(owner) is not None:
            first = msgspec.json.decode(self.work.read(owner))["execution"]
            if first != run.execution:
                return Cause.NOT_OWNER
        return Cause.CALLS

    def _used(self, render: Render) -> "_Used":
        """What of that render was delivered."""
        plan = render.plan
        used = _Used(render=render)
        for done in render.outputs:
            output = next(o for o in plan.outputs if o.id == done.output_id) if plan else None
            if output is None or plan is None:
                continue
            name = done.delivered.name
            info = self.outputs.stat(name)
            if info is None or info.generation != done.delivered.generation:
                continue
            used.outputs.add((name, done.delivered.generation))
            used.names.add(names.audio(render.id, output.clip, _sound_key(plan, output)))
            made = msgspec.json.decode(self.outputs.read(name))
            key = output.key(plan.upload, done.certificate.encoder_class)
            for start, end in made["spans"]:
                used.names.add(names.piece(render.id, output.id, key, Span(start, end)))
            used.prefixes.append(names.pieces(render.id, output.id, key))
        return used


@dataclass(slots=True, kw_only=True)
class _Used:
    render: Render
    outputs: set[tuple[str, int]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    """Of pieces and sounds that outputs were joined of."""
    prefixes: list[str] = field(default_factory=list)
    """Of the pieces of delivered outputs, in the encoder class that was delivered."""


def _sound_key(plan: RenderPlan, output: OutputPlan) -> str:
    audio = plan.audio_of(output.clip)
    return audio.key(plan.upload) if audio else ""


def _fate_of(name: str, generation: int, used: _Used | None) -> Cause:
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


def micros(time: float) -> int:
    """That moment of virtual time in whole microseconds: converted once, then subtracted."""
    return round(time * 1_000_000)
