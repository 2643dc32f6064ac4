"""One plausible event of each kind: shown in the published schemas, and tried in tests."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from schemas.assets import Asset
from schemas.certificate import Certificate, Delivered, Effort
from schemas.dead_letters import DeadLetterGroup, DeadLetterRecord, Landed, Original
from schemas.events import (
    AttemptFailed,
    AttemptPreempted,
    AttemptRecord,
    AttemptStarted,
    CancelRender,
    ChunkCommitted,
    Event,
    ExecutionEnded,
    ObjectFinalized,
    OutputVerified,
    RenderDeadLetter,
    RenderDone,
    RenderProgress,
    RenderRequested,
    ReplayRender,
    SpecSource,
    StitchStarted,
    UploadRefused,
)
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload, render_id
from schemas.kinds import Kind
from schemas.loudness import Loudness
from schemas.media import AudioStream, Media, VideoStream
from schemas.pieces import Span
from schemas.presets import PRESETS
from schemas.replay_plan import AuditRecord, PlanEnd, PlanHead, PlanItem, PlanLine, Refusal
from schemas.spec_kinds import Wish
from schemas.spec_picture import Quality
from schemas.spec_reading import (
    AskedOutput,
    PlannedFile,
    PresetOffer,
    QualityOffer,
    SpecForecast,
    SpecVerdict,
)

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
UPLOAD = Upload(bucket="uploads", name="acme/holiday.mp4", generation=1_795_512_600_000_001)
RENDER = render_id(UPLOAD)
EXECUTION = "render-job-x7k2p"
SPEC = '{"outputs": [{"height": 720}]}'
LOGO = Asset(
    name="acme/brand/logo.png",
    generation=1_795_512_500_000_003,
    size_bytes=9_414,
    width=320,
    height=200,
)
MEDIA = Media(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    size_bytes=280_104_211,
    seekable=True,
    video=VideoStream(
        codec="h264",
        width=1920,
        height=1080,
        rotation=0,
        pixel_format="yuv420p",
        sample_aspect=Fraction(1),
        time_base=Fraction(1, 30_000),
        frame_rate=Fraction(30_000, 1001),
        frames=1798,
        first_pts=0,
        end_pts=1_799_798,
        largest_gap=1001,
    ),
    audio=AudioStream(codec="aac", sample_rate=48_000, channels=2),
)
CERTIFICATE = Certificate(
    planned_frames=1798,
    frames=1798,
    frame_rate=Fraction(30_000, 1001),
    width=1280,
    height=720,
    duration_seconds=Fraction(899_899, 15_000),
    pieces=4,
    seams=3,
    audio_samples=2_880_512,
    drift_samples=836,
    size_bytes=21_530_118,
    sha256="0b6c1f1d4c4a7a0be6a1f6e4f9f1c6b0f0d8c9a5e2b7d3148f5a9c0e7b6d2a41",
    encoder_class="libx264/5.1/t1",
    recipe="1",
    loudness=Loudness(
        target=Fraction(-14),
        before=-25.9,
        gain_db=11.9,
        limited=True,
        held_back=False,
        reached=-14.2,
        true_peak=-1.2,
    ),
    effort=Effort(encoding_cpu_seconds=38.216, verifying_cpu_seconds=3.107),
)
DELIVERED = Delivered(
    bucket="outputs", name="acme/holiday/full/web-720.mp4", generation=1_795_512_690_000_007
)
NO_VIDEO = Failure(
    failure=FailureClass.INPUT,
    reason="no_video_stream",
    message="The upload holds no video stream.",
)
KILLED = Failure(
    failure=FailureClass.CRASH,
    reason="killed",
    message="A task was killed by signal 9 and could not say why.",
)
LETTER = RenderDeadLetter(
    render=RENDER,
    at=AT,
    tenant=UPLOAD.tenant,
    upload=UPLOAD,
    failure=KILLED,
    fingerprint=KILLED.fingerprint,
    advice=KILLED.advice,
    attempts=(
        AttemptRecord(
            number=1,
            lane="laptop/cpu",
            launched_at=AT,
            execution=EXECUTION,
            started_at=AT,
            ended_at=AT,
            cause=KILLED,
            frames_after=480,
        ),
    ),
    frames_committed=480,
    frames_planned=1798,
    outputs_done=(),
    spec_text=SPEC,
)

EVENTS: tuple[Event, ...] = (
    ObjectFinalized(bucket=UPLOAD.bucket, name=UPLOAD.name, generation=UPLOAD.generation, at=AT),
    RenderRequested(
        upload=UPLOAD,
        media=MEDIA,
        spec_source=SpecSource.METADATA,
        spec_text=SPEC,
        at=AT,
        assets=(LOGO,),
    ),
    UploadRefused(upload=UPLOAD, failure=NO_VIDEO, at=AT),
    CancelRender(render=RENDER, at=AT, by="ana", reason="wrong file"),
    ReplayRender(render=RENDER, at=AT, by="ben", reason="the disk was full"),
    AttemptStarted(render=RENDER, at=AT, attempt=1, execution=EXECUTION),
    RenderProgress(render=RENDER, at=AT, attempt=1, task=0, frames=512),
    ChunkCommitted(
        render=RENDER, at=AT, attempt=1, output_id="full/web-720", span=Span(0, 480), frames=480
    ),
    StitchStarted(render=RENDER, at=AT, attempt=1, output_id="full/web-720"),
    OutputVerified(
        render=RENDER,
        at=AT,
        attempt=1,
        output_id="full/web-720",
        delivered=DELIVERED,
        certificate=CERTIFICATE,
    ),
    AttemptFailed(render=RENDER, at=AT, attempt=1, execution=EXECUTION, failure=NO_VIDEO),
    AttemptPreempted(render=RENDER, at=AT, attempt=1, execution=EXECUTION, task=2),
    ExecutionEnded(render=RENDER, at=AT, attempt=1, execution=EXECUTION, failure=KILLED),
    RenderDone(
        render=RENDER,
        at=AT,
        tenant=UPLOAD.tenant,
        upload=UPLOAD,
        output_id="full/web-720",
        delivered=DELIVERED,
        certificate=CERTIFICATE,
    ),
    LETTER,
)

POISON = Failure(
    failure=FailureClass.INTERNAL,
    reason="unreadable",
    message="on-result was sent what is no event of ours: not JSON",
    detail="not JSON: Expecting value: line 1 column 1 (char 0)",
)
RECORDS: tuple[DeadLetterRecord, ...] = (
    DeadLetterRecord(
        id="d-5b1f0a97c3e2468d1b90",
        landed=Landed.RENDER,
        subscription="render-dead-letter-desk",
        at=AT,
        failure=KILLED,
        fingerprint=KILLED.fingerprint,
        advice=KILLED.advice,
        render=RENDER,
        tenant=UPLOAD.tenant,
        lanes=("laptop/cpu",),
        letter=LETTER,
        logs=f"/home/ana/clipline/laptop/.state/logs/{RENDER}-*.log",
    ),
    DeadLetterRecord(
        id="d-90c4e2d6a817f35b02c6",
        landed=Landed.MESSAGE,
        subscription="on-result-undeliverable",
        at=AT,
        failure=POISON,
        fingerprint=POISON.fingerprint,
        advice="Find out who published it, by its attributes, and mend that.",
        render=None,
        tenant=None,
        lanes=(),
        original=Original(
            attributes={"ce-type": StitchStarted.TYPE, "ce-source": "//elsewhere"},
            data=b"\x00\xff no JSON",
            message_id="15001",
            published_at=AT,
            refused_by="on-result",
            deliveries=20,
        ),
    ),
)

GROUP = DeadLetterGroup(
    fingerprint=KILLED.fingerprint,
    count=412,
    first_at=AT,
    last_at=AT,
    failure=KILLED.failure,
    reason=KILLED.reason,
    message=KILLED.message,
    advice=KILLED.advice,
    lanes=("laptop/cpu",),
    example="d-5b1f0a97c3e2468d1b90",
    action=f"clipline replay plan --fingerprint {KILLED.fingerprint}",
    nanodollars=3_120_000_000,
)

PLAN: tuple[PlanLine, ...] = (
    PlanHead(made_at=AT, filters={"class": "crash"}),
    PlanItem(
        record="d-5b1f0a97c3e2468d1b90",
        render=RENDER,
        failures=1,
        tenant=UPLOAD.tenant,
        failure=KILLED.failure,
        fingerprint=KILLED.fingerprint,
        refused=None,
        why="1318 frames to render, 480 are committed already",
        frames_committed=480,
        frames_to_render=1318,
        outputs_to_make=("full/web-720",),
    ),
    PlanItem(
        record="d-90c4e2d6a817f35b02c6",
        render=None,
        failures=0,
        tenant=None,
        failure=POISON.failure,
        fingerprint=POISON.fingerprint,
        refused=Refusal.NOT_A_RENDER,
        why="it is a message on on-result-undeliverable, and no render",
    ),
    PlanEnd(
        items=2,
        replays=1,
        refusals={"not_a_render": 1},
        frames_committed=480,
        frames_to_render=1318,
        outputs_to_make=1,
        digest="6f0c5c1f84a1f2e6a3f0d6f2b0f5a3a4f6c1d2e3b4a5968778695a4b3c2d1e0f",
    ),
)

SPEC_READINGS = (
    SpecVerdict(valid=True, clips=2, outputs=1),
    SpecVerdict(
        valid=False,
        field="outputs[0].height",
        value="9000",
        limit="a whole number of pixels, 16 to 4320",
    ),
    AskedOutput(
        clip="intro",
        output="web-720",
        start=Fraction(0),
        end=Fraction(25, 2),
        height=720,
        quality=Quality.BALANCED,
        planned=PlannedFile(
            object_name="acme/holiday/intro/web-720.mp4",
            width=1280,
            height=720,
            frames=375,
            frame_rate=Fraction(30000, 1001),
            seconds=Fraction(1001, 80),
            chunks=3,
            audio_samples=600_600,
        ),
    ),
    AskedOutput(
        clip="goal",
        output="poster",
        start=Fraction(0),
        end=None,
        height=720,
        quality=Quality.BALANCED,
        wish=Wish(kind=Kind.POSTER),
        start_frame=61_140,
        end_frame=61_320,
    ),
    SpecForecast(
        files=2,
        frames=376,
        chunks=4,
        lane="cloud-run/us-east4/l4",
        takes=timedelta(seconds=41.5),
        nanodollars=31_725_000,
    ),
    SpecForecast(files=2, frames=376, chunks=4, why="no pipeline is there"),
    PresetOffer(preset="square", default=False, **asdict(PRESETS["square"])),
    QualityOffer(quality=Quality.BALANCED, crf=21, preset="veryfast", lossless=False, default=True),
)
AUDIT = AuditRecord(
    at=AT,
    by="ana",
    reason="the disk was full",
    what="finished",
    plan="6f0c5c1f84a1f2e6a3f0d6f2b0f5a3a4f6c1d2e3b4a5968778695a4b3c2d1e0f",
    made_at=AT,
    asked=1,
)
