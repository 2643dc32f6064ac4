"""Which ffmpeg renders here: the system's if it is new enough and able, else the shipped one.

`python -m render_job.encoder` says the encoder class, which a lane must be told, and that of the
GPU with `h264_nvenc` behind it; or what is missing.
"""

import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from render_job.engines import Engine, engine_of
from render_job.errors import RenderFault
from render_job.ffmpeg import ask
from render_job.gpu import Gpu, find_gpu
from schemas.failures import Failure, FailureClass

THREADS = 1
"""Encoder threads: pinned, since another number makes other bytes. Tasks are the parallelism."""

OLDEST = (5, 1)
"""The first version with `-fps_mode`; Debian 12's."""

_TRIAL = (
    *("-nostdin", "-nostats", "-f", "lavfi", "-i", "color=s=64x64:r=25:d=0.12"),
    *("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"),
    *("-vf", "settb=1/25,setpts=PTS-(0),fps=25,tpad=stop=1,trim=end_pts=3,scale=32:32,setsar=1"),
    "-af",
    "asettb=1/48000,asetpts=PTS-(0),aformat,aresample=async=1,volume=1dB:precision=float,"
    "alimiter=limit=0.8:level=false:latency=true,apad,atrim=end_sample=4800,ebur128=peak=true",
    *("-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"),
    *("-f", "null", "-"),
)
"""Three frames through all that the recipe uses: it works, or this ffmpeg is not ours."""
NEEDED = frozenset(
    ("ass", "bwdif", "crop", "gblur", "lut", "lutyuv", "overlay", "pad", "premultiply", "split")
)
"""Filters that only some specs ask for."""
_VERSION = re.compile(r"^ffmpeg version n?(\d+(?:\.\d+)+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """An ffmpeg that was seen to work."""

    path: str
    version: str
    """The release alone, such as `9.0.2`."""
    source: Literal["system", "shipped"]
    gpu: Gpu | None = None
    """The one that it encodes on; None for libx264."""

    @property
    def engine(self) -> Engine:
        """What makes its pictures."""
        return Engine.X264 if self.gpu is None else Engine.NVENC


def find_encoder(ordered: str) -> Encoder:
    """The encoder for an order of that class: with the GPU, tried out, where it asks for one.

    Raises RenderFault (dependency, or capacity where the GPU is busy). What it makes may still be
    of another class than was ordered.
    """
    plain = find_ffmpeg()
    if engine_of(ordered) is Engine.X264:
        return plain
    return replace(plain, gpu=find_gpu(plain.path))


@cache
def find_ffmpeg() -> Encoder:
    """The ffmpeg to render with, tried out once a process (about 0.03 s).

    Raises RenderFault (dependency) where no candidate can do all that the recipe needs.
    """
    seen = []
    for path, source in _candidates():
        status, words = ask([path, *_TRIAL])
        release = _VERSION.search(words)
        version = release[1] if release else ""
        if status == 0 and _numbers(version) >= OLDEST and _has_filters(path):
            return Encoder(path=path, version=version, source=source)
        seen.append(f"the {source} one is {version or 'unreadable'}")
    said = (
        f"No usable ffmpeg: {', '.join(seen) or 'none was found'}. "
        "Install ffmpeg 5.1 or later with libx264 and libass, or the Python package imageio-ffmpeg."
    )
    raise RenderFault(
        Failure(failure=FailureClass.DEPENDENCY, reason="ffmpeg_missing", message=said)
    )


def encoder_class(encoder: Encoder, threads: int) -> str:
    """Names what may be joined: pieces of one class come from one encoder, set up one way."""
    if encoder.gpu is not None:
        return encoder.gpu.encoder_class
    return f"libx264/{encoder.version}/t{threads}"


def _has_filters(path: str) -> bool:
    """Whether it knows all of NEEDED, libass's among them, which a build may leave out."""
    _, words = ask([path, "-nostdin", "-v", "error", "-filters"])
    return {*words.split()} >= NEEDED


def _candidates() -> Iterator[tuple[str, Literal["system", "shipped"]]]:
    if system := shutil.which("ffmpeg"):
        yield system, "system"
    for shipped in _shipped():
        yield str(shipped), "shipped"


def _shipped() -> Iterable[Path]:
    """What the Python package imageio-ffmpeg brings, unasked: it would start it once more."""
    package = find_spec("imageio_ffmpeg")
    if package is None or package.origin is None:
        return ()
    return (Path(package.origin).parent / "binaries").glob("ffmpeg-*")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)


if __name__ == "__main__":
    try:
        print(encoder_class(find_encoder(sys.argv[1] if len(sys.argv) > 1 else ""), THREADS))
    except RenderFault as fault:
        sys.exit(fault.failure.message)
