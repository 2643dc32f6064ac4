"""The speed of a lane on which nothing has run of late: that of another one with its encoder class.

One class is one encoder on one kind of machine, so two lanes of it are about as fast. Without this
a lane that had no machines for some hours would have no cost either, and nobody would wait for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from functions.core.lanes import Lane
from functions.core.ledger import Standing

OFF = 0.5
"""How far off such a guess may be, as a share of it: machines of one class differ, and their places
do. The standard error, so twice as much is counted where something must be so."""


def paced(lanes: Sequence[Lane], standings: Mapping[str, Standing]) -> Mapping[str, Standing]:
    """What is known of each lane, by its id, with a guess where its speed is not."""
    known = {
        lane.encoder_class: standing
        for lane in reversed(lanes)
        if (standing := standings.get(lane.id)) is not None and standing.speed
    }
    found = dict(standings)
    for lane in lanes:
        own = standings.get(lane.id, Standing(lane=lane.id))
        other = known.get(lane.encoder_class)
        if not own.speed and other is not None and other.speed:
            off = max(other.speed_error, OFF * other.speed)
            found[lane.id] = replace(own, speed=other.speed, speed_error=off)
    return found
