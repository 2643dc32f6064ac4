"""`make bench-memory`: what the parts of a render need of memory at their peaks.

`peaks`: ffmpeg, confined and told as a task tells it, by sizes and presets, beside what the lanes
are chosen by (`functions/core/memory.py`): what was measured must not be more than was reckoned.

`lengths`: the same parts over a video of a minute and of hours. Their pieces are copies of one real
piece, for that is what a black video is made of: joined, verified, probed, planned and rendered
from, each in a process of its own. Peaks are the system's own, libraries included: of the process
ru_maxrss, of its children VmHWM, looked at 100 times a second, since the ru_maxrss of a child
counts the memory of the parent that started it.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread

from functions.core.memory import MIB, joining_bytes, making_bytes
from functions.core.pictures import ENCODERS
from functions.core.plan import make_plan
from infra.laptop.processes import children
from render_job import recipe
from render_job.encoder import THREADS, find_ffmpeg
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.reach import LIMITS, confined, reach_of
from render_job.studio import NOTHING, Part, Terms
from schemas.certificate import PieceVerdict
from schemas.ids import Upload
from schemas.media import Media
from schemas.pieces import Span
from schemas.plan import SAMPLE_RATE, AudioPlan, OutputPlan, RenderPlan
from schemas.spec import parse_spec
from schemas.spec_picture import Fit, Quality
from schemas.wire import from_json, to_json
from tests.bench_chaos import cpu
from tests.sources import media_of, plan_of, tool

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "1440p": (2560, 1440), "2160p": (3840, 2160)}
RATE = 24
FRAMES = 60
"""More than x264's longest lookahead of 40."""
CHUNK = 12 * RATE
"""As near to the planner's 15 s as divides a minute and its grid."""
UPLOAD = Upload(bucket="uploads", name="bench/long.mp4", generation=1)
LIMIT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One command of the recipe."""

    source: str
    output: str
    quality: Quality
    codec: str = "libx264"
    deep: bool = False
    fit: Fit | None = None
    deinterlace: bool = False

    @property
    def said(self) -> str:
        """A row's first words."""
        depth = " 10 bit" if self.deep else ""
        fit = f" {self.fit}" if self.fit else ""
        weave = " deinterlaced" if self.deinterlace else ""
        kind = "hevc" if self.codec == "libx265" else "h264"
        return f"{self.source} {kind}{depth} → {self.output}{fit}{weave}, {self.quality}"


def cases() -> Sequence[Case]:
    """Every size into itself, the large into the small and back, and what keeps more pictures."""
    same = [
        Case(source=size, output=size, quality=quality)
        for size in SIZES
        for quality in (Quality.BALANCED, Quality.BEST, Quality.LOSSLESS)
    ]
    return (
        *same,
        Case(source="2160p", output="720p", quality=Quality.BALANCED),
        Case(source="2160p", output="1080p", quality=Quality.BEST),
        Case(source="720p", output="2160p", quality=Quality.BALANCED),
        Case(source="1080p", output="1080p", quality=Quality.BALANCED, fit=Fit.BLUR),
        Case(source="2160p", output="1080p", quality=Quality.BALANCED, fit=Fit.BLUR),
        Case(source="1080p", output="1080p", quality=Quality.BALANCED, deinterlace=True),
        Case(source="1080p", output="1080p", quality=Quality.BALANCED, codec="libx265", deep=True),
        Case(source="2160p", output="1080p", quality=Quality.BALANCED, codec="libx265", deep=True),
        Case(source="2160p", output="2160p", quality=Quality.BEST, codec="libx265", deep=True),
    )


def peaks(folder: Path) -> None:
    """One row a case."""
    print("case | peak of ffmpeg, MiB | reckoned, MiB | measured ÷ reckoned | CPU s")
    for case in cases():
        source = source_of(case, folder)
        media = media_of(source)
        size = SIZES[case.output]
        if case.fit:
            size = (size[1], size[0])
        encoder = ENCODERS[case.quality]
        plan = replace(
            plan_of(media, rate=Fraction(RATE), gop=2 * RATE, size=size),
            crf=encoder.crf,
            preset=encoder.preset,
            lossless=encoder.lossless,
            fit=case.fit,
            deinterlace=case.deinterlace,
        )
        measured, cpu = peak_of(plan, media, source)
        reckoned = making_bytes(plan, media)
        print(
            f"{case.said} | {measured / MIB:.0f} | {reckoned / MIB:.0f} | "
            f"{measured / reckoned:.2f} | {cpu:.1f}",
            flush=True,
        )


def source_of(case: Case, folder: Path) -> Path:
    """A pattern of that size; small to write, and decoded into as many bytes as any other."""
    width, height = SIZES[case.source]
    path = folder / f"{case.source}-{case.codec}-{case.deep}.mp4"
    if not path.exists():
        pixels = "yuv420p10le" if case.deep else "yuv420p"
        speed = "ultrafast" if case.codec == "libx265" else "veryfast"
        tool(
            *("-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s={width}x{height}"),
            *("-r", str(RATE), "-frames:v", str(FRAMES + 20), "-c:v", case.codec, "-bf", "3"),
            *("-preset", speed, "-g", "250", "-refs", "4", "-pix_fmt", pixels, str(path)),
            limit=LIMIT,
        )
    return path


