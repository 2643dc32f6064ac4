"""Whatever happens to a render, in whatever order: what must hold after every step."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from functions.core.effects import AnnounceDeadLetter, AnnounceDone, Launch
from functions.core.machine import (
    PASSES,
    TABLE,
    Never,
    Occurrence,
    Rule,
    advance,
    cell_of,
    looks_at_others,
    performed,
)
from functions.core.observations import LaunchDenied, PiecesRemoved, Superseded
from functions.core.render import LONGEST_HISTORY, TERMINAL, Render, State
from functions.core.retry import RULES
from functions.core.step import Facts, Step
from schemas.events import (
    AttemptFailed,
    AttemptPreempted,
    CancelRender,
    ChunkCommitted,
    ExecutionEnded,
    RenderProgress,
    ReplayRender,
    StitchStarted,
    UploadRefused,
)
from schemas.failures import Failure, FailureClass
from schemas.pieces import Span
from schemas.wire import from_json, to_json
from tests.unit.makers import (
    LANE,
    NOW,
    OTHER_LANE,
    THREE_OUTPUTS,
    UPLOAD,
    accepted,
    effects,
    execution,
    facts,
    failure,
    over,
    requested,
    seconds,
    started,
    surveyed,
    tick,
    upload,
    verified,
)


@dataclass(frozen=True, kw_only=True)
class Move:
    """What happens next, told without knowing the render it happens to."""

    kind: str
    stale: bool
    wait_seconds: float
    cause: Failure
    frames: int
    facts: Facts


def shape(render: Render, move: Move) -> Render:
    """The render as the teller of a stale event knew it."""
    return replace(render, attempt=max(render.attempt - 1, 0)) if move.stale else render


OCCURRENCES: dict[str, Callable[[Render, Move, datetime], Occurrence]] = {
    "tick": lambda r, m, at: tick(r),
    "accepted": lambda r, m, at: accepted(r),
    "denied": lambda r, m, at: LaunchDenied(render=r.id, attempt=r.attempt, failure=m.cause),
    "started": lambda r, m, at: started(r),
    "progress": lambda r, m, at: RenderProgress(
        render=r.id, attempt=r.attempt, at=at, task=0, frames=m.frames
    ),
    "chunk": lambda r, m, at: ChunkCommitted(
        render=r.id,
        attempt=r.attempt,
        at=at,
        output_id="full/web-240",
        span=Span(0, m.frames + 1),
        frames=m.frames,
    ),
    "stitch": lambda r, m, at: StitchStarted(
        render=r.id, attempt=r.attempt, at=at, output_id="full/web-240"
    ),
    "verified": lambda r, m, at: verified(
        r, ("full/web-240", "full/web-360", "full/web-480", "full/none")[m.frames % 4]
    ),
    "gave up": lambda r, m, at: AttemptFailed(
        render=r.id, attempt=r.attempt, at=at, execution=execution(r), failure=m.cause
    ),
    "preempted": lambda r, m, at: AttemptPreempted(
        render=r.id, attempt=r.attempt, at=at, execution=execution(r), task=0
    ),
    "ended": lambda r, m, at: ExecutionEnded(
        render=r.id, attempt=r.attempt, at=at, execution=execution(r), failure=m.cause
    ),
    "running": lambda r, m, at: surveyed(r, frames=m.frames, owned=m.frames % 3 > 0),
    "over": lambda r, m, at: over(r, m.cause, frames=m.frames),
    "cancel": lambda r, m, at: CancelRender(render=r.id, at=at, by="ada", reason="wrong"),
    "replay": lambda r, m, at: ReplayRender(
        render=r.id, at=at, by="ada", reason="mended", lane=(None, OTHER_LANE.id)[m.frames % 2]
    ),
    "superseded": lambda r, m, at: Superseded(render=r.id, by="r-newer"),
    "removed": lambda r, m, at: PiecesRemoved(render=r.id, more=m.frames % 2 > 0),
    "requested": lambda r, m, at: requested(spec=THREE_OUTPUTS),
}
ONE_OUTPUT = '{"outputs": [{"height": 240}]}'
RARE = ("cancel", "superseded", "requested")
KINDS = [*RARE, *("perform", *(kind for kind in OCCURRENCES if kind not in RARE)) * 4]
WAITS = [0, 0, 1, 3, 10, 31, 400, 4000, 90_000]
FREE = facts(LANE, OTHER_LANE, draw=0.7)
FACTS = [FREE] * 8 + [
    facts(LANE, OTHER_LANE, busy={LANE.id: 1}),
    facts(LANE, OTHER_LANE, busy={LANE.id: 1, OTHER_LANE.id: 1}),
    facts(OTHER_LANE),
    facts(LANE, newest=upload(generation=UPLOAD.generation + 1).age_key),
]
CAUSES = [failure(kind) for kind in FailureClass]
moves = st.builds(
    Move,
    kind=st.sampled_from(KINDS),
    stale=st.sampled_from([False] * 4 + [True]),
    wait_seconds=st.sampled_from(WAITS),
    cause=st.sampled_from(CAUSES),
    frames=st.integers(0, 1800),
    facts=st.sampled_from(FACTS),
)


@dataclass
class History:
    """One render and all that was ever wanted of the outside for it."""

    spec: str = THREE_OUTPUTS
    now: datetime = NOW
    render: Render = field(init=False)
    done: Counter[str] = field(default_factory=Counter)
    letters: Counter[str] = field(default_factory=Counter)
    states: set[State] = field(default_factory=set)

    def __post_init__(self) -> None:
        opened = advance(None, requested(spec=self.spec), now=NOW, facts=FREE)
        assert opened is not None
        self.render = opened

    def step(self, move: Move) -> None:
        self.now += seconds(move.wait_seconds)
        before = self.render
        if move.kind == "perform":
            self.render = performed(before, before.pending[0].effect) if before.pending else before
            return
        event = OCCURRENCES[move.kind](shape(before, move), move, self.now)
        if isinstance(cell_of(before, event), Never):  # no attempt was ordered yet to tell of
            return
        after = advance(before, event, now=self.now, facts=move.facts)
        assert after is not None
        if not looks_at_others(before, event):
            blind = replace(move.facts, busy={}, newest=None, folder="", ledger=(), pauses=())
            assert advance(before, event, now=self.now, facts=blind) == after
        self.check_step(before, after)
        self.check_render(after)
        if move.kind != "replay":  # one that fails at once is a new failure, to be replayed anew
            again = advance(after, event, now=self.now, facts=move.facts)
            assert again is after or self.is_settled_by(again, after)
        self.render = after
        self.states.add(after.state)

    def is_settled_by(self, again: Render | None, after: Render) -> bool:
        """A look that brought a render to its end may, made again, see when nothing more comes."""
        if again is None or after.settled or after.state not in TERMINAL:
            return False
        return again == replace(after, settled=again.settled, revisit_at=again.revisit_at)

    def check_step(self, before: Render, after: Render) -> None:
        assert (after is before) == (after == before)
        assert before.attempt <= after.attempt <= before.attempt + 1
        if after.attempt > before.attempt:
            assert after.only_lane in (None, after.lane)
        assert set(before.outputs) <= set(after.outputs)
        assert after.created_at == before.created_at
        if before.state is State.DONE:
            assert after.state is State.DONE
        if before.state is State.CANCELLED:
            assert after.state is State.CANCELLED
        if after.retries > before.retries:
            (closed,) = (r for r in after.attempts if r.number == before.attempt)
            assert closed.cause is not None
            limit = RULES[closed.cause.failure].retries
            assert limit is not None
            assert after.retries == before.retries + 1 <= limit
        for effect in set(effects(after)) - set(effects(before)):
            if isinstance(effect, AnnounceDone):
                self.done[effect.event.output_id] += 1
            if isinstance(effect, AnnounceDeadLetter):
                self.letters[effect.event.id] += 1
        assert not self.done or max(self.done.values()) == 1
        assert not self.letters or max(self.letters.values()) == 1
        assert set(self.done) == {output.output_id for output in after.outputs}

    def check_render(self, render: Render) -> None:
        ended = render.state in TERMINAL
        assert ended or render.due_at is not None
        assert ended or render.revisit_at is not None
        assert render.state is not State.DONE or render.settled
        assert ended or not render.settled
        assert (render.state is State.DONE) == (render.plan is not None and not render.missing)
        assert (render.failure is None) == (render.state not in (State.FAILED, State.CANCELLED))
        assert sum(isinstance(effect, Launch) for effect in effects(render)) <= (not ended)
        assert len(render.attempts) <= LONGEST_HISTORY
        assert render.attempt == (render.attempts[-1].number if render.attempts else 0)
        assert all(record.ended_at is not None for record in render.attempts[:-1])
        assert render.retries <= max(rule.retries or 0 for rule in RULES.values())


def lived(steps: Sequence[Move]) -> History:
    history = History()
    for move in steps:
        history.step(move)
    return history


OVER_AND_OVERTAKEN = Move(
    kind="over", stale=False, wait_seconds=0, cause=CAUSES[0], frames=0, facts=FACTS[-1]
)
"""Found by chance once in some thousand runs: the end of an attempt is the render's end as well."""


