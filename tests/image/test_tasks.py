"""Real containers of the image render, are stopped, killed and starved.

| what happens | how the container ends | what becomes of the work |
|---|---|---|
| nothing | 0 | 16 chunks by 4 tasks, each once, a verified output |
| SIGTERM in mid-chunk | 75, within the grace | whole GOPs are committed, the rest is made anew |
| SIGKILL in mid-chunk | 137 | the chunk is redone by the next run |
| SIGTERM that is ignored | 137, when the grace is over | the chunk is redone by the next run |
| ffmpeg is killed for memory | 0, "killed for memory" | told as `out_of_memory` |
| the task is killed for memory | 137, "killed for memory" | nothing is told: the lane knows |
| the disk is full | 0 | told as `dependency`, `disk_full` |
| two executions of one attempt | 0, 0 | one owns it, the other does nothing |
| an environment that is no task's | 70 | nothing is begun |
"""

from datetime import timedelta
from pathlib import Path

import pytest

from render_job.errors import Exit
from schemas.events import AttemptFailed, AttemptPreempted, OutputVerified, RenderProgress
from schemas.failures import Failure, FailureClass
from schemas.spec_picture import Quality
from tests.image.conftest import figures
from tests.image.site import HOSTILE, Ordered, Room, Run, Site, committed, encoded
from tests.pipeline.laptop import until
from tests.sources import media_of

GRACE = timedelta(seconds=10)
"""Cloud Run's, between SIGTERM and SIGKILL."""
SHORT_GRACE = timedelta(seconds=2)
KILLED = 128 + 9
SLOW = Room(cores=0.5)
"""So that a chunk of 12 s is long in the making."""


def wait_until_it_is_told(ordered: Ordered, kind: type) -> None:
    until(
        lambda: any(isinstance(event, kind) for event in ordered.told()), f"{kind.__name__} is told"
    )


def wait_for_mid_chunk(ordered: Ordered, run: Run) -> None:
    """Until a GOP has left the encoder, which holds a few dozen frames; the end is far."""
    (output,) = ordered.plan.outputs
    until(
        lambda: ordered.frames_in_hand() > 2 * output.gop or run.is_over(),
        f"a chunk is half made: {run.words()}",
        120,
    )
    assert not run.is_over(), run.words()
    assert ordered.pieces() == []


def failure_of(ordered: Ordered) -> Failure:
    wait_until_it_is_told(ordered, AttemptFailed)
    (failed,) = (event for event in ordered.told() if isinstance(event, AttemptFailed))
    return failed.failure


def wait_for_output(ordered: Ordered, folder: Path) -> None:
    """It was verified and told, and has the frames that were planned."""
    wait_until_it_is_told(ordered, OutputVerified)
    (verified,) = {e.output_id: e for e in ordered.told() if isinstance(e, OutputVerified)}.values()
    assert verified.certificate.verified
    (output,) = ordered.plan.outputs
    assert media_of(ordered.delivered(folder)).video.frames == output.frames


def test_sixteen_chunks_are_made_by_four_containers_each_once(
    site: Site, long_video: Path, tmp_path: Path
) -> None:
    ordered = site.order(long_video, chunk_seconds=2)
    (output,) = ordered.plan.outputs
    assert len(output.chunks) == 16
    runs = [ordered.start(task) for task in range(4)]
    ends = [run.end() for run in runs]
    assert [end.code for end in ends] == [Exit.REPORTED] * 4, ends
    assert sorted(ordered.pieces()) == sorted(output.chunks)
    made = [span for end in ends for span in committed(end.words)]
    assert len(made) == 16
    wait_for_output(ordered, tmp_path)
    first = min(run.seconds_until(" encode ") for run in runs)
    done = min(run.seconds_until(" commit ") for run in runs if committed(run.words()))
    figures.append(
        f"task: begins to encode {first:.1f} s after its start, commits its first piece of 2 s "
        f"after {done:.1f} s (four at once, 1 GiB each)"
    )


def test_a_task_that_is_stopped_in_mid_chunk_commits_what_is_whole_within_its_grace(
    site: Site, slow_video: Path, tmp_path: Path
) -> None:
    ordered = site.order(slow_video, chunk_seconds=12, height=720)
    run = ordered.start(room=SLOW)
    wait_for_mid_chunk(ordered, run)
    memory = run.memory_bytes()
    seconds = run.stop(GRACE)
    assert run.end().code == Exit.TRY_AGAIN, run.words()
    assert seconds < GRACE.total_seconds()
    (piece,) = ordered.pieces()
    (output,) = ordered.plan.outputs
    assert piece.start == 0
    assert 0 < piece.end < output.frames
    assert piece.end % output.gop == 0
    wait_until_it_is_told(ordered, AttemptPreempted)
    figures.append(
        f"SIGTERM in mid-chunk (720p, half a core, {memory / 2**20:.0f} MiB in use): "
        f"over after {seconds:.1f} s, {piece.end} frames kept"
    )
    rest = ordered.start()
    figures.append(f"task: at most {rest.peak_bytes() / 2**20:.0f} MiB in use (720p, to the end)")
    again = rest.end()
    assert again.code == Exit.REPORTED
    assert encoded(again.words) == [f"{piece.end}-{output.frames}"]
    wait_for_output(ordered, tmp_path)


