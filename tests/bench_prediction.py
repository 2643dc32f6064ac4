"""What a plan of replays predicts, beside what then happens: frames, machine-seconds and money.

Run as `python -m tests.bench_prediction [--failures N] [--folder DIR]`, on a laptop's pipeline.
Videos of several sizes and lengths are rendered well at first, for the ledger to know the lane;
then others, whose ffmpegs are killed until they fail, early or in their middle, as lots are drawn.
`replay plan` says what a replay of them takes, `replay apply` does it.

The actual cost is the price of the lane's file times measured seconds, of two kinds. Booked is
what the pipeline measured: from the start of each attempt that it heard of, to its end. Seen is
what somebody beside it counts, who looks at the processes of this machine many times a second: a
task is there before it can say so, as long as its Python takes to begin. A lane's minimum (a
minute) is left out on all sides: with it each of these short renders would cost the same.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from functions.adapters.directory_objects import DirectoryObjects
from functions.core.prices import DOLLAR
from functions.core.render import State
from infra.laptop.encodings import encoded_again, runs
from ops.replay_file import read
from schemas import names
from schemas.ids import Upload, render_id
from schemas.replay_plan import PlanItem
from tests.pipeline import forked
from tests.pipeline.desk import Place
from tests.pipeline.laptop import Home, Process, a_home, small_video, until

NANODOLLARS = 33_333
"""Of a task-second: about what four vCPUs cost."""
LANES = f"""
[[lanes]]
id = "laptop/cpu"
tasks = 1
executions = 1
start_within_seconds = 3600
attempt_limit_seconds = 43200

[lanes.price]
parts = [
    {{ what = "core", nanodollars_a_second = {NANODOLLARS}, read_on = "2026-11-29", source = "-" }},
]
"""
SIZES = ((8, 180), (12, 270), (16, 270), (16, 360))
"""Seconds and lines of the videos."""
RATE = 24
"""Frames a second of the sample."""
LOOK_EVERY, BLINK = 0.03, 0.002
PATIENCE = 1800.0
"""For what takes minutes each, of all failures together."""
TOLD = 0.10
"""How far off the cost may be."""


@dataclass
class Meter:
    """Sees the tasks of this machine: for how long each is there, and what it is doing.

    A render whose id is in `harmed` has its ffmpegs killed as soon as so many of its frames are
    committed.
    """

    home: Home
    seen: dict[tuple[str, int, Process], tuple[float, float]] = field(default_factory=dict)
    """By render, attempt and process: the first look that saw it, and the last one."""
    harmed: dict[str, int] = field(default_factory=dict)
    _known: dict[int, tuple[str, int] | None] = field(default_factory=dict)
    _work: DirectoryObjects = field(init=False)
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._work = self.home.work()

    @contextmanager
    def running(self) -> "Iterator[Meter]":
        """It looks until the end."""
        with ThreadPoolExecutor(1) as looking:
            found = looking.submit(self._look)
            try:
                yield self
            finally:
                self._over.set()
            found.result()

    def seconds(self, render: str, after: int) -> float:
        """Of that render's attempts after that one, all tasks together."""
        return sum(
            last - first
            for (id, attempt, _), (first, last) in self.seen.items()
            if id == render and attempt > after
        )

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            now, there = time.monotonic(), {int(p.name) for p in Path("/proc").glob("[0-9]*")}
            self._known = {pid: one for pid, one in self._known.items() if pid in there}
            for pid in there - set(self._known):
                self._known[pid] = _attempt(Process.of(pid), self.home)
            for pid, task in self._known.items():
                if task is not None and (process := Process.of(pid)).born:
                    key = *task, process
                    if key not in self.seen and task[0] in self.harmed:
                        threading.Thread(target=self._haunt, args=(task[0], process)).start()
                    self.seen[key] = self.seen.get(key, (now, now))[0], now

    def _haunt(self, render: str, task: Process) -> None:
        """Kill each of its encoders once so much is committed, however short its life is."""
        while task.alive and (wanted := self.harmed.get(render)) is not None:
            # Not one that only tries out whether this machine's ffmpeg can be used.
            makers = [one for one in task.children if "-progress" in one.command.split()]
            if makers and self._committed(render) >= wanted:
                for one in makers:
                    one.send(9)
            self._over.wait(BLINK)

    def _committed(self, render: str) -> int:
        pieces = self._work.list(f"{names.home(render)}pieces/")
        spans = (span for info in pieces if (span := names.span_of(info.name)) is not None)
        return sum(map(len, spans))


