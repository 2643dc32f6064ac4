"""`make bench-render`: a render from its upload to the verified file, beside one plain ffmpeg.

Two arms a round, taking turns: `infra.laptop run` of the looped sample with two tasks, and one
ffmpeg that makes the same of it with the same settings and as many threads as it likes. First their
outputs are compared: frames, times, sound, bytes, and how far both are from the source. While ours
runs it is looked at 40 times a second: is there an encoder at work?

CPU seconds are the system's own, of all children (rusage). Identical runs differ by a factor where
others work on the machine: believe a ratio, and a small one only where medians, least times and CPU
seconds agree.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import exp, log
from pathlib import Path
from threading import Event, Thread

import av

from functions.core.pictures import ENCODERS
from functions.core.plan import AUDIO_BITRATE, GOP_SECONDS
from infra.laptop.processes import children, words
from render_job.encoder import find_ffmpeg
from render_job.ffmpeg import ask
from schemas.certificate import Certificate, Effort
from schemas.events import OutputVerified
from schemas.plan import SAMPLE_RATE
from schemas.spec_picture import Quality
from schemas.wire import from_json
from tests.bench_chaos import cpu
from tests.sources import SAMPLE, times_of, tool

LOOPS = 4
"""Of the 30 s sample."""
GOP = 24 * GOP_SECONDS
"""Frames; the sample has 24 a second."""
ENCODER = ENCODERS[Quality.BALANCED]
LOOK_EVERY = 0.025
TASKS_EVERY = 0.25
LIMIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one arm; all in seconds."""

    wall: float
    """From the upload, or from ffmpeg's start, to the finished file."""
    cpu: float
    effort: Effort | None = None
    idle: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Without an encoder at work: before the first, between two, after the last."""


@dataclass(slots=True)
class Sight:
    """Looks from beside at whether a pipeline's tasks have encoders at work. Made means looking."""

    pipeline: int
    _over: Event = field(default_factory=Event)
    _seen: list[tuple[float, bool]] = field(default_factory=list)
    _thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()

    def idle(self, begin: float, end: float) -> tuple[float, float, float]:
        """The idle times between those two moments."""
        self._over.set()
        self._thread.join()
        busy = [at for at, works in self._seen if works]
        between = sum(
            after - at
            for (at, works), (after, _) in pairwise(self._seen)
            if busy[0] < at < busy[-1] and not works
        )
        return busy[0] - begin, between, max(0.0, end - busy[-1])

    def _look(self) -> None:
        tasks, asked = list[int](), 0.0
        while not self._over.wait(LOOK_EVERY):
            now = time.monotonic()
            if now - asked > TASKS_EVERY:
                tasks, asked = [one for one in children(self.pipeline) if _is_task(one)], now
            works = any(_encodes(one) for task in tasks for one in children(task))
            self._seen.append((now, works))


def main() -> None:
    """Print how the outputs compare, a line for each run, then the ratios."""
    parser = argparse.ArgumentParser(prog="bench-render", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--loops", type=int, default=LOOPS, help="of the 30 s sample")
    told = parser.parse_args()
    ffmpeg, load = find_ffmpeg(), os.getloadavg()
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load[0]:.1f} "
        f"before, niceness {os.nice(0)}, ffmpeg {ffmpeg.version} ({ffmpeg.source})",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        video, plain = Path(folder) / "looped.mp4", Path(folder) / "plain.mp4"
        loop(Path(folder), told.loops, video)
        ours, theirs = list[Run](), list[Run]()
        with suppress(KeyboardInterrupt):  # what was measured till then is told
            for number in range(told.rounds):
                home = Path(folder) / f"home-{number}"
                mine, clip, sheet = product(video, home)
                other = single(video, plain)
                if number == 0:
                    compare_outputs(video, clip, sheet, plain)
                shutil.rmtree(home)
                ours.append(mine)
                theirs.append(other)
                show(mine, other)
    if ours:
        compare(ours, theirs)


