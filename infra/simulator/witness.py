"""What must hold after every step: the invariants, watched from outside. At rest: `rest.py`.

The witness knows the truth that no process can know: every save, object, message, encoder and
execution. It never tells anybody; it only remembers what was broken first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from functions.core.entries import Entry
from functions.core.lanes import Lane
from functions.core.quotas import running_limits
from functions.core.render import RUNNING, TERMINAL, Render, State
from functions.ports import RenderStore
from infra.simulator.books import Books
from infra.simulator.evidence import Counts, Violation
from infra.simulator.ledger_watch import LedgerWatch
from infra.simulator.world import Process, World
from render_job.choose import LEASE
from render_job.tools import Task
from schemas import names
from schemas.events import (
    AttemptFailed,
    Event,
    OutputVerified,
    RenderDeadLetter,
    RenderDone,
)
from schemas.pieces import Span
from schemas.plan import Order, OutputPlan, RenderPlan
from schemas.ports import ObjectInfo, ObjectStore
from schemas.seats import Assignment
from schemas.wire import from_json, to_json

DAWDLING = 600.0
"""Seconds after its start deadline within which an attempt is given up: the look that finds it may
be lost by a crash or a freeze, and is taken again after the silence of five minutes."""
OVERSTAY = 210.0
"""Seconds that an execution may work for a render that is at its end: two sweeps, of which the
first may crash, the grace of a saved effect, and the grace of a stop."""
OWN_REASONS = {
    "behind",
    "start_deadline",
    "attempt_limit",
    "render_deadline",
    "superseded",
    "operator",
    "not_needed",
}
"""Causes for which the control plane closes an attempt by itself."""


@dataclass(slots=True, kw_only=True)
class _Hold:
    """Who holds a claim."""

    holder: str
    attempt: int
    since: float
    renewed: float
    process: str


@dataclass(slots=True)
class Witness:
    """Watches one history."""

    world: World
    uploads: ObjectStore
    work: ObjectStore
    outputs: ObjectStore
    renders: RenderStore
    start_within: Mapping[str, float] = field(default_factory=dict)
    """The start deadline of each lane, in seconds."""
    lanes: Sequence[Lane] = ()
    violations: list[Violation] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    books: Books = field(init=False)
    ledger: LedgerWatch = field(default_factory=LedgerWatch)
    log: Callable[[str], None] = lambda line: None
    done: dict[str, bytes] = field(default_factory=dict)
    """Done events by their ids."""
    letters: dict[str, bytes] = field(default_factory=dict)
    """Dead letters by their ids."""
    finished: dict[str, float] = field(default_factory=dict)
    """When each render came to the end that it is at."""
    saves: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When each render was saved."""
    strangers: set[str] = field(default_factory=set)
    """Names in the outputs bucket under which somebody else's file stands."""
    _standing: dict[str, int] = field(default_factory=dict)
    """Generations of what stands in the outputs bucket."""
    _starting: dict[str, float] = field(default_factory=dict)
    """Until when each attempt that has not started must have been given up, by its render."""
    _calm_at: float | None = None
    """Since when nothing goes wrong any more."""
    _ended: set[tuple[str, int]] = field(default_factory=set)
    """Attempts that truly ended: refused, given up by a task, or out of tasks."""
    _closed: dict[str, float] = field(default_factory=dict)
    _held: dict[str, "_Hold"] = field(default_factory=dict)
    """Claims by their objects' names."""
    _pieces: defaultdict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    """When each was committed, by prefix and name."""
    _marked: dict[str, float] = field(default_factory=dict)
    """When orders, owners and marks were first written."""
    _tasks: dict[str, Task] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.books = Books(
            world=self.world,
            uploads=self.uploads,
            work=self.work,
            outputs=self.outputs,
            renders=self.renders,
        )

    # ── what processes do ──

    def saved(self, before: Render | None, after: Render) -> None:
        """A render was saved."""
        self.counts.saves += 1
        self.saves[after.id].append(self.world.time)
        if before is None or before.state is not after.state or before.attempt != after.attempt:
            self.log(f"{after.id} {after.state}, attempt {after.attempt}: {after.why}")
        if after.state not in TERMINAL and after.due_at is None:
            self.broken("waits with a time at which it moves", f"{after.id} is {after.state}")
        if after.pending and after.due_at is None:
            self.broken("waits with a time at which it moves", f"{after.id} has effects pending")
        if before is not None:
            self._compare(before, after)
        self._starts(before, after)
        self._crowds(before, after)
        if after.state in TERMINAL:
            self.finished.setdefault(after.id, self.world.time)
        else:
            self.finished.pop(after.id, None)

    def _starts(self, before: Render | None, after: Render) -> None:
        """An attempt that does not start is given up soon after its lane's start deadline."""
        if after.state is not State.STARTING:
            self._starting.pop(after.id, None)
        elif before is None or before.attempt != after.attempt:
            wait = self.start_within[after.lane or ""] + DAWDLING
            self._starting[after.id] = self.world.time + wait

    def _crowds(self, before: Render | None, after: Render) -> None:
        """Who moves in is counted with all who run there, and on lanes that share a quota."""
        if after.state not in RUNNING or (before and before.state in RUNNING):
            return
        runs = {lane.id: self.renders.running(lane.id) for lane in self.lanes}
        for limit in running_limits(self.lanes):
            if limit.taken(runs) > limit.most:
                seen = f"{limit.taken(runs)} of {limit.most} {limit.name} by {after.id}"
                self.broken("what lanes share is not overdrawn", seen)

    def _compare(self, before: Render, after: Render) -> None:
        if before.state in (State.DONE, State.CANCELLED) and after.state is not before.state:
            self.broken("an end stays", f"{after.id} went from {before.state} to {after.state}")
        if not set(before.outputs) <= set(after.outputs) or after.attempt < before.attempt:
            self.broken("nothing is taken back", f"{after.id} forgot an output or an attempt")
        open_before = {r.number for r in before.attempts if r.ended_at is None}
        for record in after.attempts:
            if record.number in open_before and record.ended_at and record.cause:
                self._closed[after.id] = self.world.time
                told = (after.id, record.number) in self._ended
                if not told and record.cause.reason not in OWN_REASONS:
                    seen = f"attempt {record.number} of {after.id} by {record.cause.reason}"
                    self.broken("only what ended is closed", seen)
        started = after.current and after.current.started_at and after.id in self._closed
        if started and not (before.current and before.current.started_at):
            self.counts.recoveries.append(self.world.time - self._closed.pop(after.id))

    def published(self, topic: str, event: Event) -> None:
        """An event is on its topic."""
        match event:
            case RenderDone():
                self._once(self.done, event.id, event)
                self._is_true(event)
            case RenderDeadLetter():
                self._once(self.letters, event.id, event)
            case AttemptFailed():
                self._ended.add((event.render, event.attempt))
                self.books.reported(self.world.current, event.failure.reason)
            case OutputVerified() if not event.certificate.verified:
                self.broken("verified or not done", f"{event.output_id} has faults")
            case _:
                pass

    def _once(self, seen: dict[str, bytes], id: str, event: Event) -> None:
        body = to_json(event)
        if seen.setdefault(id, body) != body:
            self.broken("repeats are the same to the byte", id)

    def _is_true(self, event: RenderDone) -> None:
        """The file exists, is whole, and is of this upload."""
        delivered = event.delivered
        info = self.outputs.stat(delivered.name)
        if info is None or info.generation != delivered.generation:
            self.broken("done means a file", f"{event.id}: {delivered.name} does not exist")
            return
        stored = self.renders.load(event.render)
        plan = stored.render.plan if stored else None
        output = next((o for o in plan.outputs if o.id == event.output_id), None) if plan else None
        made = msgspec.json.decode(self.outputs.read(delivered.name))
        source = f"{event.upload.bucket}/{event.upload.name}#{event.upload.generation}"
        at = 0
        for start, end in made["spans"]:
            at = end if start == at else -1
        if output is None or made["output"] != output.id or at != output.frames:
            self.broken("done means a whole file", f"{event.id} holds {made['spans']}")
        if made["source"] != source:
            self.broken("done means this upload", f"{event.id} was made of {made['source']}")
        self._is_whole(delivered.name)
        if info.metadata.get("clipline-render") != event.render:
            self.broken("done means this render", f"{event.id} is of another render")

    def _is_whole(self, name: str) -> None:
        """Whoever sees the announced file finds all that it refers to."""
        folder = name.rpartition("/")[0]
        for beside in msgspec.json.decode(self.outputs.read(name)).get("beside", ()):
            if self.outputs.stat(f"{folder}/{beside}") is None:
                self.broken("announced means all of it", f"{name} without {beside}")

    def written(self, bucket: str, info: ObjectInfo) -> None:
        """An object stands."""
        self.counts.object_calls += 1
        if "/claims/" not in info.name:
            self.books.committed(self.world.current, info.name, info.generation)
        if bucket == "outputs":
            if self._standing.setdefault(info.name, info.generation) != info.generation:
                self.broken("what stands is never written over", info.name)
            self.log(f"{info.name} stands as generation {info.generation}")
            self._delivered(info)
        elif "/claims/" in info.name:
            self._claims(info)
        elif (span := names.span_of(info.name)) is not None:
            self._piece(info, span)
        elif info.name not in self._marked:
            self._marked[info.name] = self.world.time
            if info.metadata.get("worker"):
                self._seated(info)
            elif info.name.endswith("/order.json"):
                self._ordered(from_json(self.work.read(info.name), Order))

    def _ordered(self, order: Order) -> None:
        """An attempt is about to be launched: who still works for the one before can see that."""
        before = order.attempt - 1
        if before and names.closed(order.render, before) not in self._marked:
            seen = f"attempt {before} of {order.render} is open"
            self.broken("an attempt is closed before the next", seen)

    def _seated(self, info: ObjectInfo) -> None:
        """A worker takes a seat: its machine is there, whatever becomes of the task."""
        folder = info.name.rpartition("/")[0]
        assignment = from_json(self.work.read(f"{folder}/assigned.json"), Assignment)
        self.ledger.began(assignment.order, self.world.time)

    def _claims(self, info: ObjectInfo) -> None:
        """Somebody claims or renews: what another one holds is left alone until it lapses."""
        render, _, work = info.name.removeprefix("renders/").partition("/claims/")
        mine = _Hold(
            holder=f"{info.metadata['execution']}/{info.metadata['task']}",
            attempt=int(info.metadata["attempt"]),
            since=self.world.time,
            renewed=self.world.time,
            process=self.world.current.name if self.world.current else "",
        )
        held = self._held.get(info.name)
        if held is not None and held.holder == mine.holder:
            held.renewed, held.process = mine.renewed, mine.process
            return
        if held is not None and held.attempt >= mine.attempt:
            age = self.world.time - held.renewed
            holder = self.world.processes.get(held.process)
            alive = holder is not None and not holder.is_frozen and not holder.is_dead
            if alive and holder and holder.thawed < held.renewed:
                self.broken("who works renews his claim", f"{held.holder} let {work} lapse")
            if age < LEASE.total_seconds():
                seen = f"{work} of {render}: {mine.holder} took it from {held.holder}"
                self.broken("a claim is good until it lapses", f"{seen}, {age:.0f} s old")
        self._held[info.name] = mine

    def _delivered(self, info: ObjectInfo) -> None:
        """Nobody delivers what was cancelled before he claimed it."""
        process = self.world.current
        task = self._tasks.get(process.name) if process else None
        if task is None:
            self.broken("only tasks deliver", info.name)
            return
        render = task.order.render
        output = next(
            o.id
            for o in task.plan.outputs
            if o.object_name == info.name or info.name.startswith(names.beside(o.object_name))
        )
        if any(info.name == o.object_name for o in task.plan.outputs):
            self._is_whole(info.name)
        hold = self._held.get(names.claim(render, f"stitch/{output}"))
        mark = self._marked.get(names.cancelled(render))
        if hold and mark is not None and mark < hold.since:
            self.broken("what is cancelled is not delivered", f"{info.name} by {hold.holder}")

    def _piece(self, info: ObjectInfo, span: Span) -> None:
        made = msgspec.json.decode(self.work.read(info.name))
        self._pieces[f"{info.name.rpartition('/')[0]}/"][info.name] = self.world.time
        self.counts.frames_committed += len(span)
        self.log(f"piece {info.name.partition('/pieces/')[2]} stands")
        if made["spans"] != [[span.start, span.end]]:
            self.broken("a piece's name says what it holds", f"{info.name}: {made['spans']}")

    def deleted(self, bucket: str, name: str) -> None:
        """An object is gone."""
        self.counts.object_calls += 1
        self._held.pop(name, None)
        if bucket == "outputs":
            self._standing.pop(name, None)
            if name in self.strangers:
                self.broken("what others put there is left alone", name)

    def squatted(self, info: ObjectInfo) -> None:
        """Somebody who is not of ours put a file where an output would stand."""
        self.strangers.add(info.name)
        self._standing[info.name] = info.generation

    # ── what executions and encoders do ──

    def works(self, process: Process, task: Task) -> None:
        """A task begins to work in that process."""
        self._tasks[process.name] = task

    def encoding(
        self, process: Process, plan: RenderPlan, output: OutputPlan, span: Span, encoder: str
    ) -> None:
        """An encoder starts: nothing of it was committed when its task claimed it, nor fenced."""
        task = self._tasks[process.name]
        key = output.key(plan.upload, encoder)
        hold = self._hold(task, f"{output.pieces_id}/{key}", span)
        if process.thawed > self.world.time - OVERSTAY and (
            hold is None or process.thawed > hold.since
        ):
            return  # it slept since it looked: its next renewal will say what happened meanwhile
        if hold is None:
            self.broken("work is claimed", f"{output.id} {span} without a claim")
            return
        for name, at in self._pieces[names.pieces(plan.render, output.pieces_id, key)].items():
            piece = names.span_of(name)
            overlaps = piece and piece.start < span.end and span.start < piece.end
            if overlaps and at < hold.since:
                self.broken("nothing committed is made again", f"{output.id} {span} after {piece}")
        marks = (
            names.cancelled(plan.render),
            names.closed(plan.render, task.order.attempt),
            names.order(plan.render, task.order.attempt + 1),
        )
        for mark in marks:
            if self._marked.get(mark, self.world.time) < hold.since:
                self.broken("what is fenced begins nothing", f"{process.name} in spite of {mark}")
        owner = msgspec.json.decode(self.work.read(names.owner(plan.render, task.order.attempt)))
        if owner["execution"] != task.worker.execution:
            self.broken("one execution owns an attempt", f"{process.name} is not {owner}")

    def _hold(self, task: Task, where: str, span: Span) -> "_Hold | None":
        """The claim by which that task makes these frames: on a piece, or on a hedge of one."""
        mine = f"{task.worker.execution}/{task.worker.task}"
        plain = f"piece/{where}/{span.start:09}"
        for work in (plain, f"hedge/{where}/{span.start:09}-{span.end:09}"):
            hold = self._held.get(names.claim(task.order.render, work))
            if hold is not None and hold.holder == mine:
                return hold
        return None

    def encoded(self, process: Process, frames: int) -> None:
        """An encoder has ended, one way or another."""
        self.counts.frames_encoded += frames

    def launched(self, order: Order) -> None:
        """A lane was asked."""
        self.counts.launches += 1

    def ended(self, order: Order) -> None:
        """No task of an execution of that attempt will work any more, or none ever will."""
        self._ended.add((order.render, order.attempt))

    def noted(self, entries: Iterable[Entry]) -> None:
        """The ledger was told of launches."""
        for seen in self.ledger.appended(entries):
            self.broken("the ledger tells the truth", seen)

    # ── at every sweep ──

    def look(self, processes: Iterable[Process]) -> None:
        """Nobody works for what is at its end, and nobody waits for ever for a start.

        How long a start may take is judged when nothing goes wrong any more: a sweep that crashes
        nine times out of ten finds nothing in time.
        """
        if self.world.fate.is_over and self._calm_at is None:
            self._calm_at = self.world.time
        for render, until in self._starting.items():
            if self._calm_at is not None and self.world.time > max(until, self._calm_at + DAWDLING):
                self.broken("no start is waited for too long", f"{render} since {until:.0f} s")
                return
        for process in processes:
            task = self._tasks.get(process.name)
            if task is None or process.is_frozen:
                continue
            finished = self.finished.get(task.order.render)
            if finished is None:
                continue
            since = max(finished, process.thawed, process.born)
            if self.world.time - since > OVERSTAY:
                seen = f"{process.name} since {since:.0f} s"
                self.broken("nobody works for what is at its end", seen)

    def broken(self, invariant: str, seen: str) -> None:
        """It was seen, here or by somebody else: the history ends."""
        violation = Violation(invariant=invariant, seen=seen, at=self.world.time)
        self.violations.append(violation)
        self.world.is_over = True
        self.log(f"VIOLATION {violation}")
