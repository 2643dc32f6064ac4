"""A crew of tasks that make the pieces of a plan, each choosing for itself: time is simulated."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from render_job.choose import Choice, Claim, Hedge, Idle, Leave, MakePiece, Seen, Worker, choose
from schemas.pieces import Span
from schemas.plan import Order, RenderPlan
from tests.unit.makers import NOW

RENEWED = 2.0
"""Seconds between two renewals of a claim, and until an idle task looks again."""


@dataclass(kw_only=True)
class Hand:
    """What a task is at, since when and until when, in simulated seconds."""

    work: MakePiece | Hedge
    since: float
    renewed: float
    until: float


@dataclass(kw_only=True)
class Crew:
    """Tasks of one attempt at a silent plan; `speeds` are in frames a second, one for each task."""

    plan: RenderPlan
    order: Order
    speeds: Sequence[float]
    fixed: float = 0.25
    """Seconds of video that a task could have made in the time that a chunk costs by itself."""
    looks_again: bool = False
    """Whether each task looks once more under its claim, as real ones do."""
    now: float = 0
    hands: dict[int, Hand] = field(default_factory=dict)
    pieces: dict[str, set[Span]] = field(default_factory=dict)
    paces: dict[str, dict[Worker, float]] = field(default_factory=dict)
    records: dict[str, Claim] = field(default_factory=dict)
    """Claims of hedges, which stay."""
    taken: list[MakePiece | Hedge] = field(default_factory=list)
    wasted: int = 0
    """Frames that were made by the second of two."""

    def run(self) -> float:
        """Until all is made; the seconds that it took."""
        ready = [(0.0, task) for task in range(len(self.speeds))]
        while not self.done:
            self.now, task = heapq.heappop(ready)
            hand = self.hands.get(task)
            if hand is not None and hand.until > self.now:
                hand.renewed = self.now
                if not self.is_made(hand.work):
                    heapq.heappush(ready, (self.next_news(hand), task))
                    continue
                self.wasted += self.frames(task, hand, self.now)
            self.lay_down(task)
            heapq.heappush(ready, (self.next_look(task), task))
        return self.now

    @property
    def done(self) -> bool:
        """Whether every output is made; joining one takes no time here."""
        return len(self.made()) == len(self.plan.outputs)

    def made(self) -> frozenset[str]:
        """Ids of the outputs whose pieces are all there."""
        outputs = self.plan.outputs
        return frozenset(
            o.id for o in outputs if self.pieces.get(o.pieces_id, set()) == {*o.chunks}
        )

    def is_made(self, work: MakePiece | Hedge) -> bool:
        """Whether the piece stands."""
        return work.span in self.pieces.get(work.output.pieces_id, set())

    def lay_down(self, task: int) -> None:
        """The task ends what it is at: it commits it, or finds that another has."""
        hand = self.hands.pop(task, None)
        if hand is None:
            return
        if isinstance(hand.work, Hedge):
            self.records[hand.work.claim] = self.claim(task, hand)
        if not self.is_made(hand.work):
            id, pace = hand.work.output.pieces_id, len(hand.work.span) / (self.now - hand.since)
            self.pieces.setdefault(id, set()).add(hand.work.span)
            self.paces.setdefault(id, {})[worker(task)] = pace

    def next_look(self, task: int) -> float:
        """The task looks, and takes what it chooses; when there will be news of it."""
        choice = self.choice(task)
        if not isinstance(choice, MakePiece | Hedge):
            assert isinstance(choice, Idle | Leave), choice
            return self.now + RENEWED
        self.taken.append(choice)
        frames = len(choice.span) + self.fixed * choice.output.frame_rate
        until = self.now + float(frames) / self.speeds[task]
        hand = self.hands[task] = Hand(work=choice, since=self.now, renewed=self.now, until=until)
        if self.looks_again:
            assert self.choice(task) == choice, "what is claimed is chosen again"
        return self.next_news(hand)

    def choice(self, task: int) -> Choice:
        """What the task would do now."""
        return choose(self.plan, self.order, worker(task), self.seen())

    def next_news(self, hand: Hand) -> float:
        """When it is ready, or renews its claim, whichever is first."""
        return min(hand.until, hand.renewed + RENEWED)

    def frames(self, task: int, hand: Hand, at: float) -> int:
        """Frames that it has made by then of what it is at."""
        return min(int((at - hand.since) * self.speeds[task]), len(hand.work.span))

    def seen(self) -> Seen:
        """The work bucket as it stands now."""
        claims = {hand.work.claim: self.claim(task, hand) for task, hand in self.hands.items()}
        return Seen(
            now=moment(self.now),
            pieces={id: frozenset(spans) for id, spans in self.pieces.items()},
            claims={**self.records, **claims},
            paces=self.paces,
            delivered=self.made(),
        )

    def claim(self, task: int, hand: Hand) -> Claim:
        """The claim of what the task is at, as it was last renewed."""
        return Claim(
            worker=worker(task),
            attempt=self.order.attempt,
            taken_at=moment(hand.since),
            renewed_at=moment(hand.renewed),
            generation=1,
            frames=self.frames(task, hand, hand.renewed),
        )


def worker(task: int) -> Worker:
    return Worker(execution="e-1", task=task)


def moment(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)
