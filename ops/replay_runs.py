"""`clipline replay status` and `stop`: how far the doing of a plan is, and how to end it early."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from functions.desk import DeadLetters
from functions.ports import Ports
from functions.wiring import desk, reading_ports
from ops.commands import REFUSED, AsJson, By, Reason
from ops.find import NOT_FOUND
from ops.letters import one_line
from ops.paper import Paper, say_json
from ops.replay_file import Plan, PlanRefused, read
from ops.replay_moved import took
from ops.times import ago, clock
from schemas.replay_plan import STOP_ASKED, AuditRecord
from schemas.replay_run import ReplayRun, RunState

SILENT = timedelta(seconds=15)
"""A run that is not heard of for so long is gone: it says so every second, but a disk may hang."""
console = Paper()

WhichPlan = Annotated[
    str | None, typer.Argument(help="A plan's file, or the beginning of its digest.")
]


def status(
    plan: WhichPlan = None,
    limit: Annotated[int, typer.Option(help="How many, the last first.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """How far every apply is; of a plan's file, also what became of its renders."""
    now = datetime.now(UTC)
    file = _file(plan)
    found = _runs(desk().letters, plan, file, limit, now)
    for run in found:
        if as_json:
            say_json(run)
            continue
        for line in _lines(run, now):
            console.print(line)
    if not as_json and not found:
        console.print("No plan was applied." if plan is None else "That plan was not applied.")
    if not as_json and file is not None:
        for state, count in _became(file, reading_ports()):
            console.print(f"  {count:>6} {state}")


def stop(plan: WhichPlan, reason: Reason, by: By, as_json: AsJson = False) -> None:
    """Have a running apply ask for nothing more; what was asked for already goes on."""
    now, letters = datetime.now(UTC), desk().letters
    found = _runs(letters, plan, _file(plan), 2, now)
    going = [run for run in found if run.state in (RunState.RUNNING, RunState.INTERRUPTED)]
    if not found:
        print("That plan was not applied: see `clipline replay status`.", file=sys.stderr)
        raise typer.Exit(NOT_FOUND)
    if len(going) != 1:
        _refuse("several run: name one" if going else f"it is {found[0].state} already")
    (run,) = going
    letters.note(
        AuditRecord(
            at=now,
            by=by,
            reason=reason,
            what=STOP_ASKED,
            plan=run.plan,
            made_at=run.made_at,
            asked=run.asked,
        )
    )
    said = "Asked for: it stops before it asks for anything more."
    if run.state is RunState.INTERRUPTED:
        run = replace(run, state=RunState.STOPPED, why=f"{by} asked for it: {reason}")
        letters.note_run(run)
        said = "It had been interrupted, and counts as stopped now."
    if as_json:
        say_json(run)
        return
    console.print(said)
    console.print(f"Next: clipline replay status {run.plan[:12]}")


def _runs(
    letters: DeadLetters, plan: str | None, file: Plan | None, limit: int, now: datetime
) -> list[ReplayRun]:
    digest = file.end.digest if file else plan or ""
    found = [_as_now(run, now) for run in letters.runs(limit=limit, plan=digest)]
    return [run for run in found if file is None or run.made_at == file.head.made_at]


def _as_now(run: ReplayRun, now: datetime) -> ReplayRun:
    """A run that says nothing any more was interrupted."""
    gone = run.state is RunState.RUNNING and now - run.seen_at > SILENT
    return replace(run, state=RunState.INTERRUPTED) if gone else run


def _file(plan: str | None) -> Plan | None:
    """The plan on file, where a file is named. Exits with REFUSED for one that is no plan."""
    if plan is None or not Path(plan).is_file():
        return None
    try:
        return read(Path(plan))
    except PlanRefused as refused:
        _refuse(str(refused))


def _lines(run: ReplayRun, now: datetime) -> Iterator[str]:
    share = f"{run.through} of {run.replays}"
    heard = f"heard of {ago(run.seen_at, now)} ago"
    yield f"plan {run.plan[:12]}  {run.state}  {share} behind it, {heard}"
    if run.why:
        yield f"  {one_line(run.why)}"
    if run.pace and run.state is RunState.RUNNING:
        until = f" (not before {clock(run.held_until)})" if run.held_until else ""
        yield f"  pace: {one_line(run.pace)}{until}"
    yield (
        f"  {run.asked} asked for by this run, {run.left_out} left out; begun "
        f"{clock(run.begun_at)} by {run.by}: {one_line(run.reason)}"
    )


def _became(plan: Plan, ports: Ports) -> list[tuple[str, int]]:
    """How many of the plan's renders are in each state; `failed` is before and after a replay."""
    states: Counter[str] = Counter()
    for item, id in plan.replays():
        stored = ports.renders.load(item.becomes or id)
        if stored is None:
            states["not opened" if item.becomes else "not known any more"] += 1
            continue
        asked = item.becomes is not None or took(stored, plan)
        states[f"{stored.render.state}{'' if asked else ', not replayed'}"] += 1
    return sorted(states.items(), key=lambda one: (-one[1], one[0]))


def _refuse(sentence: str) -> NoReturn:
    print(f"Refused: {sentence.removesuffix('.')}.", file=sys.stderr)
    raise typer.Exit(REFUSED)
