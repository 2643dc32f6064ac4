"""What `make run CHAOS=seed` does to a pipeline, as a plan: pure, and the same for the same seed.

    deliveries  1   2   3   4 …        most come at once; some late, some twice
    kills       ──┤──────┤────┤─────   about every 20 s, with or without notice

How much is done is part of the wish, after the seed: `CHAOS=7,every=5,notice=0`.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from functions.core.retry import RULES
from schemas.failures import FailureClass

LONGEST_DELAY = timedelta(seconds=2)
"""Of a message that is held back: far below every ack deadline, so that it counts as delivered."""
SHORTEST_DELAY = timedelta(milliseconds=50)
FIRST_KILL = (0.1, 0.3)
"""In kill intervals, the first pause; it is short, so that a short render meets a kill as well."""
LATER_KILLS = (0.5, 1.5)
ALL_TASKS = 0.25
"""The share of preemptions that take every task at once."""
MOST_ENCODERS = RULES[FailureClass.CRASH].retries or 0
"""An ffmpeg that is killed looks like one that crashed, and one crash more than this rightly ends
the render: so many are killed, and then tasks alone."""


class Unreadable(ValueError):
    """The wish cannot be read; the message says what is wrong with it."""


class Target(StrEnum):
    """Who is hit."""

    TASK = "task"
    TASKS = "all tasks"
    ENCODER = "ffmpeg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill: how long after the one before it, whom it hits, and how."""

    after: timedelta
    target: Target
    notice: bool
    """SIGTERM, and SIGKILL only after the ordinary grace; without notice SIGKILL at once."""
    pick: float
    """Which one of several, as a share of them: from 0 to below 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one delivery: how long after its time each copy is handed over."""

    copies: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehaviour:
    """How badly, by which seed. Shares are from 0 to 1."""

    seed: str
    every: timedelta = timedelta(seconds=20)
    """Between two kills, on average."""
    notice: float = 0.2
    """The share of preemptions that come with notice."""
    ffmpeg: float = 0.2
    """The share of kills that hit one ffmpeg and not its task, as long as those are forgiven."""
    messages: float = 0.3
    """The share of deliveries that come late or twice."""

    def fates(self) -> Iterator[Fate]:
        """For the first delivery, the second and so on, without end."""
        draw = random.Random(f"{self.seed}/messages")
        while True:
            yield Fate(copies=self._copies(draw))

    def _copies(self, draw: random.Random) -> tuple[timedelta, ...]:
        if draw.random() >= self.messages:
            return (timedelta(0),)
        delay = SHORTEST_DELAY + draw.random() * (LONGEST_DELAY - SHORTEST_DELAY)
        return draw.choice(((delay,), (timedelta(0), delay)))

    def kills(self) -> Iterator[Kill]:
        """The first kill, the second and so on, without end."""
        draw = random.Random(f"{self.seed}/kills")
        pause, encoders = FIRST_KILL, 0
        while True:
            kill = self._kill(draw, pause, encoders < MOST_ENCODERS)
            yield kill
            pause, encoders = LATER_KILLS, encoders + (kill.target is Target.ENCODER)

    def _kill(
        self, draw: random.Random, pause: tuple[float, float], encoder_is_forgiven: bool
    ) -> Kill:
        after, pick = draw.uniform(*pause) * self.every, draw.random()
        if draw.random() < self.ffmpeg and encoder_is_forgiven:
            return Kill(after=after, target=Target.ENCODER, notice=False, pick=pick)
        target = Target.TASKS if draw.random() < ALL_TASKS else Target.TASK
        return Kill(after=after, target=target, notice=draw.random() < self.notice, pick=pick)


def read(wish: str) -> Misbehaviour:
    """`SEED[,every=SECONDS][,notice=SHARE][,ffmpeg=SHARE][,messages=SHARE]`.

    Raises Unreadable.
    """
    seed, *options = wish.split(",")
    told = dict(option.partition("=")[::2] for option in options)
    unknown = sorted(told.keys() - {"every", "notice", "ffmpeg", "messages"})
    if not seed or "=" in seed or unknown:
        what = f"'{unknown[0]}' is not known" if unknown else "it does not begin with a seed"
        raise Unreadable(
            f"{what}: write SEED, then every=, notice=, ffmpeg= or messages= if needed"
        )
    usual = Misbehaviour(seed=seed)
    every = _number(told, "every", usual.every.total_seconds(), most=86_400)
    if not every:
        raise Unreadable("every= must be more than nothing")
    return replace(
        usual,
        every=timedelta(seconds=every),
        notice=_number(told, "notice", usual.notice),
        ffmpeg=_number(told, "ffmpeg", usual.ffmpeg),
        messages=_number(told, "messages", usual.messages),
    )


def _number(told: Mapping[str, str], name: str, otherwise: float, most: float = 1) -> float:
    try:
        number = float(told.get(name, otherwise))
    except ValueError:
        raise Unreadable(f"{name}={told[name]} is no number") from None
    if not 0 <= number <= most:
        raise Unreadable(f"{name}={told[name]} is not between 0 and {most:g}")
    return number
