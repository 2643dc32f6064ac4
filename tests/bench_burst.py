"""Many short clips at once through a laptop's real pipeline: who waits how long for a start.

Run as `python -m tests.bench_burst [--clips N] [--folder DIR]`. The same as `make burst` in its
small form: a back-catalogue and a tenth of an ordinary tenant's come together, and live clips in
the middle of them, on one lane of as many executions as there are processors, with 60 launches a
minute. Clips are 10 s of 160x90, so that the pipeline is measured and not the encoder.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import ceil
from pathlib import Path

from functions.core.render import Render, State
from infra.laptop.encodings import encoded_again
from infra.simulator.burst import waited
from tests.pipeline.laptop import Home, a_home, small_video, until

SECONDS = 10
LAUNCHES_A_MINUTE = 60
LIVE_EVERY = 20.0
"""Seconds between two live clips."""
LONGEST = 3600.0
"""Seconds for all of them."""
LANES = f"""
[[lanes]]
id = "laptop/cpu"
tasks = 1
executions = {os.cpu_count() or 1}
launches_a_minute = {LAUNCHES_A_MINUTE}
start_within_seconds = 60
attempt_limit_seconds = 3600

[tenants.archive]
priority = "background"

[tenants.live]
priority = "live"
"""


def burst(home: Home, video: Path, clips: int, live: int) -> Sequence[Render]:
    """Upload all of them, and wait until each is at its end."""
    ordinary = (clips - live) // 10
    for number in range(clips - live - ordinary):
        home.upload(f"archive/{number}.mp4", video)
    for number in range(ordinary):
        home.upload(f"shop/{number}.mp4", video)
    for number in range(live):
        time.sleep(LIVE_EVERY)
        home.upload(f"live/{number}.mp4", video)
    until(lambda: len(home.renders()) == clips and home.is_quiet(), "all are at an end", LONGEST)
    return home.renders()


def report(renders: Sequence[Render], seconds: float) -> Iterator[str]:
    """What it came to, line by line, as `make burst` says it."""
    done = sum(render.state is State.DONE for render in renders)
    attempts = [attempt for render in renders for attempt in render.attempts]
    ran = [
        attempt.ended_at - attempt.started_at
        for attempt in attempts
        if attempt.started_at and attempt.ended_at
    ]
    yield f"{len(renders):,} clips of {SECONDS} s in {seconds:.0f} s"
    yield f"ends               {dict(Counter(render.state.value for render in renders))}"
    yield f"launches a success {len(attempts) / max(1, done):.3f}"
    minutes = sum(ceil(one / timedelta(minutes=1)) for one in ran)
    worked = sum(ran, timedelta(0)) / timedelta(minutes=1)
    yield f"billed             {minutes:,} machine minutes, were these Cloud Run's"
    yield f"                   {worked:.1f} of them worked; {minutes / max(1, done):.2f} a clip"
    waits = defaultdict[str, list[float]](list)
    for render in renders:
        first = render.attempts[0].started_at if render.attempts else None
        if first is not None:
            waits[render.account].append((first - render.created_at).total_seconds())
    yield from waited(waits)


def main() -> int:
    """Measure, and say it; exits 1 where anything was lost, made twice or starved."""
    parser = argparse.ArgumentParser(prog="tests.bench_burst", description=__doc__)
    parser.add_argument("--clips", type=int, default=200, help="all together")
    parser.add_argument("--live", type=int, default=5, help="of these, live ones in the middle")
    parser.add_argument("--folder", type=Path, help="where to work, such as /dev/shm")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        lanes, video = folder / "lanes.toml", folder / "clip.mp4"
        lanes.write_text(LANES)
        small_video(video, seconds=SECONDS)
        with a_home(folder, tasks=1, environment={"CLIPLINE_LANES_FILE": str(lanes)}) as home:
            home.up().wait_until_up()
            began = time.monotonic()
            renders = burst(home, video, asked.clips, asked.live)
            print("\n".join(report(renders, time.monotonic() - began)))
            again = encoded_again(home.place.logs)
    print(f"made twice         {len(again)}")
    whole = len(renders) == asked.clips and {one.state for one in renders} == {State.DONE}
    return 0 if whole and not again else 1


if __name__ == "__main__":
    sys.exit(main())