def loop(folder: Path, times: int, out: Path) -> None:
    """The sample so often, at one pace: `-stream_loop` would leave a gap after each."""
    listing = folder / "loop.ffconcat"
    listing.write_text(f"file '{SAMPLE}'\nduration 30\n" * times)
    tool(
        *("-nostdin", "-v", "error", "-f", "concat", "-safe", "0", "-i", str(listing)),
        *("-map", "0:v", "-map", "0:a", "-c", "copy", str(out)),
    )
    shown = times_of(out)
    assert [one - shown[0] for one in shown] == [Fraction(n, 24) for n in range(720 * times)]


def product(video: Path, home: Path) -> tuple[Run, Path, Certificate]:
    """The whole path over a home of its own: what it took, its file and its certificate."""
    before = cpu()
    child = subprocess.Popen(
        [sys.executable, "-m", "infra.laptop", "run", "--video", str(video)],
        env=os.environ
        | {"CLIPLINE_HOME": str(home), "CLIPLINE_TASKS": "2", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sight, moments, said = Sight(child.pid), dict[str, float](), list[str]()
    assert child.stdout is not None
    for line in child.stdout:
        said.append(line)
        if word := re.match(r"[\d.]+ (uploaded|done) ", line):
            moments[word[1]] = time.monotonic()
    assert child.wait() == 0, "".join(said)
    begin, end = moments["uploaded"], moments["done"]
    idle = sight.idle(begin, end)
    (record,) = home.glob(".state/work/renders/*/delivered/*/*.json")
    sheet = from_json(record.read_bytes(), OutputVerified).certificate
    (clip,) = home.glob("outputs/**/*.mp4")
    run = Run(wall=end - begin, cpu=cpu() - before, effort=sheet.effort, idle=idle)
    return run, clip, sheet


def single(video: Path, out: Path, crf: int = ENCODER.crf) -> Run:
    """One ffmpeg without anything around it."""
    before, began = cpu(), time.monotonic()
    pictures = ("-c:v", "libx264", "-preset", ENCODER.preset, "-crf", str(crf), "-bf", "2")
    grid = ("-g", str(GOP), "-keyint_min", str(GOP), "-sc_threshold", "0", "-flags", "+cgop")
    sound = ("-c:a", "aac", "-b:a", str(AUDIO_BITRATE), "-ar", str(SAMPLE_RATE), "-ac", "2")
    status, said = ask(
        [
            *(find_ffmpeg().path, "-nostdin", "-v", "error", "-y", "-i", str(video)),
            *(*pictures, *grid, "-pix_fmt", "yuv420p", *sound, "-movflags", "+faststart", str(out)),
        ],
        limit=LIMIT,
    )
    assert status == 0, said
    return Run(wall=time.monotonic() - began, cpu=cpu() - before)


def compare_outputs(video: Path, clip: Path, sheet: Certificate, plain: Path) -> None:
    """Frames, times, sound and bytes at equal quality, before any time is told."""
    mine, other = times_of(clip), times_of(plain)
    assert len(mine) == len(other) == sheet.frames, (len(mine), len(other))
    assert mine == [Fraction(n, 24) for n in range(len(mine))], "frames are not at their times"
    with av.open(str(clip)) as container:
        (voice,) = container.streams.audio
        assert voice.time_base is not None
        samples = round((voice.duration or 0) * voice.time_base * SAMPLE_RATE)
    drift = samples - round(mine[-1] * SAMPLE_RATE + Fraction(SAMPLE_RATE, 24))
    quality, reference = psnr(clip, video), psnr(plain, video)
    points = [(reference, video_bytes(plain))]
    for crf in (ENCODER.crf - 1, ENCODER.crf + 1):
        at = plain.with_name(f"crf{crf}.mp4")
        single(video, at, crf)
        points.append((psnr(at, video), video_bytes(at)))
    equal = bytes_at(quality, points)
    print(
        f"outputs: {len(mine)} frames each, 0 lost or repeated, {sheet.seams} seams, certified "
        f"drift {sheet.drift_samples} samples, played {drift}; PSNR {quality:.3f} dB (ours), "
        f"{reference:.3f} dB (plain); pictures {video_bytes(clip)} bytes, plain "
        f"{video_bytes(plain)}: ratio {video_bytes(clip) / video_bytes(plain):.4f} at equal "
        f"settings, {video_bytes(clip) / equal:.4f} at equal PSNR",
        flush=True,
    )


def psnr(one: Path, source: Path) -> float:
    """Of all pictures against the source's, luma and chroma together, in dB."""
    graph = "[0:v]settb=1/24,setpts=N[a];[1:v]settb=1/24,setpts=N[b];[a][b]psnr"
    status, said = ask(
        [
            *(find_ffmpeg().path, "-nostdin", "-v", "info", "-i", str(one), "-i", str(source)),
            *("-lavfi", graph, "-an", "-f", "null", "-"),
        ],
        limit=LIMIT,
    )
    found = re.search(r"PSNR .*average:([\d.]+)", said)
    assert status == 0, said
    assert found is not None, said
    return float(found[1])


def video_bytes(path: Path) -> int:
    """Of all video packets."""
    with av.open(str(path)) as container:
        return sum(packet.size for packet in container.demux(video=0))


def bytes_at(quality: float, points: Sequence[tuple[float, int]]) -> float:
    """What plain ffmpeg would need for that PSNR: between or beside its two nearest points."""
    (a, small), (b, large) = sorted(sorted(points, key=lambda one: abs(one[0] - quality))[:2])
    share = (quality - a) / (b - a)
    return exp(log(small) + share * (log(large) - log(small)))


def show(mine: Run, other: Run) -> None:
    """One line while it goes on."""
    assert mine.effort is not None
    outside = mine.cpu - mine.effort.encoding_cpu_seconds
    first, between, last = mine.idle
    print(
        f"ours {mine.wall:6.2f} s, {mine.cpu:6.2f} CPU s: "
        f"ffmpeg {mine.effort.encoding_cpu_seconds:.2f}, verification "
        f"{mine.effort.verifying_cpu_seconds:.2f}, all else "
        f"{outside - mine.effort.verifying_cpu_seconds:.2f}; no encoder for {first:.2f} s before "
        f"the first, {between:.2f} between, {last:.2f} after the last | "
        f"plain {other.wall:6.2f} s, {other.cpu:6.2f} CPU s",
        flush=True,
    )


def compare(ours: Sequence[Run], theirs: Sequence[Run]) -> None:
    """Medians of pair ratios with their spread, and least by least."""
    pairs = list(zip(ours, theirs, strict=True))
    tell("makespan ÷ plain", [a.wall / b.wall for a, b in pairs])
    least = min(a.wall for a in ours) / min(b.wall for b in theirs)
    print(f"  least ÷ least {least:.3f}")
    tell("CPU ÷ plain", [a.cpu / b.cpu for a, b in pairs])
    efforts = [(a, a.effort) for a in ours if a.effort is not None]
    tell("ffmpeg's CPU ÷ plain", [e.encoding_cpu_seconds / b.cpu for (_, b), (_, e) in zip(
        pairs, efforts, strict=True)])  # fmt: skip
    tell("verification ÷ ffmpeg's CPU", [
        e.verifying_cpu_seconds / e.encoding_cpu_seconds for _, e in efforts])  # fmt: skip
    tell("all else ÷ ffmpeg's CPU", [
        (a.cpu - e.encoding_cpu_seconds - e.verifying_cpu_seconds) / e.encoding_cpu_seconds
        for a, e in efforts])  # fmt: skip
    tell("no encoder, with work pending ÷ makespan", [
        (a.idle[0] + a.idle[1]) / a.wall for a in ours])  # fmt: skip
    tell("after the last encoder ÷ makespan", [a.idle[2] / a.wall for a in ours])


def tell(what: str, ratios: Sequence[float]) -> None:
    """One line with its spread."""
    print(
        f"{what}: median {statistics.median(ratios):.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f}, n={len(ratios)})"
    )


def _is_task(pid: int) -> bool:
    return "render_job" in words(pid)


def _encodes(pid: int) -> bool:
    """An ffmpeg that encodes, and not the Python that becomes one."""
    said = words(pid)
    return bool(said) and "ffmpeg" in Path(said[0]).name and "libx264" in said


if __name__ == "__main__":
    main()
