"""What commands say with `--json`, by example: shown in the published schemas, tried in tests."""

from schemas.acknowledgement import Acknowledgement, Deed
from schemas.budget_state import BudgetState, RaiseLine
from schemas.costs import CostLine
from schemas.doctor import DoctorFinding
from schemas.examples import AT, KILLED, MEDIA, RENDER, UPLOAD
from schemas.flow_state import FlowState
from schemas.lane_state import LaneState, Opening, PriceLine, SharedLimit
from schemas.letters_file import LettersEnd, LettersHead, LettersTaken
from schemas.pieces import Span
from schemas.render_why import (
    LaunchWhy,
    RejectedLane,
    RenderWhy,
    Routing,
    Turn,
    WeighedLane,
)
from schemas.renders import RenderLine
from schemas.replay_run import ReplayRun, RunState
from schemas.reproduction import FetchRecord, Outcome, Reproduction
from schemas.switchings import SwitchingLine
from schemas.task_logs import TaskLogLine
from schemas.watch_line import Happening, WatchLine

LETTERS = (
    LettersHead(made_at=AT, filters={"class": "crash"}),
    LettersEnd(
        records=412, digest="6f0c5c1f84a1f2e6a3f0d6f2b0f5a3a4f6c1d2e3b4a5968778695a4b3c2d1e0f"
    ),
)
SAID = (
    Acknowledgement(deed=Deed.CANCEL, id=RENDER, next=f"clipline show {RENDER}"),
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
    RenderLine(
        id=RENDER,
        state="failed",
        why="the first choice",
        upload=UPLOAD,
        created_at=AT,
        updated_at=AT,
        deadline_at=AT,
        attempt=3,
        lane="cloud-run/us-east4/l4",
        frames=480,
        frames_planned=1440,
        failure=KILLED,
        nanodollars=26_041_667,
    ),
    SwitchingLine(
        at=AT,
        reach="lane",
        name="cloud-run/us-east4/l4",
        paused=True,
        by="ana",
        reason="its driver is being replaced",
        holds=True,
    ),
    BudgetState(
        at=AT,
        render_nanodollars=2_000_000_000,
        day_nanodollars=150_000_000_000,
        spent_nanodollars=151_200_000_000,
        is_spent=True,
        waiting=412,
        reset_at=AT,
        raises=(
            RaiseLine(at=AT, nanodollars=150_000_000_000, by="ana", reason="the back catalogue"),
        ),
    ),
    LaneState(
        id="cloud-run/us-east4/l4",
        at=AT,
        opening=Opening.CLOSED,
        why="2 stock-outs in a row",
        closed_until_at=AT,
        room=None,
        paused=None,
        entries=41,
        places=3,
        running=2,
        under_way=1,
        launches=1,
        launches_a_minute=20,
        chance=0.75,
        starts=5.5,
        stock_outs=1.5,
        start_seconds=19.5,
        start_error_seconds=1.25,
        pixels_a_second=120_000_000.0,
        pixels_a_second_error=9_500_000.0,
        preemptions_an_hour=None,
        nanodollars_an_hour=1_050_000_000,
        price=(
            PriceLine(
                what="L4 without zonal redundancy",
                read_on="2026-08-31",
                source="https://cloud.google.com/run/pricing",
            ),
        ),
        limits=(
            SharedLimit(name="us-east4 GPUs", taken=2, most=3, lanes=("cloud-run/us-east4/l4",)),
        ),
    ),
    RenderWhy(
        render=RENDER,
        at=AT,
        state="waiting",
        why="cloud-run/us-east4/l4 had no machines once",
        launches=(
            LaunchWhy(
                attempt=1, lane="cloud-run/us-east4/l4", launched_at=AT, why="the first choice"
            ),
        ),
        now=Routing(
            lane="batch/us-central1/spot",
            why="the cheapest",
            entries=41,
            weighed=(
                WeighedLane(
                    lane="batch/us-central1/spot",
                    tasks=2,
                    start_seconds=140.0,
                    takes_seconds=62.5,
                    takes_error_seconds=4.5,
                    nanodollars=9_250_000.0,
                    nanodollars_error=700_000.0,
                    words="starts in 140 s, takes 62 s ± 4 s, costs $0.0092 ± $0.0007",
                ),
            ),
            rejected=(
                RejectedLane(
                    lane="cloud-run/us-east4/l4", why="is closed by a stock-out", until_at=AT
                ),
            ),
        ),
        account="acme/normal",
        turns=(
            Turn(
                account="acme/normal",
                machine_seconds=120.5,
                weight=4,
                since_at=AT,
                avoids=("laptop/cpu",),
                is_own=True,
            ),
        ),
    ),
    WatchLine(
        render=RENDER,
        at=AT,
        what=Happening.LOST,
        text=KILLED.message,
        attempt=1,
        output_id=None,
        frames=480,
        frames_planned=1440,
    ),
    DoctorFinding(
        what="emulator",
        well=False,
        text="PUBSUB_EMULATOR_HOST is localhost:8085, where nobody answers",
        mend="start that emulator, or unset PUBSUB_EMULATOR_HOST",
    ),
)
