"""`python -m tests.hostile.fuzz --minutes 15 --seed 1`: real containers mutated by seed.

Each goes the whole way, and one in six past the prober, as if that had been fooled. It may end as a
verified output or as a fault of the input. Anything else is a finding: its file is kept in
`build/fuzz`, and `--only NUMBER` lives it again. Exits 1 if there is one.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from schemas.failures import FailureClass
from tests.hostile.kitchen import RECIPES, Kitchen
from tests.hostile.mutate import mutated
from tests.hostile.trial import PLAUSIBLE, End, Scene, scene, trial

MOVIES = ("front", "plain", "fragmented", "mov", "mkv", "mkv", "ts", "avi", "mjpeg", "silent")
SLOWEST = 45.0
"""Seconds of one upload; on a busy machine an honest one takes three."""
FAIR = (FailureClass.INPUT, FailureClass.SPEC)
KEPT = Path("build") / "fuzz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One mutated upload and its end."""

    number: int
    movie: str
    data: bytes
    end: End

    @property
    def fault(self) -> str:
        """Why it is a finding; empty if it is none."""
        end = self.end
        if end.wrong:
            return "; ".join(end.wrong)
        if end.failure is not None and end.failure.failure not in FAIR:
            return f"{end.failure.failure}: {end.failure.message} {end.failure.detail}"
        return f"it took {end.seconds:.0f} s" if end.seconds > SLOWEST else ""


def made(kitchen: Kitchen, seed: int, number: int) -> tuple[str, bytes, bool]:
    """Of which movie that shot is, its bytes, and whether it goes past the prober."""
    draw = Random(f"{seed}/{number}")
    movie = draw.choice(MOVIES)
    data = mutated(kitchen.data(movie), RECIPES[movie][0], draw)
    return movie, data, draw.random() < 1 / 6


def shot(kitchen: Kitchen, it: Scene, seed: int, number: int) -> Shot:
    """Make it and send it the whole way."""
    movie, data, fooled = made(kitchen, seed, number)
    path = it.folder / "shot"
    path.write_bytes(data)
    name = f"team/film.{RECIPES[movie][0]}"
    end = trial(it, path, name, fooled=PLAUSIBLE if fooled else None)
    return Shot(number=number, movie=movie, data=data, end=end)


def shots(seed: int, seconds: float, first: int = 0, *, most: int | None = None) -> Iterator[Shot]:
    """As many as that time allows, at least one, and at `most` so many."""
    with tempfile.TemporaryDirectory() as home:
        kitchen = Kitchen(Path(home))
        for movie in MOVIES:
            kitchen.path(movie)
        until, number = time.monotonic() + seconds, first
        last = sys.maxsize if most is None else first + most
        while number == first or (number < last and time.monotonic() < until):
            with (
                tempfile.TemporaryDirectory(dir=home) as folder,
                scene(Path(folder), kitchen) as it,
            ):
                yield shot(kitchen, it, seed, number)
            number += 1


def main() -> int:
    """Shoot, keep the findings, tell the ends."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one number, told in full")
    told = parser.parse_args()
    ends, findings, count = Counter[str](), 0, 0
    began = time.monotonic()
    seconds = 0 if told.only is not None else told.minutes * 60
    for one in shots(told.seed, seconds, told.only or 0):
        count += 1
        ends[f"{one.end.word} ({one.end.by})"] += 1
        if told.only is not None:
            print(one.movie, len(one.data), one.end)
        if one.fault:
            findings += 1
            KEPT.mkdir(parents=True, exist_ok=True)
            path = KEPT / f"{told.seed}-{one.number}.{RECIPES[one.movie][0]}"
            path.write_bytes(one.data)
            print(f"{path}: {one.fault[:600]}", flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"seed {told.seed}: {count} uploads in {minutes:.1f} minutes, {findings} findings")
    for word, often in ends.most_common():
        print(f"  {often:6} {word}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