@given(st.lists(moves, max_size=40))
@example([OVER_AND_OVERTAKEN])
@example([replace(OVER_AND_OVERTAKEN, facts=FREE), OVER_AND_OVERTAKEN])
def test_whatever_happens_a_render_keeps_its_promises(steps: list[Move]) -> None:
    history = lived(steps)
    document = to_json(history.render)
    assert from_json(document, Render) == history.render
    assert len(document) < 2**17


def random_moves(chance: Random, count: int) -> list[Move]:
    return [
        Move(
            kind=chance.choice(KINDS),
            stale=chance.random() < 0.2,
            wait_seconds=chance.choice(WAITS),
            cause=chance.choice(CAUSES),
            frames=chance.randrange(1800),
            facts=chance.choice(FACTS),
        )
        for _ in range(count)
    ]


def test_random_histories_visit_every_state_that_is_stored() -> None:
    chance = Random(7)
    states = set[State]()
    for _ in range(80):
        states |= lived(random_moves(chance, 40)).states
    assert states == set(State) - set(PASSES)


Way = tuple[State | None, str, State]
"""From a state, by what, to another."""


def decided(render: Render | None, event: Occurrence, step: Step) -> Iterator[tuple[Way, Render]]:
    """The ways that one event takes, each with the render that it leads to."""
    cell = cell_of(render, event)
    if not isinstance(cell, Rule):
        return
    reached = cell.decide(render, event, step)
    yield (render.state if render else None, type(event).__name__, reached.state), reached
    while (way := PASSES.get(here := reached.state)) is not None:
        reached = way.decide(reached, event, step)
        yield (here, "by itself", reached.state), reached


