"""What people want of a render or of a dead letter, under their own name."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

from functions.core.render import TERMINAL
from functions.wiring import reading_ports
from ops.find import one_render
from ops.paper import Paper, say_json
from ops.replay_look import frames, looks, refusal
from schemas.acknowledgement import Acknowledgement, Deed
from schemas.events import CancelRender, ReplayRender
from schemas.ids import short
from schemas.topics import Topic

REFUSED = 4
"""Exit status: what was asked for makes no sense now, and nothing was done."""
LONGEST_REASON = 500

AsJson = Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")]


def reason(text: str) -> str:
    """A reason that says something; a usage error for a blank or endless one."""
    text = " ".join(text.split())
    if not 0 < len(text) <= LONGEST_REASON:
        raise typer.BadParameter(f"say why, in at most {LONGEST_REASON} characters")
    return text


Reason = Annotated[
    str, typer.Option(parser=reason, metavar="TEXT", help="Why; it stays on record.")
]
By = Annotated[str, typer.Option(help="Who asks.", default_factory=getpass.getuser)]


def cancel(render: str, *, why: str, by: str, paper: Paper, as_json: bool) -> None:
    """Ask for the render's end. Exits with REFUSED where it has one."""
    ports = reading_ports()
    found = one_render(render, ports)
    if found.state in TERMINAL:
        _refuse(f"{short(found.id)} is {found.state} already: there is nothing to cancel")
    command = CancelRender(render=found.id, at=datetime.now(UTC), by=by, reason=why)
    ports.publisher.publish(Topic.RENDER_REQUESTS, command)
    acknowledge(
        Acknowledgement(deed=Deed.CANCEL, id=found.id, next=f"clipline show {found.id}"),
        f"Asked for: {found.id} is to be cancelled, and to leave no output.",
        paper,
        as_json=as_json,
    )


def replay(render: str, *, why: str, by: str, paper: Paper, as_json: bool) -> None:
    """Ask for another try. Exits with REFUSED where a plan would refuse it."""
    ports = reading_ports()
    found = one_render(render, ports)
    (look,) = looks([found.id], ports)
    if (refused := refusal(look, ports)) is not None:
        _refuse(f"Not replayed ({refused[0]}): {refused[1]}")
    committed, left = frames(found, ports)
    command = ReplayRender(render=found.id, at=datetime.now(UTC), by=by, reason=why)
    ports.publisher.publish(Topic.RENDER_REQUESTS, command)
    acknowledge(
        Acknowledgement(deed=Deed.REPLAY, id=found.id, next=f"clipline watch {found.id}"),
        f"Asked for: {found.id} is to be replayed. {committed} frames are committed already and "
        f"stay, {sum(left.values())} are to be rendered.",
        paper,
        as_json=as_json,
    )


def acknowledge(
    done: Acknowledgement, sentence: str, paper: Paper, *, as_json: bool, then: str = "Next"
) -> None:
    """The sentence and the next command to people, the same to programs."""
    if as_json:
        say_json(done)
        return
    paper.print(sentence)
    paper.print(f"{then}: {done.next}")


def _refuse(sentence: str) -> NoReturn:
    print(f"{sentence.removesuffix('.')}.", file=sys.stderr)
    raise typer.Exit(REFUSED)
