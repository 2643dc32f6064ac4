"""What a person is told of a render's end when a quarter of it is made, beside when it ended.

Run as `python -m tests.bench_eta [--renders N] [--folder DIR]`, on a laptop's pipeline with two
tasks. Renders of several lengths, sizes and specs, one after another; each is looked at as often
as `make run` and `clipline watch` look, by the same count, and what those would show at a quarter
is noted. The end is the one that is told: every output verified and the state at its end.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from functions.core.render import TERMINAL, State
from functions.made import made
from ops.progress import Eta, eta
from ops.watch import LOOK_EVERY
from tests.pipeline.laptop import Home, a_home, small_video

VIDEOS = ((12, 360), (20, 360), (30, 540), (24, 720))
"""Seconds and lines."""
SPECS = (
    "{}",
    '{"outputs": [{"preset": "web-720", "quality": "best"}]}',
    '{"outputs": [{"preset": "vertical-1080", "fit": "blur"}, {"kind": "poster"}]}',
    '{"outputs": [{"kind": "hls", "height": 360}, {"height": 180}]}',
    '{"outputs": [{"preset": "square"}], "clips": [{"name": "a", "start": 1, "end": 9}]}',
)
INSIDE = 0.8
"""Of the renders, at least, that are to end inside the range."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One render: seconds from the look at a quarter to its end, and what was told then."""

    eta: Eta | None
    took: float

    @property
    def is_inside(self) -> bool:
        """Whether it ended in the range that was shown."""
        return self.eta is not None and self.eta.soonest <= self.took <= self.eta.latest


def follow(home: Home, name: str) -> Told:
    """One that was uploaded under that name, to its end."""
    work = home.work()
    shown: Eta | None = None
    quarter: float | None = None
    while True:
        render, now = next(iter(home.renders(name)), None), time.monotonic()
        if render is not None and render.plan is not None and render.state not in TERMINAL:
            found = made(render, work)
            if quarter is None and (found.committed + found.in_hand) * 4 >= render.plan.frames:
                shown, quarter = eta(render, found), now
        if render is not None and render.state in TERMINAL and not render.pending:
            assert render.state is State.DONE, render.failure
            assert quarter is not None, f"{name} was over before anybody saw a quarter of it"
            return Told(eta=shown, took=now - quarter)
        time.sleep(LOOK_EVERY)


def trials(home: Home, folder: Path, count: int) -> Iterator[Told]:
    """So many renders, every video with every spec in turn; a line for each."""
    mixed = list(product(VIDEOS, SPECS))
    for number in range(count):
        (seconds, height), spec = mixed[number % len(mixed)]
        video = folder / f"{seconds}-{height}.mp4"
        if not video.exists():
            small_video(video, seconds=seconds, height=height)
        name = f"team/{number}.mp4"
        home.upload(name, video, spec)
        one = follow(home, name)
        mark = "inside " if one.is_inside else "OUTSIDE"
        print(
            f"{mark} told {one.eta}, took {one.took:.1f} s: {seconds} s of {height} lines, {spec}"
        )
        yield one


def told(found: Sequence[Told]) -> Iterator[str]:
    """What came of it all."""
    inside = sum(one.is_inside for one in found)
    yield f"{inside} of {len(found)} ended inside the range shown at a quarter"
    off = sorted(one.eta.likely / one.took - 1 for one in found if one.eta)
    wide = sorted(one.eta.latest / one.eta.soonest for one in found if one.eta)
    middle = len(off) // 2
    yield f"likely against real: median {off[middle]:+.0%}, from {off[0]:+.0%} to {off[-1]:+.0%}"
    yield f"latest ÷ soonest: median {wide[middle]:.2f}, at most {wide[-1]:.2f}"


def main() -> None:
    """Measure, and say it; exits 1 where too few ended inside."""
    parser = argparse.ArgumentParser(prog="tests.bench_eta", description=__doc__)
    parser.add_argument("--renders", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where to work, such as /dev/shm")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        with a_home(folder) as home:
            home.up().wait_until_up()
            found = list(trials(home, folder, asked.renders))
    print("\n".join(told(found)))
    sys.exit(0 if sum(one.is_inside for one in found) >= INSIDE * len(found) else 1)


if __name__ == "__main__":
    main()
