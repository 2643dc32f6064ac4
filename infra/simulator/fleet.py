"""The lanes of a world, and how each of them lies."""

from dataclasses import dataclass, replace
from datetime import timedelta

from functions.core.lanes import Lane

GPU, CPU = "h264_nvenc/ada/470", "libx264/5.1/t1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneKind:
    """A lane of a world, and how it lies."""

    lane: Lane
    scarce: bool
    """Whether its machines may run out."""
    spot: float = 0.3
    """How much more often than others its machines are taken away."""
    names_itself: bool = False
    """Whether a launch has a name of our choice, and so happens once."""


_CLOUD_RUN = Lane(
    id="cloud-run/us-east4/l4",
    encoder_class=GPU,
    tasks=2,
    executions=3,
    start_within=timedelta(minutes=3),
    attempt_limit=timedelta(minutes=55),
)
_BATCH = replace(_CLOUD_RUN, id="batch/us-central1/l4/spot", tasks=3, executions=2, hedge=True)
_ON_CPU = replace(_CLOUD_RUN, id="cloud-run/us-east4/cpu", encoder_class=CPU, tasks=4, executions=8)
LANES = (
    LaneKind(lane=_CLOUD_RUN, scarce=True),
    LaneKind(lane=_BATCH, scarce=True, spot=3.0, names_itself=True),
    LaneKind(lane=_ON_CPU, scarce=False),
)