def declared() -> set[Way]:
    rules = [(s, k.__name__, c) for s, row in TABLE.items() for k, c in row.items()]
    rules += [(state, "by itself", way) for state, way in PASSES.items()]
    return {(s, kind, to) for s, kind, rule in rules if isinstance(rule, Rule) for to in rule.to}


def test_every_way_that_is_taken_is_declared_and_every_declared_way_is_taken() -> None:
    chance = Random(2)
    taken = set[Way]()

    def news(render: Render, move: Move, now: datetime) -> list[Occurrence]:
        return [told(shape(render, move), move, now) for told in OCCURRENCES.values()]

    for spec in (THREE_OUTPUTS, ONE_OUTPUT, "nonsense") * 8:
        history = History(spec=spec)
        for move in random_moves(chance, 20):
            step = Step(now=history.now, facts=move.facts)
            before = history.render
            refused = UploadRefused(upload=UPLOAD, failure=move.cause, at=NOW)
            steps = [*decided(None, requested(spec=spec), step), *decided(None, refused, step)]
            for event in news(before, move, step.now):
                steps += decided(before, event, step)
            passing = {r.state: r for _, r in steps if r.state in PASSES}
            for render in passing.values():  # never stored: what would follow if it were
                for event in news(render, move, step.now):
                    steps += decided(render, event, step)
            taken |= {way for way, _ in steps}
            history.step(move)
    assert {way for way in taken if way[0] is not way[2]} == declared()
