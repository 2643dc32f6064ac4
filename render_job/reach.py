"""What one ffmpeg may use and reach: the words for `render_job/confined.py`, which becomes it.

This is the one place that builds the command of a confined process. What an ffmpeg may reach
follows from its own command, so nobody can forget it:

    -i file:PATH                  that file alone; of our own list of pieces (.ffconcat) also those
    -i http://127.0.0.1:PORT/…    no file, and TCP to that port
    file:PATH elsewhere           written: its folder
    h264_nvenc, cuda              the GPU's devices, and what its driver reads of the machine
    `folder`                      read and written, and where it runs: the task's scratch folder
"""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

PROGRAM = Path(__file__).with_name("confined.py")
LISTING = ".ffconcat"
_LOCAL = re.compile(r"http://127\.0\.0\.1:(\d{1,5})/")
GPU_WORDS = frozenset(("h264_nvenc", "cuda"))
GPU_READS = tuple(
    Path(name)
    for name in (
        *(
            "/proc/driver/nvidia",
            "/proc/devices",
            "/proc/modules",
            "/proc/cpuinfo",
            "/proc/meminfo",
        ),
        *("/proc/self", "/sys/module/nvidia", "/sys/bus/pci/devices", "/usr/local/nvidia"),
    )
)
"""What NVIDIA's driver reads of a machine, as far as is known: it was not run."""
_HERE = ("parent", "rights", "files", "ports", "signals", "network", "processes")
"""Defences of the kernel; the system's limits are not asked for."""

log = logging.getLogger("clipline.reach")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one ffmpeg may use. CPU time is limited to the wall clock's limit on every core."""

    memory_bytes: int | None = 6 << 30
    """Address space, except with a GPU: CUDA reserves far more than it uses. 4K at x264's medium
    with 8 threads took 2.0 GiB."""
    file_bytes: int = 64 << 30
    open_files: int = 64
    idle: timedelta = timedelta(seconds=90)
    """Without a frame, a byte or any work of a processor: it hangs. A store that answers badly is
    asked again for 30 s, so that is no hang."""
    fruitless: timedelta = timedelta(minutes=20)
    """At work, but without a frame or a byte: it turns in circles. Decoding a long upload from its
    start to a late chunk is fruitless for that long too, and rarely longer."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Files and folders of the machine, and one port of it."""

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    """Of a GPU, which are spoken to by ioctl(2)."""
    port: int | None = None
    home: Path | None = None
    """Where it runs."""


def reach_of(argv: Sequence[str], folder: Path | None = None, *more: Path) -> Reach:
    """What this ffmpeg has to reach, by its own words, and `more` files or folders to read."""
    reads, writes, port = list(more), [folder] if folder else [], None
    for before, word in zip(("", *argv), argv, strict=False):
        if before == "-i" and (local := _LOCAL.match(word)):
            port = int(local[1])
        if not word.startswith("file:"):
            continue
        path = Path(word.removeprefix("file:"))
        if before != "-i":
            writes.append(path.parent)
        elif path.suffix == LISTING:
            reads += [path, *_listed(path)]
        else:
            reads.append(path)
    home = writes[0] if writes else None
    devices: tuple[Path, ...] = ()
    if GPU_WORDS & {*argv}:
        reads += GPU_READS
        devices = tuple(sorted(Path("/dev").glob("nvidia*")))
    return Reach(
        reads=tuple(reads),
        writes=tuple(dict.fromkeys(writes)),
        devices=devices,
        port=port,
        home=home,
    )


def _listed(listing: Path) -> list[Path]:
    """The pieces of a list that `render_job/stitch.py` wrote; an upload never has that suffix."""
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    named = (line[6:-1].replace("'\\''", "'") for line in lines if line.startswith("file '"))
    return [Path(name.removeprefix("file:")) for name in named]


def confined(argv: Sequence[str], reach: Reach, limits: Limits, limit: timedelta) -> list[str]:
    """The command whose process becomes `argv`, with that reach alone, for at most `limit`."""
    cores = os.cpu_count() or 1
    told = {
        "cpu": int(limit.total_seconds() * cores) + 1,
        "fsize": limits.file_bytes,
        "nofile": limits.open_files,
        "core": 0,
        "parent": os.getpid(),
    }
    if limits.memory_bytes is not None and not GPU_WORDS & {*argv}:
        told["as"] = limits.memory_bytes
    if reach.port is not None:
        told["port"] = reach.port
    words = [f"{key}={value}" for key, value in told.items()]
    words += [f"read={path}" for path in reach.reads]
    words += [f"write={path}" for path in reach.writes]
    words += [f"device={path}" for path in reach.devices]
    # -I -S: neither the environment nor a .pth file changes what is imported.
    return [sys.executable, "-I", "-S", "-B", str(PROGRAM), *words, "--", *argv]


def _asked(program: Path) -> frozenset[str]:
    """What the program says where it is told nothing; a machine too busy to answer says nothing."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", str(program), "--"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={},
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(done.stdout.decode(errors="replace").split())


@cache
def defences(program: Path = PROGRAM) -> frozenset[str]:
    """Which of the kernel's defences are in force here, as that program finds them.

    The log says it once a process.
    """
    kept = _asked(program) & frozenset(_HERE)
    missing = [name for name in _HERE if name not in kept]
    words = f"ffmpeg is confined by {', '.join(n for n in _HERE if n in kept) or 'limits alone'}"
    if missing:
        words += f"; not by {', '.join(missing)}"
    if "network" not in kept:
        words += ": against the network stand the list of demuxers, egress rules and the identity"
    log.info(words, extra={"action": "confined", "defences": sorted(kept)})
    return kept
