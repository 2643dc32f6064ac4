"""A crew of tasks that make the pieces of a plan, each choosing for itself: time is simulated."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from render_job.choose import Choice, Claim, Idle, Leave, MakePiece, Seen, Worker, choose
from schemas.pieces import Span
from schemas.plan import Order, RenderPlan
from tests.unit.makers import NOW

LOOK_AGAIN = 2.0
"""Seconds until an idle task looks again."""


@dataclass(kw_only=True)
class Hand:
    """What a task is at, since when and until when, in simulated seconds."""

    work: MakePiece
    since: float
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
    taken: list[Choice] = field(default_factory=list)

    def run(self) -> float:
        """Until all is made; the seconds that it took."""
        ready = [(0.0, task) for task in range(len(self.speeds))]
        while not self.done:
            self.now, task = heapq.heappop(ready)
            hand = self.hands.pop(task, None)
            if hand is not None:
                self.pieces.setdefault(hand.work.output.id, set()).add(hand.work.span)
            heapq.heappush(ready, (self.next_look(task), task))
        return self.now

    @property
    def done(self) -> bool:
        """Whether every output is made; joining one takes no time here."""
        return len(self.made()) == len(self.plan.outputs)

    def made(self) -> frozenset[str]:
        """Ids of the outputs whose pieces are all there."""
        outputs = self.plan.outputs
        return frozenset(o.id for o in outputs if self.pieces.get(o.id, set()) == {*o.chunks})

    def next_look(self, task: int) -> float:
        """The task looks, and takes what it chooses; when it will look again."""
        choice = choose(self.plan, self.order, worker(task), self.seen())
        if not isinstance(choice, MakePiece):
            assert isinstance(choice, Idle | Leave), choice
            return self.now + LOOK_AGAIN
        self.taken.append(choice)
        frames = len(choice.span) + self.fixed * choice.output.frame_rate
        until = self.now + float(frames) / self.speeds[task]
        self.hands[task] = Hand(work=choice, since=self.now, until=until)
        if self.looks_again:
            again = choose(self.plan, self.order, worker(task), self.seen())
            assert again == choice, "what is claimed is chosen again"
        return until

    def seen(self) -> Seen:
        """The work bucket as it stands now."""
        return Seen(
            now=moment(self.now),
            pieces={id: frozenset(spans) for id, spans in self.pieces.items()},
            claims={hand.work.claim: self.claim(task, hand) for task, hand in self.hands.items()},
            delivered=self.made(),
        )

    def claim(self, task: int, hand: Hand) -> Claim:
        """The claim of what the task is at."""
        return Claim(
            worker=worker(task),
            attempt=self.order.attempt,
            renewed_at=moment(self.now),
            generation=1,
            frames=int((self.now - hand.since) * self.speeds[task]),
        )


def worker(task: int) -> Worker:
    return Worker(execution="e-1", task=task)


def moment(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)
