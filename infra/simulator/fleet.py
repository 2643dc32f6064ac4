"""The lanes of a world, and how each of them lies."""

from dataclasses import dataclass, replace
from datetime import timedelta

from functions.core.lanes import Lane
from functions.core.prices import Price, PricePart
from functions.core.quotas import Quota
from infra.simulator.capacity import Traced

GPU, CPU = "h264_nvenc/ada/470", "libx264/5.1/t1"


def _part(what: str, nanodollars_a_second: int, count: int = 1) -> PricePart:
    """Read in 2026-08 from Cloud Run's SKUs of us-central1."""
    return PricePart(
        what=what,
        nanodollars_a_second=nanodollars_a_second,
        count=count,
        read_on="2026-08-01",
        source="Cloud Billing API, us-central1",
    )


L4_PRICE = Price(
    parts=(
        _part("L4 without zonal redundancy", 186_700),
        _part("vCPU", 18_000, 4),
        _part("GiB", 2_000, 16),
    )
)
CPU_PRICE = Price(parts=(_part("vCPU", 18_000, 4), _part("GiB", 2_000, 8)))
SPOT_PRICE = Price(
    parts=(
        PricePart(
            what="g2-standard-4, Spot",
            nanodollars_a_second=70_000,
            read_on="2026-08-01",
            source="a round number: about 0.25 dollars an hour, which changes monthly",
        ),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneKind:
    """A lane of a world, and how it lies."""

    lane: Lane
    scarcity: float = 1.0
    """How much more often than usual its machines run out for a while; 0 is never."""
    out_for: float = 0.0
    """Seconds from the dawn on in which it has no machines, whatever else is drawn."""
    trace: Traced | None = None
    """What it follows to the letter: it says so when it has no machines, and takes away those that
    work when it has none any more. None for what is drawn."""
    starts_after: float | None = None
    """Seconds that every start takes; None for what is drawn."""
    spot: float = 0.3
    """How much more often than usual its machines are taken away."""
    retries: int = 3
    """Times that a task of an execution is begun again when it ends without a word."""
    names_itself: bool = False
    """Whether a launch has a name of our choice, as Batch's `job_id`, and so happens once."""
    tells_preemption: bool = False
    """Whether it says so when machines were taken away, as Batch does by an exit code of its own:
    on other lanes that looks like a crash."""
    pool: str = ""
    """Of a lane whose work is pulled: whose workers do it."""
    workers: int = 0
    """Machines that its pool has at most; they come when work waits."""

    packs: bool = False
    """Whether they are executions of a job, which small renders share."""
    starts: Quota | None = None
    """What limits how many of them are started within a minute, with those of other lanes."""

    @property
    def price(self) -> int:
        """Nano-dollars for a second of a task, from its container's first moment to its last."""
        return self.lane.price.nanodollars_a_second if self.lane.price else 0


_REGION = Quota(id="us-east4", executions=9, launches_a_minute=30)
"""What the lanes of one region draw on together."""
_CLOUD_RUN = Lane(
    id="cloud-run/us-east4/l4",
    encoder_class=GPU,
    tasks=2,
    executions=3,
    start_within=timedelta(minutes=3),
    attempt_limit=timedelta(minutes=55),
    price=L4_PRICE,
    quotas=(_REGION,),
)
_BATCH = replace(
    _CLOUD_RUN,
    id="batch/us-central1/l4/spot",
    tasks=3,
    executions=2,
    hedge=True,
    is_spot=True,
    quotas=(),
    price=SPOT_PRICE,
)
_ON_CPU = replace(
    _CLOUD_RUN,
    id="cloud-run/us-east4/cpu",
    encoder_class=CPU,
    tasks=4,
    executions=8,
    price=CPU_PRICE,
)
_TIGHT = replace(_CLOUD_RUN, executions=1)
_ON_ONE_SPOT = replace(_BATCH, tasks=1, executions=3, hedge=False)

_PULLED = replace(_CLOUD_RUN, id="worker/l4", tasks=2, executions=3, is_spot=True, price=SPOT_PRICE)
_PULLED_ON_CPU = replace(_ON_CPU, id="worker/cpu", tasks=2, executions=3)

LANES = (
    LaneKind(lane=_CLOUD_RUN),
    LaneKind(lane=_BATCH, spot=3.0, names_itself=True, tells_preemption=True),
    LaneKind(lane=_ON_CPU, scarcity=0),
)
"""The usual ones: two kinds of GPU machine, and CPUs when these run out."""
SCARCE = (
    LaneKind(lane=_CLOUD_RUN, scarcity=20),
    LaneKind(
        lane=_BATCH,
        scarcity=20,
        spot=3.0,
        names_itself=True,
        tells_preemption=True,
    ),
)
"""Nothing but what runs out, each time for half an hour or half a day."""
SPOT = (
    LaneKind(
        lane=_ON_ONE_SPOT,
        spot=6.0,
        retries=0,
        names_itself=True,
        tells_preemption=True,
    ),
)
"""One Spot machine for each render, which seldom lasts."""
NARROW = (
    LaneKind(lane=_TIGHT, scarcity=20),
    LaneKind(lane=_ON_CPU, scarcity=0),
)
"""One place on a GPU that runs out: what is begun there is often finished on CPUs."""
POOLS = (
    LaneKind(lane=_PULLED, spot=4.0, pool="shared", workers=3),
    LaneKind(lane=_PULLED_ON_CPU, scarcity=0, pool="shared", workers=2),
)
"""Machines that pull their work, of two kinds and from one queue."""
PACKED = (
    LaneKind(
        lane=replace(
            _PULLED, id="packed/l4", is_spot=False, price=L4_PRICE, is_shared=True, quotas=()
        ),
        pool="packed-l4",
        workers=3,
        packs=True,
        starts=_REGION,
    ),
    LaneKind(
        lane=replace(_PULLED_ON_CPU, id="packed/cpu", is_shared=True, quotas=()),
        scarcity=0,
        pool="packed-cpu",
        workers=4,
        packs=True,
        starts=_REGION,
    ),
)
"""Small renders share executions, of which a region starts so many a minute."""
