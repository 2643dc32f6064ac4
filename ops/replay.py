"""`clipline replay`: one render, or a plan for many."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from functions.core.prices import dollars
from functions.core.spare import KEPT
from functions.errors import NotConfigured
from functions.ports import Ports
from functions.wiring import desk, looking_ports, reading_ports
from ops import filters, replay_runs
from ops.commands import REFUSED, AsJson, By, Reason, replay
from ops.letters import one_line
from ops.paper import INTERRUPTED, Paper, say_json
from ops.replay_apply import Run
from ops.replay_file import PlanRefused, read, write
from ops.replay_instead import patch_of
from ops.replay_look import lane_of
from ops.replay_watch import Stopped
from ops.times import clock, length
from schemas.replay_plan import PlanEnd, PlanHead
from schemas.spec_fields import SpecFault

ONE = "one"
STOPPED = 1
"""Exit status: a replay failed, and the rest was not asked for."""
WRONG = 2
"""Exit status: an option names what is not there."""
MOST_REASONS = 20
console = Paper()


class RenderOrVerb(TyperGroup):
    """`replay RENDER` is `replay one RENDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Whatever is no verb is meant for `one`."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [ONE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=RenderOrVerb, no_args_is_help=True, help="Try again what failed.")
app.command("status")(replay_runs.status)
app.command("stop")(replay_runs.stop)


@app.command(ONE)
def one(
    render: Annotated[str, typer.Argument(help="A render's id, or the beginning of one.")],
    reason: Reason,
    by: By,
    as_json: AsJson = False,
) -> None:
    """Try one failed render again; `clipline replay RENDER --reason TEXT` is the same."""
    replay(render, why=reason, by=by, paper=console, as_json=as_json)


@app.command()
@filters.filtered
def plan(
    asked: filters.Asked,
    out: Annotated[
        Path | None, typer.Option(help="The plan's file; by default replay-DIGEST.jsonl.")
    ] = None,
    to_lane: Annotated[
        str | None, typer.Option(help="The only lane that the replays may use; else any.")
    ] = None,
    with_spec_patch: Annotated[
        Path | None,
        typer.Option(
            help="A file with a JSON merge patch (RFC 7396) over each render's spec.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say the last line as JSON.")] = False,
) -> None:
    """Write down what a replay would do, and why not; it only reads, and may be repeated."""
    patch = _patch(with_spec_patch)
    ports = _foreseeing()
    if to_lane is not None and lane_of(to_lane, ports) is None:
        _unknown(to_lane, ports)
    head = PlanHead(made_at=asked.now, filters=asked.words, to_lane=to_lane, spec_patch=patch)
    path, end = write(head, asked.wanted, desk(), ports, out)
    if as_json:
        say_json(end)
        return
    _say(path, head, end)


@app.command()
def apply(
    plan: Annotated[
        Path, typer.Argument(help="What `replay plan` wrote.", exists=True, dir_okay=False)
    ],
    reason: Reason,
    by: By,
    canary: Annotated[
        int, typer.Option(help="So many first; the others if all are done.", min=0)
    ] = 3,
    rate: Annotated[
        float, typer.Option(help="Renders a minute after that, at most.", min=0.1)
    ] = 30,
    keep: Annotated[
        int,
        typer.Option(
            help="Per cent of places, launches and the day's budget for live renders.",
            min=0,
            max=99,
        ),
    ] = KEPT,
    as_json: AsJson = False,
) -> None:
    """Do what a plan says; interrupted, give the same command again and it goes on."""
    paper = Paper(stderr=True) if as_json else console
    run: Run | None = None
    try:
        run = Run(
            plan=read(plan),
            ports=_foreseeing(),
            desk=desk(),
            by=by,
            reason=reason,
            canary=canary,
            per_minute=rate,
            kept=keep,
            tell=paper.print,
        )
        run.go()
    except PlanRefused as refused:
        _refuse(plan, str(refused).splitlines())
    except Stopped as stop:
        print(f"Stopped: {stop}. The rest was not asked for.", file=sys.stderr)
        print("The same command goes on with it.", file=sys.stderr)
        raise typer.Exit(STOPPED) from None
    except KeyboardInterrupt:
        print("Interrupted: give the same command again to go on.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        if as_json and run is not None and run.last is not None:
            say_json(run.last)
    paper.print(f"Asked for {run.asked} of {run.plan.end.replays}, {run.left_out} left out.")
    paper.print(f"Next: clipline replay status {plan} | clipline dead-letters")


@app.command()
def audit(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Who applied which plan, when and why, and how it ended."""
    for one in desk().letters.audits(limit=limit):
        if as_json:
            say_json(one)
            continue
        console.print(
            f"{clock(one.at)}  {one.by}  plan {one.plan[:12]}  {one.what}, {one.asked} asked for: "
            f"{one_line(one.reason)}"
        )


def _foreseeing() -> Ports:
    """With lanes where they are told: without them no time, cost or room is foreseen."""
    try:
        return looking_ports()
    except NotConfigured:
        return reading_ports()


def _time(end: PlanEnd) -> str:
    if end.takes_unknown == end.replays:
        return "not known: nothing has run of late on the lanes that are told here"
    attempts = "all attempts together" if end.replays > 1 else "one attempt"
    return f"{length(end.takes)}, {attempts}{_but(end.takes_unknown)}"


def _cost(end: PlanEnd) -> str:
    if end.nanodollars_unknown == end.replays:
        return "not known: no time, or no price"
    return f"{dollars(end.nanodollars)}{_but(end.nanodollars_unknown)}"


def _but(unknown: int) -> str:
    return f", and {unknown} of which it is not known" if unknown else ""


def _refuse(plan: Path, why: Sequence[str]) -> NoReturn:
    for sentence in why[:MOST_REASONS]:
        print(f"{sentence}.", file=sys.stderr)
    if len(why) > MOST_REASONS:
        print("… and more.", file=sys.stderr)
    print(f"Nothing of {plan} was done: make a new plan.", file=sys.stderr)
    raise typer.Exit(REFUSED)


def _patch(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return patch_of(path.read_bytes().decode(errors="replace"))
    except SpecFault as fault:
        print(f"'{path}' is no patch of a spec: {fault}.", file=sys.stderr)
        raise typer.Exit(WRONG) from None


def _unknown(lane: str, ports: Ports) -> NoReturn:
    known = ", ".join(one.id for one in ports.lanes)
    are = f"there are {known}" if known else "none is told here (CLIPLINE_LANES_FILE)"
    print(f"There is no lane '{lane}': {are}.", file=sys.stderr)
    raise typer.Exit(WRONG)


def _say(path: Path, head: PlanHead, end: PlanEnd) -> None:
    where = f", on {head.to_lane} and no other lane" if head.to_lane else ""
    how = "asked for anew with the patched spec" if head.spec_patch else "replayed"
    console.print(f"{path}: {end.replays} of {end.items} would be {how}{where}.")
    console.print(
        f"  frames   {end.frames_to_render} to render, {end.frames_committed} committed already"
    )
    console.print(f"  outputs  {end.outputs_to_make}, each told on render-done")
    if end.replays:
        console.print(f"  time     {_time(end)}")
        console.print(f"  cost     {_cost(end)}")
    if end.guesses:
        console.print(
            f"  guessed  {end.guesses} of these, far larger than what has run there of late"
        )
    for why, count in _largest(end.refusals):
        console.print(f"  refused  {count} {why}")
    console.print(f"  digest   {end.digest}")
    console.print("Nothing was changed.")


def _largest(refusals: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(refusals.items(), key=lambda pair: (-pair[1], pair[0]))
