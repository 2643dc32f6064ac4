"""`clipline replay`: one render, or a plan for many."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from functions.desk import Desk, Wanted
from functions.ports import Ports
from functions.wiring import desk, reading_ports
from ops import filters
from ops.commands import By, Reason, replay
from ops.paper import Paper, say_json
from ops.replay_plan import Totals, planned
from schemas.replay_plan import PlanEnd, PlanHead
from schemas.wire import to_json

ONE = "one"
console = Paper()


class RenderOrVerb(TyperGroup):
    """`replay RENDER` is `replay one RENDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Whatever is no verb is meant for `one`."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [ONE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=RenderOrVerb, no_args_is_help=True, help="Try again what failed.")


@app.command(ONE)
def one(
    render: Annotated[str, typer.Argument(help="A render's id, or the beginning of one.")],
    reason: Reason,
    by: By,
) -> None:
    """Try one failed render again; `clipline replay RENDER --reason TEXT` is the same."""
    replay(render, why=reason, by=by, paper=console)


@app.command()
def plan(
    failure: filters.Class = None,
    age: filters.Age = None,
    lane: filters.Lane = None,
    tenant: filters.Tenant = None,
    fingerprint: filters.Fingerprint = None,
    text: filters.Text = None,
    out: Annotated[
        Path | None, typer.Option(help="The plan's file; by default replay-DIGEST.jsonl.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say the last line as JSON.")] = False,
) -> None:
    """Write down what a replay would do, and why not; it only reads, and may be repeated."""
    now = datetime.now(UTC)
    asked = filters.wanted(
        now,
        failure=failure,
        age=age,
        lane=lane,
        tenant=tenant,
        fingerprint=fingerprint,
        text=text,
    )
    words = {"class": failure, "age": age, "lane": lane, "tenant": tenant}
    words |= {"fingerprint": fingerprint, "text": text}
    head = PlanHead(made_at=now, filters={k: str(v) for k, v in words.items() if v is not None})
    path, end = write(head, asked, desk(), reading_ports(), out)
    if as_json:
        say_json(end)
        return
    _say(path, end)


def write(
    head: PlanHead, asked: Wanted, place: Desk, ports: Ports, out: Path | None
) -> tuple[Path, PlanEnd]:
    """The plan's file and its last line. It has its name once it is whole, and replaces another."""
    folder = out.parent if out else Path()
    draft = folder / f".replay-{os.getpid()}.part"
    totals = Totals()
    try:
        with draft.open("wb") as file:
            file.write(to_json(head) + b"\n")
            for item in planned(place.letters.find(asked), ports):
                file.write(totals.line(item))
            end = totals.end
            file.write(to_json(end) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        path = out or Path(f"replay-{end.digest[:12]}.jsonl")
        return draft.replace(path), end
    finally:
        draft.unlink(missing_ok=True)


def _say(path: Path, end: PlanEnd) -> None:
    console.print(f"{path}: {end.replays} of {end.items} would be replayed.")
    console.print(
        f"  frames   {end.frames_to_render} to render, {end.frames_committed} committed already"
    )
    console.print(f"  outputs  {end.outputs_to_make}, each told on render-done")
    for why, count in _largest(end.refusals):
        console.print(f"  refused  {count} {why}")
    console.print(f"  digest   {end.digest}")
    console.print("Nothing was changed.")


def _largest(refusals: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(refusals.items(), key=lambda pair: (-pair[1], pair[0]))
