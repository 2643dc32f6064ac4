"""One history: a world, its people, lanes and functions, from the first upload to the last rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction

import msgspec

from functions.core.lanes import Lane, Policy
from functions.core.render import TERMINAL, State
from functions.handle import handle
from functions.intake import admit
from functions.ports import NotRenderable, Ports
from functions.sweep import sweep
from infra.simulator.capacity import Capacity, Traced
from infra.simulator.couriers import STEPS, Couriers
from infra.simulator.ear import listening
from infra.simulator.faults import ODDS, Fate, Fault, Struck
from infra.simulator.lanes import SimulatedLane
from infra.simulator.memory_bus import MemoryBus
from infra.simulator.memory_files import MemoryFile
from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.memory_renders import MemoryRenders
from infra.simulator.scenario import IMPOSSIBLE, Deed, Scenario
from infra.simulator.stepped import SteppedObjects, SteppedPublisher, SteppedRenders
from infra.simulator.studio import SimulatedStudio
from infra.simulator.witness import Counts, Violation, Witness
from infra.simulator.world import LARGEST_SKEW, Process, World
from render_job.choose import Worker
from render_job.tools import Task, Tools
from render_job.work import work
from schemas import names
from schemas.events import CancelRender, Event, ExecutionEnded, ObjectFinalized, ReplayRender
from schemas.failures import Failure, FailureClass
from schemas.ids import SIDECAR_SUFFIX
from schemas.media import AudioStream, Media, VideoStream
from schemas.plan import Order, RenderPlan
from schemas.ports import ObjectInfo, ObjectStore
from schemas.subscriptions import SUBSCRIPTIONS
from schemas.topics import Topic
from schemas.wire import from_json

TICKS = 90_000
RATE = 30
SWEEP_EVERY = 60.0
TROUBLE = 900.0
"""Seconds, after the last deed, in which things still go wrong; then all must come to rest."""
LONGEST = 4 * 86_400.0
"""Not at rest by then is a violation: a render has a deadline of a day."""
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


def live(recipe: Recipe, *, log: Callable[[str], None] | None = None) -> Outcome:
    """Live it through. With `log`, every line of what happened is told."""
    history = _History(recipe, log)
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
        self._bus = MemoryBus(source="//clipline/simulator", clock=world.now)
        self._bus.declare(SUBSCRIPTIONS)
        self._witness = Witness(world, self._uploads, self._work, self._outputs, self._renders)
        if log is not None:
            tell = log
            self._witness.log = lambda line: tell(f"{world.time:9.2f} {line}")
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
        self._lanes = self._make_lanes()
        self._ports = self._make_ports()
        self._sweeps = 0

    def live(self) -> Outcome:
        for number, deed in enumerate(self._recipe.scenario.deeds):
            self._world.later(deed.at, lambda n=number, d=deed: self._do(n, d))  # type: ignore[misc]  # bound now
        self._world.later(SWEEP_EVERY, self._sweep)
        rested = self._world.run(LONGEST)
        if not self._witness.violations:
            if not rested:
                self._witness.broken("all comes to rest", f"not within {LONGEST:.0f} s")
            self._witness.at_rest()
        self._world.close()
        return Outcome(
            recipe=self._recipe,
            violations=tuple(self._witness.violations),
            struck=tuple(self._fate.struck),
            counts=self._witness.counts,
            calls=self._world.calls,
            seconds=self._world.time,
        )

    def impossible(self, what: str) -> None:
        """The functions say that it cannot be."""
        self._witness.broken("nothing impossible happens", what)

    # ── parts ──

    def _make_lanes(self) -> dict[str, SimulatedLane]:
        on = any(self._recipe.odds.values())
        return {
            kind.lane.id: SimulatedLane(
                lane=kind.lane if on else replace(kind.lane, hedge=False),
                world=self._world,
                witness=self._witness,
                capacity=self._capacity(kind),
                begin=self._begin,
                tell=self._tell_end,
                names_itself=kind.names_itself,
                spot=kind.spot,
            )
            for kind in self._recipe.lanes
        }

    def _capacity(self, kind: LaneKind) -> Capacity | Traced:
        draw, scarce = self._fate.stream(f"capacity/{kind.lane.id}"), kind.scarce
        traces = self._recipe.traces
        if traces and scarce:
            one = traces[draw.randrange(len(traces))]
            return replace(one, offset=draw.randrange(len(one.available)))
        odds = self._recipe.odds.get(Fault.STOCK_OUT, 0.0)
        return Capacity(draw, scarce=scarce and draw.random() < odds)

    def _make_ports(self) -> Ports:
        world = self._world
        return Ports(
            clock=world.local,
            draw=self._draw,
            renders=SteppedRenders(world, self._renders, self._witness),
            uploads=self._stepped(self._uploads),
            work=self._stepped(self._work),
            outputs=self._stepped(self._outputs),
            publisher=SteppedPublisher(self._world, self, self._witness),
            prober=self,
            lanes=tuple(lane.lane for lane in self._lanes.values()),
            backends=self._lanes,
            policy=Policy(keep_failed=timedelta(hours=2)),
        )

    def _stepped(self, store: ObjectStore) -> ObjectStore:
        return SteppedObjects(self._world, store, self._witness)

    def _draw(self) -> float:
        return self._world.current.draw.random() if self._world.current else 0.0

    def _state_of(self, render: str | None) -> str:
        stored = self._renders.load(render) if render else None
        return stored.render.state.value if stored else "none"

    # ── Publisher and Prober ──

    def publish(self, topic: str, event: Event) -> None:
        """On the bus, and soon on its way."""
        self._bus.publish(topic, event)
        self._couriers.published()

    def probe(self, store: ObjectStore, name: str, *, generation: int) -> Media:
        """What the object says that it is."""
        info = store.stat(name)
        data = store.read_range(name, 0, 1000, generation=generation)
        seconds, sound, _ = msgspec.json.decode(data, type=tuple[int, bool, bool])
        if info is None or seconds == 0:
            said = "there is no video in it"
            raise NotRenderable(
                Failure(failure=FailureClass.INPUT, reason="no_video_stream", message=said)
            )
        return Media(
            container="mov",
            size_bytes=info.size_bytes,
            seekable=True,
            video=_video(seconds),
            audio=AudioStream(codec="aac", sample_rate=48_000, channels=2) if sound else None,
        )

    # ── functions and tasks ──

    def _on_upload(self, event: Event) -> None:
        assert isinstance(event, ObjectFinalized), "nothing else is said there"
        admit(event, self._ports)

    def _handled(self, event: Event) -> None:
        handle(event, self._ports)  # type: ignore[arg-type]  # topics carry what belongs there

    def _sweep(self) -> None:
        self._sweeps += 1
        self._witness.look(self._world.processes.values())
        over = self._world.time > self._recipe.scenario.last + TROUBLE
        self._fate.is_over = over
        if over and self._is_quiet():
            self._world.is_over = True
            return
        self._world.later(SWEEP_EVERY, self._sweep)
        if not (self._is_still() and self._is_nothing_due()):
            name = f"sweep/{self._sweeps}"
            self._world.start(name, lambda process: sweep(self._ports), faults=STEPS)

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
        """By nobody's clock. While all is still a sweep would only read, so it is left out."""
        due = self._renders.next_due
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
        """What `render_job/__main__.py` does, over these stores."""
        work_store = self._stepped(self._work)
        order = from_json(work_store.read(names.order(order.render, order.attempt)), Order)
        scratch = MemoryFile.folder(process.name)
        lane = self._lanes[order.lane]
        encoder = lane.lane.encoder_class
        if self._fate.strikes(process.name, process.draw, Fault.WRONG_ENCODER, process.render):
            encoder = "libx264/9.0/t1"
        tools = Tools(
            uploads=self._stepped(self._uploads),
            work=work_store,
            outputs=self._stepped(self._outputs),
            publisher=SteppedPublisher(self._world, self, self._witness),
            studio=SimulatedStudio(
                process=process,
                witness=self._witness,
                encoder_class=encoder,
                frames_a_second=240 / 24 ** process.draw.random() ** 2,
                poisoned=self._is_poisoned,
            ),
            clock=_TaskClock(process),
            scratch=scratch,
            empty=lambda folder: scratch.clear(),
            stop=stop,
        )
        task = Task(
            plan=from_json(work_store.read(names.plan(order.render)), RenderPlan),
            order=order,
            worker=Worker(execution=execution, task=index),
            tools=tools,
        )
        self._witness.works(process, task)
        return work(task)

    def _is_poisoned(self, plan: RenderPlan) -> bool:
        return bool(msgspec.json.decode(self._uploads.read(plan.upload.name))[2])

    def _tell_end(self, event: ExecutionEnded) -> None:
        self.publish(Topic.EXECUTION_EVENTS, event)

    # ── people ──

    def _do(self, number: int, deed: Deed) -> None:
        self._witness.log(f"deed: {deed}")
        if deed.verb == "upload":
            self._upload(number, deed)
        elif deed.verb == "sidecar":
            if self._uploads.stat(deed.name):
                self._put(f"{deed.name}{SIDECAR_SUFFIX}", (deed.spec or "").encode(), {})
                self._note(number, Fault.LATE_SIDECAR, deed.name)
        elif deed.verb == "cancel":
            self._command(number, deed, CancelRender, Fault.CANCELLED)
        else:
            self._command(number, deed, ReplayRender, Fault.REPLAYED)

    def _upload(self, number: int, deed: Deed) -> None:
        if self._uploads.stat(deed.name):
            self._note(number, Fault.SUPERSEDED, deed.name)
        if deed.seconds == 0:
            self._fate.note(f"deed {number}", Fault.NOT_A_VIDEO, None)
        if deed.spec == IMPOSSIBLE:
            self._fate.note(f"deed {number}", Fault.IMPOSSIBLE_SPEC, None)
        metadata = {"clipline-spec": deed.spec} if deed.spec else {}
        data = msgspec.json.encode((deed.seconds, deed.sound, deed.poison))
        self._put(deed.name, data, metadata)

    def _put(self, name: str, data: bytes, metadata: Mapping[str, str]) -> None:
        info = self._uploads.write(name, data, metadata=metadata)
        event = ObjectFinalized(
            bucket="uploads", name=name, generation=info.generation, at=info.updated
        )
        self.publish(Topic.UPLOADS, event)

    def _command(
        self,
        number: int,
        deed: Deed,
        kind: type[CancelRender] | type[ReplayRender],
        fault: Fault,
    ) -> None:
        for render in self._renders.of_upload("uploads", deed.name)[:1]:
            if kind is ReplayRender and render.state is not State.FAILED:
                continue
            self._note(number, fault, deed.name)
            command = kind(render=render.id, at=self._world.now(), by="ada", reason="so I say")
            self.publish(Topic.RENDER_REQUESTS, command)

    def _note(self, number: int, fault: Fault, name: str) -> None:
        for render in self._renders.of_upload("uploads", name)[:1]:
            self._fate.note(f"deed {number}", fault, render.id)


@dataclass(frozen=True, slots=True)
class _TaskClock:
    """A task's clock: its machine may be wrong about the time of day."""

    process: Process

    def now(self) -> datetime:
        return self.process.world.local()

    def monotonic(self) -> float:
        return self.process.world.time

    def rest(self, seconds: float, *, until: Callable[[], bool]) -> None:
        end = self.process.world.time + seconds
        while self.process.world.time < end and not until():
            self.process.wait(min(0.5, end - self.process.world.time))


def _video(seconds: int) -> VideoStream:
    return VideoStream(
        codec="h264",
        width=1280,
        height=720,
        rotation=0,
        pixel_format="yuv420p",
        sample_aspect=Fraction(1),
        time_base=Fraction(1, TICKS),
        frame_rate=Fraction(RATE),
        frames=seconds * RATE,
        first_pts=0,
        end_pts=seconds * TICKS,
        largest_gap=TICKS // RATE,
    )
