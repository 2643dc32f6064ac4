"""One history: a world, its people, lanes and functions, from the first upload to the last rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from math import ceil

from functions.core.lanes import Policy
from functions.core.render import TERMINAL
from functions.core.tenants import Tenants
from functions.handle import handle
from functions.intake import admit
from functions.ports import Ports
from functions.sweep import sweep
from infra.simulator.capacity import Capacity, Outage, Traced
from infra.simulator.couriers import STEPS, Couriers
from infra.simulator.coverage import IMPOSSIBLE
from infra.simulator.desk import Desk
from infra.simulator.ear import listening
from infra.simulator.evidence import Counts, Violation
from infra.simulator.faults import ODDS, Fate, Fault, Struck
from infra.simulator.fleet import LANES, LaneKind
from infra.simulator.lanes import SimulatedLane
from infra.simulator.memory_bus import MemoryBus
from infra.simulator.memory_ledger import MemoryLedger
from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.memory_renders import MemoryRenders
from infra.simulator.memory_switches import MemorySwitches
from infra.simulator.packed_pool import PackedPool, Starts
from infra.simulator.people import People
from infra.simulator.pool import SimulatedPool
from infra.simulator.prober import NoImages, SimulatedProber
from infra.simulator.rest import judge
from infra.simulator.scenario import Deed, Scenario
from infra.simulator.stepped import SteppedLedger, SteppedObjects, SteppedPublisher, SteppedRenders
from infra.simulator.witness import Witness
from infra.simulator.world import DAWN, LARGEST_SKEW, Doing, Process, World
from render_job.choose import Worker
from schemas.events import Event, ExecutionEnded, ObjectFinalized
from schemas.ids import SIDECAR_SUFFIX
from schemas.plan import Order
from schemas.ports import ObjectInfo, ObjectStore
from schemas.subscriptions import SUBSCRIPTIONS
from schemas.topics import Topic

TROUBLE = 900.0
"""Seconds, after the last deed, in which things still go wrong; then all must come to rest."""
LONGEST = 4 * 86_400.0
"""Not at rest by then is a violation: a render has a deadline of a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that a history is made from: equal recipes give equal histories."""

    seed: str
    scenario: Scenario
    odds: Mapping[Fault, float] = field(default_factory=lambda: dict(ODDS))
    script: frozenset[str] | None = None
    """The only faults that may strike; None for whatever the odds bring."""
    traces: tuple[Traced, ...] = ()
    lanes: tuple[LaneKind, ...] = LANES
    tenants: Tenants = field(default_factory=dict)
    sweep_every: float = 60.0
    """Seconds: a minute in the cloud, less on a laptop."""
    frames_a_second: float | None = None
    """Of every machine; None for what is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    recipe: Recipe
    violations: tuple[Violation, ...]
    struck: tuple[Struck, ...]
    counts: Counts
    calls: int
    seconds: float
    """Virtual."""
    said: frozenset[tuple[str, str]]
    """Topic and type of all that was published."""


Beside = Callable[[Process, Ports], object]
"""Somebody who works at the same pipeline from the dawn on, in a process of its own."""


def live(
    recipe: Recipe, *, log: Callable[[str], None] | None = None, beside: Beside | None = None
) -> Outcome:
    """Live it through. With `log`, every line of what happened is told.

    What `beside` raises is raised here when the history is over.
    """
    history = _History(recipe, log)
    if beside is not None:
        history.accompany(beside)
    with listening(history.impossible):
        return history.live()