def _attempt(process: Process, home: Home) -> tuple[str, int] | None:
    """Of which attempt it is a task, if it is one of this home."""
    words = process.command.split()
    if "render_job" not in words or "--attempt" not in words:
        return None
    if str(home.place.home) not in process.environment:
        return None
    return words[words.index("--render") + 1], int(words[words.index("--attempt") + 1])


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One replay, as it was foreseen and as it was."""

    item: PlanItem
    frames: int
    """That were rendered and kept."""
    runs: int
    """Of encoders."""
    booked: float
    """Task-seconds by the pipeline's own record: from the start that it heard of to the end."""
    seconds: float
    """Task-seconds as the machine's processes tell."""

    @property
    def foreseen(self) -> float:
        """Seconds; a plan without them is none."""
        assert self.item.takes is not None
        return self.item.takes.total_seconds()


@dataclass
class Trial:
    """One laptop whose renders fail and are replayed."""

    home: Home
    folder: Path
    draw: random.Random
    videos: dict[tuple[int, int], Path] = field(default_factory=dict)

    def outcomes(self, failures: int, sizes: Sequence[tuple[int, int]] = SIZES) -> list[Outcome]:
        """Of so many failures at most: what is made too quickly does not fail."""
        self.home.up().wait_until_up()
        for seconds, height in sizes:
            path = self.folder / f"{seconds}-{height}.mp4"
            self.videos[seconds, height] = small_video(path, seconds=seconds, height=height)
        with Meter(self.home).running() as meter:
            self._render(3 * len(sizes))
            before = self._fail(failures, meter)
            plan = self.folder / "plan"
            said = self._clipline("replay", "plan", "--out", str(plan))
            print("\n".join(said), flush=True)
            made = {id: _kept(self.home, id) for id in before}
            words = ("replay", "apply", str(plan), "--canary", "0", "--rate", "6000")
            self._clipline(*words, "--reason", "nobody kills them any more")
            replayed = [id for _, id in read(plan).replays()]
            until(lambda: self._are_at_their_end(replayed), "all are replayed", PATIENCE)
        ends = {one.id: one.state for one in self.home.renders()}
        assert {ends[id] for id in replayed} <= {State.DONE}, ends
        assert encoded_again(self.home.place.logs) == []
        return [
            Outcome(
                item=item,
                frames=_kept(self.home, id)[0] - made[id][0],
                runs=_kept(self.home, id)[1] - made[id][1],
                booked=self._booked(id, before[id]),
                seconds=meter.seconds(id, before[id]),
            )
            for item, id in read(plan).replays()
        ]

    def _booked(self, render: str, after: int) -> float:
        (found,) = [one for one in self.home.renders() if one.id == render]
        return sum(
            (one.ended_at - one.started_at).total_seconds()
            for one in found.attempts
            if one.number > after and one.started_at and one.ended_at
        )

    def _upload(self, name: str, number: int) -> str:
        """The id of the render that comes of it."""
        seconds, height = list(self.videos)[number % len(self.videos)]
        # Slowly, so that an encoder is met while it is at work.
        spec = f'{{"outputs": [{{"height": {height}, "quality": "best"}}]}}'
        info = self.home.upload(name, self.videos[seconds, height], spec)
        return render_id(Upload(bucket="uploads", name=name, generation=info.generation))

    def _render(self, count: int) -> None:
        """So many of all sizes, well."""
        ids = [self._upload(f"team/well-{number}.mp4", number) for number in range(count)]
        until(lambda: self._are_at_their_end(ids), "all are rendered", PATIENCE)

    def _fail(self, count: int, meter: Meter) -> dict[str, int]:
        """By render, the number of its last attempt."""
        ids = []
        for number in range(count):
            seconds, _ = list(self.videos)[number % len(self.videos)]
            ids.append(self._upload(f"team/poor-{number}.mp4", number))
            # Half of them before anything is committed, the others anywhere up to two thirds.
            part = max(0.0, self.draw.uniform(-0.66, 0.66))
            meter.harmed[ids[-1]] = round(part * seconds * RATE)
        until(lambda: self._are_at_their_end(ids), "all have failed", PATIENCE)
        meter.harmed.clear()
        failed = [one for one in self.home.renders() if one.state is State.FAILED]
        return {one.id: one.attempt for one in failed}

    def _are_at_their_end(self, ids: list[str]) -> bool:
        known = {one.id for one in self.home.renders()}
        return known.issuperset(ids) and self.home.is_quiet()

    def _clipline(self, *words: str) -> list[str]:
        around = Place(self.home.place).around()
        told = {**around["env"], **self.home.environment}
        done = forked.clipline(words, cwd=around["cwd"], env=told)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()


