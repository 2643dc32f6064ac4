"""`make bench-reads`: how many bytes of an upload a render reads, by the kind of its container.

The same packets in seven containers. Each is probed, planned, and read as a task in the cloud reads
it: by ranges, through a port of this machine (`functions/adapters/gcs_window.py`), which here
counts what it asks of the store. Pictures are small and noisy: much to read, little to decode.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.adapters.gcs_window import window
from functions.adapters.pyav_probe import PyavProber
from functions.core.plan import make_plan
from ops.one_file import OneFile
from render_job.encoder import find_ffmpeg
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.studio import NOTHING, Terms
from schemas.ids import Upload
from schemas.plan import RenderPlan
from schemas.ports import ObjectInfo
from schemas.spec import parse_spec
from tests.sources import tool

KINDS = {
    "mp4, index in front": ("mp4", "-movflags +faststart"),
    "mp4, index at the end": ("mp4", ""),
    "mp4, fragmented with an index (sidx)": ("mp4", "-movflags +dash+global_sidx+frag_keyframe"),
    "mp4, fragmented, index at the end (mfra)": ("mp4", "-movflags +frag_keyframe+empty_moov"),
    "mp4, fragmented, no index": (
        "mp4", "-movflags +frag_keyframe+empty_moov+skip_trailer+default_base_moof"),
    "matroska": ("mkv", ""),
    "transport stream": ("ts", ""),
}  # fmt: skip
LIMIT = timedelta(minutes=10)


@dataclass(slots=True)
class Counted:
    """A store of one file that counts."""

    path: Path
    taken: int = 0
    calls: int = 0
    _file: OneFile = field(init=False)

    def __post_init__(self) -> None:
        self._file = OneFile(self.path)

    def stat(self, name: str) -> ObjectInfo | None:
        """What there is, or None."""
        return self._file.stat(name)

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """At most `length` bytes from `start`."""
        data = self._file.read_range(name, start, length, generation=generation)
        self.taken += len(data)
        self.calls += 1
        return data

    @contextmanager
    def readable(self) -> Iterator[str]:
        """A URL to read it by, as a task in the cloud has one."""
        info = self.stat(self.path.name)
        assert info is not None

        def read(start: int, length: int) -> bytes:
            return self.read_range(info.name, start, length, generation=info.generation)

        with window(read, info.size_bytes) as url:
            yield url

    def since(self) -> tuple[int, int]:
        """Bytes and calls since it was last asked."""
        told = (self.taken, self.calls)
        self.taken = self.calls = 0
        return told


def main() -> None:
    """Print a row for each container."""
    parser = argparse.ArgumentParser(prog="bench-reads", description=__doc__)
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--only", default="", help="containers whose name has these words")
    told = parser.parse_args()
    ffmpeg = find_ffmpeg()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, ffmpeg {ffmpeg.version} ({ffmpeg.source})")
    print(
        "container | object, MB | probe, % | a chunk: least, median, most, % of the object | "
        "sound, % | whole render ÷ object | calls"
    )
    with tempfile.TemporaryDirectory() as folder:
        source = noisy(Path(folder), told.minutes)
        for kind, (suffix, words) in KINDS.items():
            if told.only not in kind:
                continue
            path = Path(folder) / f"one.{suffix}"
            tool("-nostdin", "-v", "error", "-y", "-i", str(source), "-c", "copy", *words.split(),
                 str(path))  # fmt: skip
            print(f"{kind} | {row(path, Path(folder))}", flush=True)


def noisy(folder: Path, minutes: int) -> Path:
    """About 4 Mbit/s in 160x90, a key frame every 250, and sound."""
    path = folder / "noise.mkv"
    graph = "testsrc2=s=160x90:r=24,noise=alls=60:allf=t"
    tool(
        *("-nostdin", "-v", "error", "-f", "lavfi", "-i", graph, "-f", "lavfi", "-i", "sine"),
        *("-t", str(minutes * 60), "-c:v", "libx264", "-preset", "ultrafast", "-qp", "12"),
        *("-g", "250", "-bf", "2", "-c:a", "aac", "-b:a", "128k", str(path)),
        limit=LIMIT,
    )
    return path


def row(path: Path, folder: Path) -> str:
    """What was read of it, and by how many calls."""
    store = Counted(path)
    info = store.stat(path.name)
    assert info is not None
    media = PyavProber().probe(store, info.name, generation=info.generation)
    probed, calls = store.since()
    upload = Upload(bucket="uploads", name=f"bench/{path.name}", generation=info.generation)
    plan = make_plan(upload, media, parse_spec("{}"), folder="bench")
    chunks, many = spent(store, pictures(plan, store, folder))
    (sound,), few = spent(store, [heard(plan, store, folder)])
    size = info.size_bytes
    shares = sorted(100 * one / size for one in chunks)
    whole = (probed + sum(chunks) + sound) / size
    return (
        f"{size / 1e6:.1f} | {100 * probed / size:.2f} | {shares[0]:.1f}, "
        f"{shares[len(shares) // 2]:.1f}, {shares[-1]:.1f} (n={len(shares)}) | "
        f"{100 * sound / size:.0f} | {whole:.2f} | {calls + many + few}"
    )


def spent(store: Counted, works: Sequence[Callable[[], None]]) -> tuple[list[int], int]:
    """The bytes of each, and the calls of all."""
    found, calls = list[int](), 0
    for work in works:
        work()
        read, asked = store.since()
        found.append(read)
        calls += asked
    return found, calls


def pictures(plan: RenderPlan, store: Counted, folder: Path) -> Sequence[Callable[[], None]]:
    """Every chunk of the one output, as a task makes it."""
    (output,) = plan.outputs
    quick = replace(plan, outputs=(replace(output, preset="ultrafast"),))

    def make(span_at: int) -> None:
        span, out = output.chunks[span_at], folder / "chunk.mp4"
        with store.readable() as url:
            studio().make_pictures(
                *(quick, quick.outputs[0], span, out),
                source=url,
                seek=True,
                terms=terms(),
                drawn=NOTHING,
            )
        assert (
            studio()
            .check_pictures(*(out, output, span, plan.media.video), heard=lambda: None)
            .passed
        )

    return [lambda at=at: make(at) for at in range(len(output.chunks))]  # type: ignore[misc]  # at is bound


def heard(plan: RenderPlan, store: Counted, folder: Path) -> Callable[[], None]:
    """The sound of the whole, as a task makes it."""

    def make() -> None:
        with store.readable() as url:
            studio().make_sound(
                *(plan, plan.audio[0], folder / "sound.m4a"),
                source=url,
                seek=True,
                level=None,
                terms=terms(),
            )

    return make


def studio() -> FfmpegStudio:
    """The one that ships."""
    return FfmpegStudio(encoder=find_ffmpeg())


def terms() -> Terms:
    """Long enough, and nobody is told."""
    return Terms(limit=LIMIT, heard=lambda frames: None, stop=lambda: False)


if __name__ == "__main__":
    main()
