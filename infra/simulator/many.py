"""Many histories on all cores: chunks of numbers go out, sums come back in the order of numbers.

    numbers ─► chunk 0 │ chunk 1 │ chunk 2 … on any core, a few ahead
                  └────────┴────► added up in this order until there are renders enough

So the sum for a seed and a number of renders is the same on one core and on ninety, and what a
chunk ahead has lived for nothing is thrown away.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context, parent_process

from infra.simulator.course import Course
from infra.simulator.history import live
from infra.simulator.rules import Rule, judged
from infra.simulator.tally import Tally

CHUNK = 10
"""Histories that a core is given at once: some tenths of a second of work."""
AHEAD = 2
"""Chunks under way for each core."""


def simulate(
    course: Course,
    renders: int,
    *,
    rules: Sequence[Rule] = (),
    cores: int = 1,
    told: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Live histories until they hold so many renders; `told` of the sum after each chunk.

    Rules are functions of a module, so that another process finds them.
    """
    total = Tally()
    if cores == 1:
        for first in count(0, CHUNK):
            total.merge(lived(course, first, rules))
            told(total)
            if total.renders >= renders:
                return total
    # Spawned, not forked: a fork copies greenlets and threads in the middle of what they do.
    pool = ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_settle)
    try:
        firsts, ahead = count(0, CHUNK), deque[Future[Tally]]()
        while total.renders < renders:
            while len(ahead) < AHEAD * cores:
                ahead.append(pool.submit(lived, course, next(firsts), rules))
            total.merge(ahead.popleft().result())
            told(total)
    finally:
        pool.shutdown(cancel_futures=True)
    return total


def lived(course: Course, first: int, rules: Sequence[Rule] = ()) -> Tally:
    """The sum of one chunk of histories."""
    tally = Tally()
    for number in range(first, first + CHUNK):
        try:
            tally.add(number, judged(live(course.recipe(number)), rules))
        except Exception as error:
            error.add_note(f"in history {number} of seed {course.seed}")
            raise
    return tally


def _settle() -> None:
    """A core's process leaves Ctrl-C to its parent and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    assert parent is not None, "only a child is settled"
    parent.join()
    os._exit(1)
