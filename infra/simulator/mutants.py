"""`make mutants`: bugs planted one by one in the real code, each of which the simulator must find.

Every mutant is a copy of the checkout in which a few words are replaced. It lives through histories
of a fixed seed until an invariant breaks; one that survives its limit fails the run: then the
witness is blind to it. The table is written to `docs/mutants.md`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PARTS = ("functions", "infra", "render_job", "schemas")
SEED = "mutants"
LIMIT = 4000
"""Histories within which every mutant must be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One bug: in that file, the words `instead` of the words `of`."""

    name: str
    file: str
    of: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """After how many histories it was found, and by which invariant; None for a survivor."""

    mutant: Mutant
    histories: int | None
    invariant: str
    seconds: float


MUTANTS = (
    Mutant(
        name="nobody wakes who waits in line",
        file="functions/sweep.py",
        of="ticked, woken = _tick_due(ports), wake(ports, give_up)",
        instead="ticked, woken = _tick_due(ports), 0",
    ),
    Mutant(
        name="a refusal by our own quota is told as a stock-out",
        file="functions/core/entries.py",
        of='frozenset({"quota_exceeded"})',
        instead='frozenset({"stock_out"})',
    ),
    Mutant(
        name="fence dropped: tasks of a given-up attempt go on",
        file="render_job/choose.py",
        of="    if seen.closed:\n",
        instead="    if False:\n",
    ),
    Mutant(
        name="the attempt before is not closed by a launch",
        file="functions/perform.py",
        of="    if order.attempt > 1:\n",
        instead="    if False:\n",
    ),
    Mutant(
        name="pieces removed as soon as a render has failed",
        file="functions/core/ends.py",
        of="policy.keep_failed if render.state is State.FAILED",
        instead="timedelta(0) if render.state is State.FAILED",
    ),
    Mutant(
        name="performed before saved",
        file="functions/handle.py",
        of="        try:\n            version = stored.version",
        instead="        for early in ours:\n            perform(early, after, ports)\n"
        "        try:\n            version = stored.version",
    ),
    Mutant(
        name="effects forgotten: saved as if they were performed",
        file="functions/handle.py",
        of="ports.renders.save(after, version",
        instead="ports.renders.save(__import__('dataclasses').replace(after, pending=()), version",
    ),
    Mutant(
        name="lease forgotten: claims are never renewed",
        file="render_job/claims.py",
        of="        if now - self.renewed < RENEW_EVERY.total_seconds():\n",
        instead="        if True:\n",
    ),
    Mutant(
        name="claims judged by the local clock",
        file="infra/simulator/stepped.py",
        of="        return self.store.now()\n",
        instead="        return self.world.local()\n",
    ),
    Mutant(
        name="claims taken over at once",
        file="render_job/choose.py",
        of="    return claim.attempt < order.attempt or seen.now - claim.renewed_at > LEASE\n",
        instead="    return True\n",
    ),
    Mutant(
        name="no second look under the claim",
        file="render_job/work.py",
        of="    if choice != choose(",
        instead="    if False and choice != choose(",
    ),
    Mutant(
        name="preemption counted as a retry of the content",
        file="functions/core/retry.py",
        of="FailureClass.PREEMPTED: RetryRule(retries=None)",
        instead="FailureClass.PREEMPTED: RetryRule(retries=2)",
    ),
    Mutant(
        name="a lane without machines is barred for good",
        file="functions/core/ends.py",
        of="    if retry.RULES[failure.failure].passes:\n",
        instead="    if False:\n",
    ),
    Mutant(
        name="done announced before the commit",
        file="render_job/deliver.py",
        of="        return tools.outputs.upload(output.object_name, path, metadata=metadata)\n",
        instead="        early = ObjectInfo(name=output.object_name, generation=1, size_bytes=1,\n"
        "                           updated=tools.clock.now(), metadata=metadata)\n"
        "        announce(task, record_of(early, tools.outputs.bucket, output.id))\n"
        "        return tools.outputs.upload(output.object_name, path, metadata=metadata)\n",
    ),
    Mutant(
        name="outputs written over each other",
        file="render_job/deliver.py",
        of="tools.outputs.upload(output.object_name, path, metadata=metadata)",
        instead="tools.outputs.upload(\n"
        "            output.object_name, path, metadata=metadata, if_generation_match=None)",
    ),
    Mutant(
        name="announced before the files that it refers to",
        file="render_job/deliver.py",
        of="        _put_beside(task, work.output, parcel, held)\n"
        "        standing = _commit(task, work.output, parcel.path, certificate)\n",
        instead="        standing = _commit(task, work.output, parcel.path, certificate)\n"
        "        _put_beside(task, work.output, parcel, held)\n",
    ),
    Mutant(
        name="what a dead delivery left stays for good",
        file="functions/perform.py",
        of="        if plan.kind in SEVERAL:\n",
        instead="        if False:\n",
    ),
    Mutant(
        name="stale event accepted",
        file="functions/core/machine.py",
        of="        if event.attempt < render.attempt:\n            return _STALE\n",
        instead="        if event.attempt < render.attempt:\n"
        "            return TABLE[render.state][type(event)]\n",
    ),
    Mutant(
        name="cancel ignored by the tasks",
        file="render_job/choose.py",
        of="    if seen.cancelled:\n",
        instead="    if False:\n",
    ),
    Mutant(
        name="a late output of a cancelled render stays",
        file="functions/core/ends.py",
        of="    return step.want(render, RemoveOutput(",
        instead="    return render if render else step.want(render, RemoveOutput(",
    ),
    Mutant(
        name="nobody looks after the end",
        file="functions/core/ends.py",
        of="    if step.now >= gone_at or (ended and render.attempt == 1):\n",
        instead="    if True:\n",
    ),
    Mutant(
        name="partial piece named by its chunk",
        file="render_job/piece.py",
        of="                _commit(task, work, part, path, verdict, held)\n",
        instead="                _commit(task, work, work.span, path, verdict, held)\n",
    ),
    Mutant(
        name="sidecars do not open a revision",
        file="schemas/ids.py",
        of="str(upload.generation), str(upload.revision))\n",
        instead="str(upload.generation), '0')\n",
    ),
    Mutant(
        name="owner check skipped",
        file="render_job/work.py",
        of='    return from_json(store.read(name), dict[str, str])["execution"] == ',
        instead="    return True or '' == ",
    ),
    Mutant(
        name="pieces of any encoder class are taken",
        file="schemas/plan.py",
        of="RECIPE_VERSION, encoder_class)\n        source",
        instead="RECIPE_VERSION, 'any')\n        source",
    ),
    Mutant(
        name="the encoder of the machine is not checked",
        file="render_job/work.py",
        of="    if mine != task.order.encoder_class:\n",
        instead="    if False:\n",
    ),
    Mutant(
        name="a newer upload supersedes nothing",
        file="functions/perform.py",
        of="        if other.upload.age_key < newest.upload.age_key and",
        instead="        if False and",
    ),
    Mutant(
        name="no start deadline",
        file="functions/core/attempt.py",
        of="        if age >= lane.start_within:\n",
        instead="        if False:\n",
    ),
    Mutant(
        name="the sweep finds no forgotten upload",
        file="functions/forgotten.py",
        of="    for info in forgotten:\n        _tell(info, ports)\n",
        instead="",
    ),
    Mutant(
        name="the sweep performs no forgotten effect",
        file="functions/handle.py",
        of="        if done is None:\n            ours +=",
        instead="        if False:\n            ours +=",
    ),
    Mutant(
        name="an execution that ended is believed without a look",
        file="functions/core/attempt.py",
        of="    return _look(render, event, step)\n",
        instead="    failure = event.failure or words.ended_empty(render)\n"
        "    return ends.attempt_over(render, failure, render.frames, step)\n",
    ),
    Mutant(
        name="every attempt's dead letter has one id",
        file="schemas/events.py",
        of='        return f"{self.render}/failed/{self.number}"\n',
        instead='        return f"{self.render}/failed"\n',
    ),
    Mutant(
        name="whatever stands under the name is ours",
        file="schemas/labels.py",
        of="    return info.metadata.get(_RENDER) == render\n",
        instead="    return True\n",
    ),
    Mutant(
        name="a pool's seat is taken over at once",
        file="schemas/seats.py",
        of=" and now - self.heard_at <= LEASE\n",
        instead=" and False\n",
    ),
    Mutant(
        name="lease forgotten: a pool's seats are never renewed",
        file="render_job/worker.py",
        of="            hand.sitting.renew(now)\n",
        instead="            pass\n",
    ),
    Mutant(
        name="a pool's seat is written whoever holds it",
        file="render_job/seat.py",
        of="        if_generation_match=seat.generation,\n",
        instead="",
    ),
    Mutant(
        name="a worker takes what was made for another encoder",
        file="render_job/seat.py",
        of="    if order.encoder_class not in mine.encoder_classes:\n",
        instead="    if False:\n",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt them all, write the table, and return 1 if one survived."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those whose name holds these words")
    parser.add_argument("--limit", type=int, default=LIMIT, help="histories at most")
    told = parser.parse_args(arguments)
    chosen = [mutant for mutant in MUTANTS if told.only in mutant.name]
    found = []
    with ThreadPoolExecutor(cpu_count() or 1) as pool:
        for one in pool.map(lambda mutant: _hunt(mutant, told.limit), chosen):
            found.append(one)
            print(_line(one), flush=True)
    survivors = [one for one in found if one.histories is None]
    print(f"{len(found) - len(survivors)} of {len(found)} mutants were found")
    if not told.only:
        (CHECKOUT / "docs" / "mutants.md").write_text(_page(found), encoding="utf-8")
    return 1 if survivors else 0


def _hunt(mutant: Mutant, limit: int) -> Found:
    """Plant it in a copy, and live until something breaks there."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        for part in PARTS:
            ignored = shutil.ignore_patterns("__pycache__", "sample")
            shutil.copytree(CHECKOUT / part, Path(folder) / part, ignore=ignored)
        path = Path(folder) / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.of) != 1:
            raise SystemExit(f"{mutant.name}: its words stand {text.count(mutant.of)} times there")
        path.write_text(text.replace(mutant.of, mutant.instead), encoding="utf-8")
        command = [sys.executable, "-m", "infra.simulator.hunt", SEED, str(limit)]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{mutant.name}: {run.stderr}")
    said = json.loads(run.stdout)
    return Found(
        mutant=mutant,
        histories=said["histories"],
        invariant=said["invariant"],
        seconds=time.monotonic() - began,
    )


def _line(one: Found) -> str:
    if one.histories is None:
        return f"SURVIVED  {one.mutant.name} ({one.seconds:.0f} s)"
    return f"{one.histories:6}  {one.mutant.name}: {one.invariant} ({one.seconds:.0f} s)"


def _page(found: Sequence[Found]) -> str:
    rows = [
        f"| {one.mutant.name} | `{one.mutant.file}` | "
        f"{one.histories or 'not found'} | {one.invariant} |"
        for one in found
    ]
    return "\n".join(
        (
            "# Mutants",
            "",
            "Bugs planted one by one in the real code, and what the simulator said. Each must be",
            f"found within {LIMIT} histories of the seed `{SEED}`. Written by `make mutants`.",
            "",
            "| bug | in | found in history | by the invariant |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
