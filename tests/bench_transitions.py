"""`make bench-transitions`: durable idempotent transitions a second on one core, ours and others'.

Every round runs each of ours (`tests/transitions/ours.py`) and each peer once, one after the other,
the working processes pinned to one core. Ours count saves of renders. A peer's transition is a task
that does a version-checked UPDATE of 2.5 KB, taken from its own broker by one worker that does one
at a time (Celery's is its usual pool, of one process, which was faster here than solo).

All SQLite files are WAL with synchronous=FULL. Huey's broker is SQLite with fsync; Celery's and
Dramatiq's is Redis, AOF with appendfsync everysec, on another core (without redis-server, Celery's
is its filesystem transport, and Dramatiq is left out). A peer's broker is filled before, and it is
timed from its first UPDATE to its last, so that no start is counted.

Then requests a second that one server process answers: on_result for a message that changes
nothing (the render is loaded, and it was cancelled before), against functions of
functions-framework that do nothing.

What a disk takes to flush is in every figure, and many a disk allows no more than some hundred a
second: `--where /dev/shm` leaves that out, and shows what the core alone can do. The peers are
installed into `build/peers`, never into the project.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.transitions import peers
from tests.transitions.machine import CHECKOUT, Done, Machine
from tests.transitions.posts import posted, serving

OURS = {"plain": 3_000, "handled": 1_500, "bussed": 900, "lives": 600}
"""Transitions a round: some seconds' worth."""
PEERS = {"huey": 900, "dramatiq": 500, "celery": 900}
POSTS = {"/on_result/": "served", "/echo_event/": "echoed", "/echo_http/": "echoed"}
REQUESTS = 1_000
RATIOS = (
    ("handled", "celery"),
    ("handled", "plain"),
    ("bussed", "celery"),
    ("bussed", "dramatiq"),
    ("bussed", "huey"),
    ("lives", "celery"),
    ("/on_result/", "/echo_event/"),
    ("/on_result/", "/echo_http/"),
)


def main() -> None:
    """Print the rates of each round, then medians with their spread, and ratios."""
    parser = argparse.ArgumentParser(prog="bench-transitions", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--where", type=Path, default=CHECKOUT / "build", help="a folder on the disk to measure"
    )
    told = parser.parse_args()
    told.where.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=told.where) as folder, ExitStack() as open_:
        machine = Machine(Path(folder))
        load = os.getloadavg()[0]
        where = f"{len(machine.cores)} cores, load {load:.1f} before, files in {told.where}"
        print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {where}")
        wanted = dict(PEERS) if _installed() else {}
        broker = open_.enter_context(peers.redis(machine))
        servers = {
            name: open_.enter_context(serving(machine, name)) for name in set(POSTS.values())
        }
        found: dict[str, list[Done]] = {}
        for number in range(told.rounds):
            done = {name: ours(machine, name, count) for name, count in OURS.items()}
            for name, count in list(wanted.items()):
                try:
                    done[name] = peers.worked(machine, name, count, broker)
                except peers.NotHere as reason:
                    print(f"{name}: skipped, {reason}")
                    del wanted[name]
            for path, name in POSTS.items():
                done[path] = posted(machine, servers[name], path, REQUESTS)
            rates = ", ".join(f"{name} {one.rate:.0f}" for name, one in done.items())
            print(f"round {number + 1}: {rates}", flush=True)
            for name, one in done.items():
                found.setdefault(name, []).append(one)
    _show(found)


def ours(machine: Machine, name: str, count: int) -> Done:
    """One of `tests/transitions/ours.py`, in a process of its own."""
    words = [sys.executable, "-m", "tests.transitions.ours", name, str(machine.fresh()), str(count)]
    with machine.pinned(working=True):
        said = subprocess.run(words, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True).stdout
    done = Done(**json.loads(said))
    assert done.count == count, f"{name}: {done.count} transitions instead of {count}"
    return done


def _installed() -> bool:
    try:
        peers.install()
    except peers.NotHere as reason:
        print(f"All peers are skipped: {reason}")
        return False
    words = [str(peers.PYTHON), "-m", "pip", "freeze"]
    said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    print(*(line for line in said if line.split("==")[0] in {*PEERS, "kombu", "redis"}))
    return True


def _show(found: dict[str, list[Done]]) -> None:
    """Medians, least and most; ratios of each round, and of the least CPU times."""
    for name, runs in found.items():
        rates = sorted(run.rate for run in runs)
        micros = statistics.median(run.cpu_micros for run in runs)
        print(
            f"{name:<13}{statistics.median(rates):7.0f} a second ({rates[0]:.0f} to "
            f"{rates[-1]:.0f}, n={len(runs)}), {micros:.0f} µs of CPU each"
        )
    for one, other in RATIOS:
        if one in found and other in found:
            _compare(one, found[one], other, found[other])


def _compare(one: str, mine: Sequence[Done], other: str, theirs: Sequence[Done]) -> None:
    """A peer that was skipped after some rounds is compared over those."""
    ratios = sorted(a.rate / b.rate for a, b in zip(mine, theirs, strict=False))
    best = max(a.rate for a in mine) / max(b.rate for b in theirs)
    cpu = statistics.median(b.cpu_micros for b in theirs) / statistics.median(
        a.cpu_micros for a in mine
    )
    print(
        f"{one} ÷ {other}: median {statistics.median(ratios):.2f} ({ratios[0]:.2f} to "
        f"{ratios[-1]:.2f}), best ÷ best {best:.2f}, by CPU time {cpu:.2f}"
    )


if __name__ == "__main__":
    main()