def _kept(home: Home, render: str) -> tuple[int, int]:
    """Frames that its encoders have made and kept so far, and how many encoders did."""
    found = [run.kept for run in runs(home.place.logs, render) if run.kept]
    return sum(map(len, found)), len(found)


def told(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What came of it."""
    equal = sum(one.frames == one.item.frames_to_render for one in outcomes)
    partly = sum(one.item.frames_committed > 0 for one in outcomes)
    yield f"{len(outcomes)} failures were replayed, {partly} of them with frames committed"
    many = sum(one.runs for one in outcomes)
    yield f"frames: {equal} of {len(outcomes)} as predicted, by {many} encoders"
    foreseen, price = sum(one.foreseen for one in outcomes), NANODOLLARS / DOLLAR
    yield f"cost:   ${foreseen * price:.6f} predicted, for {foreseen:.1f} task-seconds"
    for name, seconds in (
        ("booked", sum(one.booked for one in outcomes)),
        ("seen", sum(one.seconds for one in outcomes)),
    ):
        off = foreseen / seconds - 1
        yield f"        ${seconds * price:.6f} {name}, for {seconds:.1f} task-seconds: {off:+.1%}"
    single = sorted(one.foreseen / one.booked - 1 for one in outcomes)
    median = single[len(single) // 2]
    yield f"each:   median {median:+.1%}, from {single[0]:+.1%} to {single[-1]:+.1%}"


@contextmanager
def a_trial(folder: Path, seed: int) -> Iterator[Trial]:
    """One laptop with a lane that has a price."""
    lanes = folder / "lanes.toml"
    lanes.write_text(LANES)
    with a_home(folder, tasks=1, environment={"CLIPLINE_LANES_FILE": str(lanes)}) as home:
        yield Trial(home=home, folder=folder, draw=random.Random(seed))


def main() -> None:
    """Measure what is asked for, and say it; exits 1 where it is not what was predicted."""
    parser = argparse.ArgumentParser(prog="tests.bench_prediction", description=__doc__)
    parser.add_argument("--failures", type=int, default=50)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--folder", type=Path, help="where to work, such as /dev/shm")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=asked.folder) as folder,
        a_trial(Path(folder), asked.seed) as trial,
    ):
        outcomes = trial.outcomes(asked.failures)
    print("\n".join(told(outcomes)))
    equal = all(one.frames == one.item.frames_to_render for one in outcomes)
    off = sum(one.foreseen for one in outcomes) / sum(one.booked for one in outcomes) - 1
    sys.exit(0 if equal and abs(off) <= TOLD else 1)


if __name__ == "__main__":
    main()
