"""Clipline itself at the stick: the real state machine decides, and a flight does what it wants.

    taken away, started, made, ended ─► advance() ─► effects: launch, look, stop ─► the flight
                                          ▲ ledger, lanes, policy

Nothing of the policy is modelled here: routing, ledger, width, patience and retries are the
product's (`functions/core`). What a function, a sweep or a task would tell is told at the full
minute; a lane without machines says so at once, and only a launch finds out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from functions.core.admission import rooms
from functions.core.effects import Effect, Launch, Look, StopExecution
from functions.core.entries import Entry, Outcome, launched
from functions.core.lanes import Lane, Policy
from functions.core.ledger import MEMORY, MOST_READ
from functions.core.machine import Occurrence, advance, performed
from functions.core.observations import LaunchAccepted, LaunchDenied, Surveyed, Tick
from functions.core.render import RUNNING, Render
from functions.core.share import line_of
from functions.core.step import Facts
from functions.core.tenants import Tenant
from functions.core.words import too_long
from infra.policy.flight import Flight
from infra.policy.sky import FRAMES, Job, Sky
from schemas.events import AttemptStarted, RenderProgress, RenderRequested, SpecSource
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload, execution_id
from schemas.media import Media, VideoStream
from schemas.priority import Priority

DAWN = datetime(2026, 1, 1, tzinfo=UTC)
"""When every flight begins."""
TENANT = "archive"
UPLOAD = Upload(bucket="uploads", name=f"{TENANT}/flown.mp4", generation=1)
RATE, SIZE, TICKS, BYTES_A_FRAME = 30, (1280, 720), 90_000, 10_000
OTHERS_EVERY = timedelta(minutes=30)
OTHERS_RUN = timedelta(minutes=10)
"""Of a place in use: renders of others, on every lane that has machines."""
SPREAD = 0.1
"""By so much every second of their machines is faster than those of a flight, and others slower."""


@dataclass(slots=True)
class Pilot:
    """A policy: one render of a tenant for whom nobody waits, alone in its place.

    `news` is what others' launches have shown of the lanes; only what is past is read.
    """

    sky: Sky
    news: Sequence[Entry] = ()
    render: Render | None = None
    _own: dict[str, Entry] = field(default_factory=dict)
    _policy: Policy = field(init=False)
    _lanes: tuple[Lane, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._policy = Policy(deadline=timedelta(minutes=self.sky.job.minutes))
        self._lanes = tuple(place.lane for place in self.sky.places)

    def fly(self, flight: Flight) -> None:
        """Tell the render what has happened by this minute, and do what it wants."""
        if self.render is None:
            self._tell(requested(self.sky.job), flight)
            return
        if self.render.state in RUNNING:
            self._watch(self.render, flight)
        elif self._is_woken(self.render, flight):
            self._tell(Tick(render=self.render.id), flight)

    # ── what is told ──

    def _watch(self, render: Render, flight: Flight) -> None:
        """Of the attempt that runs, or has run until just now."""
        current, now = render.current, _now(flight)
        assert current is not None, "an attempt runs"
        place = flight.place
        if place is None:
            message = "its machines were taken away"
            self._end(render, _of(FailureClass.PREEMPTED, "task_preempted", message), flight)
        elif now - current.launched_at >= place.lane.attempt_limit:
            flight.let_go()
            self._end(render, too_long(render), flight)
        elif flight.minute == flight.ready:
            execution = execution_id(render.id, render.attempt)
            self._tell(
                AttemptStarted(
                    render=render.id, at=now, attempt=render.attempt, execution=execution
                ),
                flight,
            )
        elif flight.minute > flight.ready:
            progress = RenderProgress(
                render=render.id,
                at=now,
                attempt=render.attempt,
                task=0,
                frames=flight.done,
            )
            self._tell(progress, flight)
        elif render.due_at is not None and render.due_at <= now:
            self._tell(Tick(render=render.id), flight)

    def _end(self, render: Render, failure: Failure, flight: Flight) -> None:
        self._tell(self._look(render, flight, failure), flight)

    def _look(self, render: Render, flight: Flight, failure: Failure | None = None) -> Surveyed:
        """What a look at the attempt finds."""
        begun = render.current is not None and render.current.started_at is not None
        return Surveyed(
            render=render.id,
            attempt=render.attempt,
            frames=flight.done,
            owner=execution_id(render.id, render.attempt) if begun else None,
            ended=failure is not None,
            failure=failure,
        )

    def _is_woken(self, render: Render, flight: Flight) -> bool:
        """Whether its own moment has come, or a lane of its line has room: as the sweep has it."""
        now = _now(flight)
        if render.due_at is not None and render.due_at <= now:
            return True
        if render.line is None:
            return False
        line = line_of(render.line, render.created_at, TENANTS)
        room = rooms(self._lanes, {}, self._ledger(now), (), now)
        return any(map(line.takes, room.free(now)))

    def _tell(self, event: Occurrence, flight: Flight) -> None:
        now = _now(flight)
        facts = Facts(
            lanes=self._lanes,
            draw=0.0,
            policy=self._policy,
            tenants=TENANTS,
            ledger=self._ledger(now),
        )
        self.render = advance(self.render, event, now=now, facts=facts)
        assert self.render is not None, "the first event opens it"
        self._note(self.render.entries)
        while self.render.pending:
            effect = self.render.pending[0].effect
            self.render = performed(self.render, effect)
            self._perform(effect, flight)

    # ── what is wanted ──

    def _perform(self, effect: Effect, flight: Flight) -> None:
        render = self.render
        assert render is not None, "only a render wants anything"
        if isinstance(effect, Launch):
            self._launch(render, effect, flight)
        elif isinstance(effect, StopExecution):
            flight.let_go()
        elif isinstance(effect, Look) and effect.attempt == render.attempt:
            self._tell(self._look(render, flight), flight)

    def _launch(self, render: Render, effect: Launch, flight: Flight) -> None:
        order, now = effect.order, _now(flight)
        if render.current is not None:
            self._note([launched(render.id, render.current, render.account)])
        at = next(n for n, lane in enumerate(self._lanes) if lane.id == order.lane)
        if flight.launch(at, order.tasks):
            execution = execution_id(order.render, order.attempt)
            self._tell(
                LaunchAccepted(render=order.render, attempt=order.attempt, execution=execution),
                flight,
            )
            return
        failure = _of(FailureClass.CAPACITY, "stock_out", f"no machine is left at {now:%H:%M}")
        self._tell(
            LaunchDenied(render=order.render, attempt=order.attempt, failure=failure), flight
        )

    # ── the ledger ──

    @property
    def entries(self) -> Sequence[Entry]:
        """What its own launches have shown, in the order of what happened."""
        return tuple(self._own.values())

    def _note(self, entries: Iterable[Entry]) -> None:
        self._own.update((one.key, one) for one in entries)

    def _ledger(self, now: datetime) -> list[Entry]:
        """As it is read for a decision: the newest of each lane."""
        known = [one for one in (*self.news, *self._own.values()) if now - MEMORY < one.at <= now]
        known.sort(key=lambda one: one.at, reverse=True)
        return [one for lane in self._lanes for one in _of_lane(known, lane.id)]


TENANTS = {TENANT: Tenant(priority=Priority.BACKGROUND)}


def requested(job: Job) -> RenderRequested:
    """A video that keeps one machine busy for the job's work."""
    video = VideoStream(
        codec="h264",
        width=SIZE[0],
        height=SIZE[1],
        rotation=0,
        pixel_format="yuv420p",
        sample_aspect=Fraction(1),
        time_base=Fraction(1, TICKS),
        frame_rate=Fraction(RATE),
        frames=job.frames,
        first_pts=0,
        end_pts=job.frames * TICKS // RATE,
        largest_gap=TICKS // RATE,
    )
    media = Media(
        container="mov", size_bytes=job.frames * 10_000, seekable=True, video=video, audio=None
    )
    return RenderRequested(
        upload=UPLOAD, media=media, spec_source=SpecSource.DEFAULT, spec_text=None, at=DAWN
    )


