"""`python -m tests.corruptions`: what is said of each, and how long the look takes."""

import tempfile
import time
from pathlib import Path

from tests.corruptions.bench import (
    SPANS,
    judge,
    make_bench,
)
from tests.corruptions.outputs import OUTPUTS
from tests.corruptions.parcels import PARCELS, make
from tests.corruptions.pieces import PIECES
from tests.corruptions.plausible import PLAUSIBLE
from tests.corruptions.sounds import SOUNDS
from tests.sources import Sources


def main() -> None:
    """Print a line a corruption: what is said of it, and how long the look took."""
    with tempfile.TemporaryDirectory() as home:
        bench = make_bench(Sources(Path(home)).path("ntsc"), Path(home))
        print(f"ffmpeg {bench.studio.encoder.version}, {len(SPANS)} pieces, 96 frames of 160x90")
        for number, one in enumerate((*PIECES, *SOUNDS, *OUTPUTS, *PLAUSIBLE)):
            made = one.deed(bench, Path(home) / f"{number}.mp4")
            began = time.perf_counter()
            faults = judge(bench, one.of, made)
            took = (time.perf_counter() - began) * 1000
            said = next((fault for fault in faults if one.told and one.told in fault), None)
            print(f"{one.of:11}{one.name:52}{took:5.0f} ms  {said or faults or 'passes'}")
        truth = {kind: make(bench, kind, Path(home) / kind) for kind in {p.of for p in PARCELS}}
        for number, it in enumerate(PARCELS):
            parcel = it.deed(truth[it.of], Path(home) / f"parcel-{number}")
            began = time.perf_counter()
            faults = truth[it.of].faults(parcel)
            took = (time.perf_counter() - began) * 1000
            said = next((fault for fault in faults if it.told in fault), None)
            print(f"{it.of:11}{it.name:52}{took:5.0f} ms  {said or faults or 'passes'}")


if __name__ == "__main__":
    main()