def peak_of(plan: OutputPlan, media: Media, source: Path) -> tuple[int, float]:
    """Bytes and CPU seconds of one confined ffmpeg."""
    argv = recipe.video(
        plan,
        media.video,
        media.seekable,
        Span(0, FRAMES),
        input_url=f"file:{source}",
        ffmpeg=find_ffmpeg().path,
        threads=THREADS,
    )
    before = cpu()
    with Children() as peak:
        subprocess.run(
            confined(argv, reach_of(argv), LIMITS, LIMIT),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={},
            check=True,
        )
    return round(peak.mib * MIB), cpu() - before


class Children:
    """The most that any one child had, between entering and leaving."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Children":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            self.mib = max([self.mib, *map(_most, children(os.getpid()))])


def _most(pid: int) -> float:
    """What that process had at most since it runs its program; 0 once it is gone."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


# ── lengths ──────────────────────────────────────────────────────────────────────────────────


def lengths(folder: Path, minutes: Sequence[int]) -> None:
    """One row a part and length, then the ratios of the longest to the shortest."""
    seed = folder / "seed.mp4"
    grid = f"-g {2 * RATE} -keyint_min {2 * RATE} -bf 2 -sc_threshold 0 -flags +cgop"
    tool(
        *("-nostdin", "-v", "error", "-f", "lavfi", "-i", f"color=black:s=64x36:r={RATE}"),
        *("-t", "20", "-c:v", "libx264", "-preset", "veryfast", *grid.split(), str(seed)),
    )
    found: dict[str, list[float]] = {}
    for length in minutes:
        for part in PARTS:
            told = part_of(part, folder, length)
            words = ", ".join(f"{name} {value:.1f}" for name, value in told.items())
            print(f"{length} min, {part}: {words}", flush=True)
            for name, value in told.items():
                found.setdefault(f"{part}: {name}", []).append(value)
    for what, values in found.items():
        if what.endswith("MiB") and values[0]:
            print(f"{what}: {values[-1]:.1f} ÷ {values[0]:.1f} = {values[-1] / values[0]:.2f}")


