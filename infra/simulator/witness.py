"""What must hold after every step, and at rest: the invariants, watched from outside.

The witness knows the truth that no process can know: every save, object, message, encoder and
execution. It never tells anybody; it only remembers what was broken first.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from functions.core.render import TERMINAL, Render, State
from functions.ports import RenderStore
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
from schemas.failures import FailureClass
from schemas.ids import SIDECAR_SUFFIX
from schemas.pieces import Span
from schemas.plan import Order, OutputPlan, RenderPlan
from schemas.ports import ObjectInfo, ObjectStore
from schemas.wire import to_json

OVERSTAY = 210.0
"""Seconds that an execution may work for a render that is at its end: two sweeps, of which the
first may crash, the grace of a saved effect, and the grace of a stop."""
_OUR_FAULTS = {"mixed_encoders", "output_not_verified", "piece_not_verified", "output_name_taken"}
_PASSING = {FailureClass.CAPACITY, FailureClass.PREEMPTED}
_OWN_REASONS = {"start_deadline", "attempt_limit", "render_deadline", "superseded", "operator"}
"""Causes for which the control plane closes an attempt by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An invariant that did not hold, and how it was seen."""

    invariant: str
    seen: str
    at: float

    def __str__(self) -> str:
        return f"{self.at:.1f} s: {self.invariant}: {self.seen}"


@dataclass(slots=True, kw_only=True)
class Counts:
    """What one history cost and brought."""

    ends: Counter[str] = field(default_factory=Counter)
    frames_encoded: int = 0
    frames_committed: int = 0
    frames_delivered: int = 0
    saves: int = 0
    lifetimes: list[float] = field(default_factory=list)
    """Seconds from the first save of a render to its end."""
    object_calls: int = 0
    launches: int = 0
    starts: int = 0
    busiest_second: int = 0
    recoveries: list[float] = field(default_factory=list)
    """Seconds from the end of an attempt without its outputs to the start of the next one."""


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
    violations: list[Violation] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    log: Callable[[str], None] = lambda line: None
    _done: dict[str, bytes] = field(default_factory=dict)
    _letters: dict[str, bytes] = field(default_factory=dict)
    _finished: dict[str, float] = field(default_factory=dict)
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
    _saves: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    # ── what processes do ──

    def saved(self, before: Render | None, after: Render) -> None:
        """A render was saved."""
        self.counts.saves += 1
        self._saves[after.id].append(self.world.time)
        if before is None or before.state is not after.state or before.attempt != after.attempt:
            self.log(f"{after.id} {after.state}, attempt {after.attempt}: {after.why}")
        if after.state not in TERMINAL and after.due_at is None:
            self._broken("waits with a time at which it moves", f"{after.id} is {after.state}")
        if after.pending and after.due_at is None:
            self._broken("waits with a time at which it moves", f"{after.id} has effects pending")
        if before is not None:
            self._compare(before, after)
        if after.state in TERMINAL:
            self._finished.setdefault(after.id, self.world.time)
        else:
            self._finished.pop(after.id, None)

    def _compare(self, before: Render, after: Render) -> None:
        if before.state in (State.DONE, State.CANCELLED) and after.state is not before.state:
            self._broken("an end stays", f"{after.id} went from {before.state} to {after.state}")
        if not set(before.outputs) <= set(after.outputs) or after.attempt < before.attempt:
            self._broken("nothing is taken back", f"{after.id} forgot an output or an attempt")
        open_before = {r.number for r in before.attempts if r.ended_at is None}
        for record in after.attempts:
            if record.number in open_before and record.ended_at and record.cause:
                self._closed[after.id] = self.world.time
                told = (after.id, record.number) in self._ended
                if not told and record.cause.reason not in _OWN_REASONS:
                    seen = f"attempt {record.number} of {after.id} by {record.cause.reason}"
                    self._broken("only what ended is closed", seen)
        started = after.current and after.current.started_at and after.id in self._closed
        if started and not (before.current and before.current.started_at):
            self.counts.recoveries.append(self.world.time - self._closed.pop(after.id))

    def published(self, topic: str, event: Event) -> None:
        """An event is on its topic."""
        match event:
            case RenderDone():
                self._once(self._done, event.id, event)
                self._is_true(event)
            case RenderDeadLetter():
                self._once(self._letters, event.id, event)
            case AttemptFailed():
                self._ended.add((event.render, event.attempt))
            case OutputVerified() if not event.certificate.verified:
                self._broken("verified or not done", f"{event.output_id} has faults")
            case _:
                pass

    def _once(self, seen: dict[str, bytes], id: str, event: Event) -> None:
        body = to_json(event)
        if seen.setdefault(id, body) != body:
            self._broken("repeats are the same to the byte", id)

    def _is_true(self, event: RenderDone) -> None:
        """The file exists, is whole, and is of this upload."""
        delivered = event.delivered
        info = self.outputs.stat(delivered.name)
        if info is None or info.generation != delivered.generation:
            self._broken("done means a file", f"{event.id}: {delivered.name} does not exist")
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
            self._broken("done means a whole file", f"{event.id} holds {made['spans']}")
        if made["source"] != source:
            self._broken("done means this upload", f"{event.id} was made of {made['source']}")
        if info.metadata.get("clipline-render") != event.render:
            self._broken("done means this render", f"{event.id} is of another render")

    def written(self, bucket: str, info: ObjectInfo) -> None:
        """An object stands."""
        self.counts.object_calls += 1
        if bucket == "outputs":
            self.log(f"{info.name} stands as generation {info.generation}")
            self._delivered(info)
        elif "/claims/" in info.name:
            self._claims(info)
        elif (span := names.span_of(info.name)) is not None:
            self._piece(info, span)
        else:
            self._marked.setdefault(info.name, self.world.time)

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
                self._broken("who works renews his claim", f"{held.holder} let {work} lapse")
            if age < LEASE.total_seconds():
                seen = f"{work} of {render}: {mine.holder} took it from {held.holder}"
                self._broken("a claim is good until it lapses", f"{seen}, {age:.0f} s old")
        self._held[info.name] = mine

    def _delivered(self, info: ObjectInfo) -> None:
        """Nobody delivers what was cancelled before he claimed it."""
        process = self.world.current
        task = self._tasks.get(process.name) if process else None
        if task is None:
            self._broken("only tasks deliver", info.name)
            return
        render = task.order.render
        output = next(o.id for o in task.plan.outputs if o.object_name == info.name)
        hold = self._held.get(names.claim(render, f"stitch/{output}"))
        mark = self._marked.get(names.cancelled(render))
        if hold and mark is not None and mark < hold.since:
            self._broken("what is cancelled is not delivered", f"{info.name} by {hold.holder}")

    def _piece(self, info: ObjectInfo, span: Span) -> None:
        made = msgspec.json.decode(self.work.read(info.name))
        self._pieces[f"{info.name.rpartition('/')[0]}/"][info.name] = self.world.time
        self.counts.frames_committed += len(span)
        self.log(f"piece {info.name.partition('/pieces/')[2]} stands")
        if made["spans"] != [[span.start, span.end]]:
            self._broken("a piece's name says what it holds", f"{info.name}: {made['spans']}")

    def deleted(self, bucket: str, name: str) -> None:
        """An object is gone."""
        self.counts.object_calls += 1
        self._held.pop(name, None)

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
        hold = self._hold(task, f"{output.id}/{key}", span)
        if process.thawed > self.world.time - OVERSTAY and (
            hold is None or process.thawed > hold.since
        ):
            return  # it slept since it looked: its next renewal will say what happened meanwhile
        if hold is None:
            self._broken("work is claimed", f"{output.id} {span} without a claim")
            return
        for name, at in self._pieces[names.pieces(plan.render, output.id, key)].items():
            piece = names.span_of(name)
            overlaps = piece and piece.start < span.end and span.start < piece.end
            if overlaps and at < hold.since:
                self._broken("nothing committed is made again", f"{output.id} {span} after {piece}")
        marks = (
            names.cancelled(plan.render),
            names.closed(plan.render, task.order.attempt),
            names.order(plan.render, task.order.attempt + 1),
        )
        for mark in marks:
            if self._marked.get(mark, self.world.time) < hold.since:
                self._broken("what is fenced begins nothing", f"{process.name} in spite of {mark}")
        owner = msgspec.json.decode(self.work.read(names.owner(plan.render, task.order.attempt)))
        if owner["execution"] != task.worker.execution:
            self._broken("one execution owns an attempt", f"{process.name} is not {owner}")

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

    # ── at every sweep, and at rest ──

    def look(self, processes: Iterable[Process]) -> None:
        """Nobody works for what is at its end."""
        for process in processes:
            task = self._tasks.get(process.name)
            if task is None or process.is_frozen:
                continue
            finished = self._finished.get(task.order.render)
            if finished is None:
                continue
            since = max(finished, process.thawed, process.born)
            if self.world.time - since > OVERSTAY:
                seen = f"{process.name} since {since:.0f} s"
                self._broken("nobody works for what is at its end", seen)

    def at_rest(self) -> None:
        """Everything that was uploaded has its end, and everybody was told the truth."""
        renders = {render.id: render for render in self.renders.newest(limit=1_000_000)}
        for info in self.uploads.list():
            name = info.name.removesuffix(SIDECAR_SUFFIX)
            mine = [r.upload for r in renders.values() if r.upload.name == name]
            if name == info.name and all(u.generation != info.generation for u in mine):
                self._broken("every upload has a render", f"{name}#{info.generation}")
            if name != info.name and all(u.revision != info.generation for u in mine):
                self._broken("every sidecar has a render", f"{info.name}#{info.generation}")
        for render in renders.values():
            self._end_of(render)
            self._overtaken(render, renders.values())
        for info in self.outputs.list():
            self._announced(info, renders)
        for render in renders.values():
            for prefix in names.perishable(render.id):
                for info in self.work.list(prefix, limit=1):
                    self._broken("what nobody needs is removed", f"{info.name}, {render.state}")

    def _end_of(self, render: Render) -> None:
        self.counts.ends[render.state.value] += 1
        self.counts.frames_delivered += sum(o.certificate.frames for o in render.outputs)
        seconds = self._saves[render.id]
        if seconds:
            end = self._finished.get(render.id, self.world.time)
            self.counts.lifetimes.append(end - seconds[0])
            per_second = Counter(int(at) for at in seconds)
            self.counts.busiest_second = max(self.counts.busiest_second, *per_second.values())
        if render.state not in TERMINAL:
            self._broken("everything ends", f"{render.id} is {render.state}: {render.why}")
        if render.pending:
            self._broken("everything is performed", f"{render.id}: {render.pending[0].effect}")
        if render.state is State.DONE and render.missing:
            self._broken("done means every output", render.id)
        passing = render.failure and render.failure.failure in _PASSING
        if render.state is State.FAILED and passing:
            seen = f"{render.id}: {render.failure.message if render.failure else ''}"
            self._broken("what passes by itself fails nobody", seen)
        if render.failure and render.failure.reason in _OUR_FAULTS:
            self._broken("no bug of ours fails anybody", f"{render.id}: {render.failure.message}")
        if render.state in (State.FAILED, State.CANCELLED) and render.failure is None:
            self._broken("an end has a reason", render.id)
        for output in render.outputs:
            if f"{render.id}/{output.output_id}" not in self._done:
                self._broken("what is verified is announced", f"{render.id} {output.output_id}")
        letters = sum(id.startswith(f"{render.id}/failed/") for id in self._letters)
        if letters != render.failures:
            seen = f"{render.id} failed {render.failures} times and has {letters} dead letters"
            self._broken("a failure is on record", seen)

    def _overtaken(self, render: Render, others: Iterable[Render]) -> None:
        """Nobody goes on for long with what a newer upload of the name has superseded.

        An upload that was refused supersedes nothing: there is nothing to have instead.
        """
        for newer in others:
            same = newer.upload.name == render.upload.name
            refused = newer.media is None
            if not same or refused or newer.upload.age_key <= render.upload.age_key:
                continue
            late = self._finished.get(render.id, 0.0) - self._saves[newer.id][0]
            if render.state is State.DONE and late > OVERSTAY:
                self._broken(
                    "the newest wins", f"{render.id} was done {late:.0f} s after {newer.id}"
                )

    def _announced(self, info: ObjectInfo, renders: dict[str, Render]) -> None:
        render = renders.get(info.metadata.get("clipline-render", ""))
        if render is None:
            self._broken("every output has a render", info.name)
        elif info.name not in {output.delivered.name for output in render.outputs}:
            rule = (
                "cancelled leaves no output"
                if render.state is State.CANCELLED
                else ("what stands is announced")
            )
            self._broken(rule, f"{info.name} of {render.id}, which is {render.state}")

    def broken(self, invariant: str, seen: str) -> None:
        """Somebody else saw it."""
        self._broken(invariant, seen)

    def _broken(self, invariant: str, seen: str) -> None:
        violation = Violation(invariant=invariant, seen=seen, at=self.world.time)
        self.violations.append(violation)
        self.world.is_over = True
        self.log(f"VIOLATION {violation}")
