"""What commands say with `--json`, by example: shown in the published schemas, tried in tests."""

from schemas.costs import CostLine
from schemas.examples import AT, KILLED, MEDIA, RENDER, UPLOAD
from schemas.flow_state import FlowState
from schemas.letters_file import LettersEnd, LettersHead, LettersTaken
from schemas.pieces import Span
from schemas.replay_run import ReplayRun, RunState
from schemas.reproduction import FetchRecord, Outcome, Reproduction
from schemas.task_logs import TaskLogLine

LETTERS = (
    LettersHead(made_at=AT, filters={"class": "crash"}),
    LettersEnd(
        records=412, digest="6f0c5c1f84a1f2e6a3f0d6f2b0f5a3a4f6c1d2e3b4a5968778695a4b3c2d1e0f"
    ),
)
SAID = (
    CostLine(
        tenant=UPLOAD.tenant,
        lane="cloud-run/us-east4/l4",
        preset="web-720",
        cause="preempted",
        lost=True,
        microseconds=125_000_000,
        nanodollars=26_041_667,
    ),
    TaskLogLine(
        render=RENDER,
        attempt=1,
        task=0,
        text=f"2026-11-24 09:30:00,125 encode {RENDER} full/web-720 0-480",
    ),
    Reproduction(
        render=RENDER,
        what="frames [480, 960) of full/web-720",
        output_id="full/web-720",
        span=Span(480, 960),
        outcome=Outcome.SAME,
        fingerprint=KILLED.fingerprint,
        failure=KILLED,
        found=KILLED.fingerprint,
        encoder_class="libx264/5.1/t1",
        ordered_class="libx264/5.1/t1",
        commands=(("ffmpeg", "-nostdin", "-i", "file:/tmp/holiday.mp4", "pipe:1"),),
        seconds=4.25,
    ),
    FetchRecord(
        at=AT,
        by="ana",
        reason="the same frames fail everywhere",
        render=RENDER,
        upload=UPLOAD,
        size_bytes=MEDIA.size_bytes,
    ),
    LettersTaken(records=412, new=400, digest=LETTERS[1].digest),
    ReplayRun(
        plan=LETTERS[1].digest,
        made_at=AT,
        state=RunState.RUNNING,
        why="",
        by="ana",
        reason="the disk was full",
        begun_at=AT,
        seen_at=AT,
        replays=412,
        through=120,
        asked=120,
        left_out=0,
        pace="waits until 2026-11-26 00:00 UTC: the day's budget is spent, $151.20 of $150",
        held_until=AT,
    ),
    FlowState(
        topic="render-requests",
        subscription="start-render",
        publishers=("on_upload", "operator"),
        subscriber="start_render",
        depth=3,
        in_delivery=1,
        oldest_at=AT,
        published_per_minute=12.5,
        acknowledged_per_minute=12.2,
        over_seconds=577.25,
        dead_letters=0,
    ),
)