def part_of(part: str, folder: Path, minutes: int) -> dict[str, float]:
    """What a process of its own says of that part."""
    words = ["-m", "tests.bench_memory", "part", part, "--folder", str(folder)]
    done = subprocess.run(
        [sys.executable, *words, "--minutes", str(minutes)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def sounded(folder: Path, minutes: int) -> dict[str, float]:
    """A task that makes a clip's sound, and looks at it."""
    _, audio = long_plan(minutes)
    path = folder / f"{minutes}.m4a"
    before = mine()
    with Children() as ffmpeg:
        tool(
            *("-nostdin", "-v", "error", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"),
            *("-af", f"atrim=end_sample={audio.samples}", "-c:a", "aac", "-b:a", "160k"),
            *("-fflags", "+bitexact", "-movie_timescale", str(SAMPLE_RATE), str(path)),
            limit=LIMIT,
        )
    verdict = studio().check_sound(path, audio, level=None, heard=lambda: None)
    assert verdict.passed, verdict.faults
    path.with_suffix(".json").write_bytes(to_json(replace(verdict, subject=path.name)))
    return {"task before MiB": before, "task verifies MiB": mine(), "ffmpeg MiB": ffmpeg.mib}


def joined(folder: Path, minutes: int) -> dict[str, float]:
    """The stitcher: join and verify, as `render_job/deliver.py` does."""
    plan, audio = long_plan(minutes)
    pieces, sound = parts_of(folder, plan, minutes)
    out, before = folder / f"{minutes}.mp4", mine()
    with Children() as ffmpeg:
        studio().join(
            plan, [piece.path for piece in pieces.values()], sound.path, out, terms=terms()
        )
    sheet = studio().check_output(out, plan, audio, pieces, sound, heard=lambda: None)
    assert sheet.verified, sheet.faults
    return {
        "stitcher before MiB": before,
        "stitcher verifies MiB": mine(),
        "ffmpeg joins MiB": ffmpeg.mib,
        "reckoned MiB": joining_bytes(plan, audio) / MIB,
        "thousand packets": (plan.frames + audio.samples / 1024) / 1000,
    }


def looked_at(folder: Path, minutes: int) -> dict[str, float]:
    """The prober and its child, over the joined file as an upload."""
    from functions.adapters.pyav_probe import PyavProber
    from ops.one_file import OneFile

    path = folder / f"{minutes}.mp4"
    store = OneFile(path)
    info = store.stat(path.name)
    assert info is not None
    before = mine()
    with Children() as child:
        media = PyavProber().probe(store, info.name, generation=info.generation)
    path.with_suffix(".media.json").write_bytes(to_json(media))
    return {"before MiB": before, "prober MiB": mine(), "its child MiB": child.mib}


def planned(folder: Path, minutes: int) -> dict[str, float]:
    """The control plane: the entry points, and a plan made, written and read."""
    import functions.main  # noqa: F401  # what it holds is what is measured

    before = mine()
    plan = plan_from(folder, minutes)
    assert from_json(to_json(plan), RenderPlan) == plan
    return {"before MiB": before, "planning MiB": mine(), "chunks": plan.chunks}


def rendered(folder: Path, minutes: int) -> dict[str, float]:
    """A task that makes the last two chunks of the long file, and looks at each."""
    plan = plan_from(folder, minutes)
    (output,) = plan.outputs
    path, before, waiting = folder / "chunk.mp4", mine(), list[float]()
    with Children() as ffmpeg:
        for span in output.chunks[-2:]:
            made(plan, span, folder / f"{minutes}.mp4", path)
            waiting.append(mine())
            assert (
                studio()
                .check_pictures(path, output, span, plan.media.video, heard=lambda: None)
                .passed
            )
    return {
        "task before MiB": before,
        "task while ffmpeg makes its first piece MiB": waiting[0],
        "task while ffmpeg makes its second MiB": waiting[1],
        "ffmpeg MiB": ffmpeg.mib,
    }


PARTS = {"sound": sounded, "stitch": joined, "look": looked_at, "plan": planned, "task": rendered}


def plan_from(folder: Path, minutes: int) -> RenderPlan:
    """The whole of the long file in one output."""
    media = from_json((folder / f"{minutes}.media.json").read_bytes(), Media)
    return make_plan(UPLOAD, media, parse_spec("{}"), folder="bench/long")


def long_plan(minutes: int) -> tuple[OutputPlan, AudioPlan]:
    """Chunks of 15 s, all alike."""
    frames = minutes * 60 * RATE
    plan = OutputPlan(
        clip="full",
        output="long",
        start_pts=0,
        frame_rate=Fraction(RATE),
        frames=frames,
        gop=2 * RATE,
        chunks=tuple(Span(n, n + CHUNK) for n in range(0, frames, CHUNK)),
        width=64,
        height=36,
        crf=21,
        preset="veryfast",
        lossless=False,
        object_name="long.mp4",
    )
    samples = minutes * 60 * SAMPLE_RATE
    audio = AudioPlan(clip="full", start_seconds=Fraction(0), samples=samples, bitrate=160_000)
    return plan, audio


def parts_of(folder: Path, plan: OutputPlan, minutes: int) -> tuple[dict[Span, Part], Part]:
    """One real piece under the names of all, and the sound, each with its verdict."""
    seed, first = folder / "seed.mp4", folder / "piece.mp4"
    one = RenderPlan(render="r-0", upload=UPLOAD, media=media_of(seed), outputs=(plan,), audio=())
    made(one, plan.chunks[0], seed, first)
    span, source = plan.chunks[0], one.media.video
    verdict = studio().check_pictures(first, plan, span, source, heard=lambda: None)
    assert verdict.passed, verdict.faults
    pieces = {}
    for span in plan.chunks:
        path = folder / f"{span.start}-{span.end}.mp4"
        if not path.exists():
            path.hardlink_to(first)
        pieces[span] = Part(path=path, name=path.name, verdict=verdict)
    sound = folder / f"{minutes}.m4a"
    told = from_json(sound.with_suffix(".json").read_bytes(), PieceVerdict)
    return pieces, Part(path=sound, name=sound.name, verdict=told)


def made(plan: RenderPlan, span: Span, source: Path, out: Path) -> None:
    """A piece, as a task makes it."""
    studio().make_pictures(
        plan,
        plan.outputs[0],
        span,
        out,
        source=f"file:{source}",
        seek=True,
        terms=terms(),
        drawn=NOTHING,
    )


def studio() -> FfmpegStudio:
    """The one that ships."""
    return FfmpegStudio(encoder=find_ffmpeg())


def terms() -> Terms:
    """Long enough, and nobody is told."""
    return Terms(limit=LIMIT, heard=lambda frames: None, stop=lambda: False)


def mine() -> float:
    """MiB that this process had at most, libraries included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(prog="bench-memory", description=__doc__)
    parser.add_argument("what", nargs="*", default=["peaks", "lengths"])
    parser.add_argument("--minutes", type=int, nargs="*", default=[1, 600])
    parser.add_argument("--folder", type=Path)
    told = parser.parse_args()
    if told.what[0] == "part":
        print(json.dumps(PARTS[told.what[1]](told.folder, told.minutes[0])))
        return
    ffmpeg = find_ffmpeg()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, ffmpeg {ffmpeg.version} ({ffmpeg.source})")
    with tempfile.TemporaryDirectory() as folder:
        if "peaks" in told.what:
            peaks(Path(folder))
        if "lengths" in told.what:
            lengths(Path(folder), told.minutes)


if __name__ == "__main__":
    main()
