"""`make bench-chaos`: what kills cost a render, calm and killed runs taking turns.

Three arms a round, each one `infra.laptop run` of the looped sample over a home of its own:
undisturbed; a preemption about every 20 s without notice; the same with notice. Messages are left
in peace, so that only kills are measured. A killed run must deliver the calm run's very bytes, and
one with notice as many frames at the same times.

A killed task's ffmpeg becomes an orphan, whose CPU time its parent never learns: this process
takes in all orphans (PR_SET_CHILD_SUBREAPER, Linux), so that its children's CPU is everybody's.
"""

import argparse
import ctypes
import hashlib
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from functions.core.plan import GOP_SECONDS
from render_job.encoder import find_ffmpeg
from tests.sources import SAMPLE, times_of, tool

LOOPS = 4
"""Of the 30 s sample."""
ARMS = {
    "calm": None,
    "killed": "{seed},every={every},notice=0,ffmpeg=0,messages=0",
    "noticed": "{seed},every={every},notice=1,ffmpeg=0,messages=0",
}
GOP = 24 * GOP_SECONDS
"""Frames; the sample has 24 a second."""
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as it says itself; times in seconds."""

    makespan: float
    cpu: float
    digest: str
    times: tuple[Fraction, ...]
    """When each picture is shown."""
    chunks: int
    """As planned."""
    preempted: int = 0
    """Tasks that were killed."""
    lost: float = 0
    worked: float = 0
    lost_frames: int = 0
    runs: int = 0
    pieces: int = 0


def main() -> None:
    """Print a line for each run, then the ratios."""
    parser = argparse.ArgumentParser(prog="bench-chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--every", type=float, default=20, help="seconds between two kills")
    told = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    ffmpeg, load = find_ffmpeg(), os.getloadavg()
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, "
        f"load {load[0]:.1f} before, ffmpeg {ffmpeg.version} ({ffmpeg.source})",
        flush=True,
    )
    found: dict[str, list[Run]] = {arm: [] for arm in ARMS}
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "looped.mp4"
        loop = ("-stream_loop", str(LOOPS - 1), "-i", str(SAMPLE), "-c", "copy", str(video))
        tool("-nostdin", "-v", "error", *loop)
        with suppress(KeyboardInterrupt):  # what was measured till then is told
            for number in range(told.rounds):
                for arm, wish in ARMS.items():
                    chaos = wish and wish.format(seed=number + 1, every=told.every)
                    run = one(video, Path(folder) / f"{arm}-{number}", chaos)
                    found[arm].append(run)
                    show(arm, run)
                    check(found, arm)
    for arm in ARMS:
        if arm != "calm" and found[arm]:
            compare(arm, found["calm"], found[arm])


def one(video: Path, home: Path, chaos: str | None) -> Run:
    """Render it in that home, which is removed but for its output's digest."""
    words = ["--video", str(video), *(["--chaos", chaos] if chaos else [])]
    before = cpu()
    done = subprocess.run(
        [sys.executable, "-m", "infra.laptop", "run", *words],
        env=os.environ | {"CLIPLINE_HOME": str(home), "CLIPLINE_TASKS": "2"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    orphans()
    (clip,) = home.glob("outputs/**/*.mp4")
    run = Run(
        makespan=number(r"wall ([\d.]+) s", done.stdout),
        cpu=cpu() - before,
        digest=hashlib.sha256(clip.read_bytes()).hexdigest(),
        times=tuple(times_of(clip)),
        chunks=int(number(r"(\d+) chunks", done.stdout)),
        preempted=int(number(r"(\d+) x task with", done.stdout))
        + 2 * int(number(r"(\d+) x all tasks with", done.stdout)),
        lost=number(r"lost ([\d.]+) of", done.stdout),
        worked=number(r"lost [\d.]+ of ([\d.]+) s", done.stdout),
        lost_frames=int(number(r"(\d+) frames in whole GOPs", done.stdout)),
        runs=int(number(r"(\d+) encoder runs", done.stdout)),
        pieces=int(number(r"(\d+) pieces", done.stdout)),
    )
    shutil.rmtree(home)
    return run


def number(pattern: str, said: str) -> float:
    """The last one that was said so; 0 where none was."""
    return float((re.findall(pattern, said) or ["0"])[-1])


def cpu() -> float:
    """CPU seconds of all children that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def orphans() -> None:
    """Wait until none is left: they notice by themselves that nobody reads what they write."""
    give_up = time.monotonic() + 30
    with suppress(ChildProcessError):
        while time.monotonic() < give_up:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                time.sleep(0.05)


def show(arm: str, run: Run) -> None:
    """One line while it goes on."""
    lost = f"{run.lost:.1f} of {run.worked:.1f} s lost, {run.lost_frames} frames in whole GOPs"
    kills = f", {run.preempted} tasks killed, {run.runs} runs, {run.pieces} pieces, {lost}"
    extra = kills if arm != "calm" else ""
    print(f"{arm:<8}{run.makespan:6.1f} s, {run.cpu:6.1f} CPU s{extra}", flush=True)


def check(found: dict[str, list[Run]], arm: str) -> None:
    """The last run of that arm has pictures at the calm run's times; a killed one its bytes."""
    calm, run = found["calm"][0], found[arm][-1]
    assert run.times == calm.times, f"{arm}: other times than a calm run's"
    assert arm == "noticed" or run.digest == calm.digest, f"{arm}: other bytes than a calm run's"


def compare(arm: str, calm: Sequence[Run], disturbed: Sequence[Run]) -> None:
    """Medians of pair ratios with their spread, the least makespans' ratio, and what was lost."""
    pairs = list(zip(calm, disturbed, strict=False))
    walls = [b.makespan / a.makespan for a, b in pairs]
    cpus = [b.cpu / a.cpu for a, b in pairs]
    least = min(b.makespan for b in disturbed) / min(a.makespan for a in calm)
    tasks = sum(run.preempted for run in disturbed)
    lost, worked = sum(run.lost for run in disturbed), sum(run.worked for run in disturbed)
    frames = sum(run.lost_frames for run in disturbed)
    every = sum(run.makespan for run in disturbed) / max(tasks, 1)
    kept = (worked - lost) / len(disturbed)
    chunk, gop = kept / calm[0].chunks, kept / (len(calm[0].times) / GOP)
    print(
        f"{arm} ÷ calm (n={len(pairs)}): makespan median {statistics.median(walls):.2f} "
        f"({min(walls):.2f} to {max(walls):.2f}), least ÷ least {least:.2f}; "
        f"CPU median {statistics.median(cpus):.2f} ({min(cpus):.2f} to {max(cpus):.2f})"
    )
    print(
        f"  {tasks} tasks killed, one in {every:.1f} s; each lost {lost / max(tasks, 1):.1f} s of "
        f"encoding and {frames / max(tasks, 1):.0f} frames in whole GOPs, where a chunk took "
        f"{chunk:.1f} s and a GOP {gop:.1f} s; {lost / worked:.1%} of all encoding was lost"
    )


if __name__ == "__main__":
    main()
