"""Virtual time, and processes that stand still at every call to the outside.

One thread and one queue of moments. A process is ordinary synchronous code in a greenlet: at each
call it is suspended, others go on, and before it does so or after it, it may be killed. What a
killed process tries afterwards, in a `finally` for example, has no effect: kill -9 runs no code.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from heapq import heappop, heappush
from math import inf, log
from random import Random
from typing import TypeVar

from greenlet import getcurrent, greenlet

from infra.simulator.faults import Chances, Fate, Fault, Unreachable

T = TypeVar("T")

DAWN = datetime(2026, 1, 1, tzinfo=UTC)
"""Every world begins then."""
CALL = 0.02
"""Seconds that a call takes on average; the times are exponential, so that any order happens."""
LONGEST_FREEZE = 200.0
CRASHED = "crash of the task"
"""Why a process is dead that died by itself."""
LARGEST_SKEW = timedelta(seconds=60)
"""By which a machine's clock is wrong at most, either way."""


class Doing(Enum):
    """What a process lets time pass for."""

    CALLING = "calling"
    WORKING = "working"
    RESTING = "resting"
    FROZEN = "frozen"


class Killed(BaseException):
    """Thrown into a process that dies without notice."""


class Process:
    """A function's invocation or a task: code, a name that replays find again, and a clock."""

    def __init__(
        self,
        world: "World",
        name: str,
        main: Callable[["Process"], object],
        *,
        render: Callable[[], str | None],
        faults: Chances,
        then: Callable[["Process", object], None],
    ) -> None:
        self.world = world
        self.name = name
        self.draw = world.fate.stream(name)
        self.render = render
        """The render that it works for, as far as is known: for the count of what was tried."""
        self.faults = faults
        self._risk = world.fate.risk(faults)
        self.is_dead = False
        self.is_over = False
        self.born = world.time
        self.is_frozen = False
        self.thawed = 0.0
        """When it was last found to have stood still for long."""
        self.skew = timedelta(0)
        self.killed_by = ""
        """Why it died, in the words of whoever killed it first."""
        self.meter: Callable[[Doing, float, float], None] | None = None
        """Told of every wait when it is over: what for, since when and until when."""
        self._main = main
        self._then = then
        self._greenlet: greenlet | None = None

    def wait(self, seconds: float, doing: Doing = Doing.CALLING) -> None:
        """Let others go on for so long. Raises Killed if it is killed meanwhile."""
        world = self.world
        since = world.time
        world.later(seconds, self.resume)
        world.hub.switch()
        if self.meter is not None:
            self.meter(doing, since, world.time)
        if self.is_dead:
            raise Killed

    def call(self, act: Callable[[], T], extra: Chances = ()) -> T:
        """One call to the outside: takes a moment, and anything may happen around it."""
        if self.is_dead:
            raise Killed
        world = self.world
        draw = self.draw
        lot, risk = draw.random(), self._risk
        if extra:
            risk += world.fate.risk(extra)
        fault = None
        if lot < risk:
            fault = world.fate.pick(lot, self.name, self.faults + extra, self.render)
        self.wait(-log(1 - draw.random()) * CALL)
        if fault is None:
            return act()
        if fault in (Fault.CRASH_BEFORE, Fault.STITCHER_DIED_BEFORE):
            self.die()
        if fault is Fault.UNREACHABLE:
            raise Unreachable("the service does not answer")
        result = act()
        if fault in (Fault.CRASH_AFTER, Fault.STITCHER_DIED_AFTER):
            self.die()
        if fault is Fault.RESPONSE_LOST:
            raise Unreachable("the answer is lost")
        if fault is Fault.FROZEN:
            self.is_frozen = True
            # The lot says how long: another draw would shift all that this process draws later.
            self.wait(Random(lot).uniform(5, LONGEST_FREEZE), Doing.FROZEN)
            self.is_frozen = False
            self.thawed = world.time
        return result

    def die(self) -> None:
        """Ends here. Raises Killed."""
        self.is_dead = True
        self.killed_by = CRASHED
        raise Killed

    def kill(self, why: str) -> None:
        """Kill -9 from outside: it is over at once, whatever it was about to do."""
        if self.is_over or self.is_dead:
            return
        self.is_dead = True
        self.killed_by = why
        self.world.later(0, self.resume)

    def resume(self) -> None:
        """Go on where it stood; the world's loop calls it."""
        if self.is_over:
            return
        world = self.world
        if self._greenlet is None:
            self._greenlet = world.stand()
        world.current = self
        try:
            self._greenlet.switch(self)
        finally:
            world.current = None

    def run(self) -> None:
        """From its beginning to its end, on a greenlet of its own; the world calls it."""
        result: object = None
        try:
            if not self.is_dead:
                result = self._main(self)
        except Killed as end:
            result = end
        except Exception as error:
            result = error
        finally:
            self.is_over = True
            # What a suspended greenlet holds, no garbage collector sees: no circle with it.
            self._greenlet = None
        self.world.processes.pop(self.name, None)
        self.world.current = None
        self._then(self, result)


