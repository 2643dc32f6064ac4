"""`clipline`: the command line of people on call. It reads through `functions/wiring.py` alone."""

import platform
import sys
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from functions.core.render import Render, State
from functions.errors import NotConfigured
from functions.ports import Ports
from functions.wiring import reading_ports
from ops.doctor import examine
from ops.story import story
from ops.watch import Watch
from schemas.ids import short

NOT_FOUND = 3
"""Exit status: no render, or several, have that id."""
NOT_DONE = 1
"""Exit status of `watch` and `doctor` where all is not well."""
HEADINGS = ("RENDER", "STATE", "UPLOAD", "FRAMES", "AGE")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(soft_wrap=True, markup=False)

RenderId = Annotated[str, typer.Argument(help="A render's id, or the beginning of one.")]


def main() -> None:
    """Run the command line; a user's mistake is a sentence and a status, never a traceback."""
    try:
        app()
    except NotConfigured as error:
        print(f"{error}.", file=sys.stderr)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def options(
    show_version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False,
) -> None:
    """Look at renders of this place (CLIPLINE_HOME, by default ./laptop)."""
    if show_version:
        console.print(f"clipline {version('clipline')} (Python {platform.python_version()})")
        raise typer.Exit


@app.command()
def renders(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
) -> None:
    """List renders."""
    found = [
        r for r in reading_ports().renders.newest(limit=limit) if state is None or r.state is state
    ]
    if not found:
        console.print("No renders.")
        return
    rows = [_row(render) for render in found]
    table = Table(box=None, pad_edge=False)
    for column, heading in enumerate(HEADINGS):
        width = max(len(row[column]) for row in (HEADINGS, *rows))
        table.add_column(heading, no_wrap=True, min_width=width)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*row)
    console.print(table)


@app.command()
def show(render: RenderId) -> None:
    """Tell one render's story."""
    for line in story(_one(render, reading_ports())):
        console.print(line, highlight=False, markup=False)


@app.command()
def watch(render: RenderId) -> None:
    """Follow a render until it ends; exits 0 only if it is done."""
    ports = reading_ports()
    found = _one(render, ports)
    view = Watch(console=console, ports=ports, since=found.created_at)
    ended = view.follow(partial(_now, found.id, ports), lambda r: not r.pending)
    view.say(ended.state.value, ended.failure.message if ended.failure else "published")
    if ended.state is not State.DONE:
        raise typer.Exit(NOT_DONE)


@app.command()
def doctor() -> None:
    """Check that this machine can do the work."""
    findings = examine()
    for finding in findings:
        console.print(f"{'ok ' if finding.well else 'BAD'}  {finding.text}", highlight=False)
    if not all(finding.well for finding in findings):
        raise typer.Exit(NOT_DONE)


def _now(render: str, ports: Ports) -> Render | None:
    stored = ports.renders.load(render)
    return stored.render if stored else None


def _one(prefix: str, ports: Ports) -> Render:
    """The one render that is meant. Exits with NOT_FOUND for none or several."""
    prefix = prefix if prefix.startswith("r-") else f"r-{prefix}"
    found = ports.renders.newest(limit=3, prefix=prefix)
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} or more renders begin" if found else "No render begins"
    print(f"{what} with '{prefix}': see `clipline renders`.", file=sys.stderr)
    raise typer.Exit(NOT_FOUND)


def _row(render: Render) -> tuple[str, ...]:
    planned = render.plan.frames if render.plan else 0
    frames = f"{render.frames}/{planned}" if planned else ""
    age = datetime.now(UTC) - render.created_at
    why = "" if render.state is State.DONE else render.why
    reason = render.failure.message if render.failure else why
    upload = f"{render.upload.tenant}/{render.upload.stem}"
    return (short(render.id), render.state, upload, frames, _age(age.total_seconds()), reason)


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
