"""`python -m tests.corruptions`: what is said of each, and how long the look takes, as a page.

`docs/corruptions.md` is what it printed.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.corruptions.bench import SPANS, judge, make_bench
from tests.corruptions.outputs import OUTPUTS
from tests.corruptions.parcels import PARCELS, make
from tests.corruptions.pieces import PIECES
from tests.corruptions.plausible import PLAUSIBLE
from tests.corruptions.sounds import SOUNDS
from tests.sources import Sources

HEAD = """\
# What is spoilt, and what is said of it

Pieces, sounds and files that are spoilt on purpose (`tests/corruptions`), and what the look that a
task takes at each of them says. `python -m tests.corruptions` prints this: {pieces} pieces of a
video of 160x90, ffmpeg {version}. {found} of {all} are found; no look took more than
{longest:.0f} ms, and the process that looked at all of them needed {peak:.0f} MiB at its peak.

What passes is plausible: whole, at its time, and another picture or sound than was wanted. No look
at one file tells that; once another was committed, its digest does
(`tests/pipeline/test_corruptions.py`).

| of | what is spoilt | what is said | ms |
| --- | --- | --- | ---: |"""


def main() -> None:
    """Print the page."""
    with tempfile.TemporaryDirectory() as home:
        bench = make_bench(Sources(Path(home)).path("ntsc"), Path(home))
        rows = []
        for number, one in enumerate((*PIECES, *SOUNDS, *OUTPUTS, *PLAUSIBLE)):
            made = one.deed(bench, Path(home) / f"{number}.mp4")
            said, took = _timed(partial(judge, bench, one.of, made))
            rows.append((one.of, one.name, _words(said, one.told), took))
        truth = {kind: make(bench, kind, Path(home) / kind) for kind in {p.of for p in PARCELS}}
        for number, it in enumerate(PARCELS):
            parcel = it.deed(truth[it.of], Path(home) / f"parcel-{number}")
            said, took = _timed(partial(truth[it.of].faults, parcel))
            rows.append((it.of, it.name, _words(said, it.told), took))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        HEAD.format(
            pieces=len(SPANS),
            version=bench.studio.encoder.version,
            found=sum(words != "passes" for _, _, words, _ in rows),
            all=len(rows),
            longest=max(took for *_, took in rows),
            peak=peak,
        )
    )
    for of, name, words, took in rows:
        print(f"| {of} | {name} | {words} | {took:.0f} |")


def _timed(look: Callable[[], Sequence[str]]) -> tuple[Sequence[str], float]:
    """What it says, and after how many milliseconds."""
    began = time.perf_counter()
    return look(), (time.perf_counter() - began) * 1000


def _words(said: Sequence[str], told: str) -> str:
    """The fault that is expected, or the first, or that there is none."""
    return next((fault for fault in said if told and told in fault), next(iter(said), "passes"))


if __name__ == "__main__":
    main()