class _History:
    def __init__(self, recipe: Recipe, log: Callable[[str], None] | None) -> None:
        self._recipe = recipe
        self._fate = Fate(seed=recipe.seed, odds=recipe.odds, script=recipe.script)
        self._world = world = World(self._fate)
        self._uploads = MemoryObjects("uploads", world.now)
        self._work = MemoryObjects("work", world.now)
        self._outputs = MemoryObjects("outputs", world.now)
        self._renders = MemoryRenders()
        self._ledger = MemoryLedger()
        self._bus = MemoryBus(source="//clipline/simulator", clock=world.now)
        self._bus.declare(SUBSCRIPTIONS)
        self._witness = Witness(
            world,
            self._uploads,
            self._work,
            self._outputs,
            self._renders,
            {k.lane.id: k.lane.start_within.total_seconds() for k in recipe.lanes},
            [kind.lane for kind in recipe.lanes],
        )
        if log is not None:
            tell = log
            self._witness.log = lambda line: tell(f"{world.time:9.2f} {line}")
            self._fate.log = self._witness.log
        self._fate.clock = lambda: world.time
        self._fate.state_of = self._state_of
        self._couriers = Couriers(
            world=world,
            bus=self._bus,
            witness=self._witness,
            subscriptions={one.name: one for one in SUBSCRIPTIONS},
            functions={
                "on-upload": self._on_upload,
                "start-render": self._handled,
                "on-result": self._handled,
                "on-execution": self._handled,
            },
        )
        self._people = People(
            uploads=self._uploads,
            outputs=self._outputs,
            renders=self._renders,
            publish=self.publish,
            fate=self._fate,
            witness=self._witness,
        )
        self._desk = Desk(
            uploads=self._stepped(self._uploads),
            work_store=self._stepped(self._work),
            outputs=self._stepped(self._outputs),
            publisher=SteppedPublisher(world, self, self._witness),
            sources=self._uploads,
            witness=self._witness,
            frames_a_second=recipe.frames_a_second,
        )
        self._starts: dict[str, Starts] = {}
        self._lanes = self._make_lanes()
        self._packed = tuple(p for p in self._lanes.values() if isinstance(p, PackedPool))
        self._ports = self._make_ports()
        self._sweeps = 0
        self._failed: Exception | None = None
        """Of who worked beside it."""

    def accompany(self, beside: Beside) -> None:
        """Have somebody work beside it."""
        self._world.start(
            "beside",
            lambda process: beside(process, self._ports),
            then=lambda process, result: self._left(result),
        )

    def _left(self, result: object) -> None:
        if isinstance(result, Exception):
            self._failed = result

    def live(self) -> Outcome:
        for number, deed in enumerate(self._recipe.scenario.deeds):
            self._world.later(deed.at, lambda n=number, d=deed: self._deed(n, d))  # type: ignore[misc]  # bound now
        self._world.later(self._recipe.sweep_every, self._sweep)
        rested = self._world.run(LONGEST)
        if not self._witness.violations:
            if not rested:
                self._witness.broken("all comes to rest", f"not within {LONGEST:.0f} s")
            judge(self._witness)
            self._check_coverage()
        self._world.close()
        if self._failed is not None:
            raise self._failed
        return Outcome(
            recipe=self._recipe,
            violations=tuple(self._witness.violations),
            struck=tuple(self._fate.struck),
            counts=self._witness.counts,
            calls=self._world.calls,
            seconds=self._world.time,
            said=frozenset(self._bus.said),
        )

    def _check_coverage(self) -> None:
        for one in self._fate.struck:
            if why := IMPOSSIBLE.get((one.fault, one.state)):
                seen = f"{one.fault} while {one.state}, at {one.at:.0f} s ({one.id}): {why}"
                self._witness.broken("what is called impossible does not occur", seen)

    def impossible(self, what: str) -> None:
        """The functions say that it cannot be."""
        self._witness.broken("nothing impossible happens", what)

    # ── parts ──

    def _make_lanes(self) -> dict[str, SimulatedLane | SimulatedPool]:
        on = any(self._recipe.odds.values())
        return {
            kind.lane.id: self._make_lane(
                kind if on else replace(kind, lane=replace(kind.lane, hedge=False))
            )
            for kind in self._recipe.lanes
        }

    def _make_lane(self, kind: LaneKind) -> SimulatedLane | SimulatedPool:
        if kind.packs or kind.pool:
            pool = (
                partial(PackedPool, starts=self._starts_of(kind)) if kind.packs else SimulatedPool
            )
            return pool(
                kind=kind,
                world=self._world,
                witness=self._witness,
                capacity=self._capacity(kind),
                begin=self._begin,
                publisher=SteppedPublisher(self._world, self, self._witness),
                work=self._stepped(self._work),
                truth=self._work,
            )
        return SimulatedLane(
            kind=kind,
            world=self._world,
            witness=self._witness,
            capacity=self._capacity(kind),
            begin=self._begin,
            tell=self._tell_end,
        )

    def _starts_of(self, kind: LaneKind) -> Starts:
        """One for all lanes that it limits together."""
        limit = kind.starts
        if limit is None:
            return Starts(None)
        return self._starts.setdefault(limit.id, Starts(limit.launches_a_minute))

    def _capacity(self, kind: LaneKind) -> Capacity | Outage | Traced:
        draw = self._fate.stream(f"capacity/{kind.lane.id}")
        if kind.trace is not None:
            return kind.trace
        if kind.out_for:
            return Outage(until=kind.out_for)
        traces = self._recipe.traces
        if traces and kind.scarcity:
            one = traces[draw.randrange(len(traces))]
            return replace(one, offset=draw.randrange(len(one.available)))
        odds = self._recipe.odds.get(Fault.STOCK_OUT, 0.0)
        return Capacity(draw, scarce=draw.random() < odds * kind.scarcity)

    def _make_ports(self) -> Ports:
        world = self._world
        return Ports(
            clock=world.local,
            draw=self._draw,
            rest=self._rest,
            renders=SteppedRenders(world, self._renders, self._witness),
            ledger=SteppedLedger(world, self._ledger, self._witness),
            switches=MemorySwitches(),
            uploads=self._stepped(self._uploads),
            work=self._stepped(self._work),
            outputs=self._stepped(self._outputs),
            publisher=SteppedPublisher(self._world, self, self._witness),
            prober=SimulatedProber(),
            images=NoImages(),
            lanes=tuple(lane.lane for lane in self._lanes.values()),
            backends=self._lanes,
            groups=self._packed,
            policy=Policy(keep_failed=timedelta(hours=2)),
            tenants=self._recipe.tenants,
        )

    def _stepped(self, store: ObjectStore) -> ObjectStore:
        return SteppedObjects(self._world, store, self._witness)

    def _draw(self) -> float:
        return self._world.current.draw.random() if self._world.current else 0.0

    def _rest(self, length: timedelta) -> None:
        if self._world.current:
            self._world.current.wait(length.total_seconds(), Doing.RESTING)

    def _state_of(self, render: str | None) -> str:
        stored = self._renders.load(render) if render else None
        return stored.render.state.value if stored else "none"

    # ── the publisher ──

    def publish(self, topic: str, event: Event) -> None:
        """On the bus, and soon on its way."""
        self._bus.publish(topic, event)
        self._couriers.published()

    # ── functions ──

    def _on_upload(self, event: Event) -> None:
        assert isinstance(event, ObjectFinalized), "nothing else is said there"
        admit(event, self._ports)

    def _handled(self, event: Event) -> None:
        handle(event, self._ports)  # type: ignore[arg-type]  # topics carry what belongs there

    def _deed(self, number: int, deed: Deed) -> None:
        self._witness.log(f"deed: {deed}")
        self._people.do(number, deed)

    def _sweep(self) -> None:
        self._sweeps += 1
        self._witness.look(self._world.processes.values())
        over = self._world.time > self._recipe.scenario.last + TROUBLE
        self._fate.is_over = over
        if over and self._is_quiet():
            self._world.is_over = True
            return
        if self._is_nothing_due() and self._is_still():
            idle = self._idle_sweeps()
            self._sweeps += idle
            self._world.later((1 + idle) * self._recipe.sweep_every, self._sweep)
            return
        self._world.later(self._recipe.sweep_every, self._sweep)
        name = f"sweep/{self._sweeps}"
        self._world.start(name, lambda process: sweep(self._ports), faults=STEPS)

    def _idle_sweeps(self) -> int:
        """How many more sweeps from now on would find all as still as this one."""
        world, trouble = self._world, self._recipe.scenario.last + TROUBLE
        moments = [world.next_moment]
        if (due := self._renders.next_due) is not None:
            moments.append((due - LARGEST_SKEW - DAWN).total_seconds())
        if world.time <= trouble:
            moments.append(trouble)
        elif due is None:
            return 0
        return max(0, ceil((min(moments) - world.time) / self._recipe.sweep_every) - 1)

    def _is_quiet(self) -> bool:
        """Nothing is under way, and nothing would happen by itself."""
        renders = self._renders.newest(limit=1_000_000)
        at_end = all(render.state in TERMINAL for render in renders)
        return at_end and self._renders.next_due is None and self._is_still()

    def _is_still(self) -> bool:
        """Nobody works, nothing is on its way, and nothing was forgotten."""
        return (
            not self._world.processes
            and self._bus.is_empty
            and all(lane.is_quiet for lane in self._lanes.values())
            and all(map(self._is_known, self._uploads.list()))
        )

    def _is_nothing_due(self) -> bool:
        """By nobody's clock. While all is still a sweep would only read, so it is left out.

        Whoever waits in line is woken by a sweep alone, and for whom a machine is made.
        """
        due = self._renders.next_due
        if self._renders.lines(limit=1) or any(one.is_waited_for for one in self._packed):
            return False
        return due is None or due > self._world.now() + LARGEST_SKEW

    def _is_known(self, info: ObjectInfo) -> bool:
        """Whether that upload, or sidecar, has its render."""
        name = info.name.removesuffix(SIDECAR_SUFFIX)
        uploads = [render.upload for render in self._renders.of_upload("uploads", name)]
        if name == info.name:
            return any(upload.generation == info.generation for upload in uploads)
        return any(upload.revision == info.generation for upload in uploads)

    def _begin(
        self, process: Process, order: Order, execution: str, index: int, stop: Callable[[], bool]
    ) -> int:
        worker, lane = Worker(execution=execution, task=index), self._lanes[order.lane].lane
        return self._desk.work(process, order, worker, lane.encoder_class, stop)

    def _tell_end(self, event: ExecutionEnded) -> None:
        self.publish(Topic.EXECUTION_EVENTS, event)
