"""Haste: an attempt on Spot machines is given up in its middle while surer ones are still in time.

    left: ├───── it may go as slowly as it likes ─────┤── NET x the surer lane ──┤ deadline

Machines that may be taken away may stay away, and the attempt stands still with time running. It
goes on while it would be done in what the surer lane is given, however late it is: what it makes
brings the net nearer to the deadline as fast as time passes. What is committed moves along.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.core.patience import NET, net
from functions.core.weigh import Weighed


def next_look(now: datetime, deadline: datetime) -> datetime:
    """When half of the time that is left is over, whatever is heard until then.

    The net is NET times what is needed, so one of these looks falls where it still holds once.
    """
    return now + (deadline - now) / 2


def surer(
    weighed: Sequence[Weighed],
    *,
    made: int,
    left: int,
    since: datetime,
    deadline: datetime,
    now: datetime,
) -> Weighed | None:
    """The lane, of those that are open, to which an attempt on Spot machines has to move; or None.

    `made` are the frames that it has committed since `since`, `left` those that are missing.
    """
    sure = (one for one in weighed if not one.lane.is_spot)
    best = next((one for one in sure if one.sure is not None and not one.overlong), None)
    if best is None or best.sure is None or now < net(best.start, best.sure, deadline):
        return None
    own = (now - since) * left / made if made else timedelta.max
    return best if own > max(NET * best.sure, best.start + best.sure) else None
