"""`make bench-chunks`: how well tasks share the chunks of a plan. A simulation, not a measurement.

Tasks that differ in speed choose as real ones do. Efficiency is the work divided by what all tasks
could have done until the last piece was made. Before: chunks of one length, a quarter of the video
within the same limits, as the first plan had them.
"""

import random
import statistics
from dataclasses import replace
from datetime import timedelta

from functions.core.chunks import CHUNK_SECONDS, FEWEST_CHUNKS
from functions.core.plan import GOP_SECONDS, make_plan
from schemas.pieces import cut_into_chunks
from schemas.plan import RenderPlan
from schemas.spec import Output, RenderSpec
from schemas.spec_clip import Clip
from tests.crew import Crew
from tests.unit.makers import NOW, UPLOAD, media, order

FIXED = 0.25
"""Seconds of video that a task could have made in the time that a chunk costs by itself: 0.13 CPU
seconds, at 0.53 CPU seconds for a second of 720p with `veryfast`."""
SPREAD = 0.2
"""Of the tasks' speeds: their standard deviation, in parts of the mean."""
SPEED = 55
"""Frames a second of an ordinary task."""
LENGTHS = (16, 30, 60, 120, 300, 600, 1800, 3600)
TASKS = (1, 2, 4, 8, 16, 32)
ROUNDS = 10
CREWS = 100


def planned(length: int) -> RenderPlan:
    """A video of so many seconds as it is planned now."""
    spec = RenderSpec(clips=(Clip(),), outputs=(Output(),))
    return make_plan(UPLOAD, media(length=length, audio=False), spec, folder="bench")


def quarters(length: int) -> RenderPlan:
    """The same in chunks of one length, as it was planned before."""
    plan = planned(length)
    (output,) = plan.outputs
    shortest, longest = CHUNK_SECONDS
    each = round(min(max(length / FEWEST_CHUNKS, shortest), longest) * output.frame_rate)
    gop = round(GOP_SECONDS * output.frame_rate)
    chunks = cut_into_chunks(output.frames, gop=gop, length=lambda left: each)
    return replace(plan, outputs=(replace(output, chunks=chunks),))


def efficiency(plan: RenderPlan, tasks: int, *, rounds: int = ROUNDS) -> float:
    """Mean over `rounds` crews, the same ones for every plan."""
    chance = random.Random(tasks)
    ordered = order(tasks=tasks, deadline=NOW + timedelta(days=9))
    found = []
    for _ in range(rounds):
        speeds = [SPEED * max(0.4, chance.gauss(1, SPREAD)) for _ in range(tasks)]
        took = Crew(plan=plan, order=ordered, speeds=speeds, fixed=FIXED).run()
        found.append(plan.frames / (took * sum(speeds)))
    return statistics.mean(found)


def with_slow_tasks(*, hedge: bool) -> tuple[list[float], float]:
    """Seconds that each of many crews takes for an hour, and the share of frames made twice.

    Of 32 tasks each is slow with a chance of 5 %: it has a fifth of its speed.
    """
    chance = random.Random(5)
    plan = planned(3600)
    ordered = order(tasks=32, deadline=NOW + timedelta(days=9), hedge=hedge)
    took, wasted = [], 0
    for _ in range(CREWS):
        speeds = [SPEED * max(0.4, chance.gauss(1, SPREAD)) for _ in range(32)]
        speeds = [speed / 5 if chance.random() < 0.05 else speed for speed in speeds]
        crew = Crew(plan=plan, order=ordered, speeds=speeds, fixed=FIXED)
        took.append(crew.run())
        wasted += crew.wasted
    return sorted(took), wasted / (CREWS * plan.frames)


def fixed_share(plan: RenderPlan) -> float:
    """What the chunks cost by themselves beyond a single pass, in parts of the whole."""
    seconds = sum(float(output.frames / output.frame_rate) for output in plan.outputs)
    return (plan.chunks - 1) * FIXED / seconds


def main() -> None:
    """Print a line a length: efficiency for each number of tasks, before and now."""
    print(f"simulated: {SPREAD:.0%} speed spread, {FIXED} s a chunk, {ROUNDS} crews; before > now")
    print("length  chunks     fixed cost    " + " ".join(f"{n:>7} tasks   " for n in TASKS))
    for length in LENGTHS:
        before, now = quarters(length), planned(length)
        shared = (f"{efficiency(before, n):.3f} > {efficiency(now, n):.3f}" for n in TASKS)
        counts = f"{before.chunks:>4} > {now.chunks:<4}"
        costs = f"{fixed_share(before):.1%} > {fixed_share(now):.1%}"
        print(f"{length:>5} s {counts} {costs}  " + "   ".join(shared))
    print(f"an hour, 32 tasks, each slow (a fifth) with a chance of 5 %, {CREWS} crews")
    for hedge in (False, True):
        took, wasted = with_slow_tasks(hedge=hedge)
        half, worst = took[CREWS // 2], took[CREWS * 99 // 100]
        print(
            f"{'hedged' if hedge else 'not hedged'}: p50 {half:.1f} s, p99 {worst:.1f} s, "
            f"ratio {worst / half:.2f}; {wasted:.2%} of the frames made twice"
        )


if __name__ == "__main__":
    main()
