"""When a render may be done: from the machine-seconds that its frames have taken so far.

Not from a clock of one's own: whoever begins to look in the middle knows as much as one who looked
from the start, and the time until the first machine ran is in nobody's pace.
"""

from dataclasses import dataclass

from functions.core.render import Render
from functions.made import Made

SOONEST, LATEST = 0.65, 1.5
"""Of the likely time: what `python -m tests.bench_eta` found most renders between."""
JOINED_IN = 0.3
"""Seconds from an output's last piece to its verified file; what the length adds is beside it."""
JOINING = 0.03
"""Of the whole time, after the last encoder (`make bench-render`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """Seconds that are left: the likely number and a range around it."""

    likely: float
    soonest: float
    latest: float

    def __str__(self) -> str:
        soonest, latest = round(self.soonest), round(self.latest)
        span = f" ({soonest} to {latest})" if soonest != latest else ""
        return f"~{round(self.likely)} s{span}"


def eta(render: Render, made: Made) -> Eta | None:
    """As the machines of its attempt go on; None until one of them has said how far it is."""
    if render.plan is None or not render.attempts or not made.timed:
        return None
    tasks = max(1, min(render.attempts[-1].tasks, render.plan.chunks))
    frame = made.seconds / made.timed / tasks
    left = max(0.0, render.plan.frames - made.committed - made.in_hand)
    left = max(0.0, left - made.unheard / tasks / frame)
    # While the last chunk is made, half of the other machines' time is idle.
    last = max(len(output.chunks[-1]) for output in render.plan.outputs)
    making = (left + last * (tasks - 1) / 2) * frame if left else 0.0
    whole = render.plan.frames * frame
    likely = making + JOINED_IN * len(render.plan.outputs) + JOINING * whole
    return Eta(likely=likely, soonest=likely * SOONEST, latest=likely * LATEST)
