"""ffmpeg as a child: stopped at once, limited, and never outliving the one who started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from render_job.encoder import encoder_class, find_ffmpeg
from render_job.errors import RenderFault, Stopped
from render_job.ffmpeg import run
from render_job.fragments import whole_gops
from render_job.reach import Limits
from schemas.failures import FailureClass

LIMIT = timedelta(seconds=30)
PYTHON = (Path(sys.base_prefix), Path(sys.prefix))
"""What a program that is no ffmpeg has to read to run at all."""
ENDLESS = "-nostdin -v error -re -f lavfi -i testsrc2=s=64x64:r=30"
INTO_PIPE = "-c:v libx264 -preset ultrafast -g 6 -movflags +frag_keyframe+empty_moov -f mp4 pipe:1"


def words(*parts: str) -> list[str]:
    return [find_ffmpeg().path, *" ".join(parts).split()]


def program(folder: Path, code: str) -> list[str]:
    """A program that does what no ffmpeg can be made to do."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{code}\n")
    path.chmod(0o755)
    return [str(path)]


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_found_ffmpeg_says_its_version_and_class() -> None:
    encoder = find_ffmpeg()
    assert encoder_class(encoder, 2) == f"libx264/{encoder.version}/t2"
    assert tuple(map(int, encoder.version.split("."))) >= (5, 1)


def test_it_returns_the_frames_made_and_tells_them_on_the_way(tmp_path: Path) -> None:
    told: list[int] = []
    out = tmp_path / "out.mp4"
    made = run(words(ENDLESS, "-t 1", INTO_PIPE), limit=LIMIT, into=out, on_progress=told.append)
    assert made == told[-1] == 30
    assert len(told) >= 2
    assert out.stat().st_size > 0


def test_a_stop_keeps_what_was_made(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(Stopped):
        run(
            words(ENDLESS, "-tune zerolatency -flush_packets 1", INTO_PIPE),
            limit=LIMIT,
            into=out,
            stop=lambda: whole_gops(out, 6)[1] >= 6,
        )
    assert whole_gops(out, 6)[1] >= 6


def test_a_callback_that_raises_ends_it() -> None:
    def lost(frames: int) -> None:
        raise InterruptedError("the claim is lost")

    with pytest.raises(InterruptedError):
        run(words(ENDLESS, "-f null -"), limit=LIMIT, on_progress=lost)


def test_a_silent_child_does_not_silence_the_pulse(tmp_path: Path) -> None:
    told: list[int] = []
    run(program(tmp_path, "time.sleep(1.2)"), limit=LIMIT, on_progress=told.append, reads=PYTHON)
    assert len(told) >= 2


def test_one_that_takes_too_long_is_a_timeout() -> None:
    with pytest.raises(RenderFault) as caught:
        run(words(ENDLESS, "-f null -"), limit=timedelta(seconds=0.3))
    assert caught.value.failure.failure is FailureClass.TIMEOUT


def test_a_missing_program_is_a_dependency() -> None:
    with pytest.raises(RenderFault) as caught:
        run(["/nowhere/ffmpeg"], limit=LIMIT)
    assert caught.value.failure.failure is FailureClass.DEPENDENCY


def test_what_is_no_video_is_an_input(tmp_path: Path) -> None:
    text = tmp_path / "a.mp4"
    text.write_text("no video at all\n" * 100)
    with pytest.raises(RenderFault) as caught:
        run(words(f"-nostdin -v error -i file:{text} -f null -"), limit=LIMIT)
    failure = caught.value.failure
    assert failure.failure is FailureClass.INPUT
    assert str(tmp_path) not in failure.detail


def test_one_killed_from_outside_is_a_crash_that_names_the_signal(tmp_path: Path) -> None:
    with pytest.raises(RenderFault, match="SIGKILL") as caught:
        run(program(tmp_path, "os.kill(os.getpid(), 9)"), limit=LIMIT, reads=PYTHON)
    assert caught.value.failure.reason == "ffmpeg_killed"


def test_a_flood_of_words_is_bounded(tmp_path: Path) -> None:
    code = "sys.stderr.write('a line of it\\n' * 200_000 + 'the last'); sys.exit(3)"
    with pytest.raises(RenderFault) as caught:
        run(program(tmp_path, code), limit=LIMIT, reads=PYTHON)
    assert caught.value.failure.detail.endswith("the last")


@pytest.mark.skipif(sys.platform != "linux", reason="limits are set by prlimit(2)")
def test_a_file_over_its_limit_is_a_full_disk(tmp_path: Path) -> None:
    raw = words(f"-nostdin -v error -f lavfi -i testsrc2=d=9 -f rawvideo file:{tmp_path}/out.yuv")
    with pytest.raises(RenderFault) as caught:
        run(raw, limit=LIMIT, limits=Limits(file_bytes=1 << 20))
    assert caught.value.failure.reason == "disk_full"


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_it_dies_with_the_one_who_started_it(tmp_path: Path) -> None:
    argv = words(ENDLESS, "-flush_packets 1 -tune zerolatency", INTO_PIPE)
    code = (
        "import datetime, pathlib, sys\n"
        "from render_job.ffmpeg import run\n"
        "run(sys.argv[2:], limit=datetime.timedelta(minutes=5), into=pathlib.Path(sys.argv[1]))"
    )
    out = tmp_path / "out.mp4"
    parent = subprocess.Popen([sys.executable, "-c", code, str(out), *argv])
    try:
        until(lambda: out.exists() and out.stat().st_size > 0)
        task = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        (child,) = map(int, task.read_text().split())
        assert os.getpgid(child) == os.getpgid(parent.pid)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until(lambda: not alive(child))
