"""`make chaos`: kill the laptop's cloud at random moments over many small renders, and count.

Every kill is a SIGKILL, by seed of one of three kinds: the pipeline's own process, everything at
once, or one task. New uploads come all the while. In the end the pipeline runs undisturbed until
all is quiet, and then: 0 lost (every upload is done) and 0 doubled (one done event id an output,
and no committed frame was ever encoded again), or the exit status is 1.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.sqlite_bus import SqliteBus
from functions.adapters.sqlite_renders import SqliteRenders
from functions.core.render import TERMINAL, State
from functions.settings import Laptop
from infra.laptop import processes
from infra.laptop.encodings import encoded_again, encoder_runs
from infra.laptop.run import SAMPLE
from infra.laptop.subscriptions import DONE
from render_job.encoder import find_ffmpeg

QUIET_WITHIN = 600.0
"""Seconds that the undisturbed end may take."""
LIVES = (0.4, 4.0)
"""Seconds between a start and its kill, the shortest and the longest."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, print what was counted, and return 1 if anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--uploads", type=int, help="by default a quarter of the kills")
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args(arguments)
    uploads = told.uploads or max(2, told.kills // 4)
    with tempfile.TemporaryDirectory() as folder:
        return _run(Laptop(home=Path(folder) / "laptop"), told.kills, uploads, told.seed)


def _run(place: Laptop, kills: int, uploads: int, seed: int) -> int:
    draw = random.Random(seed)
    source = _small_video(place.home.parent)
    store = DirectoryObjects(place.uploads, "uploads")
    began, sent = time.monotonic(), 0
    for kill in range(kills):
        while sent < uploads * (kill + 1) / kills:
            store.upload(f"chaos/{sent:04}.mp4", source)
            sent += 1
        with _Up(place) as pipeline:
            time.sleep(draw.uniform(*LIVES))
            pipeline.kill(draw.choice(("parent", "all", "task")))
    with _Up(place):
        quiet = _wait_until_quiet(place, sent)
    return _count(place, sent, kills, seed, time.monotonic() - began, quiet=quiet)


class _Up:
    """`python -m infra.laptop up` in a session of its own, killed at the end."""

    def __init__(self, place: Laptop) -> None:
        self._place = place

    def __enter__(self) -> "_Up":
        environment = {**os.environ, "CLIPLINE_HOME": str(self._place.home)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.laptop", "up"],
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def kill(self, kind: str) -> None:
        """SIGKILL what the kind says, children first. A pipeline that died by itself is a find."""
        if self._process.poll() is not None:
            sys.exit(f"the pipeline ended by itself with {self._process.returncode}")
        tasks = processes.children(self._process.pid)
        if kind == "task" and tasks:
            processes.send(tasks[0])
            time.sleep(0.2)
        if kind == "all":
            for task in tasks:
                processes.send(task)


def _small_video(folder: Path) -> Path:
    """Twelve seconds of the sample, so small that its three chunks take a second or two."""
    path = folder / "small.mp4"
    command = [find_ffmpeg().path, "-v", "error", "-ss", "5", "-i", str(SAMPLE), "-t", "12"]
    command += ["-vf", "scale=-2:120", "-preset", "ultrafast", "-g", "48", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def _wait_until_quiet(place: Laptop, uploads: int) -> bool:
    """True once as many renders as uploads are at their end and all is performed."""
    until = time.monotonic() + QUIET_WITHIN
    renders = SqliteRenders(place.renders)
    while time.monotonic() < until:
        found = renders.newest(limit=uploads + 1)
        ended = [r for r in found if r.state in TERMINAL and not r.pending]
        if len(found) >= uploads and len(ended) == len(found):
            return True
        time.sleep(0.25)
    return False


def _count(place: Laptop, uploads: int, kills: int, seed: int, wall: float, *, quiet: bool) -> int:
    renders = SqliteRenders(place.renders).newest(limit=uploads * 2)
    done = [r for r in renders if r.state is State.DONE]
    store = DirectoryObjects(place.outputs, "outputs")
    missing = [
        output.delivered.name
        for render in done
        for output in render.outputs
        if (info := store.stat(output.delivered.name)) is None
        or info.generation != output.delivered.generation
    ]
    letters = SqliteBus(place.bus, source="//clipline/chaos").peek(DONE)
    ids = {letter.attributes["ce-id"] for letter in letters}
    bodies = {(letter.attributes["ce-id"], letter.data) for letter in letters}
    again = encoded_again(place.logs)
    lost = uploads - len(done) + len(missing)
    doubled = len(renders) - uploads + len(bodies) - len(ids) + len(again)
    attempts = sum(render.attempt for render in renders)
    print(
        f"{kills} kills (seed {seed}), {uploads} uploads, {len(done)} done, {attempts} attempts, "
        f"{encoder_runs(place.logs)} encoder runs, "
        f"{len(letters)} done messages with {len(ids)} ids, {wall:.0f} s: "
        f"{lost} lost, {doubled} doubled"
    )
    for render in renders:
        if render.state is not State.DONE:
            reason = render.failure.message if render.failure else render.why
            print(f"  {render.id} {render.state}: {reason}")
    for line in again:
        print(f"  encoded again: {line}")
    if not quiet:
        print("  it did not come to rest in time")
    kept = lost or doubled or not quiet
    if kept:
        copy = Path(tempfile.mkdtemp(prefix="chaos-"))
        shutil.copytree(place.home, copy / "laptop")
        print(f"  everything is kept in {copy}")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