class World:
    """A queue of moments. Equal seeds and equal fates give equal histories, to the microsecond."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.time = 0.0
        """Seconds since the dawn."""
        self.hub = getcurrent()
        self.current: Process | None = None
        self.processes: dict[str, Process] = {}
        self.calls = 0
        self.is_over = False
        """Set by whoever has seen enough."""
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._now = (0.0, DAWN)
        self._idle: list[greenlet] = []
        """Those whose process is over: a new greenlet costs more than many switches."""

    def now(self) -> datetime:
        """The true time, which the stores have."""
        at, now = self._now
        if at != self.time:
            now = DAWN + timedelta(0, self.time)
            self._now = (self.time, now)
        return now

    def local(self) -> datetime:
        """The time as the machine of the current process has it."""
        return self.now() + self.current.skew if self.current else self.now()

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do it after so many seconds; of equal moments the first that was asked for is first."""
        self._count += 1
        heappush(self._queue, (self.time + seconds, self._count, act))

    def start(
        self,
        name: str,
        main: Callable[[Process], object],
        *,
        after: float = 0.0,
        render: Callable[[], str | None] = lambda: None,
        faults: Chances = (),
        then: Callable[[Process, object], None] = lambda process, result: None,
    ) -> Process:
        """A process that begins after so many seconds. `then` is told what it returned or raised.

        A killed one ends with Killed, as a value.
        """
        while name in self.processes:
            name += "'"
        process = Process(self, name, main, render=render, faults=faults, then=then)
        skew = process.draw.uniform(-1, 1)
        if self.fate.strikes(name, process.draw, Fault.CLOCK_SKEW, render):
            process.skew = LARGEST_SKEW * skew
        self.processes[name] = process
        self.later(after, process.resume)
        return process

    def call(self, act: Callable[[], T], extra: Chances = ()) -> T:
        """A call to the outside by whoever is current; the world's own hand just acts."""
        self.calls += 1
        return act() if self.current is None else self.current.call(act, extra)

    @property
    def next_moment(self) -> float:
        """When something happens next, whatever it is; infinity if nothing ever will."""
        return self._queue[0][0] if self._queue else inf

    def run(self, longest: float) -> bool:
        """Moment after moment until it is over; False if that takes longer than so many seconds."""
        queue = self._queue
        while not self.is_over:
            if not queue or queue[0][0] > longest:
                return False
            self.time, _, act = heappop(queue)
            act()
        return True

    def stand(self) -> greenlet:
        """A greenlet that waits for a process to be switched to."""
        return self._idle.pop() if self._idle else greenlet(self._serve, parent=self.hub)

    def _serve(self, process: Process) -> None:
        while True:
            process.run()
            self._idle.append(getcurrent())
            process = self.hub.switch()

    def close(self) -> None:
        """End what still runs, so that nothing of this world stays in memory."""
        for process in list(self.processes.values()):
            process.is_dead = True
            process.resume()
        self._queue.clear()
        self._idle.clear()
