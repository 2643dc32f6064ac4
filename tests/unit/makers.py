"""Builders of values for the quick ring: each gives an ordinary one, changed as asked."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from functions.core.effects import Effect
from functions.core.lanes import Lane, Policy
from functions.core.machine import Occurrence, advance
from functions.core.observations import LaunchAccepted, Surveyed, Tick
from functions.core.render import Render
from functions.core.step import Facts
from schemas.certificate import Certificate, Delivered
from schemas.events import AttemptStarted, OutputVerified, RenderRequested, SpecSource
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload
from schemas.media import AudioStream, Media, VideoStream
from schemas.plan import Order

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICKS = 90_000
"""Of a source second."""
UPLOAD = Upload(bucket="uploads", name="acme/trip/beach.mp4", generation=1_700_000_000_000_001)
LANE = Lane(
    id="laptop/cpu",
    encoder_class="libx264/6.1/t2",
    tasks=2,
    executions=1,
    start_within=timedelta(seconds=30),
    attempt_limit=timedelta(hours=1),
)
OTHER_LANE = replace(LANE, id="laptop/other")
THREE_OUTPUTS = '{"outputs": [{"height": 240}, {"height": 360}, {"height": 480}]}'


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def upload(**changes: Any) -> Upload:
    return replace(UPLOAD, **changes)


def video(*, length: Fraction | int = 20, **changes: Any) -> VideoStream:
    """Full HD at 30 frames a second, `length` seconds long."""
    plain = VideoStream(
        codec="h264",
        width=1920,
        height=1080,
        rotation=0,
        pixel_format="yuv420p",
        sample_aspect=Fraction(1),
        time_base=Fraction(1, TICKS),
        frame_rate=Fraction(30),
        frames=int(length * 30),
        first_pts=0,
        end_pts=round(length * TICKS),
        largest_gap=TICKS // 30,
    )
    return replace(plain, **changes)


def media(*, audio: bool = True, **changes: Any) -> Media:
    return Media(
        container="mov,mp4,m4a,3gp,3g2,mj2",
        size_bytes=5_000_000,
        seekable=True,
        video=video(**changes),
        audio=AudioStream(codec="aac", sample_rate=44_100, channels=2) if audio else None,
    )


def requested(
    *, upload: Upload = UPLOAD, spec: str | None = None, length: Fraction | int = 20
) -> RenderRequested:
    source = SpecSource.METADATA if spec else SpecSource.DEFAULT
    return RenderRequested(
        upload=upload, media=media(length=length), spec_source=source, spec_text=spec, at=NOW
    )


def order(**changes: Any) -> Order:
    plain = Order(
        render="r-00000000000000000000",
        attempt=1,
        lane=LANE.id,
        encoder_class=LANE.encoder_class,
        tasks=LANE.tasks,
        deadline=NOW + timedelta(hours=1),
    )
    return replace(plain, **changes)


def certificate(**changes: Any) -> Certificate:
    plain = Certificate(
        planned_frames=600,
        frames=600,
        frame_rate=Fraction(30),
        width=1280,
        height=720,
        duration_seconds=Fraction(20),
        pieces=4,
        seams=3,
        audio_samples=960_000,
        drift_samples=0,
        size_bytes=1_234_567,
        sha256="ab" * 32,
        encoder_class=LANE.encoder_class,
        recipe="1",
    )
    return replace(plain, **changes)


def failure(
    kind: FailureClass = FailureClass.CRASH,
    *,
    reason: str = "",
    message: str = "",
    detail: str = "",
) -> Failure:
    return Failure(
        failure=kind,
        reason=reason or kind.value,
        message=message or f"it failed by {kind.value}",
        detail=detail,
    )


def facts(
    *lanes: Lane,
    busy: Mapping[str, int] | None = None,
    newest: tuple[int, int] | None = None,
    policy: Policy | None = None,
    draw: float = 0,
) -> Facts:
    """Facts with these lanes, or with LANE alone."""
    return Facts(
        lanes=lanes or (LANE,),
        draw=draw,
        busy=busy or {},
        newest=newest,
        policy=policy or Policy(),
        folder="acme/trip/beach",
    )


FACTS = facts()


def after(
    render: Render | None, *events: Occurrence, now: datetime, facts: Facts = FACTS
) -> Render:
    """The render after the events, all at one moment."""
    for event in events:
        render = advance(render, event, now=now, facts=facts)
    assert render is not None
    return render


def starting(
    *, spec: str | None = None, facts: Facts = FACTS, length: Fraction | int = 20
) -> Render:
    """A render whose first attempt is launched."""
    return after(None, requested(spec=spec, length=length), now=NOW, facts=facts)


def rendering(*, spec: str | None = None, facts: Facts = FACTS) -> Render:
    """A render whose first attempt has started."""
    render = starting(spec=spec, facts=facts)
    return after(render, accepted(render), started(render), now=NOW, facts=facts)


def execution(render: Render) -> str:
    return f"{render.id}-{render.attempt}"


def accepted(render: Render) -> LaunchAccepted:
    return LaunchAccepted(render=render.id, attempt=render.attempt, execution=execution(render))


def started(render: Render) -> AttemptStarted:
    return AttemptStarted(
        render=render.id, attempt=render.attempt, at=NOW, execution=execution(render)
    )


def tick(render: Render) -> Tick:
    return Tick(render=render.id)


def surveyed(render: Render, *, frames: int = 0, owned: bool = True) -> Surveyed:
    """The attempt runs, or no task of it has started."""
    return Surveyed(
        render=render.id,
        attempt=render.attempt,
        frames=frames,
        owner=execution(render) if owned else None,
        ended=False,
    )


def over(render: Render, cause: Failure | None, *, frames: int = 0) -> Surveyed:
    """The attempt is over, for that cause."""
    return replace(surveyed(render, frames=frames), ended=True, failure=cause)


def verified(render: Render, output_id: str | None = None, **changes: Any) -> OutputVerified:
    """That output, or the first that is missing, stands under its final name."""
    if output_id is None:
        output_id = render.missing[0]
    plain = OutputVerified(
        render=render.id,
        attempt=render.attempt,
        at=NOW,
        output_id=output_id,
        delivered=Delivered(bucket="outputs", name=f"acme/{output_id}.mp4", generation=7),
        certificate=certificate(),
    )
    return replace(plain, **changes)


def effects(render: Render) -> list[Effect]:
    return [pending.effect for pending in render.pending]


def wants(render: Render, kind: type[Effect]) -> list[Effect]:
    return [effect for effect in effects(render) if isinstance(effect, kind)]
