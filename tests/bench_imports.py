"""`make bench-imports`: what a cold start costs, entry point by entry point, against its floor.

Interleaved fresh processes; the median of pair ratios, as well as the smallest times' ratio.
"""

import statistics
import subprocess
import sys
import time

ROUNDS = 9
FLOOR = "import functions_framework"
CASES = {
    "functions.main (every entry point)": "import functions.main",
    "render_job (the task)": "import render_job.__main__",
}


def seconds(code: str) -> float:
    """One fresh interpreter that runs the code, less one that runs nothing."""
    times = []
    for line in ("pass", code):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", line], check=True)
        times.append(time.perf_counter() - start)
    return times[1] - times[0]


def main() -> None:
    """Print milliseconds and ratios."""
    floors: list[float] = []
    found: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        floors.append(seconds(FLOOR))
        for name, code in CASES.items():
            found[name].append(seconds(code))
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
