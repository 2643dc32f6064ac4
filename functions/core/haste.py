"""Haste: an attempt on Spot machines is given up in its middle while surer ones are still in time.

    left: ├───── it may go as slowly as it likes ─────┤── net: the surer lane ──┤ deadline

Machines that may be taken away may stay away, and the attempt stands still with time running. From
the net on (`functions/core/patience.py`) it goes on only if by the pace that it had it will be done
in time, or no later than on the surer lane. What is committed moves along.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.core.ledger import LONGEST_PAUSE
from functions.core.need import Need
from functions.core.patience import fastest, net
from functions.core.weigh import Weighed


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How an attempt goes: frames that it has committed since it began, and those missing."""

    made: int
    left: int
    since: datetime

    def takes(self, now: datetime) -> timedelta:
        """Until it is done, at the pace that it had."""
        return (now - self.since) * self.left / self.made if self.made else timedelta.max


def has_to_move(course: Course, weighed: Sequence[Weighed], need: Need, now: datetime) -> bool:
    """Whether surer machines are in time, may not be soon, and the attempt itself is not sure."""
    best = _surer(weighed)
    if best is None or need.deadline is None or now < net(best, need, need.deadline):
        return False
    own, left = course.takes(now), need.deadline - now
    return own > best.start + fastest(best, need) and own > left - LONGEST_PAUSE


def next_look(
    weighed: Sequence[Weighed], need: Need, deadline: datetime, now: datetime
) -> datetime:
    """When to look at it again, whatever is heard until then.

    At the net, and from then on twice in the pause that it has to spare. Where there is no surer
    lane, or nobody knows how fast one is, when half of the time that is left is over.
    """
    if (best := _surer(weighed)) is None:
        return now + (deadline - now) / 2
    return max(net(best, need, deadline), now + LONGEST_PAUSE / 2)


def _surer(weighed: Sequence[Weighed]) -> Weighed | None:
    """The best lane without Spot of which it is known how long it takes."""
    sure = (one for one in weighed if not one.lane.is_spot)
    return next((one for one in sure if one.takes is not None and not one.overlong), None)
