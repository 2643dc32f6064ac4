"""The weather of `make run CHAOS=seed`: messages go astray for a while, and tasks are killed."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console

from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.up_lock import is_up
from functions.core.render import Render
from functions.settings import Laptop
from infra.laptop import processes
from infra.laptop.encodings import runs
from infra.laptop.exits import Refused, Status
from infra.laptop.killer import Killer
from infra.laptop.loop import Loop
from infra.laptop.misbehaviour import Misbehaviour, Target, Unreadable, read
from infra.laptop.pusher import Inbox
from infra.laptop.toll import toll
from infra.laptop.unruly_bus import UnrulyBus
from infra.laptop.weather import Weather
from schemas import names

LOOK_EVERY = timedelta(milliseconds=50)


class Storm(Weather):
    """One plan, and what came of it."""

    retries = 1000
    """A machine that is taken away says nothing about the work, so no kill may use them up."""

    def __init__(self, plan: Misbehaviour, place: Laptop) -> None:
        self._plan = plan
        self._place = place
        self._bus: UnrulyBus | None = None
        self._killer: Killer | None = None

    def over(self, inbox: Inbox) -> Inbox:
        """The bus, made unruly."""
        self._bus = UnrulyBus(inbox, self._plan.fates())
        return self._bus

    def loops(self) -> Sequence[Loop]:
        """The killer."""
        work = DirectoryObjects(self._place.work, "work")
        self._killer = Killer(
            self._plan.kills(),
            scratch=self._place.scratch,
            committed=lambda: sum(names.span_of(info.name) is not None for info in work.list()),
        )
        return (Loop("killer", self._killer.step, LOOK_EVERY),)

    def tell(self, render: Render, makespan: timedelta, console: Console) -> None:
        """What was done to the pipeline, and what it cost."""
        if self._bus is None or self._killer is None:
            console.print(f"Chaos {self._plan.seed}: another pipeline did the work, in peace.")
            return
        bus, strikes = self._bus, self._killer.strikes
        cost = toll(runs(self._place.logs, render.id), strikes)
        kills = Counter((strike.kill.target, strike.kill.notice) for strike in strikes)
        said = ", ".join(
            f"{kills[target, notice]} x {target} {'with' if notice else 'without'} notice"
            for target in Target
            for notice in (False, True)
            if kills[target, notice]
        )
        lines = (
            f"Chaos {self._plan.seed}: killed {said or 'nobody'}",
            f"      {bus.taken} messages, {bus.doubled} of them twice, {bus.delayed} late",
            f"      {cost.runs} encoder runs for {cost.pieces} pieces; lost "
            f"{cost.lost.total_seconds():.1f} of {cost.worked.total_seconds():.1f} s of encoding "
            f"({cost.share:.1%}), {cost.lost_frames} frames in whole GOPs",
            f"      makespan {makespan.total_seconds():.1f} s",
        )
        for line in lines:
            console.print(line, highlight=False)


def storm(wish: str, place: Laptop) -> Storm:
    """The weather that was wished for. Raises Refused where there can be none."""
    try:
        plan = read(wish)
    except Unreadable as error:
        raise Refused(Status.UNSUITABLE, f"CHAOS={wish} cannot be read: {error}.") from error
    if not processes.are_visible():
        raise Refused(Status.UNSUITABLE, "CHAOS finds its victims in /proc, which is not here.")
    if is_up(place.state):
        said = "A pipeline is up here already, and is left in peace: stop it first (Ctrl-C)."
        raise Refused(Status.UNSUITABLE, said)
    return Storm(plan, place)
