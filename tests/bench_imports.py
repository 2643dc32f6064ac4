"""`make bench-imports`: what a cold start costs, entry point by entry point, against its floor.

Interleaved fresh processes; the median of pair ratios, as well as the smallest times' ratio. All is
compiled beforehand, as an installed package is: else Python's compiler would be measured as well.
"""

import os
import statistics
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

ROUNDS = 9
FLOOR = "import functions_framework"
CASES = {
    "functions.main (every entry point)": "import functions.main",
    "with the cloud's bus": "import functions.main, functions.adapters.pubsub_events",
    "with Google's own client": "import functions.main; from google.cloud import pubsub_v1",
    "the cloud's lanes": "import functions.adapters.batch_jobs, functions.adapters.cloud_run_jobs",
    "render_job (the task)": "import render_job.__main__",
}


def seconds(code: str, cache: str) -> float:
    """One fresh interpreter that runs the code, less one that runs nothing."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for line in ("pass", code):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", line], check=True, env={**kept, "PYTHONPYCACHEPREFIX": cache}
        )
        times.append(time.perf_counter() - start)
    return times[1] - times[0]


def main() -> None:
    """Print milliseconds and ratios."""
    floors: list[float] = []
    found: dict[str, list[float]] = {name: [] for name in CASES}
    with TemporaryDirectory() as cache:
        for code in (FLOOR, *CASES.values()):
            seconds(code, cache)
        for _ in range(ROUNDS):
            floors.append(seconds(FLOOR, cache))
            for name, code in CASES.items():
                found[name].append(seconds(code, cache))
    print(f"{FLOOR}: median {statistics.median(floors) * 1000:.0f} ms (n={ROUNDS})")
    for name, times in found.items():
        ratios = [mine / floor for mine, floor in zip(times, floors, strict=True)]
        print(
            f"{name}: median {statistics.median(times) * 1000:.0f} ms, "
            f"least {min(times) * 1000:.0f} ms, "
            f"ratio median {statistics.median(ratios):.2f}, least {min(times) / min(floors):.2f}"
        )


if __name__ == "__main__":
    main()
