"""`clipline`: the command line of people on call. It reads through `functions/wiring.py` alone."""

import os
import platform
import sys
from datetime import datetime
from functools import partial
from importlib.metadata import version
from itertools import islice
from typing import Annotated

import typer

from functions.cloud_settings import deployed_as
from functions.core.render import Render, State
from functions.desk import Desk, Wanted
from functions.errors import NotConfigured
from functions.ports import Ports
from functions.wiring import desk, reading_ports
from ops import budget, capacity, commands, filters, letters_verbs, pause, replay, spec
from ops.costs_verb import costs
from ops.dispose import dispose, restore
from ops.doctor import doctor
from ops.find import letters_of, one_record, one_render
from ops.flows import flows
from ops.happenings import ending
from ops.letters import group_line, group_lines, record_line
from ops.letters_verbs import export
from ops.log_link import linked, logs_of
from ops.logs_verb import logs
from ops.message_story import message_story
from ops.paper import (
    BROKEN,
    NOT_WELL,
    READER_GONE,
    Paper,
    ReaderGone,
    abandon_output,
    say_all,
    say_json,
)
from ops.renders import renders
from ops.reproduce_verb import fetches, reproduce
from ops.story import story
from ops.watch import Watch
from ops.why import why
from schemas.ports import StoreRefused

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(replay.app, name="replay")
app.add_typer(spec.app, name="spec")
app.add_typer(budget.app, name="budget")
for verb in (renders, doctor, flows, logs, reproduce, fetches, export, dispose, restore, costs):
    app.command()(verb)
for verb in (capacity.lanes, why, pause.pause, pause.resume):
    app.command()(verb)
app.command("pauses")(pause.show_pauses)
app.command("import")(letters_verbs.take)
console = Paper()

RenderId = Annotated[str, typer.Argument(help="A render's id, or the beginning of one.")]
LetterId = Annotated[
    str, typer.Argument(help="The id of a render or dead letter, or its beginning.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, as published.")]


def main() -> None:
    """Run the command line; a user's mistake is a sentence and a status, never a traceback."""
    try:
        try:
            app()
        finally:
            say_all()
    except NotConfigured as error:
        print(f"{error}.", file=sys.stderr)
        sys.exit(2)
    except ReaderGone:
        abandon_output()
        sys.exit(READER_GONE)
    except (OSError, StoreRefused) as error:
        said = " ".join(str(error).split())
        print(f"{said.removesuffix('.')}.", file=sys.stderr)
        abandon_output()
        sys.exit(BROKEN)


@app.callback(invoke_without_command=True)
def options(
    show_version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False,
    project: Annotated[
        str | None, typer.Option(metavar="ID", help="A project on Google Cloud; else a laptop.")
    ] = None,
    deployment: Annotated[
        str, typer.Option(metavar="NAME", help="Its name there, as Terraform was told it.")
    ] = "clipline",
) -> None:
    """Look after the renders of this place (CLIPLINE_HOME, by default ./laptop).

    With --project, after those of a deployment on Google Cloud. What the environment says of its
    buckets and its database counts more than their usual names.
    """
    if project is not None:
        named = deployed_as(project, deployment)
        os.environ.update({k: os.environ.get(k, v) for k, v in named.items()})
        os.environ |= {"CLIPLINE_PLACE": "cloud", "CLIPLINE_PROJECT": project}
    if show_version:
        console.print(f"clipline {version('clipline')} (Python {platform.python_version()})")
        raise typer.Exit


@app.command()
@filters.filtered
def dead_letters(
    asked: filters.Asked,
    each: Annotated[bool, typer.Option("--each", help="One by one, not grouped by cause.")] = False,
    limit: Annotated[int, typer.Option(help="How many groups, or records, at most.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """Dead letters, grouped by cause: the largest group first, and what to do about it."""
    place = desk()
    place.catch_up(asked.now)
    say = _say_each if each else _say_groups
    say(place, asked.wanted, limit, as_json, asked.now)


@app.command()
def show(
    id: LetterId,
    as_json: AsJson = False,
) -> None:
    """Tell the story of one render, or of one message that nobody could take."""
    if id.startswith("d-") or as_json:
        record = one_record(id)
        if as_json:
            say_json(linked(record))
            return
        if record.letter is None:
            console.print("\n".join(message_story(record)))
            return
        id = record.letter.render
    render = one_render(id, reading_ports())
    console.print("\n".join(story(render, letters_of(render), logs_of(render))))


@app.command()
def watch(render: RenderId, as_json: AsJson = False) -> None:
    """Follow a render until it ends; exits 0 only if it is done."""
    ports = reading_ports()
    found = one_render(render, ports)
    view = Watch(console=console, ports=ports, since=found.created_at, as_json=as_json)
    ended = view.follow(partial(_now, found.id, ports), lambda r: not r.pending)
    view.tell(ending(ended, ports.clock()))
    if ended.state is not State.DONE:
        raise typer.Exit(NOT_WELL)


@app.command()
def cancel(
    render: RenderId,
    reason: commands.Reason,
    by: commands.By,
    as_json: commands.AsJson = False,
) -> None:
    """Stop a render for good; it leaves no output but what was announced already."""
    commands.cancel(render, why=reason, by=by, paper=console, as_json=as_json)


def _say_groups(place: Desk, asked: Wanted, limit: int, as_json: bool, now: datetime) -> None:
    groups = [group_line(group) for group in place.letters.groups(asked, limit=limit)]
    if as_json:
        for group in groups:
            say_json(group)
        return
    for group in groups:
        for line in group_lines(group, now):
            console.print(line)
    _say_count(sum(group.count for group in groups), place.letters.count(asked))


def _say_each(place: Desk, asked: Wanted, limit: int, as_json: bool, now: datetime) -> None:
    shown = 0
    for record in islice(place.letters.find(asked), limit):
        shown += 1
        if as_json:
            say_json(linked(record))
        else:
            console.print(record_line(record, now))
    if not as_json:
        _say_count(shown, place.letters.count(asked))


def _say_count(shown: int, all: int) -> None:
    """To those who read: what was left out is said, never silent."""
    if all == 0:
        console.print("No dead letters.")
    elif shown < all:
        console.print(f"{shown} of {all} dead letters: --limit shows more.")
    else:
        console.print(f"{all} dead letter{'s' if all > 1 else ''}.")


def _now(render: str, ports: Ports) -> Render | None:
    stored = ports.renders.load(render)
    return stored.render if stored else None
