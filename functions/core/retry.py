"""Retry rules: what each failure class is allowed, as data, and the decision as a value."""

from dataclasses import dataclass
from datetime import timedelta

from schemas.failures import Failure, FailureClass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """`retries` None means as often as it takes, until the render's own deadline.

    Only bounded classes use up the retries of the content. A pause doubles with each attempt
    in a row that committed nothing, up to `longest_pause`; then up to half of it is taken away, by
    lot, so that renders that failed together do not come back together.
    """

    retries: int | None
    pause: timedelta = timedelta(0)
    longest_pause: timedelta = timedelta(minutes=10)
    progress_is_free: bool = False
    """Whether an attempt that committed something uses up none: it was only too short."""

    @property
    def passes(self) -> bool:
        """Whether what went wrong ends by itself: a stock-out does, a bug does not."""
        return self.retries is None


_NEVER = RetryRule(retries=0)
RULES = {
    FailureClass.INPUT: RetryRule(retries=1),
    FailureClass.SPEC: _NEVER,
    FailureClass.CAPACITY: RetryRule(retries=None),  # the ledger says when and where
    FailureClass.PREEMPTED: RetryRule(retries=None),
    FailureClass.TIMEOUT: RetryRule(retries=2, progress_is_free=True),
    FailureClass.OUT_OF_MEMORY: RetryRule(retries=2),
    FailureClass.CRASH: RetryRule(retries=2, pause=timedelta(seconds=1)),
    FailureClass.DEPENDENCY: RetryRule(retries=5, pause=timedelta(seconds=5)),
    FailureClass.INTERNAL: RetryRule(retries=1),
    FailureClass.CANCELLED: _NEVER,
    FailureClass.BUDGET: _NEVER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """Try again after `pause`, or do not; `why` is for people."""

    again: bool
    pause: timedelta
    counts: bool
    """Whether this one uses up a retry of the content."""
    why: str


def decide(
    failure: Failure, *, retries: int, barren: int, previous: Failure | None, draw: float
) -> RetryDecision:
    """What to do after an attempt that failed so.

    `retries` are used up so far, `barren` attempts in a row committed nothing (this one
    included), and `previous` is the cause of the attempt before: the same input fault twice ends
    the render at once. `draw` is the lot, from 0 (the whole pause) to below 1 (half of it).
    """
    rule = RULES[failure.failure]
    repeated = previous is not None and previous.fingerprint == failure.fingerprint
    if repeated and failure.failure is FailureClass.INPUT:
        return _no("the same input fault came twice")
    counts = rule.retries is not None and not (rule.progress_is_free and not barren)
    if counts and rule.retries is not None and retries >= rule.retries:
        return _no(f"{failure.failure} is tried again {rule.retries} times at most")
    pause = min(rule.pause * 2 ** min(max(barren - 1, 0), 16), rule.longest_pause)
    return RetryDecision(
        again=True,
        pause=_spread(pause, draw),
        counts=counts,
        why=f"again after {failure.failure}",
    )


def _spread(pause: timedelta, draw: float) -> timedelta:
    """Equal jitter: between half of the pause and all of it.

    Full jitter, from nothing to all, spreads many callers of one service with the fewest calls
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). But here a try that
    comes too soon costs a launch, and three in a row that commit nothing bar the lane: what is
    short of capacity or broken must have had its time.
    """
    return pause * (1 - draw / 2)


def _no(why: str) -> RetryDecision:
    return RetryDecision(again=False, pause=timedelta(0), counts=False, why=why)
