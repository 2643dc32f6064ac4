"""Lanes: places and ways to run, as data. The file that lists them is the settings' business."""

from dataclasses import dataclass
from datetime import timedelta

from functions.core.prices import MINIMUM, Price
from functions.core.quotas import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One place and way to run, in the order in which it would be chosen."""

    id: str
    """Such as `laptop/cpu` or `cloud-run/us-east4/l4`."""
    encoder_class: str
    """What its encoder makes; pieces of two classes are never joined."""
    tasks: int
    """Tasks of one execution, all running at once."""
    executions: int
    """Renders that may run there at the same time; more of them wait."""
    start_within: timedelta
    """Start deadline: no first task by then counts as a stock-out."""
    attempt_limit: timedelta
    """The longest an attempt may take."""
    hedge: bool = False
    """Whether its idle tasks may make what a slow one has in hand as well, 3 % of a render at most.
    Worth it where tasks do not share a machine; off, no frame is made twice without a failure."""
    launches_a_minute: int | None = None
    """Launches that the place takes within a minute; None for as many as come."""
    gpu_slots: int | None = None
    """GPUs that our quota allows there, one for each task; None where there are none to count."""
    location: str = ""
    """Where what is read and written there stays: `eu`, `us`, whatever tenants' limits say."""
    start: timedelta | None = None
    """From a launch to its first task, as long as nobody has seen it; None if nobody knows."""
    disk_bytes: int | None = None
    """Room for the files of one task; None if nobody need count."""
    memory_bytes: int | None = None
    """Of one task; None if nobody need count."""
    files_in_memory: bool = False
    """Whether its files take of that memory."""
    is_spot: bool = False
    """Whether its machines are taken away when somebody pays more."""
    price: Price | None = None
    """Of one task; None if nobody pays."""
    is_shared: bool = False
    """Whether its machines go on to other renders: then no minute is billed for one alone."""
    quotas: tuple[Quota, ...] = ()
    """What it draws on together with other lanes."""

    @property
    def least_billed(self) -> timedelta:
        """Of a task, however soon it ends."""
        return timedelta(0) if self.is_shared else MINIMUM

    @property
    def places(self) -> int:
        """Renders that may run there at the same time, GPUs counted."""
        if self.gpu_slots is None:
            return self.executions
        return min(self.executions, self.gpu_slots // self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the machine may assume about time. The defaults are the cloud's; a laptop is faster."""

    deadline: timedelta = timedelta(hours=24)
    """From the upload to the last moment at which a render may still become done."""
    silence: timedelta = timedelta(minutes=5)
    """Without news of a running attempt for so long, the sweep looks for itself."""
    effect_grace: timedelta = timedelta(seconds=10)
    """How long whoever saved an effect has, before others perform it."""
    upload_grace: timedelta = timedelta(minutes=1)
    """An upload without a render after so long was forgotten: its event is published again, and
    then ever more seldom (`functions/core/reminders.py`)."""
    progress_every: timedelta = timedelta(seconds=2)
    """Progress is not written more often: it must not wear out the document."""
    keep_done: timedelta = timedelta(hours=1)
    """Pieces of what is done or cancelled stay for so long: nobody will reuse them."""
    keep_failed: timedelta = timedelta(days=32)
    """Pieces of what failed outlive its dead letter, which waits 31 days for a replay."""
    barren_attempts: int = 3
    """So many attempts in a row that commit nothing bar their lane, whatever the cause."""
    rest: timedelta = timedelta(minutes=10)
    """But only for so long where the cause was capacity or preemption: those end by themselves."""