def test_a_task_that_is_killed_in_mid_chunk_has_its_chunk_redone(
    site: Site, slow_video: Path, tmp_path: Path
) -> None:
    ordered = site.order(slow_video, chunk_seconds=12, height=720)
    run = ordered.start(room=SLOW)
    wait_for_mid_chunk(ordered, run)
    run.send("SIGKILL")
    assert run.end().code == KILLED
    assert ordered.pieces() == []
    again = ordered.start().end()
    assert again.code == Exit.REPORTED, again.words
    (output,) = ordered.plan.outputs
    assert encoded(again.words) == [f"0-{output.frames}"]
    wait_for_output(ordered, tmp_path)


def test_a_task_that_ignores_sigterm_is_killed_and_its_chunk_redone(
    site: Site, slow_video: Path, tmp_path: Path
) -> None:
    ordered = site.order(slow_video, chunk_seconds=12, height=720)
    run = ordered.start(room=SLOW)
    wait_for_mid_chunk(ordered, run)
    run.send("SIGSTOP")
    seconds = run.stop(SHORT_GRACE)
    assert run.end().code == KILLED
    assert seconds >= SHORT_GRACE.total_seconds()
    assert ordered.pieces() == []
    assert ordered.start().end().code == Exit.REPORTED
    wait_for_output(ordered, tmp_path)


def test_an_ffmpeg_that_is_killed_for_memory_is_told_and_never_a_success(
    site: Site, large_video: Path
) -> None:
    ordered = site.order(large_video, chunk_seconds=4, height=2160, quality=Quality.BEST)
    run = ordered.start(room=Room(memory="384m", disk="64m"))
    end = run.end()
    assert end.code == Exit.REPORTED, end.words
    assert end.killed_for_memory
    failure = failure_of(ordered)
    assert (failure.failure, failure.reason) == (FailureClass.OUT_OF_MEMORY, "memory_limit")
    assert not any(isinstance(event, OutputVerified) for event in ordered.told())
    assert ordered.pieces() == []


def test_a_task_that_is_killed_for_memory_itself_is_no_success_either(
    site: Site, long_video: Path
) -> None:
    ordered = site.order(long_video, chunk_seconds=4)
    end = ordered.start(room=Room(memory="40m", disk="8m")).end()
    assert end.code == KILLED
    assert end.killed_for_memory
    assert ordered.pieces() == []


def test_a_full_disk_is_told_as_what_it_is(site: Site, slow_video: Path) -> None:
    ordered = site.order(slow_video, chunk_seconds=12, height=720)
    end = ordered.start(room=Room(disk="1m", cores=2)).end()
    assert end.code == Exit.REPORTED, end.words
    failure = failure_of(ordered)
    assert (failure.failure, failure.reason) == (FailureClass.DEPENDENCY, "disk_full")
    assert ordered.pieces() == []


def test_of_two_executions_of_one_attempt_one_works(
    site: Site, long_video: Path, tmp_path: Path
) -> None:
    ordered = site.order(long_video, chunk_seconds=8)
    runs = [ordered.start(execution=name) for name in ("e-1", "e-2")]
    ends = [run.end() for run in runs]
    assert [end.code for end in ends] == [Exit.REPORTED, Exit.REPORTED], ends
    strangers = [end for end in ends if "another execution owns the attempt" in end.words]
    assert len(strangers) == 1
    assert encoded(strangers[0].words) == []
    wait_for_output(ordered, tmp_path)
    assert not any(
        isinstance(event, RenderProgress) and event.attempt != 1 for event in ordered.told()
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLIPLINE_PLACE", "moon"),
        ("CLIPLINE_PROJECT", ""),
        ("CLOUD_RUN_EXECUTION", "../../etc"),
        ("CLOUD_RUN_TASK_INDEX", "0; rm -rf /"),
        ("CLIPLINE_LIFELINE_FD", "99"),
    ],
)
def test_an_environment_that_is_no_tasks_is_refused(
    site: Site, long_video: Path, name: str, value: str
) -> None:
    ordered = site.order(long_video, chunk_seconds=8)
    run = site.run(
        *("--render", ordered.plan.render, "--attempt", "1"),
        environment={**site.environment("e-1", 0), name: value},
    )
    end = run.end()
    assert end.code == Exit.BUG
    assert name in end.words
    assert "Traceback" not in end.words
    assert ordered.told() == []
    assert ordered.pieces() == []


def test_no_variable_brings_in_somebody_elses_code(
    site: Site, long_video: Path, tmp_path: Path
) -> None:
    for module in ("sitecustomize", "usercustomize", "render_job", "av"):
        (tmp_path / f"{module}.py").write_text("print('somebody else')\nraise SystemExit(3)\n")
    tmp_path.chmod(0o755)
    ordered = site.order(long_video, chunk_seconds=8)
    run = site.run(
        *("--render", ordered.plan.render, "--attempt", "1"),
        environment={
            **site.environment("e-1", 0),
            **dict.fromkeys(("PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE"), HOSTILE),
            "PYTHONSTARTUP": f"{HOSTILE}/av.py",
            "FFREPORT": "file=/tmp/report.log",
        },
        hostile=tmp_path,
    )
    end = run.end()
    assert end.code == Exit.REPORTED, end.words
    assert "somebody else" not in end.words