def others(sky: Sky) -> list[Entry]:
    """What a place in use knows of its lanes: now and then a render of others ends on each.

    Before the flight begins all lanes had machines.
    """
    found: list[Entry] = []
    step = OTHERS_EVERY // timedelta(minutes=1)
    for number, minute in enumerate(
        range(-(MEMORY // timedelta(minutes=1)), sky.job.minutes, step)
    ):
        for place in sky.places:
            if minute >= 0 and not place.has(minute):
                continue
            ended = DAWN + timedelta(minutes=minute)
            begun = ended - OTHERS_RUN
            entry = Entry(
                lane=place.lane.id,
                render=f"other-{minute}",
                attempt=1,
                outcome=Outcome.STARTED,
                launched_at=begun - timedelta(minutes=place.starts),
                at=begun,
            )
            frames = FRAMES * (OTHERS_RUN // timedelta(minutes=1))
            frames = round(frames * (1 + (SPREAD if number % 2 else -SPREAD)))
            pixels = frames * SIZE[0] * SIZE[1]
            found += [
                entry,
                replace(entry, outcome=Outcome.FINISHED, at=ended, ran=OTHERS_RUN, pixels=pixels),
            ]
    return found


def _now(flight: Flight) -> datetime:
    return DAWN + timedelta(minutes=flight.minute)


def _of(kind: FailureClass, reason: str, message: str) -> Failure:
    return Failure(failure=kind, reason=reason, message=message)


def _of_lane(known: Sequence[Entry], lane: str) -> list[Entry]:
    return [one for one in known if one.lane == lane][:MOST_READ]
