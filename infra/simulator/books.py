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

import msgspec

from functions.core.render import TERMINAL
from functions.ports import RenderStore
from infra.simulator.cause import OF_REASONS, Cause, Run, Unit
from infra.simulator.faults import Unreachable
from infra.simulator.usage import fate_of, used_of
from infra.simulator.world import Killed, Process, World
from render_job.errors import Exit
from schemas import names
from schemas.pieces import Span
from schemas.plan import Order
from schemas.ports import ObjectStore

Attempt = tuple[str, int]
"""A render's id and the number of its attempt."""
Causes = Mapping[Attempt, Counter[tuple[Cause, str, int]]]
"""Microseconds of each attempt by cause, lane and price."""


@dataclass(slots=True, kw_only=True)
class Books:
    """Of one history."""

    world: World
    uploads: ObjectStore
    work: ObjectStore
    outputs: ObjectStore
    renders: RenderStore
    billed: defaultdict[Attempt, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """The bill: microseconds and femto-dollars of each attempt."""
    lived: list[int] = field(default_factory=list)
    """Microseconds of each container."""
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
            self.lived.append(seconds)

    # ── the causes: what the task does ──

    def begin(self, process: Process, order: Order, execution: str, price: int) -> None:
        """A task begins."""
        run = Run(name=process.name, order=order, execution=execution, lane=order.lane, price=price)
        self.runs[process.name] = run
        process.meter = run.meter

    def starts(self, process: Process, unit: Unit, *, again: bool = False) -> None:
        """Work for that unit starts; `again` because the last try was misled by a seek.

        Who slept with the last one in hand had lost his claim when he awoke, though he may have it
        again by now: whoever took it over has died.
        """
        run = self.runs[process.name]
        if run.open:
            slept = process.thawed > run.since
            self._drop(run, Cause.MISLED if again else None, slept=slept)
        run.unit, run.since, run.trouble, run.frames = unit, self.world.time, None, 0

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
            run.told = OF_REASONS.get(reason)

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
        elif isinstance(result, Unreachable) or result == Exit.UNAVAILABLE:
            end = Cause.UNREACHABLE
        elif result == Exit.TRY_AGAIN:
            end = run.notice  # it may have left between two pieces of work, where no studio sees it
        if run.open:
            self._drop(run, end)

    def _drop(self, run: Run, cause: Cause | None, *, slept: bool = False) -> None:
        """What is open will not be committed; `slept` if its task stood still with it in hand."""
        if run.trouble is not Cause.CLAIM_LOST:
            cause = run.trouble or cause
        cause = cause or self._truth(run) or run.trouble or (Cause.CLAIM_LOST if slept else None)
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
        elif unit.stitch and self._is_anothers(unit.stitch, run):
            return Cause.CLAIM_LOST
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

    def _is_anothers(self, output: str, run: Run) -> bool:
        """Whether somebody else holds the claim on it, or nobody: it was lost while he slept."""
        info = self.work.stat(names.claim(run.order.render, f"stitch/{output}"))
        holder = f"{run.execution}/{run.name.split('/')[-2]}"
        return info is None or "{execution}/{task}".format(**info.metadata) != holder

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
        used = {
            render.id: used_of(render, self.outputs)
            for render in self.renders.newest(limit=1_000_000)
        }
        for run in self.runs.values():
            order = run.order
            sums, render = by_attempt[order.render, order.attempt], used.get(order.render)
            spent = Counter(run.spent)
            spent[self._calls_of(run)] += run.calls
            for name, generation, share in run.committed:
                spent[fate_of(name, generation, render)] += share
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


def micros(time: float) -> int:
    """That moment of virtual time in whole microseconds: converted once, then subtracted."""
    return round(time * 1_000_000)
